// Draws a session's screen small: its last rows, as large as can be read, on a canvas. Rows that did not change are not
// drawn again.
import type { ITheme } from '@xterm/xterm'
import { Attribute, underlineOf } from '../wire/runs.ts'
import type { Thumb } from '../wire/thumbs.ts'
import type { Run } from '../wire/types.ts'
import { lookOf } from './cell_colours.ts'

// More columns than these would be a pattern, not text: what is to their right is cut off.
const kMostCols = 84
// Letters no larger than these, however narrow the pane.
const kFewestCols = 56
// JetBrains Mono is 0.6 of its size wide; rows as in the terminal.
const kWidthOfSize = 0.6
const kHeightOfWidth = 2.1
const kCursorAlpha = 0.7
const kFont = "'JetBrains Mono', ui-monospace, monospace"

// What the terminal's font has letters for; all as wide as a cell.
const kOwnFont = /^[\u0000-\u024f\u0370-\u052f\u2010-\u2026]*$/

// Which rows and columns are seen, and how large a cell is. Pure; lengths in the same unit as the room.
export interface View {
  cols: number
  // The first row, and how many.
  top: number
  rows: number
  // How far the first row stands above the edge: the last one is always whole.
  raised: number
  cell: { width: number; height: number }
}

const isBlank = (runs: readonly Run[] | undefined) =>
  runs === undefined || runs.every((run) => run.background === 0 && !(run.attributes & Attribute.reverse) && run.text.trim() === '')

// The rows at the screen's end, where programs print; while the screen is not full, those around what is printed.
export function viewOf(thumb: Thumb, width: number, height: number): View {
  const cols = Math.max(1, Math.min(thumb.cols, kMostCols))
  const cellWidth = width / Math.max(cols, kFewestCols)
  const cell = { width: cellWidth, height: cellWidth * kHeightOfWidth }
  const rows = Math.max(1, Math.min(thumb.rows, Math.ceil(height / cell.height)))
  let used = thumb.rows
  while (used > 0 && isBlank(thumb.lines[used - 1]) && (thumb.cursor?.[1] ?? 0) < used - 1) used -= 1
  const top = Math.max(0, used - rows)
  const overflow = rows * cell.height - height
  return { cols, top, rows, raised: used - top >= rows ? Math.max(0, overflow) : 0, cell }
}

const kWide = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u

// Each character with its column, for text of another font than the terminal's, whose letters are not as wide as a cell.
// Null when that is not certain: then the text is drawn whole.
export function placed(run: Run): readonly { char: string; col: number }[] | null {
  const chars: { char: string; col: number }[] = []
  let col = 0
  for (const char of run.text) {
    if (char !== ' ') chars.push({ char, col })
    col += kWide.test(char) ? 2 : 1
  }
  return col === run.cols ? chars : null
}

export class ThumbPicture {
  private readonly context: CanvasRenderingContext2D | null
  private drawn: { lines: readonly (readonly Run[] | undefined)[]; cursor: string; key: string } | null = null

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext('2d', { alpha: false })
  }

  // Sizes in CSS pixels; the canvas gets the screen's own.
  draw(thumb: Thumb, theme: ITheme, width: number, height: number, ratio: number): void {
    const { context, canvas } = this
    if (context === null || width === 0 || height === 0) return
    const pixels = { width: Math.round(width * ratio), height: Math.round(height * ratio) }
    const view = viewOf(thumb, pixels.width, pixels.height)
    const key = [pixels.width, pixels.height, thumb.cols, view.rows, view.raised, theme.background].join(' ')
    const cursor = thumb.cursor === null ? '' : `${thumb.cursor[0]} ${thumb.cursor[1] - view.top}`
    const lines = Array.from({ length: view.rows }, (_, row) => thumb.lines[view.top + row])
    const before = this.drawn?.key === key ? this.drawn : null
    if (before === null) {
      canvas.width = pixels.width
      canvas.height = pixels.height
      context.fillStyle = theme.background as string
      context.fillRect(0, 0, pixels.width, pixels.height)
      context.textBaseline = 'alphabetic'
    }
    const cursorRows = [before?.cursor, cursor].map((at) => Number(at?.split(' ')[1] ?? -1))
    for (const [row, runs] of lines.entries()) {
      const same = before !== null && before.lines[row] === runs
      if (!same || (before.cursor !== cursor && cursorRows.includes(row))) this.row(context, runs ?? [], row, view, theme)
    }
    this.cursor(context, thumb, view, theme)
    this.drawn = { lines, cursor, key }
  }

  private row(context: CanvasRenderingContext2D, runs: readonly Run[], row: number, view: View, theme: ITheme): void {
    const { cell } = view
    const top = Math.round(row * cell.height - view.raised)
    const height = Math.round((row + 1) * cell.height - view.raised) - top
    const right = Math.ceil(view.cols * cell.width)
    context.save()
    context.beginPath()
    context.rect(0, top, this.canvas.width, height)
    context.clip()
    context.fillStyle = theme.background as string
    context.fillRect(0, top, this.canvas.width, height)
    let col = 0
    for (const run of runs) {
      const left = col * cell.width
      if (left >= right) break
      this.run(context, run, { left, top, width: run.cols * cell.width, height }, cell.width, theme)
      col += run.cols
    }
    context.restore()
  }

  private run(
    context: CanvasRenderingContext2D,
    run: Run,
    box: { left: number; top: number; width: number; height: number },
    cellWidth: number,
    theme: ITheme,
  ): void {
    const { foreground, background } = lookOf(run, theme)
    if (background !== null) {
      context.fillStyle = background
      context.fillRect(Math.floor(box.left), box.top, Math.ceil(box.width) + 1, box.height)
    }
    if (run.attributes & Attribute.hidden) return
    const weight = run.attributes & Attribute.bold ? '650' : '400'
    const style = run.attributes & Attribute.italic ? 'italic ' : ''
    context.font = `${style}${weight} ${(cellWidth / kWidthOfSize).toFixed(2)}px ${kFont}`
    context.fillStyle = foreground
    const base = box.top + box.height * 0.76
    const apart = kOwnFont.test(run.text) ? null : placed(run)
    if (apart !== null) {
      for (const { char, col } of apart) context.fillText(char, box.left + col * cellWidth, base)
    } else if (run.text.trim() !== '') {
      // No wider than its cells: another font's letters are narrowed into them.
      context.fillText(run.text, box.left, base, box.width + cellWidth * 0.2)
    }
    const line = Math.max(1, Math.round(box.height / 14))
    if (underlineOf(run.attributes) > 0) context.fillRect(box.left, base + line, box.width, line)
    if (run.attributes & Attribute.strike) context.fillRect(box.left, box.top + box.height / 2, box.width, line)
  }

  private cursor(context: CanvasRenderingContext2D, thumb: Thumb, view: View, theme: ITheme): void {
    if (thumb.cursor === null) return
    const [x, y] = thumb.cursor
    const row = y - view.top
    if (row < 0 || row >= view.rows || x >= view.cols) return
    context.globalAlpha = kCursorAlpha
    context.fillStyle = theme.cursor as string
    const top = Math.round(row * view.cell.height - view.raised)
    context.fillRect(x * view.cell.width, top, view.cell.width, Math.round(view.cell.height))
    context.globalAlpha = 1
  }
}
