// Screens that are looked at without being opened: what is asked for, and what is known.
import { describe, expect, it } from 'vitest'
import { parseMessage } from './messages.ts'
import { colourOf, parseRuns, textOf, underlineOf } from './runs.ts'
import { kMaxThumbs, lastLine, Thumbs, withThumb, type ThumbMessage } from './thumbs.ts'

function message(fields: object): ThumbMessage {
  const parsed = parseMessage(JSON.stringify({ type: 'thumb', session: 's', cols: 10, rows: 3, cursor: [0, 0], ...fields }))
  if (parsed?.type !== 'thumb') throw new Error('no thumb')
  return parsed
}

const run = (text: string) => [[text, text.length, 0, 0, 0]]
const texts = (thumb: ReturnType<typeof withThumb>) => thumb.lines.map(textOf)

describe('thumb', () => {
  it('is made of all rows, then of the changed ones', () => {
    const first = withThumb(null, message({ all: true, lines: [[0, run('one')], [2, run('three')]] }))
    expect(texts(first)).toEqual(['one', '', 'three'])
    const next = withThumb(first, message({ all: false, lines: [[1, run('two')], [2, []]] }))
    expect(texts(next)).toEqual(['one', 'two', ''])
    expect(texts(first)).toEqual(['one', '', 'three'])
  })

  it('begins anew in another size, and with all', () => {
    const first = withThumb(null, message({ all: true, lines: [[0, run('old')]] }))
    expect(texts(withThumb(first, message({ rows: 2, lines: [[1, run('new')]] })))).toEqual(['', 'new'])
    expect(texts(withThumb(first, message({ all: true, lines: [[1, run('new')]] })))).toEqual(['', 'new', ''])
  })

  it('has a last line that says something', () => {
    const lines = [[0, run('building')], [1, run('done in 3 s')], [2, run('╰─────╯')]]
    expect(lastLine(withThumb(null, message({ all: true, lines })))).toBe('done in 3 s')
    expect(lastLine(withThumb(null, message({ all: true, lines: [] })))).toBe('')
  })

  it('of malformed rows keeps what is not', () => {
    const odd = [[0, [['a', 1, -1, 'x', null], ['b'], 7, ['c', 1, 0, 0, 0]]], [9, run('outside')], 'x', [1]]
    const thumb = withThumb(null, message({ all: true, cursor: 'no', lines: odd }))
    expect(texts(thumb)).toEqual(['a', '', ''])
    expect(thumb.cursor).toBeNull()
    expect(parseMessage('{"type":"thumb","session":1}')).toBeNull()
    expect(parseRuns([['x', 1001, 0, 0, 0]])).toEqual([])
  })
})

describe('runs', () => {
  it('have colours of three kinds and the terminal’s own', () => {
    expect([0, (1 << 24) | 9, (2 << 24) | 200, (3 << 24) | 0x123456, 99].map(colourOf)).toEqual([
      { kind: 'default' },
      { kind: 'palette', index: 9 },
      { kind: 'palette', index: 200 },
      { kind: 'rgb', value: 0x123456 },
      { kind: 'default' },
    ])
    expect(underlineOf(1 | (3 << 9))).toBe(3)
  })

  it('do not show what is hidden', () => {
    expect(textOf(parseRuns([['pw:', 3, 0, 0, 0], ['secret', 6, 0, 0, 32]]))).toBe('pw:      ')
  })
})

describe('thumbs', () => {
  function bench() {
    const sent: (readonly string[])[] = []
    let timer: (() => void) | null = null
    const thumbs = new Thumbs({
      send: (sessions) => sent.push(sessions),
      later: (callback) => {
        timer = callback
        return () => {
          timer = null
        }
      },
    })
    return { thumbs, sent, settle: () => timer?.() }
  }

  it('asks once things rest, for what is looked at then, and only for changes', () => {
    const { thumbs, sent, settle } = bench()
    thumbs.attach()
    const left = thumbs.watch('b')
    thumbs.watch('a')
    thumbs.watch('a')
    settle()
    left()
    left()
    const back = thumbs.watch('b')
    settle()
    back()
    settle()
    expect(sent).toEqual([['a', 'b'], ['a']])
  })

  it('asks again on a new socket, and asks nobody while there is none', () => {
    const { thumbs, sent, settle } = bench()
    thumbs.watch('a')
    settle()
    expect(sent).toEqual([])
    thumbs.attach()
    thumbs.detach()
    thumbs.attach()
    expect(sent).toEqual([['a'], ['a']])
  })

  it('tells who listens, and keeps a bounded number', () => {
    const { thumbs } = bench()
    let told = 0
    thumbs.subscribe('s', () => (told += 1))
    thumbs.message(message({ all: true, lines: [] }))
    for (let at = 0; at < kMaxThumbs; at += 1) thumbs.message({ ...message({ all: true, lines: [] }), session: `n${at}` })
    expect(told).toBe(1)
    expect(thumbs.current('s')).toBeNull()
    expect(thumbs.current('n0')).not.toBeNull()
  })
})
