// Which part of a screen its picture shows.
import { describe, expect, it } from 'vitest'
import type { Run } from '../wire/types.ts'
import { placed, viewOf } from './thumb_picture.ts'

const run = (text: string): Run => ({ text, cols: text.length, foreground: 0, background: 0, attributes: 0 })
const thumb = (rows: number, used: number, cols = 80, cursor: readonly [number, number] | null = null) => ({
  cols,
  rows,
  cursor,
  lines: Array.from({ length: rows }, (_, y) => (y < used ? [run(`row ${y}`)] : [])),
})

describe('the picture of a screen', () => {
  it.each([
    ['the last rows of a full screen', thumb(40, 40), 40],
    ['the first rows while it fills', thumb(40, 5), 0],
    ['the rows before the blank ones', thumb(40, 30), 30],
    ['the row of the cursor', thumb(40, 5, 80, [0, 39]), 40],
    ['all of a low pane', thumb(6, 6), 6],
  ])('shows %s', (_, screen, end) => {
    const view = viewOf(screen, 320, 130)
    expect(view.top).toBe(Math.max(0, end - view.rows))
    expect(view.rows * view.cell.height).toBeGreaterThanOrEqual(Math.min(130, screen.rows * view.cell.height))
  })

  it('shows the last row whole', () => {
    const { rows, cell, raised } = viewOf(thumb(40, 40), 320, 130)
    expect(rows * cell.height - raised).toBeCloseTo(130)
    expect(viewOf(thumb(40, 3), 320, 130).raised).toBe(0)
  })

  it('puts characters of another font into their cells', () => {
    expect(placed({ ...run('│ 日'), cols: 4 })).toEqual([{ char: '│', col: 0 }, { char: '日', col: 2 }])
    expect(placed({ ...run('👩‍👩‍👦'), cols: 2 })).toBeNull()
  })

  it('cuts off what would be too small, and does not blow up what is narrow', () => {
    expect(viewOf(thumb(40, 40, 200), 320, 130).cols).toBe(84)
    expect(viewOf(thumb(40, 40, 20), 320, 130).cell.width).toBeCloseTo(320 / 56)
  })
})
