// Where one is in the list of a conversation: whether that is its end, what came below meanwhile, and a match brought into sight.
import type { Virtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useState } from 'react'
import type { FeedView, TranscriptFeed } from './feed.ts'
import { firstMatch } from './marks.ts'
import { rowAt, type Row } from './rows.ts'

// So near to the end counts as being there.
export const kAtEndPixels = 40
// What lies over the top of the list while it is searched.
const kOverlayPixels = 56
// A match in a part that scrolls by itself may never come into sight.
const kTriesForMatch = 4

export type List = Virtualizer<HTMLDivElement, HTMLElement>

interface Reading {
  atEnd: boolean
  // Rows that came below since the end was left.
  unseen: number
}

// Where the list is, and how many rows have come below it meanwhile.
export function useReading(list: List, rows: readonly Row[], view: FeedView, feed: TranscriptFeed): Reading {
  const [atEnd, setAtEnd] = useState(true)
  const lastSeen = useRef<string | null>(null)
  const last = rows.at(-1)?.key ?? null
  const isAtEnd = atEnd && view.atTail
  if (isAtEnd) lastSeen.current = last
  useEffect(() => feed.follow(isAtEnd), [feed, isAtEnd])
  const scroller = list.scrollElement
  useEffect(() => {
    if (scroller === null) return
    const look = () => setAtEnd(list.isAtEnd(kAtEndPixels))
    look()
    scroller.addEventListener('scroll', look, { passive: true })
    return () => scroller.removeEventListener('scroll', look)
  }, [list, scroller])
  const seen = rows.findIndex(({ key }) => key === lastSeen.current)
  const unseen = isAtEnd || seen < 0 ? 0 : rows.slice(seen + 1).filter(({ kind }) => kind !== 'notes').length
  return { atEnd: isAtEnd, unseen }
}

// A row can be higher than the window: then its middle is in sight, and the match in it need not be.
export function useMatchInSight(list: List, rows: readonly Row[], view: FeedView, words: string, target: string | null): () => void {
  const tried = useRef({ number: 0, times: 0 })
  return () => {
    const box = list.scrollElement
    if (box === null || words === '' || view.target === null) return
    const { offset, number } = view.target
    if (tried.current.number !== number) tried.current = { number, times: 0 }
    // The list may still be finding its place: rows are measured as they come.
    if (tried.current.times >= kTriesForMatch || rows[rowAt(rows, offset)]?.key !== target) return
    const row = box.querySelector('[data-target]')
    const match = row === null ? null : firstMatch(row, words)
    if (match === null) return
    const { top, bottom } = box.getBoundingClientRect()
    const isInSight = match.top >= top + kOverlayPixels && match.bottom <= bottom
    tried.current.times = isInSight ? kTriesForMatch : tried.current.times + 1
    if (!isInSight) list.scrollToOffset(box.scrollTop + match.top - top - box.clientHeight / 2)
  }
}
