// Runs of cells as the server sends them, [[text, cols, foreground, background, attributes], ...]: from untrusted JSON
// to values, and what their numbers mean.
import type { Run } from './types.ts'

// A pane is at most this wide.
const kMaxCols = 1000

// Bits of a run's attributes; the underline's style is above them.
export const Attribute = { bold: 1, dim: 2, italic: 4, blink: 8, reverse: 16, hidden: 32, strike: 64, overline: 128 } as const
const kUnderlineShift = 9
const kUnderlineMask = 7

export const underlineOf = (attributes: number): number => (attributes >> kUnderlineShift) & kUnderlineMask

// A colour as the numbers give it. `default`: the terminal's own.
export type Colour = { kind: 'default' } | { kind: 'palette'; index: number } | { kind: 'rgb'; value: number }

const kDefault: Colour = { kind: 'default' }

export function colourOf(value: number): Colour {
  switch (value >>> 24) {
    case 1:
      return { kind: 'palette', index: value & 15 }
    case 2:
      return { kind: 'palette', index: value & 255 }
    case 3:
      return { kind: 'rgb', value: value & 0xffffff }
    default:
      return kDefault
  }
}

const number = (value: unknown): number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff ? (value as number) : 0

// What is malformed is left out; a row is never wider than a pane.
export function parseRuns(value: unknown): Run[] {
  if (!Array.isArray(value)) return []
  const runs: Run[] = []
  let width = 0
  for (const run of value) {
    if (!Array.isArray(run) || typeof run[0] !== 'string') continue
    const cols = number(run[1])
    if (cols === 0 || (width += cols) > kMaxCols) break
    runs.push({
      text: run[0],
      cols,
      foreground: number(run[2]),
      background: number(run[3]),
      attributes: number(run[4]),
    })
  }
  return runs
}

export function textOf(runs: readonly Run[]): string {
  return runs.map(({ text, attributes }) => (attributes & Attribute.hidden ? ' '.repeat(text.length) : text)).join('')
}
