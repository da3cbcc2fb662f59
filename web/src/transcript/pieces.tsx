// Parts that the rows of a transcript are made of: folds, long texts, changes of files, images.
import { useQuery } from '@tanstack/react-query'
import { ChevronRight, FileText } from 'lucide-react'
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice, Waiting } from '../ui/feedback.tsx'
import { bytesText, counted } from '../ui/text.ts'
import { mediaAddress, readLine, type Entry } from '../wire/transcript.ts'
import { useTranscript } from './context.ts'
import type { DiffLine, Hunk } from './diff.ts'
import { useFold } from './folds.ts'
import { CopyButton } from './markdown.tsx'

// A text longer than this begins folded.
const kLines = 24
const kCharacters = 4_000
// More of one text would make the page slow; copying gives all of it.
const kMaxShown = 512 * 1024
const kMaxDiffLines = 400
const kKeepLineMs = 60_000

interface FoldProps {
  id: string
  // What is always in sight.
  line: ReactNode
  className?: string
  openAtFirst?: boolean
  children: () => ReactNode
}

export function Fold({ id, line, className = '', openAtFirst = false, children }: FoldProps) {
  const [open, setOpen] = useFold(id, openAtFirst)
  return (
    <div className={`fold ${className}`} data-open={open}>
      <button type="button" className="fold-line" aria-expanded={open} onClick={() => setOpen(!open)}>
        <ChevronRight size={14} className="fold-mark" aria-hidden />
        {line}
      </button>
      {open && <div className="fold-body">{children()}</div>}
    </div>
  )
}

// The line as the file has it, for what the page's copy was cut of.
export function useWholeLine(entry: Entry, wanted: boolean) {
  const { http, name } = useTranscript()
  return useQuery({
    queryKey: ['transcript-line', name.session, name.agent, entry.offset],
    queryFn: () => readLine(http, name, entry.offset),
    enabled: wanted,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: kKeepLineMs,
    select: (entries) => entries.find(({ n }) => n === entry.n) ?? entries[0] ?? entry,
  })
}

function beginningOf(text: string): string {
  const lines = text.split('\n', kLines + 1)
  const shown = lines.slice(0, kLines).join('\n')
  return shown.length > kCharacters ? shown.slice(0, kCharacters) : shown
}

interface LongTextProps {
  id: string
  text: string
  // Bytes of the whole, when `text` is only its beginning.
  cutAt?: number | undefined
  // Fetches the whole.
  whole?: (() => Promise<string>) | undefined
  className?: string
  label?: string
}

// A text that is not prose: as it is, folded when it is long.
export function LongText({ id, text, cutAt, whole, className = '', label = 'Copy the text' }: LongTextProps) {
  const [open, setOpen] = useFold(`${id}.long`)
  const [all, setAll] = useState<string | null>(null)
  const [error, setError] = useState<string | null>(null)
  const full = all ?? text
  const beginning = useMemo(() => beginningOf(full), [full])
  const isLong = cutAt !== undefined || beginning.length < full.length
  // Also when a search has unfolded it.
  const wanted = open && cutAt !== undefined && all === null
  const fetchWhole = useRef(whole)
  useEffect(() => {
    fetchWhole.current = whole
  })
  useEffect(() => {
    if (!wanted || fetchWhole.current === undefined) return
    let gone = false
    fetchWhole.current().then(
      (found) => !gone && setAll(found),
      (failure: unknown) => !gone && setError(failure instanceof Error ? failure.message : String(failure)),
    )
    return () => {
      gone = true
    }
  }, [wanted])
  const shown = open ? full.slice(0, kMaxShown) : beginning
  const size = cutAt === undefined ? counted(full.split('\n').length, 'line') : bytesText(cutAt)
  return (
    <div className={`long-text ${className}`}>
      <CopyButton label={label} text={() => (cutAt !== undefined && whole !== undefined ? whole() : full)} />
      <pre tabIndex={0}>
        <code>{shown}</code>
      </pre>
      {open && full.length > kMaxShown && <p className="quiet">Only the first {bytesText(kMaxShown)} are shown; copying gives all of it.</p>}
      {open && error !== null && <Notice tone="danger">The rest could not be read. {error}</Notice>}
      {isLong && (
        <Button small kind="quiet" onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? 'Show less' : `Show all (${size})`}
        </Button>
      )}
    </div>
  )
}

export function Json({ id, value }: { id: string; value: unknown }) {
  const text = useMemo(() => (typeof value === 'string' ? value : JSON.stringify(value, null, 2)), [value])
  return <LongText id={id} text={text} label="Copy the JSON" />
}

// The line's own JSON, laid out when it is whole.
export function RawJson({ id, entry }: { id: string; entry: Entry }) {
  const { http, name } = useTranscript()
  const pretty = useMemo(() => {
    try {
      return JSON.stringify(JSON.parse(entry.raw), null, 2)
    } catch {
      return entry.raw
    }
  }, [entry.raw])
  const isCut = new TextEncoder().encode(entry.raw).length < entry.bytes
  const whole = async () => (await readLine(http, name, entry.offset)).find(({ n }) => n === entry.n)?.raw ?? entry.raw
  return <LongText id={id} text={pretty} cutAt={isCut ? entry.bytes : undefined} whole={whole} label="Copy the entry" />
}

function LineOfDiff({ line }: { line: DiffLine }) {
  const Content = line.kind === 'added' ? 'ins' : line.kind === 'removed' ? 'del' : 'span'
  return (
    <div className={`diff-line ${line.kind}`}>
      <span className="diff-number" aria-hidden>
        {line.before ?? ''}
      </span>
      <span className="diff-number" aria-hidden>
        {line.after ?? ''}
      </span>
      <Content>{line.text === '' ? '\u200b' : line.text}</Content>
    </div>
  )
}

export function Diff({ id, patch }: { id: string; patch: readonly Hunk[] }) {
  const [open, setOpen] = useFold(`${id}.diff`)
  const total = patch.reduce((sum, hunk) => sum + hunk.length, 0)
  if (total === 0) return <p className="quiet">Nothing changed.</p>
  let left = open ? Number.POSITIVE_INFINITY : kMaxDiffLines
  const shown = patch.map((hunk) => {
    const part = hunk.slice(0, Math.max(0, left))
    left -= part.length
    return part
  })
  const after = () =>
    patch.map((hunk) => hunk.filter(({ kind }) => kind !== 'removed').map(({ text }) => text).join('\n')).join('\n')
  return (
    <div className="diff-frame">
      <CopyButton label="Copy the new lines" text={after} />
      <div className="diff" tabIndex={0} role="region" aria-label="Changes">
        {shown.map((hunk, at) => (
          <div key={at} className="diff-hunk">
            {hunk.map((line, number) => (
              <LineOfDiff key={number} line={line} />
            ))}
          </div>
        ))}
      </div>
      {total > kMaxDiffLines && (
        <Button small kind="quiet" onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? 'Show less' : `Show all (${counted(total, 'line')})`}
        </Button>
      )}
    </div>
  )
}

// What the server gives as an image; everything else is a download.
const kImages = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']

function Picture({ entry, block, number }: { entry: Entry; block: number; number: number }) {
  const { name } = useTranscript()
  const [open, setOpen] = useState(false)
  const [broken, setBroken] = useState(false)
  const address = mediaAddress(name, entry, block)
  const label = `Image ${number}`
  if (broken) return <span className="picture-broken">{label} cannot be shown</span>
  return (
    <>
      <button type="button" className="picture" aria-label={`Open image ${number}`} onClick={() => setOpen(true)}>
        <img src={address} alt={label} loading="lazy" decoding="async" onError={() => setBroken(true)} />
      </button>
      {open && (
        <Dialog title={label} wide onClose={() => setOpen(false)}>
          <img className="picture-whole" src={address} alt={label} />
        </Dialog>
      )}
    </>
  )
}

// Images and documents of an entry, by the numbers of their blocks.
export function Media({ entry, blocks }: { entry: Entry; blocks: readonly number[] }) {
  const { name } = useTranscript()
  if (blocks.length === 0) return null
  return (
    <div className="pictures">
      {blocks.map((block, at) => {
        const { kind, source, mediaType, text, bytes } = entry.blocks[block] as Entry['blocks'][number]
        if (source === 'url') return <span key={block} className="picture-broken" title={text}>An image on the web; it is not loaded from there.</span>
        if (kind === 'image' && kImages.includes(mediaType)) return <Picture key={block} entry={entry} block={block} number={at + 1} />
        return (
          <a key={block} className="button small" href={mediaAddress(name, entry, block)} download>
            <FileText size={16} aria-hidden />
            {mediaType || 'document'}, {bytesText(Math.floor((bytes * 3) / 4))}
          </a>
        )
      })}
    </div>
  )
}

export function WaitingOrFailed({ error, what, onAgain }: { error: Error | null; what: string; onAgain: () => void }) {
  if (error === null) return <Waiting what={what} />
  return (
    <Notice tone="danger" actions={<Button small onClick={onAgain}>Try again</Button>}>
      {error.message}
    </Notice>
  )
}
