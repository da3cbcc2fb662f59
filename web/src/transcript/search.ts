// Looking for words in a whole transcript: hits come step by step from the beginning of the file, and one of them is the current one.
import type { SearchHit, SearchPage } from '../wire/transcript.ts'

// More than anybody steps through. What is beyond is found with more words.
export const kMaxHits = 2_000
const kSettleMs = 200

export interface SearchView {
  words: string
  hits: readonly SearchHit[]
  // Of the hits; -1 while there is none.
  current: number
  // The whole file has been looked through, or enough of it.
  done: boolean
  error: string | null
}

export interface SearchOptions {
  step: (words: string, from: number, signal: AbortSignal) => Promise<SearchPage>
  // Where somebody reads: the first hit is the nearest one from there on.
  place: () => number
  onChange: (view: SearchView) => void
  onHit: (hit: SearchHit) => void
}

const kNothing: SearchView = { words: '', hits: [], current: -1, done: true, error: null }

export class TranscriptSearch {
  private view = kNothing
  private aborter: AbortController | null = null
  private timer: ReturnType<typeof setTimeout> | null = null

  constructor(private readonly options: SearchOptions) {}

  look(words: string): void {
    this.stop()
    const trimmed = words.trim()
    this.set({ ...kNothing, words: trimmed, done: trimmed === '' })
    if (trimmed !== '') this.timer = setTimeout(() => void this.run(trimmed), kSettleMs)
  }

  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    this.aborter?.abort()
    this.aborter = null
  }

  step(by: 1 | -1): void {
    const { hits, current } = this.view
    if (hits.length > 0) this.choose((current + by + hits.length) % hits.length)
  }

  private choose(current: number): void {
    const hit = this.view.hits[current]
    if (hit === undefined) return
    this.set({ ...this.view, current })
    this.options.onHit(hit)
  }

  private async run(words: string): Promise<void> {
    const aborter = new AbortController()
    this.aborter = aborter
    const place = this.options.place()
    try {
      for (let from = 0; ; ) {
        const page = await this.options.step(words, from, aborter.signal)
        if (aborter.signal.aborted) return
        const hits = [...this.view.hits, ...page.hits].slice(0, kMaxHits)
        const done = page.done || hits.length === kMaxHits
        this.set({ ...this.view, hits, done })
        const from_here = hits.findIndex((hit) => hit.offset >= place)
        if (this.view.current < 0 && (from_here >= 0 || (done && hits.length > 0))) this.choose(from_here >= 0 ? from_here : hits.length - 1)
        if (done) return
        from = page.next
      }
    } catch (error) {
      if (aborter.signal.aborted) return
      this.set({ ...this.view, done: true, error: error instanceof Error ? error.message : String(error) })
    }
  }

  private set(view: SearchView): void {
    this.view = view
    this.options.onChange(view)
  }
}

// "3 of 12", "3 of 12 so far"
export function positionWords({ words, hits, current, done, error }: SearchView): string {
  if (words === '') return ''
  if (error !== null) return 'failed'
  if (hits.length === 0) return done ? 'nothing found' : 'searching…'
  const count = hits.length === kMaxHits ? `the first ${kMaxHits}` : String(hits.length)
  return `${current < 0 ? '–' : current + 1} of ${count}${done ? '' : ' so far'}`
}
