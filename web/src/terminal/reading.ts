// Lines of a session as text to read at any width: pages of numbered lines put together, and lines that the terminal
// wrapped made whole. Pure.
import { textOf } from '../wire/runs.ts'
import type { Line, LinePage, Run } from '../wire/types.ts'

// So many lines are on the page at once; further ones are fetched again.
export const kMostLines = 2_000
const kJustScreenRules = /^[\s\u2500-\u257f|+=_-]*$/u

export interface Lines {
  // Under another numbering a number means another line.
  readonly numbering: number
  // The numbers there are, and the screen's first.
  readonly first: number
  readonly top: number
  readonly end: number
  // Without a gap.
  readonly lines: readonly Line[]
}

export interface Paragraph {
  // The number of its first line.
  readonly n: number
  readonly runs: readonly Run[]
  // Nothing but a frame or a ruler: it is cut off at the edge instead of wrapped.
  readonly rule: boolean
}

const sameRuns = (a: readonly Run[], b: readonly Run[]) =>
  a.length === b.length &&
  a.every((run, at) => {
    const other = b[at] as Run
    return (
      run.text === other.text &&
      run.cols === other.cols &&
      run.foreground === other.foreground &&
      run.background === other.background &&
      run.attributes === other.attributes
    )
  })

// The line that was there, when it is the same: what is already on the page is not made again.
function kept(before: ReadonlyMap<number, Line>, line: Line): Line {
  const old = before.get(line.n)
  return old !== undefined && old.wrapped === line.wrapped && sameRuns(old.runs, line.runs) ? old : line
}

// What is known with another page. A page that does not touch what was known, or counts otherwise, replaces it.
export function merged(before: Lines | null, page: LinePage): Lines {
  const { numbering, first, top, end } = page
  const from = page.lines[0]?.n ?? end
  const to = (page.lines.at(-1)?.n ?? from - 1) + 1
  const old = before?.numbering === numbering ? before.lines.filter((line) => line.n >= first && line.n < end) : []
  const oldFrom = old[0]?.n ?? from
  const oldTo = (old.at(-1)?.n ?? from - 1) + 1
  const touches = old.length > 0 && oldFrom <= to && from <= oldTo
  if (!touches) return { numbering, first, top, end, lines: page.lines }
  const known = new Map(old.map((line) => [line.n, line]))
  return {
    numbering,
    first,
    top,
    end,
    lines: [
      ...old.filter((line) => line.n < from),
      ...page.lines.map((line) => kept(known, line)),
      ...old.filter((line) => line.n >= to),
    ],
  }
}

// At most kMostLines: those at one end stay.
export function trimmed(lines: Lines, keep: 'oldest' | 'newest'): Lines {
  if (lines.lines.length <= kMostLines) return lines
  return { ...lines, lines: keep === 'oldest' ? lines.lines.slice(0, kMostLines) : lines.lines.slice(-kMostLines) }
}

export const hasOlder = ({ lines, first }: Lines): boolean => (lines[0]?.n ?? first) > first
export const hasNewer = ({ lines, end }: Lines): boolean => (lines.at(-1)?.n ?? end - 1) + 1 < end

const isWide = (run: Run | undefined) => run !== undefined && run.cols === 2 * [...run.text].length

// A wrapped line is full; the blanks at its end that its runs leave out belong to the text. One cell is left over where
// a wide character did not fit.
function filled(line: Line, cols: number, next: Line | undefined): readonly Run[] {
  const missing = cols - line.runs.reduce((sum, run) => sum + run.cols, 0)
  if (missing <= 0 || (missing === 1 && isWide(next?.runs[0]))) return line.runs
  const blank = { text: ' '.repeat(missing), cols: missing, foreground: 0, background: 0, attributes: 0 }
  return [...line.runs, blank]
}

function paragraph(rows: readonly Line[], cols: number): Paragraph {
  const runs = rows.flatMap((row, at) => (row.wrapped ? filled(row, cols, rows[at + 1]) : row.runs))
  const text = textOf(runs)
  return { n: (rows[0] as Line).n, runs, rule: text.length > 1 && kJustScreenRules.test(text) && text.trim() !== '' }
}

const known = new WeakMap<Line, { cols: number; paragraph: Paragraph }>()

// One line stays the same paragraph as long as it is the same line.
function single(line: Line, cols: number): Paragraph {
  const before = known.get(line)
  if (before?.cols === cols) return before.paragraph
  const made = paragraph([line], cols)
  known.set(line, { cols, paragraph: made })
  return made
}

// Whole lines; blank ones at the very end, where the screen is not used yet, are left out.
export function paragraphs(lines: readonly Line[], cols: number): Paragraph[] {
  const all: Paragraph[] = []
  let rows: Line[] = []
  for (const line of lines) {
    rows.push(line)
    if (line.wrapped) continue
    all.push(rows.length === 1 ? single(line, cols) : paragraph(rows, cols))
    rows = []
  }
  if (rows.length > 0) all.push(paragraph(rows, cols))
  while (all.length > 0 && all.at(-1)?.runs.every((run) => run.text.trim() === '' && run.background === 0)) all.pop()
  return all
}
