// A session's lines as text: at the page's own width, selected and copied as any other text.
import { ArrowDown } from 'lucide-react'
import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { Notice, Waiting } from '../ui/feedback.tsx'
import { Attribute, underlineOf } from '../wire/runs.ts'
import type { Thumb } from '../wire/thumbs.ts'
import type { LinePage, Run } from '../wire/types.ts'
import { lookOf } from './cell_colours.ts'
import { hasOlder, paragraphs, type Paragraph } from './reading.ts'
import { ReadingFeed, type ReadingState } from './reading_feed.ts'
import { kDark, kLight } from './theme.ts'

// Nearer to an edge than this, more is fetched.
const kNearPixels = 800
const kAtEndPixels = 24

export interface ReadingSource {
  lines: (from: number | null, count: number) => Promise<LinePage>
  // Calls back when the session's screen changed, until the function that is given back is called.
  watch: (changed: () => void) => () => void
  screen: () => Thumb | null
}

interface ReadingViewProps {
  source: ReadingSource
  cols: number
  // A program has the whole screen: there are no lines of it, only rows.
  fullScreen: boolean
  dark: boolean
  font: number
}

export function Piece({ run, dark }: { run: Run; dark: boolean }): ReactNode {
  const { attributes } = run
  if (run.foreground === 0 && run.background === 0 && attributes === 0) return run.text
  const { foreground, background } = lookOf(run, dark ? kDark : kLight)
  const lines = [
    ...(underlineOf(attributes) > 0 ? ['underline'] : []),
    ...(attributes & Attribute.strike ? ['line-through'] : []),
    ...(attributes & Attribute.overline ? ['overline'] : []),
  ]
  const style = {
    color: foreground,
    ...(background === null ? {} : { background }),
    ...(attributes & Attribute.bold ? { fontWeight: 650 } : {}),
    ...(attributes & Attribute.italic ? { fontStyle: 'italic' } : {}),
    ...(lines.length > 0 ? { textDecorationLine: lines.join(' ') } : {}),
    ...(attributes & Attribute.hidden ? { visibility: 'hidden' as const } : {}),
  }
  return <span style={style}>{run.text}</span>
}

const Row = memo(function Row({ paragraph, dark }: { paragraph: Paragraph; dark: boolean }) {
  return (
    <div className="reading-line" data-n={paragraph.n} data-rule={paragraph.rule || undefined}>
      {paragraph.runs.length === 0 ? '\n' : paragraph.runs.map((run, at) => <Piece key={at} run={run} dark={dark} />)}
    </div>
  )
})

function useFeed(source: ReadingSource): [ReadingFeed | null, ReadingState] {
  const [state, setState] = useState<ReadingState>({ lines: null, fetching: null, error: null, below: false })
  const [feed, setFeed] = useState<ReadingFeed | null>(null)
  useEffect(() => {
    const mine = new ReadingFeed({ fetch: source.lines, onChange: setState })
    setFeed(mine)
    mine.toEnd()
    const stop = source.watch(() => mine.changed())
    return () => {
      stop()
      mine.dispose()
    }
  }, [source])
  return [feed, state]
}

// The topmost whole line in view, and where it stands.
function anchorOf(scroller: HTMLElement): { n: string; top: number } | null {
  const edge = scroller.getBoundingClientRect().top
  for (const row of scroller.querySelectorAll<HTMLElement>('.reading-line')) {
    const { top } = row.getBoundingClientRect()
    if (top >= edge) return { n: row.dataset.n ?? '', top }
  }
  return null
}

// The text neither moves when lines are put in above it, nor when they are taken away; at the end it stays at the end.
function useStillText(scroller: HTMLElement | null, content: unknown, atEnd: { current: boolean }): () => void {
  const anchor = useRef<{ n: string; top: number } | null>(null)
  useLayoutEffect(() => {
    if (scroller === null) return
    if (atEnd.current) scroller.scrollTop = scroller.scrollHeight
    else if (anchor.current !== null) {
      const row = scroller.querySelector<HTMLElement>(`.reading-line[data-n="${anchor.current.n}"]`)
      if (row !== null) scroller.scrollTop += row.getBoundingClientRect().top - anchor.current.top
    }
    anchor.current = anchorOf(scroller)
  }, [scroller, content, atEnd])
  return useCallback(() => {
    if (scroller !== null) anchor.current = anchorOf(scroller)
  }, [scroller])
}

function rowsOf(thumb: Thumb | null): Paragraph[] {
  const lines = (thumb?.lines ?? []).map((runs, n) => ({ n, wrapped: false, runs }))
  return paragraphs(lines, thumb?.cols ?? 0)
}

export function ReadingView({ source, cols, fullScreen, dark, font }: ReadingViewProps) {
  const [feed, state] = useFeed(source)
  const [scroller, setScroller] = useState<HTMLElement | null>(null)
  const atEnd = useRef(true)
  const { lines } = state
  const all = useMemo(
    () => (fullScreen ? rowsOf(source.screen()) : paragraphs(lines?.lines ?? [], cols)),
    // The screen changes with every state.
    [fullScreen, source, lines, cols, state],
  )
  const remember = useStillText(scroller, all, atEnd)

  useEffect(() => {
    if (scroller === null || feed === null) return
    const scrolled = () => {
      const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight
      atEnd.current = below < kAtEndPixels
      feed.setAtEnd(atEnd.current)
      remember()
      if (scroller.scrollTop < kNearPixels) feed.older()
      if (below < kNearPixels) feed.newer()
    }
    const selected = () => {
      const selection = document.getSelection()
      feed.hold(selection !== null && !selection.isCollapsed && scroller.contains(selection.anchorNode))
    }
    const resized = new ResizeObserver(() => {
      if (atEnd.current) scroller.scrollTop = scroller.scrollHeight
    })
    resized.observe(scroller)
    scroller.addEventListener('scroll', scrolled, { passive: true })
    document.addEventListener('selectionchange', selected)
    return () => {
      resized.disconnect()
      scroller.removeEventListener('scroll', scrolled)
      document.removeEventListener('selectionchange', selected)
    }
  }, [scroller, feed, remember])

  const toEnd = () => {
    atEnd.current = true
    document.getSelection()?.removeAllRanges()
    feed?.toEnd()
    if (scroller !== null) scroller.scrollTop = scroller.scrollHeight
  }
  if (state.error !== null && lines === null) {
    return (
      <div className="reading">
        <Notice tone="danger" actions={<Button small onClick={toEnd}>Try again</Button>}>
          The text could not be read. {state.error}
        </Notice>
      </div>
    )
  }
  return (
    <>
      <div
        ref={setScroller}
        className="reading"
        role="region"
        aria-label="Text of the session"
        tabIndex={0}
        style={{ fontSize: `${font}px` }}
      >
        {lines === null && <Waiting what="the text" />}
        {lines !== null && !fullScreen && (
          <p className="reading-edge" aria-hidden>
            {hasOlder(lines) ? (state.fetching === 'older' ? 'Fetching older lines…' : ' ') : 'The beginning of what is kept'}
          </p>
        )}
        {lines !== null && all.length === 0 && <p className="reading-edge">Nothing was printed yet.</p>}
        {all.map((paragraph) => (
          <Row key={paragraph.n} paragraph={paragraph} dark={dark} />
        ))}
      </div>
      {state.below && (
        <button type="button" className="below" onClick={toEnd}>
          <ArrowDown size={14} aria-hidden />
          New output below
        </button>
      )}
    </>
  )
}
