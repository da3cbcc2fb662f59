// What a browser test may look at, when its browser says localStorage.ccdTest = '1': the text of the screen, and a
// hash of the bytes received, to compare with the session's log. Nothing in it can do anything.
import { Fnv1a64 } from '../wire/fnv.ts'

interface Received {
  // Offset of the first byte hashed, and of the byte after the last.
  start: number
  end: number
  bytes: number
  // FNV-1a, 64 bits, hex.
  hash: string
}

export interface TestHook {
  // The visible rows, or everything that can be scrolled to.
  screenText(all?: boolean): string
  // The rows in view, each as wide as it has text.
  screenRows(): string[]
  // What was typed and is not echoed yet; `row` counts from the top of the view.
  predictions(): { row: number; col: number; text: string; shown: boolean }[]
  received(): Received
}

declare global {
  interface Window {
    ccdTest?: TestHook
  }
}

export function testsWatch(): boolean {
  try {
    return localStorage.getItem('ccdTest') === '1'
  } catch {
    return false
  }
}

// Browsers of tests have no graphics processor.
export function testsForceWebgl(): boolean {
  try {
    return testsWatch() && localStorage.getItem('ccdRenderer') === 'webgl'
  } catch {
    return false
  }
}

export class Recorder {
  private hash = new Fnv1a64()
  private start = 0
  private end = 0

  // A jump (a snapshot, a log that begins later) starts a new stretch.
  readonly record = (bytes: Uint8Array, offset: number): void => {
    if (offset !== this.end) {
      this.hash = new Fnv1a64()
      this.start = offset
    }
    this.hash.update(bytes)
    this.end = offset + bytes.length
  }

  received(): Received {
    return { start: this.start, end: this.end, bytes: this.end - this.start, hash: this.hash.hex() }
  }
}
