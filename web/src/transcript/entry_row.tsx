// One row of a transcript: who says what, or what happened.
import { Brain, CircleAlert, CircleStop, Copy, Ellipsis, FoldVertical, Link2, SquareTerminal } from 'lucide-react'
import { memo, type ReactNode } from 'react'
import { IconButton } from '../ui/button.tsx'
import { useTelling } from '../ui/feedback.tsx'
import { Menu, MenuItem } from '../ui/menu.tsx'
import { counted } from '../ui/text.ts'
import { clockTime, exactTime } from '../ui/time.tsx'
import { readLine, type Entry } from '../wire/transcript.ts'
import { AnswerView, CallView } from './call_row.tsx'
import { useTranscript } from './context.ts'
import { Markdown } from './markdown.tsx'
import { Fold, LongText, Media, RawJson, useWholeLine } from './pieces.tsx'
import type { Row } from './rows.ts'
import { noteWords, oneLine } from './words.ts'

type Block = Entry['blocks'][number]
const blockOf = (entry: Entry, at: number) => entry.blocks[at] as Block

const textsOf = (entry: Entry) =>
  entry.blocks
    .filter(({ kind }) => kind === 'text' || kind === 'thinking' || kind === 'tool_result')
    .map(({ text }) => text)
    .join('\n\n')

export function When({ entry }: { entry: Entry }) {
  if (entry.at === null) return null
  return (
    <time className="when" dateTime={new Date(entry.at / 1_000).toISOString()} title={exactTime(entry.at)}>
      {clockTime(entry.at)}
    </time>
  )
}

// "claude-opus-4-5-20251101" as people say it.
const modelWords = (model: string) => model.replace(/-20\d{6}$/, '')

function Head({ row }: { row: Row }) {
  if (!row.head) return null
  const { entry } = row
  const person = row.kind === 'prompt'
  return (
    <header className="entry-head">
      <h2>{person ? originWords(entry.origin) : entry.side ? 'Subagent' : 'Claude'}</h2>
      <When entry={entry} />
      {!person && entry.model !== '' && <span className="quiet">{modelWords(entry.model)}</span>}
    </header>
  )
}

function originWords(origin: string): string {
  if (origin === '' || origin === 'human') return 'You'
  return origin === 'task-notification' ? 'A background task' : origin.replaceAll('-', ' ')
}

function Prompt({ row }: { row: Row }) {
  const { entry } = row
  const line = useWholeLine(entry, false)
  const media = entry.blocks.flatMap(({ kind }, at) => (kind === 'image' || kind === 'document' ? [at] : []))
  const texts = entry.blocks.flatMap((block, at) => (block.kind === 'text' || block.kind === 'unknown' ? [{ block, at }] : []))
  const summary = /<summary>([^<]{1,300})<\/summary>/.exec(texts[0]?.block.text ?? '')?.[1]
  const body = texts.map(({ block, at }) => (
    <LongText
      key={at}
      id={`${row.key}.${at}`}
      className="said"
      text={block.text}
      cutAt={block.cut ? block.bytes : undefined}
      whole={async () => (await line.refetch()).data?.blocks[at]?.text ?? block.text}
      label="Copy the prompt"
    />
  ))
  return (
    <>
      {entry.origin !== '' && entry.origin !== 'human' ? (
        <Fold id={row.key} line={<span className="clip">{oneLine(summary ?? texts[0]?.block.text ?? '')}</span>}>
          {() => body}
        </Fold>
      ) : (
        body
      )}
      <Media entry={entry} blocks={media} />
    </>
  )
}

function Words({ row, at }: { row: Row; at: number }) {
  const block = blockOf(row.entry, at)
  const line = useWholeLine(row.entry, block.cut)
  return <Markdown text={line.data?.blocks[at]?.text ?? block.text} />
}

function Thinking({ row, at }: { row: Row; at: number }) {
  const { text } = blockOf(row.entry, at)
  const label = (
    <span className="thinking-line">
      <Brain size={14} aria-hidden />
      <span>Thinking</span>
      <span className="clip quiet">{oneLine(text)}</span>
    </span>
  )
  if (text === '') return <p className="event quiet">Thinking that the model keeps to itself</p>
  return (
    <Fold id={row.key} className="thinking" line={label}>
      {() => <Words row={row} at={at} />}
    </Fold>
  )
}

function OneNote({ id, entry }: { id: string; entry: Entry }) {
  const text = textsOf(entry)
  const label = [entry.kind === 'note' ? 'note' : entry.detail || entry.type, entry.kind === 'attachment' ? 'attachment' : '']
  return (
    <Fold
      id={id}
      line={
        <span className="note-line">
          <span>{label.filter(Boolean).join(', ')}</span>
          <When entry={entry} />
          {text !== '' && <span className="clip quiet">{oneLine(text)}</span>}
        </span>
      }
    >
      {() => (entry.raw === '' ? <LongText id={id} text={text} /> : <RawJson id={id} entry={entry} />)}
    </Fold>
  )
}

function Notes({ row }: { row: Extract<Row, { kind: 'notes' }> }) {
  const { entries } = row
  return (
    <Fold
      id={row.key}
      className="notes"
      line={
        <span className="note-line">
          <span className="clip">
            {counted(entries.length, 'note', 'notes')} of the client: {noteWords(entries)}
          </span>
        </span>
      }
    >
      {() => entries.map((entry) => <OneNote key={`${entry.offset}.${entry.n}`} id={`${row.key}.${entry.offset}.${entry.n}`} entry={entry} />)}
    </Fold>
  )
}

function Compaction({ entry }: { entry: Entry }) {
  return (
    <p className="compaction">
      <FoldVertical size={14} aria-hidden />
      {textsOf(entry) || 'Conversation compacted'}
      <When entry={entry} />
    </p>
  )
}

function Failure({ entry }: { entry: Entry }) {
  return (
    <div className="failure" role="group" aria-label="Failure">
      <CircleAlert size={16} aria-hidden />
      <div>
        <p>{textsOf(entry) || 'The request failed.'}</p>
        <p className="quiet">
          {entry.detail || 'unknown error'} <When entry={entry} />
        </p>
      </div>
    </div>
  )
}

function Content({ row }: { row: Row }): ReactNode {
  const { entry } = row
  switch (row.kind) {
    case 'prompt':
      return <Prompt row={row} />
    case 'text':
      return <Words row={row} at={row.block} />
    case 'thinking':
      return <Thinking row={row} at={row.block} />
    case 'call':
      return <CallView row={row} />
    case 'answer':
      return <AnswerView row={row} />
    case 'block': {
      const block = blockOf(entry, row.block)
      if (block.kind === 'image' || block.kind === 'document') return <Media entry={entry} blocks={[row.block]} />
      if (block.kind === 'text') return <LongText id={row.key} className="said" text={block.text} />
      return (
        <Fold id={row.key} className="raw" line={<span>Unknown part of a message</span>}>
          {() => <LongText id={row.key} text={block.text || `${block.bytes} more parts`} />}
        </Fold>
      )
    }
    case 'summary':
      return (
        <Fold id={row.key} className="summary" line={<span>Summary of the conversation before</span>}>
          {() => <Markdown text={textsOf(entry)} />}
        </Fold>
      )
    case 'compaction':
      return <Compaction entry={entry} />
    case 'interruption':
      return (
        <p className="event">
          <CircleStop size={14} aria-hidden />
          {textsOf(entry).replace(/^\[|\]$/g, '') || 'Stopped by a person'}
          <When entry={entry} />
        </p>
      )
    case 'failure':
      return <Failure entry={entry} />
    case 'raw':
      return (
        <Fold id={row.key} className="raw" line={<span className="clip">Unknown entry{entry.type === '' ? '' : `: ${entry.type}`}</span>}>
          {() => <RawJson id={row.key} entry={entry} />}
        </Fold>
      )
    case 'notes':
      return <Notes row={row} />
  }
}

// What can be done with what is said. Not for what is folded into lines of its own.
function Actions({ row }: { row: Row }) {
  const { http, name, onMoment, linkTo } = useTranscript()
  const { tell } = useTelling()
  const { entry } = row
  const put = async (text: string) => {
    try {
      await navigator.clipboard.writeText(text)
      tell('Copied.', 'good')
    } catch {
      tell('The browser does not let this page write the clipboard.', 'warning')
    }
  }
  const whole = async () => {
    const isCut = entry.blocks.some(({ cut }) => cut)
    try {
      const found = isCut ? ((await readLine(http, name, entry.offset)).find(({ n }) => n === entry.n) ?? entry) : entry
      const own = 'block' in row ? [blockOf(found, row.block)] : found.blocks
      await put(
        own
          .map((block) => block.text || (block.input === null ? '' : JSON.stringify(block.input, null, 2)))
          .filter(Boolean)
          .join('\n\n'),
      )
    } catch (error) {
      tell(error instanceof Error ? error.message : String(error), 'danger')
    }
  }
  const { at } = entry
  return (
    <div className="entry-actions">
      <Menu label="Message" trigger={<IconButton label="What to do with this" small icon={<Ellipsis size={16} aria-hidden />} />}>
        <MenuItem icon={<Copy size={16} aria-hidden />} onSelect={() => void whole()}>
          Copy as text
        </MenuItem>
        {linkTo !== null && (
          <MenuItem icon={<Link2 size={16} aria-hidden />} onSelect={() => void put(new URL(linkTo(entry.offset), location.href).href)}>
            Copy a link to this
          </MenuItem>
        )}
        {onMoment !== null && at !== null && (
          <MenuItem icon={<SquareTerminal size={16} aria-hidden />} onSelect={() => onMoment(at)}>
            Terminal at this moment
          </MenuItem>
        )}
      </Menu>
    </div>
  )
}

const kWithActions: readonly Row['kind'][] = ['prompt', 'text', 'call', 'failure', 'interruption', 'compaction']

export const EntryRow = memo(function EntryRow({ row }: { row: Row }) {
  return (
    <div className="entry" data-kind={row.kind} data-side={row.entry.side || undefined} data-head={row.head || undefined}>
      <Head row={row} />
      <div className="entry-content">
        <Content row={row} />
      </div>
      {kWithActions.includes(row.kind) && <Actions row={row} />}
    </div>
  )
})
