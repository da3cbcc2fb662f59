// Offsets: trimming what came twice, seeing holes.
import { describe, expect, it } from 'vitest'
import * as cursors from './cursor.ts'

const at = (next: number): cursors.Cursor => ({ next })

describe('cursor', () => {
  it('starts where the server says', () => {
    expect(cursors.opened(cursors.kStart, 500)).toEqual({ kind: 'show', cursor: at(500), skip: 0 })
  })

  it.each([
    ['what follows', 10, 10, 5, { kind: 'show', cursor: at(15), skip: 0 }],
    ['an overlap, trimmed', 10, 7, 5, { kind: 'show', cursor: at(12), skip: 3 }],
    ['a repeat', 10, 5, 5, { kind: 'ignore', cursor: at(10) }],
    ['an old repeat', 10, 0, 3, { kind: 'ignore', cursor: at(10) }],
    ['a hole', 10, 11, 5, { kind: 'hole', cursor: at(10) }],
  ])('meets %s', (_what, next, offset, length, expected) => {
    expect(cursors.data(at(next), offset, length)).toEqual(expected)
  })

  it('takes data before anything was opened for a hole', () => {
    expect(cursors.data(cursors.kStart, 0, 5).kind).toBe('hole')
  })

  it('goes on after a reconnect from where it was, and starts over when the log begins later', () => {
    expect(cursors.opened(at(10), 10)).toEqual({ kind: 'ignore', cursor: at(10) })
    expect(cursors.opened(at(10), 4)).toEqual({ kind: 'ignore', cursor: at(10) })
    expect(cursors.opened(at(10), 40)).toEqual({ kind: 'restart', cursor: at(40) })
  })

  it('follows a snapshot forward and back', () => {
    expect(cursors.snapshot(90)).toEqual({ kind: 'restart', cursor: at(90) })
  })
})
