// One terminal over the socket: output in order and without holes, input exactly once, whatever happens to the socket.
// Knows nothing of sockets or screens: it posts to a Link while there is one, and shows through a Sink.
import * as cursors from './cursor.ts'
import { encodeFrame, FrameType, splitEcho, type Frame } from './frames.ts'
import * as ledgers from './ledger.ts'
import type { Sink, Size } from './sink.ts'
import type { FromServer, Person, ToServer } from './types.ts'

export type { Sink, Size } from './sink.ts'

// Rendered output is acknowledged at the latest after this many bytes or milliseconds, so the server's credit comes
// back in time for the next frames without one acknowledgement per frame.
export const kAckEveryBytes = 64 * 1024
export const kAckWithinMs = 50
// Received but not yet rendered: above this the screen is visibly behind.
export const kBehindBytes = 256 * 1024
// Asking again for missing bytes helps at once or not at all.
export const kMaxHoles = 5

// Errors after which the inputs on their way will not be acknowledged.
const kInputCodes = ['input_refused', 'no_input', 'forbidden']

// Where messages go while the socket is up.
export interface Link {
  text(message: ToServer): void
  binary(frame: Uint8Array<ArrayBuffer>): void
  nextChannel(): number
}

// Keeps the ledger over a reload of the tab. `save` is synchronous: it returns once the bytes would survive.
export interface Store {
  load(): ledgers.Ledger | null
  save(ledger: ledgers.Ledger): void
}

export interface Timers {
  set(callback: () => void, ms: number): () => void
}

export type ChannelPhase = 'closed' | 'opening' | 'open' | 'ended' | 'failed'

export interface ChannelView {
  phase: ChannelPhase
  // Why it failed or ended, in words for the person.
  reason: string
  // The log's end as far as this page knows, and how much of it was received and rendered.
  end: number
  received: number
  rendered: number
  behind: boolean
  // Input not yet known to be in the pane.
  pending: readonly ledgers.Input[]
  sent: number
  refused: readonly Uint8Array[]
  client: string
  // Who else looks on; empty while that is not known.
  people: readonly Person[]
}

export interface ChannelOptions {
  session: string
  // What would fill this viewer's screen.
  size: Size
  // What the pane had when it was last heard of.
  pane: Size
  sink: Sink
  store: Store
  timers: Timers
  newClient: () => string
  onChange: () => void
  // The server refused something that was asked, in words for the person.
  onTrouble: (message: string) => void
  // An input was put on the socket for the first time; every input up to a number is in the pane.
  onSent?: (number: number) => void
  onTaken?: (number: number) => void
}

export class Channel {
  private link: Link | null = null
  private channel = 0
  private phase: ChannelPhase = 'closed'
  private reason = ''
  private cursor = cursors.kStart
  // The log goes on at this offset, behind a gap: what is on the screen stays there until bytes come for it.
  private gapTo: number | null = null
  private people: readonly Person[] = []
  private end = 0
  private renderedTo = 0
  // Counts restarts: what was drawn before the last one is no part of what is on the screen.
  private epoch = 0
  private holes = 0
  private acked = 0
  private cancelAck: (() => void) | null = null
  private ledger: ledgers.Ledger
  private wanted: Size

  constructor(private readonly options: ChannelOptions) {
    this.wanted = options.size
    this.ledger = options.store.load() ?? ledgers.newLedger(options.newClient())
  }

  view(): ChannelView {
    const received = this.cursor.next ?? 0
    return {
      phase: this.phase,
      reason: this.reason,
      end: Math.max(this.end, received),
      received,
      rendered: this.renderedTo,
      behind: received < this.end || received - this.renderedTo > kBehindBytes,
      pending: this.ledger.pending,
      sent: this.ledger.sent,
      refused: this.ledger.refused,
      client: this.ledger.client,
      people: this.people,
    }
  }

  // The number under which the server's messages for this terminal arrive; 0 while there is none.
  number(): number {
    return this.channel
  }

  // The socket is up: open from where this terminal is.
  attach(link: Link): void {
    this.link = link
    this.open()
  }

  // The socket is gone. What was typed stays in the ledger, and what comes now goes there too.
  detach(): void {
    this.link = null
    this.channel = 0
    this.stopAck()
    this.people = []
    if (this.phase === 'open' || this.phase === 'opening') this.phase = 'closed'
    this.options.onChange()
  }

  close(): void {
    if (this.link !== null && this.channel !== 0) this.link.text({ type: 'close', channel: this.channel })
    this.detach()
  }

  // Tries again after a failure.
  retry(): void {
    this.phase = 'closed'
    this.reason = ''
    if (this.link !== null) this.open()
    this.options.onChange()
  }

  // False when the input does not fit: nothing of it was taken, and the person must be told.
  type(bytes: Uint8Array): boolean {
    if (this.phase === 'ended') return false
    const before = this.ledger
    const next = ledgers.typed(before, bytes)
    if (next === null) return false
    this.ledger = next
    this.transmit(before.next)
    this.options.onChange()
    return true
  }

  // The number of the last input there is.
  lastInput(): number {
    return this.ledger.next - 1
  }

  sendAgain(): void {
    const from = this.ledger.next
    this.ledger = ledgers.sendAgain(this.ledger)
    this.transmit(from)
    this.options.onChange()
  }

  forgetRefused(): void {
    this.keep(ledgers.forgetRefused(this.ledger))
  }

  discardUnsent(): void {
    this.keep(ledgers.discardUnsent(this.ledger))
  }

  // The size that would fill this viewer's screen.
  resize(size: Size): void {
    if (size.cols === this.wanted.cols && size.rows === this.wanted.rows) return
    this.wanted = size
    if (this.phase === 'open') this.link?.text({ type: 'resize', channel: this.channel, ...size })
  }

  // Makes the pane this viewer's size.
  fit(): void {
    if (this.phase === 'open') this.link?.text({ type: 'fit', channel: this.channel })
  }

  // Asks for the screen with so many lines of scrollback in front of it.
  scrollback(lines: number): boolean {
    if (this.phase !== 'open' || this.link === null) return false
    this.link.text({ type: 'scrollback', channel: this.channel, lines })
    return true
  }

  frame(frame: Frame): void {
    switch (frame.type) {
      case FrameType.data:
        return this.data(frame)
      case FrameType.snapshot:
        return this.snapshot(frame)
      case FrameType.ackInput:
        return this.taken(frame.number)
      case FrameType.echo: {
        const echo = splitEcho(frame)
        if (echo === null) return
        this.data(echo.data)
        return this.taken(echo.taken)
      }
    }
  }

  message(message: FromServer): void {
    switch (message.type) {
      case 'opened':
        return this.opened(message)
      case 'size':
        return this.options.sink.size({ cols: message.cols, rows: message.rows }, message.yours)
      case 'history':
        return this.options.sink.history(message.lines, message.kept)
      case 'people':
        this.people = message.people
        return this.options.onChange()
      case 'input_reset':
        this.transmit(0)
        return this.options.onChange()
      case 'closed':
        return this.finish('ended', message.reason)
      case 'error':
        return this.error(message.code, message.message)
    }
  }

  private open(): void {
    if (this.link === null) return
    this.phase = 'opening'
    this.channel = this.link.nextChannel()
    this.options.store.save(this.ledger)
    this.link.text({
      type: 'open',
      channel: this.channel,
      session: this.options.session,
      client: this.ledger.client,
      ...this.wanted,
      from: this.cursor.next ?? 'screen',
      echo: true,
    })
    this.options.onChange()
  }

  private reopen(): void {
    this.link?.text({ type: 'close', channel: this.channel })
    this.stopAck()
    this.open()
  }

  private opened(message: Extract<FromServer, { type: 'opened' }>): void {
    this.phase = 'open'
    this.end = message.end
    const step = cursors.opened(this.cursor, message.offset)
    this.gapTo = step.kind === 'restart' ? message.offset : null
    if (step.kind === 'show') {
      this.renderedTo = message.offset
      this.cursor = step.cursor
    }
    const pane = message.cols > 0 && message.rows > 0 ? { cols: message.cols, rows: message.rows } : this.options.pane
    if (pane.cols > 0 && pane.rows > 0) this.options.sink.size(pane, message.yours)
    // Credit starts anew with the channel: tell at once what is already on the screen.
    this.acked = 0
    if (this.renderedTo > 0) this.acknowledge()
    this.transmit(0)
    this.options.onChange()
  }

  private data(frame: Frame): void {
    if (this.phase !== 'open') return
    if (frame.number === this.gapTo) {
      this.restart()
      this.cursor = { next: this.gapTo }
      this.gapTo = null
    }
    const step = cursors.data(this.cursor, frame.number, frame.payload.length)
    if (step.kind === 'hole') return this.hole()
    this.cursor = step.cursor
    this.holes = 0
    if (step.kind === 'show') this.show(frame.payload.subarray(step.skip), frame.number + step.skip)
    this.options.onChange()
  }

  private taken(number: number): void {
    this.options.onTaken?.(number)
    this.keep(ledgers.acknowledged(this.ledger, number))
  }

  private hole(): void {
    this.holes += 1
    if (this.holes <= kMaxHoles) return this.reopen()
    this.link?.text({ type: 'close', channel: this.channel })
    this.finish('failed', 'The server leaves out part of the output each time it is asked for.')
  }

  private show(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.length
    this.end = Math.max(this.end, end)
    this.options.sink.received?.(bytes, offset)
    this.options.sink.write(bytes, this.shownTo(end))
  }

  private snapshot(frame: Frame): void {
    if (this.phase !== 'open') return
    this.epoch += 1
    this.gapTo = null
    this.holes = 0
    this.cursor = cursors.snapshot(frame.number).cursor
    this.end = Math.max(this.end, frame.number)
    const shown = this.shownTo(frame.number)
    // At once: the server sends the next one only then.
    this.options.sink.snapshot(frame.payload, () => shown() && this.acknowledge())
    this.options.onChange()
  }

  private restart(): void {
    this.epoch += 1
    this.options.sink.restart()
  }

  // What to call once the bytes up to `end` are on the screen; false when they no longer count.
  private shownTo(end: number): () => boolean {
    const { epoch } = this
    return () => {
      if (epoch !== this.epoch) return false
      this.renderedTo = end
      if (end - this.acked >= kAckEveryBytes) this.acknowledge()
      else if (this.cancelAck === null && this.link !== null) {
        this.cancelAck = this.options.timers.set(() => this.acknowledge(), kAckWithinMs)
      }
      this.options.onChange()
      return true
    }
  }

  private acknowledge(): void {
    this.stopAck()
    if (this.link === null || this.phase !== 'open') return
    this.acked = this.renderedTo
    this.link.binary(encodeFrame(FrameType.ackOutput, this.channel, this.renderedTo))
  }

  private stopAck(): void {
    this.cancelAck?.()
    this.cancelAck = null
  }

  // Sends what is pending from a number on, in order. Saved first: a reload at any moment later finds it.
  private transmit(from: number): void {
    const open = this.link !== null && this.phase === 'open'
    const { sent } = this.ledger
    if (open) this.ledger = ledgers.markSent(this.ledger)
    this.options.store.save(this.ledger)
    if (!open) return
    if (this.ledger.sent > sent) this.options.onSent?.(this.ledger.sent)
    for (const input of this.ledger.pending) {
      if (input.number >= from) {
        this.link?.binary(encodeFrame(FrameType.input, this.channel, input.number, input.bytes))
      }
    }
  }

  private error(code: string, message: string): void {
    if (this.phase !== 'open') return this.finish('failed', message || code)
    if (code !== 'input_refused') this.options.onTrouble(message || code)
    if (kInputCodes.includes(code)) this.inputRefused()
  }

  private inputRefused(): void {
    this.keep(ledgers.refused(this.ledger, this.options.newClient()))
    this.reopen()
  }

  private keep(ledger: ledgers.Ledger): void {
    if (ledger === this.ledger) return
    this.ledger = ledger
    this.options.store.save(ledger)
    this.options.onChange()
  }

  private finish(phase: 'ended' | 'failed', reason: string): void {
    this.phase = phase
    this.reason = reason
    this.channel = 0
    this.stopAck()
    this.options.onChange()
  }
}
