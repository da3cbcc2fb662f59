// Fetches the lines of one session for reading: the newest first, older ones when somebody scrolls up, and what changed
// while the end is in view.
import type { LinePage } from '../wire/types.ts'
import { hasNewer, hasOlder, merged, trimmed, type Lines } from './reading.ts'

// About three screens of a phone.
const kPageLines = 200
// The most the server gives at once.
const kMaxLines = 1_000
// Screens change several times a second; nobody reads that fast.
const kRefreshMs = 300
const kMaxRounds = 3

export interface ReadingState {
  readonly lines: Lines | null
  readonly fetching: 'older' | null
  // Why nothing could be fetched, in words for the person.
  readonly error: string | null
  // There is more below what is shown.
  readonly below: boolean
}

export interface ReadingOptions {
  // From a line on, or the last ones.
  fetch: (from: number | null, count: number) => Promise<LinePage>
  onChange: (state: ReadingState) => void
}

export class ReadingFeed {
  private state: ReadingState = { lines: null, fetching: null, error: null, below: false }
  private atEnd = true
  private held = false
  private stale = false
  private timer: ReturnType<typeof setTimeout> | null = null
  // One request at a time: answers that overtake each other would not fit together.
  private queue: Promise<void> = Promise.resolve()
  private disposed = false

  constructor(private readonly options: ReadingOptions) {}

  dispose(): void {
    this.disposed = true
    if (this.timer !== null) clearTimeout(this.timer)
  }

  // The newest lines, whatever was shown before.
  toEnd(): void {
    this.atEnd = true
    this.stale = false
    this.run(() => this.newest())
  }

  // The session's screen changed.
  changed(): void {
    this.stale = true
    if (!this.atEnd || this.held) return this.set({ below: true })
    this.timer ??= setTimeout(() => {
      this.timer = null
      this.refresh()
    }, kRefreshMs)
  }

  // Whether the end of the text is in view.
  setAtEnd(atEnd: boolean): void {
    if (atEnd === this.atEnd) return
    this.atEnd = atEnd
    if (atEnd && this.stale && !this.held) this.refresh()
  }

  // While text is selected it stays as it is.
  hold(held: boolean): void {
    if (held === this.held) return
    this.held = held
    if (!held && this.stale && this.atEnd) this.refresh()
  }

  older(): void {
    const { lines, fetching } = this.state
    if (lines === null || fetching !== null || !hasOlder(lines)) return
    this.set({ fetching: 'older' })
    this.run(async () => {
      const before = this.state.lines
      const to = before?.lines[0]?.n
      if (before === null || to === undefined) return
      const from = Math.max(before.first, to - kPageLines)
      const page = await this.options.fetch(from, to - from)
      if (page.numbering !== before.numbering) return this.newest()
      this.set({ lines: trimmed(merged(before, page), 'oldest') })
    })
  }

  newer(): void {
    const { lines } = this.state
    if (lines !== null && hasNewer(lines)) this.refresh()
  }

  private refresh(): void {
    this.stale = false
    this.run(async () => {
      for (let round = 0; round < kMaxRounds; round += 1) {
        const before = this.state.lines
        if (before === null) return this.newest()
        // What was on the screen may have changed; what is above it never does.
        const last = (before.lines.at(-1)?.n ?? before.top) + 1
        const from = Math.max(before.first, Math.min(before.top, last))
        const page = await this.options.fetch(from, kMaxLines)
        // Another numbering, or lines are gone, or more came than anybody would read through.
        const fits = page.numbering === before.numbering && (page.lines[0]?.n ?? from) <= last
        if (!fits || (page.end - from > kMaxLines && this.atEnd)) return this.newest()
        const lines = trimmed(merged(before, page), 'newest')
        this.set({ lines, below: hasNewer(lines) })
        if (!hasNewer(lines) || !this.atEnd) return
      }
    })
  }

  private async newest(): Promise<void> {
    const page = await this.options.fetch(null, kPageLines)
    this.set({ lines: trimmed(merged(this.state.lines, page), 'newest'), below: false })
  }

  private run(work: () => Promise<void>): void {
    this.queue = this.queue.then(async () => {
      if (this.disposed) return
      try {
        await work()
        this.set({ error: null, fetching: null })
      } catch (error) {
        this.set({ error: error instanceof Error ? error.message : String(error), fetching: null })
      }
    })
  }

  private set(change: Partial<ReadingState>): void {
    if (this.disposed) return
    this.state = { ...this.state, ...change }
    this.options.onChange(this.state)
  }
}
