// The lines in view are found again in a buffer that was built anew.
import { describe, expect, it } from 'vitest'
import { placeIn } from './place.ts'
import * as scrollback from './scrollback.ts'

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `line ${from + at}`)
const find = (rows: string[], above: number, buffer: string[], screen = 4) =>
  placeIn({ rows, above }, buffer.length - screen, (line) => buffer[line] ?? '')

describe('place', () => {
  it.each([
    ['where lines were added above', numbered(90, 94), 10, numbered(0, 104), 90],
    ['where lines were also added below', numbered(90, 94), 10, numbered(0, 150), 90],
    ['when fewer lines are left', numbered(90, 94), 10, numbered(80, 104), 10],
    ['at its distance from the screen when nothing is alike', ['gone', 'too'], 10, numbered(0, 104), 90],
    ['at the top when it was above that', ['gone'], 500, numbered(0, 104), 0],
    ['by most of its lines when some changed', ['line 90', 'line 91', 'other', 'line 93'], 12, numbered(0, 104), 90],
  ])('stays %s', (_, rows, above, buffer, expected) => {
    expect(find(rows, above, buffer)).toBe(expected)
  })

  it('takes the nearest of places that look the same', () => {
    const buffer = Array.from({ length: 104 }, (_, at) => (at % 10 < 4 ? `x${at % 10}` : 'y'))
    expect(find(['x0', 'x1', 'x2', 'x3'], 33, buffer)).toBe(70)
  })

  it('ignores blank rows at the top of the view', () => {
    expect(find(['', '', 'line 3'], 4, ['a', '', '', 'line 3', 'b', 'c', 'd', 'e'])).toBe(1)
  })
})

describe('scrollback', () => {
  const told = (lines: number, kept: number) => scrollback.told(scrollback.kNoScrollback, lines, kept)

  it.each([
    ['nothing is known', scrollback.kNoScrollback, 0, null],
    ['everything is here', told(150, 150), 150, null],
    ['nothing is here', told(0, 900), 0, 200],
    ['the first step is here', told(200, 900), 200, 2_000],
    ['more came since', told(200, 900), 2_500, 10_000],
    ['the page holds no more', told(200, 90_000), 10_000, null],
  ] as const)('when %s', (_, state, have, lines) => {
    expect(scrollback.wanted(state, have, 0)).toBe(lines)
  })

  it('is asked for once, again when no answer comes, and never when there is no more', () => {
    let state = scrollback.asking(told(200, 900), 2_000, 0)
    expect(scrollback.wanted(state, 200, 1_000)).toBeNull()
    expect(scrollback.wanted(state, 200, scrollback.kAnswerWithinMs)).toBe(2_000)
    expect(scrollback.answers(state, 0, 200)).toBe(false)
    expect(scrollback.answers(state, 900, 200)).toBe(true)
    state = scrollback.told(state, 900, 900)
    expect(state.asked).toBeNull()
    expect(scrollback.wanted(state, 900, 0)).toBeNull()
  })

  it('does not ask in circles when the answer holds no more', () => {
    let state = scrollback.asking(told(200, 900), 2_000, 0)
    state = scrollback.told(state, 200, 200)
    state = scrollback.asking({ ...state, told: { lines: 200, kept: 900 } }, 2_000, 0)
    state = scrollback.told(state, 200, 200)
    expect(state.exhausted).toBe(true)
    expect(scrollback.wanted(state, 200, 0)).toBeNull()
  })

  it('is not awaited from a socket that is gone', () => {
    const state = scrollback.reopened(scrollback.asking(told(200, 900), 2_000, 0))
    expect(scrollback.wanted(state, 200, 1)).toBe(2_000)
  })
})
