// Where somebody reads, kept while the terminal's buffer is built anew: the lines in view are found again in the new
// one. Pure.

export interface Place {
  // The text of the rows in view, from the top.
  readonly rows: readonly string[]
  // Rows between the top of the view and the top of the screen.
  readonly above: number
}

const kRowsToCompare = 24

// How many of the rows stand at a line, as a share; blank rows say nothing.
function likeness(rows: readonly string[], at: number, lineAt: (line: number) => string): number {
  let told = 0
  let same = 0
  for (const [row, text] of rows.entries()) {
    if (text === '') continue
    told += 1
    if (lineAt(at + row) === text) same += 1
  }
  return told === 0 ? 0 : same / told
}

// The line that belongs at the top of the view, in a buffer whose screen begins at line `base`. Where the same lines
// stand more than once, the place nearest to where they were, counted from the screen, is meant. What is found nowhere
// leaves the view as far above the screen as it was.
export function placeIn(place: Place, base: number, lineAt: (line: number) => string): number {
  const guess = Math.min(base, Math.max(0, base - place.above))
  const rows = place.rows.slice(0, kRowsToCompare).map((row) => row.trimEnd())
  const first = rows.findIndex((row) => row !== '')
  if (first < 0) return guess
  let best = guess
  let likest = 0.5
  for (let distance = 0; distance <= base; distance += 1) {
    for (const at of distance === 0 ? [guess] : [guess - distance, guess + distance]) {
      if (at < 0 || at > base || lineAt(at + first) !== rows[first]) continue
      const like = likeness(rows, at, lineAt)
      if (like > likest) {
        likest = like
        best = at
      }
      if (like === 1) return at
    }
  }
  return best
}
