// A session's lines as text at any width.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { textOf } from '../wire/runs.ts'
import type { Line, LinePage } from '../wire/types.ts'
import { hasNewer, hasOlder, kMostLines, merged, paragraphs, trimmed } from './reading.ts'
import { ReadingFeed, type ReadingState } from './reading_feed.ts'

const run = (text: string, cols = text.length) => ({ text, cols, foreground: 0, background: 0, attributes: 0 })
const line = (n: number, text: string, wrapped = false): Line => ({ n, wrapped, runs: text === '' ? [] : [run(text)] })
const page = (from: number, to: number, more: Partial<LinePage> = {}): LinePage => ({
  numbering: 1,
  first: 0,
  top: 90,
  end: 100,
  lines: Array.from({ length: to - from }, (_, at) => line(from + at, `line ${from + at}`)),
  ...more,
})
const numbers = (lines: { lines: readonly Line[] }) => [lines.lines[0]?.n, lines.lines.at(-1)?.n, lines.lines.length]
const texts = (lines: readonly Line[], cols = 10) => paragraphs(lines, cols).map(({ runs }) => textOf(runs))

describe('lines', () => {
  it('are put together where they touch', () => {
    const end = merged(null, page(80, 100))
    expect(numbers(merged(end, page(60, 80)))).toEqual([60, 99, 40])
    expect(numbers(merged(end, page(95, 120, { end: 120 })))).toEqual([80, 119, 40])
    expect(numbers(merged(end, page(85, 90)))).toEqual([80, 99, 20])
  })

  it('begin anew behind a gap, and under another numbering', () => {
    const end = merged(null, page(80, 100))
    expect(numbers(merged(end, page(150, 160, { end: 160 })))).toEqual([150, 159, 10])
    expect(numbers(merged(end, page(10, 20, { numbering: 2, end: 20 })))).toEqual([10, 19, 10])
  })

  it('lose what the session no longer has', () => {
    const end = merged(null, page(80, 100))
    expect(numbers(merged(end, page(95, 110, { first: 90, end: 110 })))).toEqual([90, 109, 20])
    expect(numbers(merged(end, page(85, 92, { end: 92 })))).toEqual([80, 91, 12])
  })

  it('that did not change stay the same values', () => {
    const before = merged(null, page(80, 100))
    const after = merged(before, page(95, 101, { end: 101 }))
    expect(after.lines[19]).toBe(before.lines[19])
    expect(paragraphs(after.lines, 80)[19]).toBe(paragraphs(before.lines, 80)[19])
  })

  it('are bounded, and know what there is beyond', () => {
    const many = merged(null, page(100, 100 + kMostLines + 50, { end: 9_999 }))
    expect(numbers(trimmed(many, 'oldest'))).toEqual([100, 99 + kMostLines, kMostLines])
    expect(numbers(trimmed(many, 'newest'))).toEqual([150, 149 + kMostLines, kMostLines])
    expect([hasOlder(many), hasNewer(many)]).toEqual([true, true])
    expect([hasOlder(merged(null, page(0, 100))), hasNewer(merged(null, page(0, 100)))]).toEqual([false, false])
  })
})

describe('paragraphs', () => {
  it('are whole lines, without the unused end of the screen', () => {
    expect(texts([line(0, 'a long lin', true), line(1, 'e'), line(2, ''), line(3, 'b'), line(4, ''), line(5, '')])).toEqual([
      'a long line',
      '',
      'b',
    ])
  })

  it('keep the blanks that a wrapped line ended in, but not the cell that was too small for a wide character', () => {
    expect(texts([line(0, 'one two', true), line(1, 'three')])).toEqual(['one two   three'])
    expect(texts([line(0, 'nine cell', true), { n: 1, wrapped: false, runs: [run('日本', 4)] }])).toEqual(['nine cell日本'])
  })

  it('that only frame something are known', () => {
    const rules = paragraphs([line(0, '╭────────╮'), line(1, '│ text   │'), line(2, '----------')], 10)
    expect(rules.map(({ rule }) => rule)).toEqual([true, false, true])
  })

  it('at the beginning may be the rest of one', () => {
    expect(paragraphs([line(7, 'rest'), line(8, 'next')], 10).map(({ n }) => n)).toEqual([7, 8])
  })
})

describe('the reading feed', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  // A session that prints; answers arrive at the next turn.
  class Session {
    lines: string[] = Array.from({ length: 500 }, (_, at) => `line ${at}`)
    numbering = 1
    asked: (number | null)[] = []
    fails = false
    state: ReadingState | null = null
    readonly feed = new ReadingFeed({
      fetch: async (from, count) => {
        this.asked.push(from)
        await Promise.resolve()
        if (this.fails) throw new Error('no answer')
        const end = this.lines.length
        const at = from ?? Math.max(0, end - count)
        const lines = this.lines.slice(at, at + count).map((text, index) => line(at + index, text))
        return { numbering: this.numbering, first: 0, top: end - 10, end, lines }
      },
      onChange: (state) => {
        this.state = state
      },
    })
    async settled() {
      await vi.advanceTimersByTimeAsync(1_000)
    }
    last() {
      return textOf(this.state!.lines!.lines.at(-1)!.runs)
    }
  }

  it('shows the end, and older lines when they are wanted', async () => {
    const session = new Session()
    session.feed.toEnd()
    await session.settled()
    expect(numbers(session.state!.lines!)).toEqual([300, 499, 200])
    session.feed.older()
    session.feed.older()
    await session.settled()
    expect(numbers(session.state!.lines!)).toEqual([100, 499, 400])
    expect(session.asked).toEqual([null, 100])
  })

  it('follows what is printed, unless somebody reads further up or selects', async () => {
    const session = new Session()
    session.feed.toEnd()
    await session.settled()
    session.lines.push('new')
    session.feed.changed()
    await session.settled()
    expect([session.last(), session.asked]).toEqual(['new', [null, 490]])
    session.feed.setAtEnd(false)
    session.lines.push('newer')
    session.feed.changed()
    await session.settled()
    expect([session.last(), session.state!.below]).toEqual(['new', true])
    session.feed.setAtEnd(true)
    await session.settled()
    expect([session.last(), session.state!.below]).toEqual(['newer', false])
    session.feed.hold(true)
    session.lines.push('newest')
    session.feed.changed()
    await session.settled()
    expect(session.last()).toBe('newer')
    session.feed.hold(false)
    await session.settled()
    expect(session.last()).toBe('newest')
  })

  it('jumps to the end when more was printed than anybody reads, or the numbers mean something else', async () => {
    const session = new Session()
    session.feed.toEnd()
    await session.settled()
    for (let at = 0; at < 5_000; at += 1) session.lines.push(`flood ${at}`)
    session.feed.changed()
    await session.settled()
    expect(numbers(session.state!.lines!)).toEqual([5_300, 5_499, 200])
    session.numbering = 2
    session.lines = ['one']
    session.feed.changed()
    await session.settled()
    expect([session.last(), numbers(session.state!.lines!)]).toEqual(['one', [0, 0, 1]])
  })

  it('says what went wrong and goes on later', async () => {
    const session = new Session()
    session.fails = true
    session.feed.toEnd()
    await session.settled()
    expect(session.state).toMatchObject({ error: 'no answer', lines: null })
    session.fails = false
    session.feed.toEnd()
    await session.settled()
    expect(session.state).toMatchObject({ error: null })
    expect(session.last()).toBe('line 499')
  })
})
