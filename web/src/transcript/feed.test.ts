// What is loaded of a transcript: older and newer pages, jumps, growth, replacement, bounds.
import { describe, expect, it } from 'vitest'
import type { NoTranscript, PagePlace, TranscriptPage } from '../wire/transcript.ts'
import { parseEntry } from '../wire/transcript.ts'
import { kMaxEntries, kPageLines, trimmed, TranscriptFeed, type FeedView } from './feed.ts'

// Lines of ten bytes, as the server pages them.
class File {
  lines = 0
  file = 'one'
  half = 0
  reason: string | null = null
  error: string | null = null
  asked: string[] = []

  private page(begin: number, end: number): TranscriptPage {
    const entries = Array.from({ length: end - begin }, (_, at) => parseEntry({ offset: (begin + at) * 10, bytes: 9, kind: 'note' })!)
    return { file: this.file, begin: begin * 10, end: end * 10, bytes: this.lines * 10 + this.half, entries }
  }

  read = async (place: PagePlace, limit: number): Promise<TranscriptPage | NoTranscript> => {
    this.asked.push(`${place.kind}${'offset' in place ? ` ${place.offset}` : ''}`)
    await Promise.resolve()
    if (this.error !== null) throw new Error(this.error)
    if (this.reason !== null) return { reason: this.reason }
    const line = (offset: number) => Math.min(this.lines, Math.ceil(offset / 10))
    if (place.kind === 'from') return this.page(line(place.offset), Math.min(this.lines, line(place.offset) + limit))
    if (place.kind === 'at') return this.page(line(place.at), Math.min(this.lines, line(place.at) + limit))
    const end = place.kind === 'before' ? Math.min(this.lines, Math.floor(place.offset / 10)) : this.lines
    return this.page(Math.max(0, end - limit), end)
  }
}

function start(lines: number, setup: (file: File) => void = () => undefined) {
  const file = new File()
  file.lines = lines
  setup(file)
  const views: FeedView[] = []
  const feed = new TranscriptFeed({ read: file.read, onChange: (view) => views.push(view) })
  const settle = async () => {
    for (let i = 0; i < 100; i += 1) await Promise.resolve()
  }
  const shown = () => {
    const { runs } = feed.current()
    const offsets = runs.flatMap((run) => run.entries.map(({ offset }) => offset / 10))
    offsets.forEach((offset, at) => expect(offset).toBe((offsets[0] ?? 0) + at))
    return [offsets[0], offsets.at(-1)]
  }
  const grow = async (more: number) => {
    file.lines += more
    feed.grown({ file: file.file, end: file.lines * 10 })
    await settle()
  }
  return { file, feed, views, settle, shown, grow }
}

describe('a transcript’s feed', () => {
  it('begins at the end and goes back to the beginning', async () => {
    const { feed, settle, shown } = start(500)
    feed.toEnd()
    await settle()
    expect(shown()).toEqual([300, 499])
    expect(feed.current()).toMatchObject({ phase: 'ready', atTail: true, atStart: false })
    feed.older()
    feed.older()
    await settle()
    expect(shown()).toEqual([100, 499])
    feed.older()
    await settle()
    expect(shown()).toEqual([0, 499])
    expect(feed.current()).toMatchObject({ atTail: true, atStart: true, fetching: null })
    expect(feed.current().runs).toHaveLength(3)
  })

  it('follows the file as it grows, into the last run', async () => {
    const { feed, settle, shown, grow, file } = start(10)
    feed.toEnd()
    await settle()
    await grow(3)
    await grow(700)
    expect(shown()).toEqual([0, 712])
    expect(feed.current().runs).toHaveLength(1)
    const asked = file.asked.length
    feed.grown({ file: 'one', end: 7130 })
    await settle()
    expect(file.asked).toHaveLength(asked)
  })

  it('waits for the end of half a line', async () => {
    const { feed, settle, shown, file, grow } = start(5)
    feed.toEnd()
    await settle()
    file.half = 4
    feed.grown({ file: 'one', end: 54 })
    await settle()
    expect(shown()).toEqual([0, 4])
    expect(feed.current().atTail).toBe(true)
    file.half = 0
    await grow(1)
    expect(shown()).toEqual([0, 5])
  })

  it('jumps, and finds the way back down to the end', async () => {
    const { feed, settle, shown, grow } = start(2_000)
    feed.toEnd()
    await settle()
    feed.jump(5_000)
    await settle()
    expect(shown()).toEqual([440, 699])
    expect(feed.current()).toMatchObject({ atTail: false, atStart: false, target: { offset: 5_000 } })
    await grow(5)
    expect(shown()).toEqual([440, 699])
    expect(feed.current().bytes).toBe(20_050)
    for (let i = 0; i < 9; i += 1) {
      feed.newer()
      await settle()
    }
    expect(shown()[1]).toBe(2_004)
    expect(feed.current().atTail).toBe(true)
    const { number } = feed.current().target ?? { number: 0 }
    feed.jump(19_000)
    await settle()
    expect(feed.current().target).toEqual({ offset: 19_000, number: number + 1 })
    feed.jumpToTime(70)
    await settle()
    expect(shown()[0]).toBe(0)
    expect(feed.current().target?.offset).toBe(70)
    feed.toEnd()
    await settle()
    expect(shown()).toEqual([1805, 2004])
  })

  it('jumps beyond the end to the last line', async () => {
    const { feed, settle } = start(300)
    feed.jump(9_999_999)
    await settle()
    expect(feed.current()).toMatchObject({ phase: 'ready', atTail: true, target: { offset: 2_990 } })
  })

  it('begins again when the file is another one or shorter', async () => {
    const { feed, settle, shown, file } = start(300)
    feed.toEnd()
    await settle()
    file.file = 'two'
    file.lines = 20
    feed.grown({ file: 'two', end: 200 })
    await settle()
    expect(shown()).toEqual([0, 19])
    expect(feed.current().replaced).toBe(1)
    file.lines = 3
    feed.older()
    feed.grown({ file: 'two', end: 30 })
    await settle()
    expect(shown()).toEqual([0, 2])
    expect(feed.current().replaced).toBe(2)
    // Noticed by a page alone.
    file.lines = 400
    await settle()
    feed.toEnd()
    feed.jump(3_000)
    await settle()
    file.file = 'three'
    feed.older()
    await settle()
    expect(feed.current()).toMatchObject({ replaced: 3, atTail: true })
  })

  it('says why there is none, and shows it once there is', async () => {
    const { feed, settle, shown, file } = start(0, (one) => (one.reason = 'Not yet.'))
    feed.toEnd()
    await settle()
    expect(feed.current()).toMatchObject({ phase: 'none', reason: 'Not yet.' })
    file.reason = null
    file.lines = 2
    feed.grown({ file: 'one', end: 20 })
    await settle()
    expect(feed.current().phase).toBe('ready')
    expect(shown()).toEqual([0, 1])
  })

  it('keeps what is loaded when a page fails', async () => {
    const { feed, settle, shown, file } = start(500)
    file.error = 'No.'
    feed.toEnd()
    await settle()
    expect(feed.current()).toMatchObject({ phase: 'failed', error: 'No.' })
    file.error = null
    feed.again()
    await settle()
    file.error = 'No.'
    feed.older()
    await settle()
    expect(feed.current()).toMatchObject({ phase: 'ready', error: 'No.', fetching: null })
    expect(shown()).toEqual([300, 499])
    feed.again()
    expect(feed.current().error).toBeNull()
  })

  it('stays bounded in both directions', async () => {
    const { feed, settle, shown, grow } = start(20_000)
    feed.toEnd()
    await settle()
    for (let i = 0; i < 40; i += 1) {
      feed.older()
      await settle()
    }
    const [first, last] = shown() as [number, number]
    expect(last - first).toBeLessThan(kMaxEntries)
    expect(first).toBe(20_000 - 41 * kPageLines)
    expect(feed.current().atTail).toBe(false)
    feed.toEnd()
    await settle()
    for (let i = 0; i < 30; i += 1) await grow(kPageLines)
    const [from, to] = shown() as [number, number]
    expect(to).toBe(25_999)
    expect(to - from).toBeLessThan(kMaxEntries)
  })

  it('does not read through what nobody waits for', async () => {
    const { feed, settle, grow, file } = start(10)
    feed.toEnd()
    await settle()
    feed.follow(false)
    await grow(400_000)
    expect(feed.current().atTail).toBe(false)
    expect(file.asked).toHaveLength(1)
    feed.toEnd()
    await settle()
    expect(feed.current().atTail).toBe(true)
    await grow(400_000)
    expect(file.asked.at(-1)).toBe('newest')
  })

  it('never trims the last of what is there', () => {
    const entries = [0, 1].map((at) => parseEntry({ offset: at * 20_000_000, kind: 'raw' })!)
    const runs = [{ begin: 0, end: 40_000_000, entries }]
    expect(trimmed(runs, 'oldest')).toEqual(runs)
  })
})
