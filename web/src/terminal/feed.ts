// What a channel receives, brought into an xterm without disturbing who reads in it: output waits for nobody, but a
// screen that would replace the one somebody has scrolled up in or selects on does; older lines are fetched when
// somebody reaches the top; the lines in view stay where they are.
import type { Terminal } from '@xterm/xterm'
import type { Size } from '../wire/channel.ts'
import { Output, type Port } from './output.ts'
import { placeIn, type Place } from './place.ts'
import * as scrollbacks from './scrollback.ts'

// Cancels a sequence the cut-off output may be in the middle of, then resets everything.
const kReset = '\x18\x1bc'

export interface FeedEvents {
  resized(size: Size, yours: boolean | null): void
  // There is output below what is in view.
  below(is: boolean): void
  // Older lines are on their way.
  fetching(is: boolean): void
  // Asks the server for so many lines of scrollback; false when it cannot be asked.
  ask(lines: number): boolean
  // Output is in the buffer.
  parsed(): void
  // The buffer was replaced: what was drawn over it no longer fits.
  replaced(): void
}

interface Selected {
  column: number
  // Rows below the top of the view.
  row: number
  length: number
}

// What one pull upwards would have scrolled, had there been anything to scroll in.
const kPulledLines = 3

const encoder = new TextEncoder()

export class Feed implements Port {
  readonly output = new Output(this)
  private scrollback = scrollbacks.kNoScrollback
  // Between pressing and releasing in the terminal a selection is made.
  private pressed = false
  private isBelow = false
  private isFetching = false
  // Lines that somebody tried to scroll up by while there were none.
  private pulled = 0
  private holds = false
  private fetchingTimer: ReturnType<typeof setTimeout> | null = null
  private readonly cleanups: (() => void)[] = []

  constructor(
    private readonly terminal: Terminal,
    element: HTMLElement,
    private readonly events: FeedEvents,
  ) {
    const press = () => {
      this.pressed = true
    }
    const release = () => {
      this.pressed = false
      this.readerMoved()
    }
    const wheel = (event: WheelEvent) => {
      if (event.deltaY < 0) requestAnimationFrame(() => this.fetchOlder())
    }
    // The button was released where nobody told: outside of the window.
    const move = (event: PointerEvent) => {
      if (this.pressed && event.buttons === 0) release()
    }
    element.addEventListener('pointerdown', press)
    element.addEventListener('pointermove', move)
    window.addEventListener('blur', release)
    window.addEventListener('pointerup', release)
    window.addEventListener('pointercancel', release)
    element.addEventListener('wheel', wheel, { passive: true, capture: true })
    const scrolled = terminal.onScroll(() => this.readerMoved())
    const selected = terminal.onSelectionChange(() => this.readerMoved())
    this.cleanups.push(() => {
      element.removeEventListener('pointerdown', press)
      element.removeEventListener('pointermove', move)
      window.removeEventListener('blur', release)
      window.removeEventListener('pointerup', release)
      window.removeEventListener('pointercancel', release)
      element.removeEventListener('wheel', wheel, true)
      scrolled.dispose()
      selected.dispose()
    })
  }

  dispose(): void {
    for (const cleanup of this.cleanups.splice(0)) cleanup()
    if (this.fetchingTimer !== null) clearTimeout(this.fetchingTimer)
  }

  // The socket is new.
  reopened(): void {
    this.scrollback = scrollbacks.reopened(this.scrollback)
    this.tellFetching()
  }

  // Back to what is new.
  toBottom(): void {
    this.terminal.clearSelection()
    this.terminal.scrollToBottom()
    this.readerMoved()
  }

  // Called when somebody may be at the top: asks for what is above, if there is more.
  fetchOlder(): void {
    const { active } = this.terminal.buffer
    if (active.type !== 'normal' || active.viewportY > 0 || this.terminal.modes.mouseTrackingMode !== 'none') return
    const now = performance.now()
    if (active.baseY === 0) this.pulled = Math.min(this.pulled + kPulledLines, this.terminal.rows)
    const lines = scrollbacks.wanted(this.scrollback, active.baseY, now)
    if (lines === null || !this.events.ask(lines)) return
    this.scrollback = scrollbacks.asking(this.scrollback, lines, now)
    this.output.passOver()
    this.tellFetching()
  }

  // Port
  write(bytes: Uint8Array, parsed: () => void): void {
    this.terminal.write(bytes, () => {
      if (this.isAbove()) this.setBelow(true)
      this.events.parsed()
      parsed()
    })
  }

  replace(bytes: Uint8Array, parsed: () => void): void {
    const place = this.isReading() ? this.place() : null
    const selected = place === null ? null : this.selected()
    const reset = encoder.encode(kReset)
    const all = new Uint8Array(reset.length + bytes.length)
    all.set(reset)
    all.set(bytes, reset.length)
    // One chunk is parsed in one go: no frame shows anything between the old and the new.
    this.terminal.write(all, () => {
      if (place !== null) this.goTo(place, selected)
      this.events.replaced()
      parsed()
    })
  }

  reset(): void {
    this.terminal.write(kReset)
    this.events.replaced()
  }

  resize(size: Size, yours: boolean | null): void {
    this.events.resized(size, yours)
  }

  history(lines: number, kept: number): void {
    this.scrollback = scrollbacks.told(this.scrollback, lines, kept)
    this.tellFetching()
    const { active } = this.terminal.buffer
    if (active.baseY > 0) {
      if (this.pulled > 0 && !this.isAbove()) this.terminal.scrollLines(-this.pulled)
      this.pulled = 0
    }
    if (this.isAbove() && active.viewportY === 0) this.fetchOlder()
  }

  mayReplace(lines: number | null): boolean {
    if (this.pressed) return false
    if (!this.isReading()) return true
    return lines !== null && scrollbacks.answers(this.scrollback, lines, this.terminal.buffer.active.baseY)
  }

  expectsMore(): boolean {
    return this.scrollback.asked !== null
  }

  holding(holds: boolean): void {
    this.holds = holds
    if (holds) this.setBelow(true)
    else if (!this.isAbove()) this.setBelow(false)
  }

  private isAbove(): boolean {
    const { active } = this.terminal.buffer
    return active.viewportY < active.baseY
  }

  private isReading(): boolean {
    return this.isAbove() || this.terminal.hasSelection()
  }

  private readerMoved(): void {
    if (!this.isReading() && !this.pressed) this.output.resume()
    if (!this.isAbove() && !this.holds) this.setBelow(false)
    if (this.isAbove() && this.terminal.buffer.active.viewportY === 0) this.fetchOlder()
  }

  private setBelow(is: boolean): void {
    if (is === this.isBelow) return
    this.isBelow = is
    this.events.below(is)
  }

  private tellFetching(): void {
    if (this.fetchingTimer !== null) clearTimeout(this.fetchingTimer)
    this.fetchingTimer = null
    const fetching = this.scrollback.asked !== null
    this.setFetching(fetching)
    if (!fetching) return
    // No answer: nothing turns any longer.
    this.fetchingTimer = setTimeout(() => this.setFetching(false), scrollbacks.kAnswerWithinMs)
  }

  private setFetching(is: boolean): void {
    if (is === this.isFetching) return
    this.isFetching = is
    this.events.fetching(is)
  }

  private lineAt(line: number): string {
    return this.terminal.buffer.active.getLine(line)?.translateToString(true) ?? ''
  }

  private place(): Place {
    const { viewportY, baseY } = this.terminal.buffer.active
    const rows = Array.from({ length: this.terminal.rows }, (_, row) => this.lineAt(viewportY + row))
    return { rows, above: baseY - viewportY }
  }

  private selected(): Selected | null {
    const range = this.terminal.getSelectionPosition()
    if (range === undefined) return null
    const { start, end } = range
    const length = (end.y - start.y) * this.terminal.cols + end.x - start.x
    return { column: start.x, row: start.y - this.terminal.buffer.active.viewportY, length }
  }

  private goTo(place: Place, selected: Selected | null): void {
    const { baseY } = this.terminal.buffer.active
    const line = placeIn(place, baseY, (at) => this.lineAt(at))
    this.terminal.scrollToLine(line)
    if (selected !== null && line + selected.row >= 0) {
      this.terminal.select(selected.column, line + selected.row, selected.length)
    }
  }
}
