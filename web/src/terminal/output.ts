// The order in which things reach the terminal: bytes, snapshots and sizes, exactly as they came. A size applies once
// everything before it was parsed, and what comes after waits for it; a snapshot makes everything before it pointless.
// Pure: the terminal is behind a Port.
import type { Size } from '../wire/channel.ts'

// Bytes handed to the terminal at once: what a snapshot that arrives meanwhile has to wait for.
export const kWindowBytes = 128 * 1024

export interface Port {
  // `parsed` is called once the bytes are in the terminal's buffer, which may be before the call returns.
  write(bytes: Uint8Array, parsed: () => void): void
  // The bytes instead of everything before.
  replace(bytes: Uint8Array, parsed: () => void): void
  reset(): void
  resize(size: Size, yours: boolean | null): void
  history(lines: number, kept: number): void
  // Whether the screen may be replaced now, by one with so many lines of scrollback (null: not yet known). False while
  // somebody reads: then it waits for resume().
  mayReplace(lines: number | null): boolean
  // Whether what waits keeps the server from sending what somebody asked for.
  expectsMore(): boolean
  // Output waits, or no longer does.
  holding(holds: boolean): void
}

type Step =
  | { kind: 'write'; bytes: Uint8Array; shown: () => void }
  | { kind: 'snapshot'; bytes: Uint8Array; shown: () => void; lines: number | null }
  | { kind: 'reset' }
  | { kind: 'size'; size: Size; yours: boolean | null }
  | { kind: 'history'; lines: number; kept: number }

export class Output {
  private steps: Step[] = []
  private parsing = 0
  private held = false
  private pumping = false

  constructor(private readonly port: Port) {}

  write(bytes: Uint8Array, shown: () => void): void {
    this.add({ kind: 'write', bytes, shown })
  }

  snapshot(bytes: Uint8Array, shown: () => void): void {
    this.supersede()
    this.add({ kind: 'snapshot', bytes, shown, lines: null })
  }

  history(lines: number, kept: number): void {
    const last = this.steps.findLast((step) => step.kind === 'snapshot')
    if (last?.kind === 'snapshot') last.lines ??= lines
    this.add({ kind: 'history', lines, kept })
    if (this.port.expectsMore()) this.passOver()
  }

  reset(): void {
    this.supersede()
    this.add({ kind: 'reset' })
  }

  size(size: Size, yours: boolean | null): void {
    this.add({ kind: 'size', size, yours })
  }

  // Somebody stopped reading.
  resume(): void {
    this.pump()
  }

  // Counts a snapshot that waits as shown, so that the server sends the next one, which somebody asked for.
  passOver(): void {
    const [first] = this.steps
    if (!this.held || first?.kind !== 'snapshot') return
    const { shown } = first
    first.shown = () => undefined
    shown()
  }

  private add(step: Step): void {
    this.steps.push(step)
    this.pump()
  }

  // Of what waits, only the sizes still matter: the last one, and whose it is.
  private supersede(): void {
    const sizes = this.steps.filter((step) => step.kind === 'size')
    const last = sizes.at(-1)
    const yours = sizes.findLast((step) => step.yours !== null)?.yours ?? null
    this.steps = last === undefined ? [] : [{ ...last, yours }]
  }

  private pump(): void {
    if (this.pumping) return
    this.pumping = true
    let step = this.steps[0]
    while (step !== undefined && this.ready(step)) {
      this.steps.shift()
      this.carryOut(step)
      step = this.steps[0]
    }
    this.pumping = false
    this.hold(step?.kind === 'snapshot' && this.parsing === 0)
  }

  private hold(held: boolean): void {
    if (held === this.held) return
    this.held = held
    this.port.holding(held)
  }

  private ready(step: Step): boolean {
    if (step.kind === 'write') return this.parsing < kWindowBytes
    return this.parsing === 0 && (step.kind !== 'snapshot' || this.port.mayReplace(step.lines))
  }

  private carryOut(step: Step): void {
    switch (step.kind) {
      case 'write':
        return this.hand(step, (bytes, parsed) => this.port.write(bytes, parsed))
      case 'snapshot':
        return this.hand(step, (bytes, parsed) => this.port.replace(bytes, parsed))
      case 'reset':
        return this.port.reset()
      case 'size':
        return this.port.resize(step.size, step.yours)
      case 'history':
        return this.port.history(step.lines, step.kept)
    }
  }

  private hand(
    { bytes, shown }: { bytes: Uint8Array; shown: () => void },
    give: (bytes: Uint8Array, parsed: () => void) => void,
  ): void {
    // At least one: an empty snapshot, too, is under way until it was parsed.
    const weight = Math.max(1, bytes.length)
    this.parsing += weight
    give(bytes, () => {
      this.parsing -= weight
      shown()
      this.pump()
    })
  }
}
