// Local echo: what typed characters will look like before the program's own echo of them arrives, as mosh does it. A
// prediction is tentative until another one of its epoch came true, so a program that does not echo never shows one;
// a key whose effect is not certain ends the epoch. Right or invisible. Pure: the screen is read through a View, time
// comes from the caller.
import { widthOf } from './widths.ts'

// Shown only where the echo takes longer than people notice, until it is clearly quicker again.
export const kShowAboveMs = 30
export const kHideBelowMs = 20
// After the server took a key, its echo comes within this, or not at all. Programs take some milliseconds to draw.
export const kEchoWithinMs = 120
// More at once is a paste.
const kMaxTypedAtOnce = 4
// Nobody types so far ahead.
const kMaxPredictions = 256
const kRoundTripShare = 1 / 8

export interface Cell {
  // A space when nothing is there.
  text: string
  width: number
}

// The screen as it is now. Rows are numbered from the beginning of the scrollback, so that scrolling changes nothing.
export interface View {
  cols: number
  x: number
  y: number
  // The program draws the whole screen, or hides the cursor: what it does with keys is anybody's guess.
  opaque: boolean
  cell(x: number, y: number): Cell
}

export interface Shown {
  x: number
  y: number
  text: string
  width: number
}

interface Prediction extends Shown {
  // What the cell may still hold while the echo is on its way: what it held, and what was predicted before.
  before: readonly string[]
  // Where the cursor is once the echo is here.
  after: number
  input: number
  takenAt: number | null
  epoch: number
}

interface CursorPrediction {
  x: number
  y: number
  input: number
  takenAt: number | null
  epoch: number
}

// A stretch of a row that was typed in this epoch: what one may go back over.
interface Stretch {
  y: number
  from: number
  to: number
}

type Verdict = 'pending' | 'correct' | 'unproven' | 'wrong'

const kLeft = /^\x1b(?:\[|O)D$/
const kRight = /^\x1b(?:\[|O)C$/
const kErase = /^[\x7f\b]$/

export class Predictor {
  private predictions: Prediction[] = []
  private cursorAt: CursorPrediction | null = null
  private stretch: Stretch | null = null
  private epoch = 1
  private confirmed = 0
  // A key of uncertain effect: until it was taken and had its time, nothing is certain.
  private barrier: { input: number; takenAt: number | null } | null = null
  private rest: { x: number; y: number } | null = null
  private roundTrip: number | null = null
  private slow = false
  private sentAt = new Map<number, number>()

  // Milliseconds from sending a key to its acknowledgement; null before the first.
  roundTripMs(): number | null {
    return this.roundTrip
  }

  // An input was put on the socket; every input up to a number is in the pane.
  sent(input: number, now: number): void {
    this.sentAt.set(input, now)
  }

  taken(input: number, now: number): void {
    const sent = this.sentAt.get(input)
    if (sent !== undefined) {
      const sample = now - sent
      this.roundTrip = this.roundTrip === null ? sample : this.roundTrip + (sample - this.roundTrip) * kRoundTripShare
      this.slow = this.roundTrip > (this.slow ? kHideBelowMs : kShowAboveMs)
    }
    for (const number of this.sentAt.keys()) if (number <= input) this.sentAt.delete(number)
    for (const waiting of [...this.predictions, this.cursorAt, this.barrier]) {
      if (waiting !== null && waiting.input <= input) waiting.takenAt ??= now
    }
  }

  // Somebody typed; `input` is the number of its last byte's input.
  typed(data: string, input: number, view: View, now: number): void {
    if (this.barred(now) || view.opaque) return this.bar(input)
    if (kErase.test(data)) return this.erase(input, view)
    if (kLeft.test(data)) return this.move(-1, input, view)
    if (kRight.test(data)) return this.move(1, input, view)
    const chars = [...data]
    if (chars.length > kMaxTypedAtOnce) return this.bar(input)
    for (const char of chars) if (!this.print(char, input, view)) return this.bar(input)
  }

  // Output was parsed, or time went by.
  settle(view: View, now: number): void {
    if (view.opaque) return this.reset()
    if (!this.barred(now)) this.barrier = null
    this.settleCells(view, now)
    this.settleCursor(view, now)
    if (this.predictions.length > 0 || this.cursorAt !== null) return
    // Something moved the cursor that nobody here typed: a prompt, another person, another program.
    if (this.rest !== null && (this.rest.x !== view.x || this.rest.y !== view.y)) this.endEpoch()
    this.rest = { x: view.x, y: view.y }
  }

  // The connection is another one: inputs may be counted anew.
  restart(): void {
    this.reset()
    this.barrier = null
    this.sentAt.clear()
  }

  // The screen is another one: a snapshot, another size.
  reset(): void {
    this.predictions = []
    this.cursorAt = null
    this.rest = null
    this.endEpoch()
  }

  // What may be drawn, and where the cursor then is (null: where it is).
  shown(): { cells: readonly Shown[]; cursor: { x: number; y: number } | null } {
    if (!this.slow) return { cells: [], cursor: null }
    const cells = this.predictions.filter(({ epoch }) => epoch <= this.confirmed)
    const cursor = this.cursorAt !== null && this.cursorAt.epoch <= this.confirmed ? this.cursorAt : null
    return { cells, cursor }
  }

  // All of them, shown or not.
  all(): readonly (Shown & { tentative: boolean })[] {
    return this.predictions.map(({ x, y, text, width, epoch }) => ({ x, y, text, width, tentative: epoch > this.confirmed }))
  }

  // When settle() has to be called though nothing arrives; null when it need not be.
  dueAt(): number | null {
    const taken = [...this.predictions, this.cursorAt].flatMap((waiting) => waiting?.takenAt ?? [])
    return taken.length === 0 ? null : Math.min(...taken) + kEchoWithinMs
  }

  private barred(now: number): boolean {
    const { barrier } = this
    return barrier !== null && (barrier.takenAt === null || now - barrier.takenAt < kEchoWithinMs)
  }

  // What is known stays until it came true or not; what follows belongs to another epoch.
  private bar(input: number): void {
    this.barrier = { input, takenAt: null }
    this.cursorAt = null
    this.endEpoch()
  }

  private endEpoch(): void {
    this.epoch += 1
    this.stretch = null
  }

  private cursor(view: View): { x: number; y: number } {
    return this.cursorAt ?? { x: view.x, y: view.y }
  }

  // What a cell will hold once everything predicted is there.
  private future(view: View, x: number, y: number): string {
    const cell = this.predictions.find((other) => other.y === y && other.x <= x && x < other.x + other.width)
    if (cell === undefined) return view.cell(x, y).text
    return cell.x === x || cell.text === ' ' ? cell.text : ''
  }

  private print(char: string, input: number, view: View): boolean {
    const width = widthOf(char)
    const { x, y } = this.cursor(view)
    // In the last column terminals differ in what they do next.
    if (width === null || x + width >= view.cols || this.predictions.length >= kMaxPredictions) return false
    // In the middle of a line a program inserts or overwrites.
    for (let at = x; at < view.cols; at += 1) if (this.future(view, at, y) !== ' ') return false
    if (this.stretch === null || this.stretch.y !== y || this.stretch.to !== x) this.stretch = { y, from: x, to: x }
    this.put({ x, y, text: char, width }, x + width, input, view)
    this.stretch.to = x + width
    this.moveCursor(x + width, y, input)
    return true
  }

  private put(cell: Shown, after: number, input: number, view: View): void {
    const covers = (x: number) => x < cell.x + cell.width && cell.x <= x
    const older = this.predictions.filter(({ x, y }) => y === cell.y && covers(x))
    const same = older.filter(({ x }) => x === cell.x)
    const before = same.flatMap((prediction) => [...prediction.before, prediction.text])
    if (before.length === 0) before.push(view.cell(cell.x, cell.y).text)
    this.predictions = this.predictions.filter((prediction) => !older.includes(prediction))
    this.predictions.push({ ...cell, before, after, input, takenAt: null, epoch: this.epoch })
  }

  private moveCursor(x: number, y: number, input: number): void {
    this.cursorAt = { x, y, input, takenAt: null, epoch: this.epoch }
  }

  // Only at the end of what was typed in this epoch: what else there is may not be for erasing.
  private erase(input: number, view: View): void {
    const { x, y } = this.cursor(view)
    const { stretch } = this
    if (stretch === null || stretch.y !== y || stretch.to !== x || x <= stretch.from) return this.bar(input)
    const width = this.widthBefore(x, y, view)
    if (width === null || x - width < stretch.from) return this.bar(input)
    this.put({ x: x - width, y, text: ' ', width }, x - width, input, view)
    stretch.to = x - width
    this.moveCursor(x - width, y, input)
  }

  private move(step: -1 | 1, input: number, view: View): void {
    const { x, y } = this.cursor(view)
    const { stretch } = this
    if (stretch === null || stretch.y !== y) return this.bar(input)
    const width = step < 0 ? this.widthBefore(x, y, view) : widthOf(this.future(view, x, y))
    const to = x + step * (width ?? 0)
    if (width === null || to < stretch.from || to > stretch.to) return this.bar(input)
    this.moveCursor(to, y, input)
  }

  // The width of the character that ends where the cursor is.
  private widthBefore(x: number, y: number, view: View): 1 | 2 | null {
    const predicted = this.predictions.find((cell) => cell.y === y && cell.x + cell.width === x && cell.text !== ' ')
    if (predicted !== undefined) return predicted.width === 2 ? 2 : 1
    if (x < 1) return null
    if (view.cell(x - 1, y).width === 0) return 2
    return view.cell(x - 1, y).width === 1 ? 1 : null
  }

  private verdict(cell: Prediction, view: View, now: number): Verdict {
    const held = view.cell(cell.x, cell.y).text
    const late = cell.takenAt !== null && now - cell.takenAt >= kEchoWithinMs
    if (held === cell.text) {
      if (!cell.before.includes(held)) return 'correct'
      // It looked so before: that it still does proves nothing.
      const passed = view.y === cell.y && (cell.text === ' ' && cell.after === cell.x ? view.x === cell.x : view.x >= cell.after)
      if (late || (cell.takenAt !== null && passed)) return 'unproven'
      return 'pending'
    }
    if (!cell.before.includes(held)) return 'wrong'
    return late ? 'wrong' : 'pending'
  }

  private settleCells(view: View, now: number): void {
    const left: Prediction[] = []
    for (const cell of this.predictions) {
      const verdict = this.verdict(cell, view, now)
      if (verdict === 'wrong') return this.wrong(cell.epoch)
      if (verdict === 'correct') this.confirmed = Math.max(this.confirmed, cell.epoch)
      if (verdict === 'pending') left.push(cell)
    }
    this.predictions = left
  }

  private settleCursor(view: View, now: number): void {
    const { cursorAt } = this
    if (cursorAt === null || this.predictions.length > 0) return
    if (cursorAt.takenAt === null) return
    if (cursorAt.x === view.x && cursorAt.y === view.y) {
      this.cursorAt = null
      this.rest = { x: view.x, y: view.y }
    } else if (now - cursorAt.takenAt >= kEchoWithinMs) this.wrong(cursorAt.epoch)
  }

  // A wrong guess that was shown says that the program no longer does what it did; one that was not, that its epoch is
  // none of echo.
  private wrong(epoch: number): void {
    if (epoch <= this.confirmed) this.predictions = []
    else this.predictions = this.predictions.filter((cell) => cell.epoch < epoch)
    this.cursorAt = null
    this.rest = null
    this.endEpoch()
  }
}
