// Markdown as elements. The text is cut into tokens by `marked`, and each token becomes an element here: no markup is ever made out of
// text, so nothing in an answer can be more than text. HTML in it is shown as it was written.
import { Check, Copy } from 'lucide-react'
import { lexer, type Token, type Tokens } from 'marked'
import { memo, useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { IconButton } from '../ui/button.tsx'
import { useTelling } from '../ui/feedback.tsx'

// Longer ones are shown as plain text: they are output, not prose.
const kMaxMarkdown = 128 * 1024
// Quotes in quotes in quotes: deeper is nobody's prose, and every level costs the browser's stack.
const kMaxDepth = 16
const kCopiedMs = 1_500

// The address when it is one of the web, written out; anything else is no link.
export function safeAddress(href: string): string | null {
  try {
    const url = new URL(href)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null
  } catch {
    return null
  }
}

const kNamed: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0', hellip: '…', mdash: '—', ndash: '–', copy: '©' }

// Character references mean the same in Markdown as in HTML. Unknown ones stay as they are.
export function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return Object.hasOwn(kNamed, name) ? (kNamed[name] as string) : whole
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16)
    const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    return isCharacter ? String.fromCodePoint(code) : whole
  })
}

export function CopyButton({ label, text }: { label: string; text: () => string | Promise<string> }) {
  const { tell, say } = useTelling()
  const [copied, setCopied] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current)
    },
    [],
  )
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(await text())
      say('Copied.')
      setCopied(true)
      timer.current = setTimeout(() => setCopied(false), kCopiedMs)
    } catch {
      tell('The browser does not let this page write the clipboard.', 'warning')
    }
  }
  return (
    <IconButton
      label={label}
      small
      className="copy"
      icon={copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      onClick={() => void copy()}
    />
  )
}

export function CodeBlock({ text, language = '' }: { text: string; language?: string }) {
  return (
    <div className="code-block">
      {language !== '' && <span className="code-language">{language}</span>}
      <CopyButton label="Copy the code" text={() => text} />
      {/* Long lines scroll; so must the keyboard. */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </div>
  )
}

function ExternalLink({ href, children }: { href: string; children: ReactNode }) {
  const address = safeAddress(href)
  if (address === null) return <span title={href}>{children}</span>
  return (
    <a href={address} target="_blank" rel="noopener noreferrer" title={address}>
      {children}
    </a>
  )
}

const all = (tokens: readonly Token[] | undefined, depth: number): ReactNode =>
  (tokens ?? []).map((token, at) => <Piece key={at} token={token} depth={depth} />)

function Table({ token, depth }: { token: Tokens.Table; depth: number }) {
  const style = (align: Tokens.TableCell['align']) => (align === null ? {} : { textAlign: align })
  return (
    <div className="table-scroller" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {token.header.map((cell, at) => (
              <th key={at} scope="col" style={style(cell.align)}>
                {all(cell.tokens, depth)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column} style={style(cell.align)}>
                  {all(cell.tokens, depth)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function List({ token, depth }: { token: Tokens.List; depth: number }) {
  const items = token.items.map((item, at) => (
    <li key={at} className={item.task ? 'task' : undefined}>
      {item.task && <input type="checkbox" checked={item.checked === true} readOnly disabled aria-label={item.checked ? 'done' : 'to do'} />}
      {all(
        item.tokens.filter(({ type }) => type !== 'checkbox'),
        depth,
      )}
    </li>
  ))
  return token.ordered ? <ol start={token.start === '' ? 1 : token.start}>{items}</ol> : <ul>{items}</ul>
}

function Piece({ token, depth }: { token: Token; depth: number }): ReactNode {
  if (depth > kMaxDepth) return token.raw
  const inner = () => all('tokens' in token ? token.tokens : [], depth + 1)
  switch (token.type) {
    case 'space':
    case 'def':
      return null
    case 'paragraph':
      return <p>{inner()}</p>
    case 'text':
      return token.tokens === undefined ? decoded(token.text) : inner()
    case 'escape':
      return decoded(token.text)
    case 'strong':
      return <strong>{inner()}</strong>
    case 'em':
      return <em>{inner()}</em>
    case 'del':
      return <s>{inner()}</s>
    case 'br':
      return <br />
    case 'codespan':
      return <code>{token.text}</code>
    case 'code':
      return <CodeBlock text={token.text} language={(token.lang ?? '').split(/\s/)[0] ?? ''} />
    case 'link':
      return <ExternalLink href={token.href}>{inner()}</ExternalLink>
    case 'image':
      // Nothing is loaded from elsewhere: that would tell who reads this.
      return <ExternalLink href={token.href}>{`image: ${token.text || token.href}`}</ExternalLink>
    case 'heading':
      // One level below who says it, whatever depth an answer begins with: no level is left out.
      return <h3 data-depth={token.depth}>{inner()}</h3>
    case 'blockquote':
      return <blockquote>{inner()}</blockquote>
    case 'list':
      return <List token={token as Tokens.List} depth={depth + 1} />
    case 'table':
      return <Table token={token as Tokens.Table} depth={depth + 1} />
    case 'hr':
      return <hr />
    case 'html':
      return token.block === true ? <p className="as-written">{token.text.trim()}</p> : token.raw
    default:
      return token.raw
  }
}

function tokensOf(text: string): Token[] | null {
  if (text.length > kMaxMarkdown) return null
  try {
    return lexer(text)
  } catch {
    // Nested deeper than the stack is: it stays text.
    return null
  }
}

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => tokensOf(text), [text])
  if (tokens === null) return <p className="as-written">{text}</p>
  return <div className="markdown">{all(tokens, 0)}</div>
})
