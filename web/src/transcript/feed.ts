// What is loaded of one transcript: a stretch of it that grows upwards, downwards and with the file, and stays bounded.
import { isNoTranscript, type Entry, type NoTranscript, type PagePlace, type TranscriptPage } from '../wire/transcript.ts'
import type { Growth } from '../wire/transcripts.ts'
import type { Micros } from '../wire/types.ts'

export const kPageLines = 200
// Before and behind the place of a jump.
const kJumpBefore = 60
// Of what is loaded; what is beyond goes at the end that is farther away, and is fetched again when somebody comes there.
export const kMaxEntries = 4_000
export const kMaxBytes = 24 * 1024 * 1024
// More than this behind the end is not caught up with page by page.
const kMaxCatchUpBytes = 2 * 1024 * 1024
const kMaxRounds = 12

// Entries that were read one after the other. What belongs together is joined within a run only: so nothing that is shown changes when
// older ones come.
export interface Run {
  begin: number
  end: number
  entries: readonly Entry[]
}

export interface FeedView {
  phase: 'loading' | 'none' | 'ready' | 'failed'
  // Why there is no transcript, in words.
  reason: string
  // Why the last reading failed; what is loaded stays.
  error: string | null
  runs: readonly Run[]
  fetching: 'older' | 'newer' | 'jump' | null
  // Nothing comes before what is loaded.
  atStart: boolean
  // What is loaded reaches to the end of the file, and follows it.
  atTail: boolean
  // Bytes of the file, as far as known.
  bytes: number
  // Grows each time another file has taken the place of the one before.
  replaced: number
  // Where a jump has led, for who scrolls there.
  target: { offset: number; number: number } | null
}

export interface FeedOptions {
  read: (place: PagePlace, limit: number) => Promise<TranscriptPage | NoTranscript>
  onChange: (view: FeedView) => void
}

const kNothing: FeedView = {
  phase: 'loading',
  reason: '',
  error: null,
  runs: [],
  fetching: null,
  atStart: false,
  atTail: false,
  bytes: 0,
  replaced: 0,
  target: null,
}

const runOf = ({ begin, end, entries }: TranscriptPage): Run => ({ begin, end, entries })
const countOf = (runs: readonly Run[]) => runs.reduce((sum, run) => sum + run.entries.length, 0)
const bytesOf = (runs: readonly Run[]) => (runs.at(-1)?.end ?? 0) - (runs[0]?.begin ?? 0)
const isWithin = (runs: readonly Run[]) => countOf(runs) <= kMaxEntries && bytesOf(runs) <= kMaxBytes

// Without so many entries at its beginning or its end that it is within the bounds, but never all of them.
export function trimmed(runs: readonly Run[], side: 'oldest' | 'newest'): readonly Run[] {
  let left = [...runs]
  while (!isWithin(left)) {
    const at = side === 'oldest' ? 0 : left.length - 1
    const run = left[at] as Run
    if (left.length === 1 && run.entries.length <= kPageLines) break
    const cut = Math.min(run.entries.length, kPageLines)
    const entries = side === 'oldest' ? run.entries.slice(cut) : run.entries.slice(0, -cut)
    const first = entries[0]
    if (first === undefined) left = side === 'oldest' ? left.slice(1) : left.slice(0, -1)
    else if (side === 'oldest') left[at] = { ...run, begin: first.offset, entries }
    else left[at] = { ...run, end: run.entries[entries.length]?.offset ?? run.end, entries }
  }
  return left
}

export class TranscriptFeed {
  private view: FeedView = kNothing
  private file = ''
  private known = 0
  private jumps = 0
  // One request at a time: answers that overtake each other would not fit together.
  private queue: Promise<void> = Promise.resolve()
  private appending = false
  private following = true
  private disposed = false

  constructor(private readonly options: FeedOptions) {}

  readonly current = (): FeedView => this.view

  dispose(): void {
    this.disposed = true
  }

  // The newest entries, whatever was loaded before.
  toEnd(): void {
    this.following = true
    if (this.view.phase === 'ready' && this.view.atTail) return
    this.run('jump', () => this.newest())
  }

  toStart(): void {
    this.following = false
    if (this.view.phase === 'ready' && this.view.atStart) return
    this.run('jump', async () => this.replace([await this.read({ kind: 'from', offset: 0 }, kPageLines)]))
  }

  // To the line at this offset, or the first behind it.
  jump(offset: number): void {
    this.following = false
    const loaded = this.view.runs.some((run) => offset >= run.begin && offset < run.end)
    if (this.view.phase === 'ready' && loaded) return this.aim(offset)
    this.run('jump', async () => {
      const from = await this.read({ kind: 'from', offset }, kPageLines)
      await this.around(from, offset)
    })
  }

  jumpToTime(at: Micros): void {
    this.following = false
    this.run('jump', async () => {
      const from = await this.read({ kind: 'at', at }, kPageLines)
      await this.around(from, from === null ? 0 : from.begin)
    })
  }

  older(): void {
    const { phase, fetching, atStart } = this.view
    if (phase !== 'ready' || fetching !== null || atStart) return
    this.run('older', async () => {
      const first = this.view.runs[0]
      if (first === undefined) return
      const page = await this.read({ kind: 'before', offset: first.begin }, kPageLines)
      if (page === null) return
      const runs = trimmed([runOf(page), ...this.view.runs], 'newest')
      const last = this.view.runs.at(-1)?.end
      this.set({ runs, atStart: page.begin === 0, atTail: this.view.atTail && runs.at(-1)?.end === last })
    })
  }

  newer(): void {
    const { phase, fetching, atTail } = this.view
    if (phase !== 'ready' || fetching !== null || atTail) return
    this.run('newer', () => this.append(1))
  }

  // Whether the end is in view: what comes is then followed however much it is.
  follow(following: boolean): void {
    this.following = following
  }

  // The server tells how far the file reaches.
  grown({ file, end }: Growth): void {
    const first = this.view.phase === 'none' || this.view.phase === 'failed'
    const another = this.file !== '' && file !== this.file
    const last = this.view.runs.at(-1)?.end ?? 0
    this.known = end
    if (this.view.phase === 'loading') return
    if (first || another || end < last) return this.run('jump', () => this.newest())
    if (end === last) return
    if (!this.view.atTail) return this.set({ bytes: Math.max(this.view.bytes, end) })
    if (this.appending) return
    this.appending = true
    this.run('newer', async () => {
      this.appending = false
      if (!this.view.atTail) return
      const behind = this.known - (this.view.runs.at(-1)?.end ?? 0)
      if (behind > kMaxCatchUpBytes && this.following) return this.newest()
      if (behind > kMaxCatchUpBytes) return this.set({ atTail: false })
      await this.append(kMaxRounds)
    })
  }

  again(): void {
    if (this.view.runs.length === 0) this.run('jump', () => this.newest())
    else this.set({ error: null })
  }

  private async newest(): Promise<void> {
    this.replace([await this.read({ kind: 'newest' }, kPageLines)], true)
  }

  private async around(from: TranscriptPage | null, offset: number): Promise<void> {
    if (from === null) return
    const before = from.begin === 0 ? null : await this.read({ kind: 'before', offset: from.begin }, kJumpBefore)
    if (before !== null && before.file !== from.file) return this.newest()
    this.replace([before, from])
    this.aim(from.entries.length > 0 ? Math.max(offset, from.begin) : (before?.entries.at(-1)?.offset ?? 0))
  }

  private aim(offset: number): void {
    this.set({ target: { offset, number: (this.jumps += 1) } })
  }

  private replace(pages: readonly (TranscriptPage | null)[], tail = false): void {
    const runs = pages.filter((page): page is TranscriptPage => page !== null).map(runOf)
    const last = pages.at(-1)
    if (last === null || last === undefined) return
    const atTail = tail || last.end >= Math.max(this.known, last.bytes)
    this.set({ phase: 'ready', runs, atStart: (runs[0]?.begin ?? 0) === 0, atTail })
  }

  // What lies behind what is loaded, into its last run.
  private async append(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      const last = this.view.runs.at(-1)
      if (last === undefined) return this.newest()
      const page = await this.read({ kind: 'from', offset: last.end }, kPageLines)
      if (page === null || this.view.runs.at(-1) !== last) return
      const grown = { begin: last.begin, end: page.end, entries: [...last.entries, ...page.entries] }
      const runs = page.end > last.end ? trimmed([...this.view.runs.slice(0, -1), grown], 'oldest') : this.view.runs
      // Less than was asked for: only half a line can be left.
      const atTail = page.entries.length === 0 || page.end >= page.bytes
      const atStart = this.view.atStart && runs[0]?.begin === this.view.runs[0]?.begin
      this.set({ runs, atTail, atStart })
      if (atTail) return
    }
  }

  // Null when there is none; then, and when another file is there, what was loaded is void.
  private async read(place: PagePlace, limit: number): Promise<TranscriptPage | null> {
    const page = await this.options.read(place, limit)
    if (isNoTranscript(page)) {
      this.file = ''
      this.set({ phase: 'none', reason: page.reason, runs: [], atTail: false, atStart: false })
      return null
    }
    const last = this.view.runs.at(-1)?.end ?? 0
    const another = this.file !== '' && page.file !== this.file
    const shorter = page.bytes < last
    this.file = page.file
    this.set({ bytes: page.bytes })
    if (!another && !shorter) return page
    this.set({ runs: [], replaced: this.view.replaced + 1 })
    if (place.kind === 'newest') return page
    await this.newest()
    return null
  }

  private run(fetching: NonNullable<FeedView['fetching']>, work: () => Promise<void>): void {
    this.set({ fetching })
    this.queue = this.queue.then(async () => {
      if (this.disposed) return
      try {
        await work()
        this.set({ error: null, fetching: null })
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error)
        this.set({ error: words, fetching: null, ...(this.view.runs.length === 0 ? { phase: 'failed' as const } : {}) })
      }
    })
  }

  private set(change: Partial<FeedView>): void {
    if (this.disposed) return
    this.view = { ...this.view, ...change }
    this.options.onChange(this.view)
  }
}
