// Cells, scales and sizes of the terminal in its box.
import { describe, expect, it } from 'vitest'
import { filling, fontFor, kSmallestFont } from './layout.ts'

const cell = { width: 8, height: 16 }

describe('layout', () => {
  it('fills the room with whole cells', () => {
    expect(filling({ width: 807, height: 399 }, cell)).toEqual({ cols: 100, rows: 24 })
  })

  it('stays within what a pane can be', () => {
    expect(filling({ width: 10, height: 10 }, cell)).toEqual({ cols: 20, rows: 5 })
    expect(filling({ width: 1e6, height: 1e6 }, cell)).toEqual({ cols: 500, rows: 200 })
  })

  it('shrinks a larger pane to be seen whole, by its tighter side', () => {
    expect(fontFor({ cols: 200, rows: 24 }, { width: 800, height: 384 }, cell, 13)).toBe(6.5)
    expect(fontFor({ cols: 50, rows: 32 }, { width: 800, height: 384 }, cell, 13)).toBe(9.75)
  })

  it('never enlarges, and never goes below what can be read', () => {
    expect(fontFor({ cols: 20, rows: 5 }, { width: 800, height: 384 }, cell, 13)).toBe(13)
    expect(fontFor({ cols: 400, rows: 100 }, { width: 300, height: 300 }, cell, 13)).toBe(kSmallestFont)
  })
})
