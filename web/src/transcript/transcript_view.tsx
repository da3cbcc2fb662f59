// The conversation of a session: a list that follows the live transcript, goes back to its beginning, and stays where one reads.
import { useQuery } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ArrowDown, ArrowDownToLine, ArrowUpToLine, Info, MessagesSquare, Search } from 'lucide-react'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { Button, IconButton } from '../ui/button.tsx'
import { Empty, Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { bytesText } from '../ui/text.ts'
import type { Http } from '../wire/http.ts'
import { readSubagents, searchTranscript, type Subagent } from '../wire/transcript.ts'
import type { Transcripts } from '../wire/transcripts.ts'
import type { Micros } from '../wire/types.ts'
import { TranscriptProvider, type TranscriptServices } from './context.ts'
import { EntryRow } from './entry_row.tsx'
import { FactsDialog } from './facts_dialog.tsx'
import type { FeedView, TranscriptFeed } from './feed.ts'
import { Folds, FoldsContext } from './folds.ts'
import { paintMatches } from './marks.ts'
import { rowAt, rowsOf, type Row } from './rows.ts'
import { TranscriptSearch, type SearchView } from './search.ts'
import { SearchBar } from './search_bar.tsx'
import { useFeed } from './use_feed.ts'
import { kAtEndPixels, useMatchInSight, useReading } from './use_list.ts'
import { agentOf } from './words.ts'
import './transcript.css'

// So many rows before the edge of what is loaded, more is fetched.
const kNearRows = 12
const kOverscan = 8

export interface TranscriptViewProps {
  http: Http
  transcripts: Transcripts
  session: string
  project: string
  // The agent runs.
  active: boolean
  // The line to begin at; null: the end.
  line: number | null
  linkTo: (offset: number) => string
  onMoment: ((at: Micros) => void) | null
  // Changes when the message of that time is to be shown; `null` for now.
  wanted: { at: Micros | null; number: number } | null
}

// Close enough for a scrollbar; each row is measured once it is there.
function estimate(row: Row): number {
  const lines = (text: string) => Math.min(40, text.split('\n').length + Math.floor(text.length / 90))
  switch (row.kind) {
    case 'prompt':
      return 64 + 20 * lines(row.entry.blocks[0]?.text ?? '')
    case 'text':
      return (row.head ? 44 : 16) + 23 * lines(row.entry.blocks[row.block]?.text ?? '')
    case 'compaction':
    case 'failure':
      return 60
    default:
      return row.head ? 64 : 34
  }
}

function useSubagents(http: Http, session: string, rows: readonly Row[]): ReadonlyMap<string, Subagent> {
  // Calls that are still without a result to name their subagent.
  const open = rows.filter((row) => {
    const tool = row.kind === 'call' ? row.entry.blocks[row.block]?.tool : undefined
    return row.kind === 'call' && (tool === 'Agent' || tool === 'Task') && agentOf(row.answer?.entry.result) === ''
  }).length
  const found = useQuery({
    queryKey: ['transcript-agents', session, open],
    queryFn: () => readSubagents(http, session),
    enabled: open > 0,
    // Its file comes a moment after the call.
    refetchInterval: (query) => ((query.state.data?.length ?? 0) < open ? 3_000 : false),
  })
  return useMemo(() => new Map((found.data ?? []).map((agent) => [agent.toolId, agent])), [found.data])
}

interface RowsProps {
  feed: TranscriptFeed
  view: FeedView
  rows: readonly Row[]
  words: string
  target: string | null
  // Tells where one reads, and takes the ways to the end.
  place: { current: () => number }
  toEnd: { current: () => void }
}

function Rows({ feed, view, rows, words, target, place, toEnd }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const list = useVirtualizer<HTMLDivElement, HTMLElement>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(rows[index] as Row),
    getItemKey: (index) => (rows[index] as Row).key,
    overscan: kOverscan,
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: kAtEndPixels,
    paddingStart: 8,
    paddingEnd: 24,
  })
  const { atEnd, unseen } = useReading(list, rows, view, feed)
  const items = list.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0

  useLayoutEffect(() => {
    place.current = () => (rows[list.range?.startIndex ?? 0]?.entry.offset ?? 0)
    toEnd.current = () => {
      feed.toEnd()
      list.scrollToEnd()
    }
  })
  // The beginning is the end of the conversation, unless a place was asked for.
  const begun = useRef(false)
  useLayoutEffect(() => {
    if (begun.current || rows.length === 0) return
    begun.current = true
    if (view.target === null) list.scrollToEnd()
  }, [list, rows.length, view.target])
  const arrived = useRef(0)
  useLayoutEffect(() => {
    if (view.target === null || view.target.number === arrived.current) return
    const index = rowAt(rows, view.target.offset)
    if (index < 0) return
    arrived.current = view.target.number
    list.scrollToIndex(index, { align: 'center' })
  }, [list, rows, view.target])
  useEffect(() => {
    if (rows.length === 0) return
    if (first < kNearRows) feed.older()
    if (last > rows.length - kNearRows) feed.newer()
  }, [feed, rows.length, first, last, view.fetching, view.atTail, view.atStart])
  const showMatch = useMatchInSight(list, rows, view, words, target)
  // After every painting: rows come and go as the list scrolls.
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      paintMatches(scroller.current, words)
      showMatch()
    })
    return () => cancelAnimationFrame(frame)
  })
  useEffect(() => () => paintMatches(null, ''), [])

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== scroller.current || event.altKey || event.shiftKey) return
    if (event.key === 'End') toEnd.current()
    else if (event.key === 'Home' && !view.atStart) {
      feed.toStart()
      list.scrollToOffset(0)
    } else return
    event.preventDefault()
  }
  return (
    <>
      <div
        ref={scroller}
        className="transcript-scroller"
        role="feed"
        aria-label="Conversation"
        aria-busy={view.fetching !== null}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div className="transcript-list" role="presentation" style={{ height: list.getTotalSize() }}>
          {items.map(({ index, key, start }) => {
            const row = rows[index] as Row
            return (
              <article
                key={key}
                ref={list.measureElement}
                data-index={index}
                data-offset={row.entry.offset}
                data-target={row.key === target || undefined}
                aria-posinset={index + 1}
                aria-setsize={view.atStart && view.atTail ? rows.length : -1}
                aria-label={articleLabel(row)}
                className="transcript-row"
                style={{ transform: `translateY(${start}px)` }}
              >
                <EntryRow row={row} />
              </article>
            )
          })}
        </div>
      </div>
      {!atEnd && (
        <button type="button" className="below transcript-below" onClick={() => toEnd.current()}>
          <ArrowDown size={14} aria-hidden />
          {unseen > 0 ? `${unseen} new` : view.atTail ? 'To the end' : 'To the newest'}
        </button>
      )}
      <div className="only-heard" role="status">
        {unseen > 0 && `${unseen} new below`}
      </div>
    </>
  )
}

const kLabels: Record<Row['kind'], string> = {
  prompt: 'Prompt',
  text: 'Answer',
  thinking: 'Thinking',
  call: 'Tool',
  answer: 'Result',
  block: 'Part of a message',
  summary: 'Summary',
  compaction: 'Compaction',
  interruption: 'Interruption',
  failure: 'Failure',
  raw: 'Unknown entry',
  notes: 'Notes of the client',
}
const articleLabel = (row: Row) => kLabels[row.kind]

function useSearch(http: Http, session: string, feed: TranscriptFeed | null, place: { current: () => number }) {
  const [view, setView] = useState<SearchView | null>(null)
  const search = useRef<TranscriptSearch | null>(null)
  const [hit, setHit] = useState<number | null>(null)
  const begin = useCallback(() => {
    if (feed === null || search.current !== null) return
    search.current = new TranscriptSearch({
      step: (words, from, signal) => searchTranscript(http, { session, agent: null }, words, from, signal),
      place: () => place.current(),
      onChange: setView,
      onHit: ({ offset }) => {
        setHit(offset)
        feed.jump(offset)
      },
    })
    search.current.look('')
  }, [http, session, feed, place])
  const end = useCallback(() => {
    search.current?.stop()
    search.current = null
    setView(null)
    setHit(null)
  }, [])
  useEffect(() => end, [end])
  return { view, hit, begin, end, look: (words: string) => search.current?.look(words), step: (by: 1 | -1) => search.current?.step(by) }
}

// A hit can lie in what is folded: all of that row is unfolded.
function unfold(folds: Folds, row: Row): void {
  if (row.kind === 'text' || row.kind === 'compaction' || row.kind === 'interruption' || row.kind === 'failure') return
  const parts = row.entry.blocks.map((_, at) => `${row.key}.${at}.long`)
  for (const key of [row.key, `${row.key}.long`, `${row.key}.in.long`, `${row.key}.out.long`, `${row.key}.diff`, ...parts]) folds.set(key, true)
  if (row.kind === 'notes') for (const entry of row.entries) folds.set(`${row.key}.${entry.offset}.${entry.n}`, true)
}

export function TranscriptView(props: TranscriptViewProps) {
  const { http, transcripts, session, project, active, line, linkTo, onMoment, wanted } = props
  const firstLine = useRef(line)
  const [feed, view] = useFeed(http, transcripts, session, null, (mine) =>
    firstLine.current === null ? mine.toEnd() : mine.jump(firstLine.current),
  )
  const [folds] = useState(() => new Folds())
  const [about, setAbout] = useState(false)
  const place = useRef<() => number>(() => 0)
  const toEnd = useRef<() => void>(() => undefined)
  const search = useSearch(http, session, feed, place)
  const rows = useMemo(() => rowsOf(view?.runs ?? []), [view?.runs])
  const subagents = useSubagents(http, session, rows)
  const running = active && view?.atTail === true
  const services = useMemo<TranscriptServices>(
    () => ({ http, transcripts, name: { session, agent: null }, project, subagents, running, onMoment, linkTo, depth: 0 }),
    [http, transcripts, session, project, subagents, running, onMoment, linkTo],
  )
  useReplaced(view?.replaced ?? 0)
  useJumps(feed, toEnd, line, wanted)

  const sought = search.hit ?? line
  const target = useMemo(() => (sought === null ? null : (rows[rowAt(rows, sought)]?.key ?? null)), [rows, sought])
  useEffect(() => {
    const row = search.hit === null ? undefined : rows[rowAt(rows, search.hit)]
    if (row !== undefined) unfold(folds, row)
  }, [folds, rows, search.hit])

  const onKeyDown = (event: KeyboardEvent) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    search.begin()
  }
  if (feed === null || view === null) return null
  return (
    <FoldsContext value={folds}>
      <TranscriptProvider value={services}>
        <section className="transcript" aria-label="Transcript" data-phase={view.phase} data-tail={view.atTail} onKeyDown={onKeyDown}>
          {/* Who speaks is a heading of this level too, but may lie above what is drawn. */}
          <h2 className="only-heard">Transcript</h2>
          {view.phase === 'ready' && (
            <div className="transcript-tools">
              <span className="quiet transcript-size">{bytesText(view.bytes)}</span>
              <IconButton label="To the beginning" keys="Home" small icon={<ArrowUpToLine size={16} aria-hidden />} onClick={() => feed.jump(0)} />
              <IconButton label="To the end" keys="End" small icon={<ArrowDownToLine size={16} aria-hidden />} onClick={() => toEnd.current()} />
              <IconButton label="Search the transcript" keys="/" small icon={<Search size={16} aria-hidden />} onClick={search.begin} />
              <IconButton label="About this transcript" small icon={<Info size={16} aria-hidden />} onClick={() => setAbout(true)} />
            </div>
          )}
          <div className="transcript-body">
            <Body feed={feed} view={view} empty={rows.length === 0}>
              <Rows feed={feed} view={view} rows={rows} words={search.view?.words ?? ''} target={target} place={place} toEnd={toEnd} />
            </Body>
            {search.view !== null && (
              <div className="transcript-over">
                <SearchBar view={search.view} onWords={search.look} onStep={search.step} onClose={search.end} />
              </div>
            )}
            {view.fetching === 'older' && <p className="transcript-fetching">Fetching earlier messages…</p>}
          </div>
          {about && <FactsDialog http={http} name={services.name} onClose={() => setAbout(false)} />}
        </section>
      </TranscriptProvider>
    </FoldsContext>
  )
}

function useReplaced(replaced: number): void {
  const { tell } = useTelling()
  const before = useRef(replaced)
  useEffect(() => {
    if (before.current !== replaced) tell('The transcript was replaced; it is shown from anew.', 'warning')
    before.current = replaced
  }, [replaced, tell])
}

// Places that are asked for from outside, once the transcript is there.
function useJumps(
  feed: TranscriptFeed | null,
  toEnd: { current: () => void },
  line: number | null,
  wanted: TranscriptViewProps['wanted'],
): void {
  const first = useRef({ line, wanted: wanted?.number ?? 0 })
  useEffect(() => {
    if (line !== first.current.line && line !== null) feed?.jump(line)
    first.current = { ...first.current, line }
  }, [feed, line])
  useEffect(() => {
    if (feed === null || wanted === null || wanted.number === first.current.wanted) return
    first.current = { ...first.current, wanted: wanted.number }
    if (wanted.at === null) toEnd.current()
    else feed.jumpToTime(wanted.at)
  }, [feed, toEnd, wanted])
}

function Body({ feed, view, empty, children }: { feed: TranscriptFeed; view: FeedView; empty: boolean; children: ReactNode }) {
  const failed = view.error !== null && (
    <div className="transcript-note">
      <Notice tone="danger" actions={<Button small onClick={() => feed.again()}>Try again</Button>}>
        The transcript could not be read. {view.error}
      </Notice>
    </div>
  )
  if (view.phase === 'loading') return <Waiting what="the transcript" />
  if (view.phase === 'failed') return failed
  if (view.phase === 'none' || empty) {
    return (
      <Empty icon={<MessagesSquare size={28} aria-hidden />} title="No conversation yet">
        <p>{view.reason || 'Nothing has been written to its transcript.'}</p>
      </Empty>
    )
  }
  return (
    <>
      {failed}
      {children}
    </>
  )
}

