// Searching a transcript: steps to the end of the file, the nearest hit first, and no answer of a search that is over.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SearchHit, SearchPage } from '../wire/transcript.ts'
import { kMaxHits, positionWords, TranscriptSearch, type SearchView } from './search.ts'

const hit = (offset: number): SearchHit => ({ offset, kind: 'reply', side: false, at: null, before: '', match: 'x', after: '' })

function start(pages: (from: number, words: string) => SearchPage, place = 0) {
  const seen: number[] = []
  const state = { view: null as SearchView | null }
  const asked: [string, number][] = []
  const search = new TranscriptSearch({
    step: async (words, from, signal) => {
      asked.push([words, from])
      await Promise.resolve()
      signal.throwIfAborted()
      return pages(from, words)
    },
    place: () => place,
    onChange: (view) => (state.view = view),
    onHit: ({ offset }) => seen.push(offset),
  })
  return { search, seen, asked, position: () => positionWords(state.view as SearchView) }
}

describe('search', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('goes through the file step by step and round the hits', async () => {
    const { search, seen, position } = start((from) => ({ hits: [hit(from), hit(from + 5)], next: from + 10, done: from === 20 }), 12)
    search.look(' words ')
    await vi.advanceTimersByTimeAsync(300)
    expect(seen).toEqual([15])
    expect(position()).toBe('4 of 6')
    search.step(1)
    search.step(1)
    search.step(1)
    search.step(-1)
    expect(seen).toEqual([15, 20, 25, 0, 25])
    expect(position()).toBe('6 of 6')
  })

  it('takes the last hit when none is further down', async () => {
    const { search, seen } = start(() => ({ hits: [hit(1), hit(2)], next: 3, done: true }), 100)
    search.look('x')
    await vi.advanceTimersByTimeAsync(300)
    expect(seen).toEqual([2])
  })

  it('waits until somebody has typed, and leaves the search before', async () => {
    const { search, asked, position } = start(() => ({ hits: [], next: 0, done: true }))
    search.look('a')
    search.look('ab')
    expect(position()).toBe('searching…')
    await vi.advanceTimersByTimeAsync(300)
    expect(asked).toEqual([['ab', 0]])
    expect(position()).toBe('nothing found')
    search.look('')
    expect(position()).toBe('')
    search.step(1)
  })

  it('ends at as many hits as anybody steps through', async () => {
    const { search, asked, position } = start((from) => ({ hits: Array.from({ length: 1_500 }, (_, at) => hit(from + at)), next: from + 1_500, done: false }))
    search.look('x')
    await vi.advanceTimersByTimeAsync(300)
    expect(asked).toHaveLength(2)
    expect(position()).toBe(`1 of the first ${kMaxHits}`)
  })

  it('says when it fails', async () => {
    const { search, position } = start(() => {
      throw new Error('No.')
    })
    search.look('x')
    await vi.advanceTimersByTimeAsync(300)
    expect(position()).toBe('failed')
  })
})
