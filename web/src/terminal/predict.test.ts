// Local echo: shown only where it is going to be right.
import { beforeEach, describe, expect, it } from 'vitest'
import { kEchoWithinMs, Predictor, type View } from './predict.ts'
import { widthOf } from './widths.ts'

const kRoundTrip = 100
const kCols = 20

// A line discipline that echoes, or not, a round trip later; and a clock.
class Bench {
  now = 1_000
  inputs = 0
  readonly predictor = new Predictor()
  rows: string[][] = Array.from({ length: 4 }, () => Array<string>(kCols).fill(' '))
  x = 0
  y = 0
  // Where what was typed in this line ends.
  end = 0
  opaque = false
  waiting: { data: string; input: number; at: number; acked: boolean }[] = []
  echoes = true

  view(): View {
    return {
      cols: kCols,
      x: this.x,
      y: this.y,
      opaque: this.opaque,
      cell: (x, y) => {
        const text = this.rows[y]?.[x] ?? ' '
        return { text, width: text === '' ? 0 : (widthOf(text) ?? 1) }
      },
    }
  }
  output(text: string) {
    for (const char of text) this.put(char)
    this.predictor.settle(this.view(), this.now)
  }
  // A line editor that overwrites; it stays behind its prompt and before the line's end.
  echo(data: string): string {
    switch (data) {
      case '\r':
        return '\r\n$ '
      case '\x1b[D':
        return this.x > 2 ? '<' : ''
      case '\x1b[C':
        return this.x < this.end ? '>' : ''
      case '\x7f':
        return this.x > 2 && this.x === this.end ? data : ''
      default:
        return this.x < kCols - 1 ? data : ''
    }
  }
  // What will be on the screen once an input that is on its way has arrived.
  future(last: number): string[][] {
    const later = new Bench()
    Object.assign(later, { rows: structuredClone(this.rows), x: this.x, y: this.y, end: this.end })
    for (const { data, input } of this.waiting) {
      if (input <= last) for (const char of later.echo(data)) later.put(char)
    }
    return later.rows
  }
  put(char: string) {
    const row = this.rows[this.y] as string[]
    if (char === '\r') this.x = this.end = 0
    else if (char === '\n') this.y += 1
    else if (char === '\x7f') {
      const width = row[this.x - 1] === '' ? 2 : 1
      this.x -= width
      row.fill(' ', this.x)
      this.end = this.x
    } else if (char === '<') this.x -= 1
    else {
      row[this.x] = char
      if (widthOf(char) === 2) row[this.x + 1] = ''
      this.x += widthOf(char) ?? 1
      this.end = Math.max(this.end, this.x)
    }
  }
  type(data: string) {
    const input = (this.inputs += 1)
    this.predictor.sent(input, this.now)
    this.predictor.typed(data, input, this.view(), this.now)
    this.waiting.push({ data, input, at: this.now + kRoundTrip, acked: false })
  }
  // Time goes by; what was typed a round trip ago is acknowledged and, if the program echoes, echoed.
  pass(ms: number) {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 1
      for (const key of this.waiting.filter(({ at }) => at <= this.now)) {
        this.waiting = this.waiting.filter((other) => other !== key)
        this.predictor.taken(key.input, this.now)
        if (this.echoes) this.output(this.echo(key.data))
      }
      if ((this.predictor.dueAt() ?? Number.POSITIVE_INFINITY) <= this.now) this.predictor.settle(this.view(), this.now)
    }
  }
  shown() {
    return this.predictor
      .shown()
      .cells.map(({ text }) => text)
      .join('')
  }
  tentative() {
    return this.predictor.all().length
  }
  // At a prompt that has echoed once.
  confirmed(): this {
    this.output('$ ')
    this.type('l')
    this.pass(kRoundTrip + kEchoWithinMs + 10)
    return this
  }
}

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})

describe('prediction', () => {
  it('is shown once one of its epoch came true', () => {
    bench.output('$ ')
    bench.type('l')
    bench.type('s')
    expect([bench.shown(), bench.tentative()]).toEqual(['', 2])
    bench.pass(kRoundTrip)
    bench.type('x')
    expect(bench.shown()).toBe('x')
    expect(bench.predictor.shown().cursor).toMatchObject({ x: 5, y: 0 })
    bench.pass(kRoundTrip)
    expect([bench.shown(), bench.tentative(), bench.predictor.shown().cursor]).toEqual(['', 0, null])
  })

  it('is shown only where the echo is slow', () => {
    const quick = new Predictor()
    const view = bench.view()
    quick.sent(1, 0)
    quick.taken(1, 5)
    quick.typed('a', 2, view, 10)
    bench.rows[0]![0] = 'a'
    bench.x = 1
    quick.settle(bench.view(), 11)
    quick.typed('b', 3, bench.view(), 12)
    expect(quick.all()).toMatchObject([{ text: 'b', tentative: false }])
    expect(quick.shown().cells).toEqual([])
  })

  it('is never shown where nothing is echoed', () => {
    bench.confirmed()
    bench.type('\r')
    bench.pass(kRoundTrip + kEchoWithinMs + 1)
    bench.echoes = false
    bench.output('Password: ')
    for (const key of 'secret') {
      bench.type(key)
      expect(bench.shown()).toBe('')
      bench.pass(60)
      expect(bench.shown()).toBe('')
    }
    bench.pass(kRoundTrip + kEchoWithinMs)
    expect(bench.tentative()).toBe(0)
  })

  it('ends its epoch when something else moves the cursor', () => {
    bench.confirmed()
    bench.output('\r\nPassword: ')
    bench.echoes = false
    bench.type('s')
    expect(bench.shown()).toBe('')
  })

  it('that turns out wrong is gone, with all others, and the next ones are tentative', () => {
    bench.confirmed()
    bench.type('a')
    bench.type('b')
    expect(bench.shown()).toBe('ab')
    bench.output('*')
    expect([bench.shown(), bench.tentative()]).toEqual(['', 0])
    bench.type('c')
    expect(bench.shown()).toBe('')
  })

  it('that nothing comes of is gone when its time is over', () => {
    bench.confirmed()
    bench.echoes = false
    bench.type('a')
    bench.pass(kRoundTrip + kEchoWithinMs - 2)
    expect(bench.shown()).toBe('a')
    bench.pass(4)
    expect([bench.shown(), bench.predictor.shown().cursor]).toEqual(['', null])
  })

  it.each([
    ['Enter', '\r'],
    ['Ctrl-C', '\x03'],
    ['Tab', '\t'],
    ['an arrow upwards', '\x1b[A'],
    ['a bracketed paste', '\x1b[200~rm -rf\x1b[201~'],
    ['a long text at once', 'git status'],
    ['an emoji', '🎉'],
    ['a combining mark', '\u0301'],
    ['an unknown key', '\x1bOP'],
  ])('ends with %s, until that had its effect', (_, key) => {
    bench.confirmed()
    bench.type(key)
    bench.type('x')
    expect([bench.shown(), bench.tentative()]).toEqual(['', 0])
    bench.echoes = false
    bench.pass(kRoundTrip + kEchoWithinMs + 1)
    bench.echoes = true
    bench.type('y')
    expect([bench.shown(), bench.tentative()]).toEqual(['', 1])
    bench.pass(kRoundTrip)
    bench.type('z')
    expect(bench.shown()).toBe('z')
  })

  it('goes back over what was typed, and no further', () => {
    bench.confirmed()
    bench.type('a')
    bench.type('\x7f')
    bench.type('\x7f')
    expect(bench.predictor.shown().cursor).toMatchObject({ x: 2 })
    bench.type('b')
    expect(bench.predictor.shown().cells.map(({ x, text }) => [x, text])).toEqual([[3, ' '], [2, 'b']])
    bench.pass(kRoundTrip + kEchoWithinMs + 1)
    expect([bench.tentative(), bench.rows[0]!.join('').trim()]).toEqual([0, '$ b'])
    for (let count = 0; count < 2; count += 1) bench.type('\x7f')
    expect(bench.predictor.shown().cursor).toBeNull()
  })

  it('moves the cursor to the left and right within what was typed', () => {
    bench.confirmed()
    bench.type('a')
    bench.type('\x1b[D')
    expect(bench.predictor.shown().cursor).toMatchObject({ x: 3 })
    bench.type('\x1bOC')
    expect(bench.predictor.shown().cursor).toMatchObject({ x: 4 })
    bench.type('\x1b[C')
    expect(bench.predictor.shown().cursor).toBeNull()
  })

  it('does not guess in the middle of a line', () => {
    bench.confirmed()
    bench.type('\x1b[D')
    bench.type('x')
    expect(bench.shown()).toBe('')
  })

  it('does not guess where something stands to the right', () => {
    bench.confirmed()
    bench.rows[0]![10] = '│'
    bench.type('x')
    expect([bench.shown(), bench.tentative()]).toEqual(['', 0])
  })

  it('takes two cells for wide characters, and gives them back', () => {
    bench.confirmed()
    bench.type('日')
    expect(bench.predictor.shown()).toMatchObject({ cells: [{ x: 3, text: '日', width: 2 }], cursor: { x: 5 } })
    bench.type('\x7f')
    expect(bench.predictor.shown()).toMatchObject({ cells: [{ x: 3, text: ' ', width: 2 }], cursor: { x: 3 } })
    bench.type('a')
    bench.pass(kRoundTrip)
    expect([bench.tentative(), bench.rows[0]!.join('').trim()]).toEqual([0, '$ la'])
  })

  it('stops before the last column', () => {
    bench.confirmed()
    for (let at = 3; at < kCols; at += 1) bench.type('x')
    expect(bench.shown().length).toBe(kCols - 1 - 3)
    bench.pass(kRoundTrip)
    expect(bench.tentative()).toBe(0)
  })

  it('of a space holds until the cursor has passed it', () => {
    bench.confirmed()
    bench.type(' ')
    bench.type('x')
    bench.pass(kRoundTrip)
    expect([bench.tentative(), bench.predictor.shown().cursor]).toEqual([0, null])
  })

  it.each([
    ['a snapshot', () => bench.predictor.reset()],
    ['another size', () => bench.predictor.reset()],
    ['another connection', () => bench.predictor.restart()],
    [
      'a full-screen program',
      () => {
        bench.opaque = true
        bench.predictor.settle(bench.view(), bench.now)
      },
    ],
  ])('is forgotten with %s', (_, happens) => {
    bench.confirmed()
    bench.type('a')
    happens()
    expect([bench.shown(), bench.tentative(), bench.predictor.shown().cursor]).toEqual(['', 0, null])
    bench.type('b')
    expect(bench.shown()).toBe('')
  })

  it('is right whenever it is shown, whatever is typed and however fast', () => {
    const keys = ['a', 'b', ' ', 'c', 'd', 'e', '\x7f', '\x1b[D', '\x1b[C', '\r']
    let seed = 1
    const random = (below: number) => (seed = (seed * 48_271) % 0x7fffffff) % below
    let seen = 0
    for (let line = 0; line < 400; line += 1) {
      bench = new Bench().confirmed()
      for (let count = 0; count < 40; count += 1) {
        bench.type(keys[random(count % 10 < 8 ? 6 : keys.length)] as string)
        if (bench.y > 2) break
        for (const cell of bench.predictor.shown().cells) {
          const { x, y, text, input } = cell as typeof cell & { input: number }
          seen += 1
          expect([x, y, text]).toEqual([x, y, bench.future(input)[y]![x]])
        }
        bench.pass(random(60))
      }
    }
    expect(seen).toBeGreaterThan(1_000)
  })

  it('guesses nothing in a full-screen program', () => {
    bench.opaque = true
    bench.type('a')
    expect(bench.tentative()).toBe(0)
  })

  it('measures the round trip, and is not deterred by one quick answer', () => {
    bench.confirmed()
    expect(bench.predictor.roundTripMs()).toBeCloseTo(kRoundTrip, -1)
    bench.predictor.sent(999, bench.now)
    bench.predictor.taken(999, bench.now + 1)
    expect(bench.predictor.roundTripMs()).toBeGreaterThan(80)
  })
})

describe('widths', () => {
  it.each([
    ['a', 1],
    ['~', 1],
    ['é', 1],
    ['Ω', 1],
    ['я', 1],
    ['日', 2],
    ['한', 2],
    ['ｱ', null],
    ['Ａ', 2],
    ['🎉', null],
    ['\u0301', null],
    ['\u200d', null],
    ['\u00ad', null],
    ['\x07', null],
  ])('of %j is %j', (char, width) => expect(widthOf(char)).toBe(width))
})
