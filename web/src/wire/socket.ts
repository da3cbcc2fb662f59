// The one socket of the page: carries out what connection.ts decides and routes frames to the terminals on it.
import { Channel, type ChannelOptions, type Link, type Timers } from './channel.ts'
import {
  kStopped,
  step,
  word,
  type Connection,
  type ConnectionWord,
  type Effect,
  type Event,
} from './connection.ts'
import { Attention } from './attention.ts'
import { Fleet } from './fleet.ts'
import { decodeFrame } from './frames.ts'
import { isUnauthorized, type Http } from './http.ts'
import { Listeners } from './listeners.ts'
import { parseMessage, parseSession } from './messages.ts'
import { Thumbs } from './thumbs.ts'
import { Transcripts } from './transcripts.ts'
import type { FromServer, Session, ToServer } from './types.ts'

const kProtocol = 'ccd.v1'
// From asking for a ticket to the server's hello; longer is a dead path.
const kDialWithinMs = 10_000
// Unacknowledged input while the socket claims to be open: after this the path is taken for dead, at most so often.
const kInputAckWithinMs = 8_000
const kSuspectEveryMs = 30_000
const kTickMs = 1_000
// The server takes no more.
const kMaxIdleMs = 86_400_000

// The part of a browser's WebSocket that is used.
export interface Socket {
  binaryType: string
  readonly readyState: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number): void
}

const kOpen = 1

export interface WireOptions {
  http: Http
  // Where the socket is, e.g. wss://host/ws.
  url: () => string
  newSocket: (url: string, protocols: string[]) => Socket
  renew: (asked: number) => Promise<boolean>
  // Milliseconds; steady enough to measure seconds with.
  now: () => number
  random: () => number
  // What is told of the person at this page; without it nothing is.
  presence?: () => { visible: boolean; idleMs: number }
}

export interface WireView {
  word: ConnectionWord
  // When the next attempt is due, in the clock of `now`; null when none is planned.
  nextTryAt: number | null
}

export type TerminalOptions = Omit<ChannelOptions, 'timers'>

export const kTimers: Timers = {
  set(callback, ms) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}

export class Wire {
  readonly fleet = new Fleet()
  readonly attention = new Attention()
  readonly thumbs = new Thumbs({
    send: (sessions) => this.link().text({ type: 'thumbs', sessions }),
    later: (callback, ms) => kTimers.set(callback, ms),
  })
  readonly transcripts = new Transcripts((transcripts) => this.link().text({ type: 'watch_transcript', transcripts }))
  private connection: Connection = kStopped
  private view: WireView = { word: 'connecting', nextTryAt: null }
  private socket: Socket | null = null
  // Tells the events of this socket from those of one that was hung up.
  private dialing = 0
  private cancelDial: (() => void) | null = null
  private cancelWait: (() => void) | null = null
  private ticker: ReturnType<typeof setInterval> | null = null
  private channels = new Set<Channel>()
  private lastChannel = 0
  private pendingSince = new Map<Channel, { number: number; since: number }>()
  private lastSuspicion = Number.NEGATIVE_INFINITY
  private readonly listeners = new Listeners()

  constructor(private readonly options: WireOptions) {}

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.add(listener)
  readonly current = (): WireView => this.view

  start(): void {
    this.ticker ??= setInterval(() => this.tick(), kTickMs)
    this.happened({ kind: 'start' })
  }

  stop(): void {
    if (this.ticker !== null) clearInterval(this.ticker)
    this.ticker = null
    this.happened({ kind: 'stop' })
    this.fleet.clear()
    this.attention.clear()
    this.thumbs.clear()
  }

  // The page or the network came back; `stale` when an open socket may have died meanwhile. Also "try now".
  wake(stale: boolean): void {
    this.happened({ kind: 'wake', stale })
  }

  networkLost(): void {
    this.happened({ kind: 'network_lost' })
  }

  // The page was shown, hidden or used. Also told with each new connection.
  presenceChanged(): void {
    if (this.connection.phase.kind !== 'live' || this.options.presence === undefined) return
    const { visible, idleMs } = this.options.presence()
    const whole = Math.round(Math.min(Math.max(idleMs, 0), kMaxIdleMs))
    this.link().text({ type: 'presence', visible, idle_ms: whole })
  }

  openTerminal(options: TerminalOptions): Channel {
    const channel = new Channel({ ...options, timers: kTimers })
    this.channels.add(channel)
    if (this.connection.phase.kind === 'live') channel.attach(this.link())
    return channel
  }

  closeTerminal(channel: Channel): void {
    channel.close()
    this.channels.delete(channel)
    this.pendingSince.delete(channel)
  }

  async readFleet(): Promise<void> {
    this.fleet.readingStarts()
    try {
      const { sessions } = await this.options.http.json<{ sessions: unknown[] }>('GET', '/api/sessions')
      const parsed = sessions.map(parseSession).filter((session): session is Session => session !== null)
      this.fleet.readingEnds(parsed)
    } catch (error) {
      this.fleet.readingFailed(error instanceof Error ? error.message : String(error))
    }
  }

  private happened(event: Event): void {
    const before = this.connection.phase.kind
    const [next, effects] = step(this.connection, event, { now: this.options.now(), random: this.options.random() })
    this.connection = next
    if (before === 'live' && next.phase.kind !== 'live') this.detachAll()
    for (const effect of effects) this.carryOut(effect)
    if (before !== 'live' && next.phase.kind === 'live') this.attachAll()
    this.refresh()
  }

  private carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'dial':
        return void this.dial()
      case 'hang_up':
        return this.hangUp()
      case 'renew':
        return void this.renew()
      case 'wait':
        this.cancelWait = kTimers.set(() => this.happened({ kind: 'timer' }), effect.ms)
        return
      case 'stop_waiting':
        this.cancelWait?.()
        this.cancelWait = null
    }
  }

  private async dial(): Promise<void> {
    this.hangUp()
    const dialing = this.dialing
    const current = () => dialing === this.dialing
    this.cancelDial = kTimers.set(() => current() && this.failed(0), kDialWithinMs)
    let ticket: string
    try {
      ticket = (await this.options.http.json<{ ticket: string }>('POST', '/api/ws-ticket', { body: {} })).ticket
    } catch (error) {
      if (!current()) return
      if (isUnauthorized(error)) this.happened({ kind: 'unauthorized' })
      else this.failed(0)
      return
    }
    if (!current()) return
    // The ticket goes into the subprotocol list: an address would end up in logs.
    const socket = this.options.newSocket(this.options.url(), [kProtocol, `ticket.${ticket}`])
    this.socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onmessage = (event: { data: unknown }) => current() && this.received(event.data)
    socket.onclose = (event: { code: number }) => current() && this.failed(event.code)
    socket.onerror = () => undefined
  }

  private failed(code: number): void {
    this.hangUp()
    this.happened({ kind: 'down', code })
  }

  private hangUp(): void {
    this.dialing += 1
    this.cancelDial?.()
    this.cancelDial = null
    const { socket } = this
    this.socket = null
    if (socket === null) return
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  private async renew(): Promise<void> {
    const asked = this.options.now()
    let result: 'renewed' | 'denied' | 'unreachable'
    try {
      result = (await this.options.renew(asked)) ? 'renewed' : 'denied'
    } catch {
      result = 'unreachable'
    }
    this.happened({ kind: 'renewed', result })
  }

  private received(data: unknown): void {
    if (typeof data === 'string') {
      const message = parseMessage(data)
      if (message !== null) this.message(message)
      return
    }
    if (!(data instanceof ArrayBuffer)) return
    const frame = decodeFrame(data)
    if (frame !== null) this.channel(frame.channel)?.frame(frame)
  }

  private message(message: FromServer): void {
    switch (message.type) {
      case 'hello':
        this.cancelDial?.()
        this.cancelDial = null
        this.happened({ kind: 'hello' })
        this.attention.begin()
        // Read after subscribing: what changes meanwhile arrives as messages.
        void this.readFleet()
        return
      case 'attention':
        return this.attention.upsert(message.item)
      case 'attention_closed':
        return this.attention.close(message)
      case 'sessions_complete':
        return this.attention.complete()
      case 'session':
        return this.fleet.upsert(message.session)
      case 'session_removed':
        this.thumbs.forget(message.id)
        return this.fleet.remove(message.id)
      case 'thumb':
        return this.thumbs.message(message)
      case 'transcript':
        return this.transcripts.message(message)
      default:
        if (message.channel !== null) this.channel(message.channel)?.message(message)
    }
  }

  private channel(number: number): Channel | null {
    if (number === 0) return null
    for (const channel of this.channels) if (channel.number() === number) return channel
    return null
  }

  private link(): Link {
    const { socket } = this
    const send = (data: string | Uint8Array<ArrayBuffer>) => {
      // A socket that is closing takes nothing; what matters is in the ledgers and goes out on the next one.
      if (socket !== null && socket === this.socket && socket.readyState === kOpen) socket.send(data)
    }
    return {
      text: (message: ToServer) => send(JSON.stringify(message)),
      binary: send,
      nextChannel: () => (this.lastChannel += 1),
    }
  }

  private attachAll(): void {
    for (const channel of this.channels) channel.attach(this.link())
    this.thumbs.attach()
    this.presenceChanged()
    this.transcripts.attach()
  }

  private detachAll(): void {
    this.pendingSince.clear()
    this.thumbs.detach()
    this.transcripts.detach()
    for (const channel of this.channels) channel.detach()
  }

  private tick(): void {
    if (this.connection.phase.kind === 'live' && this.inputHangs()) {
      this.lastSuspicion = this.options.now()
      this.happened({ kind: 'wake', stale: true })
    }
    this.refresh()
  }

  // A dead path (a phone that slept, a network that changed) looks open for minutes. Input without an answer tells. A
  // pane that takes no input looks the same, so this dials again rarely; dialing again loses nothing.
  private inputHangs(): boolean {
    const now = this.options.now()
    let hangs = false
    for (const channel of this.channels) {
      const { phase, pending } = channel.view()
      const first = phase === 'open' ? pending[0] : undefined
      const known = this.pendingSince.get(channel)
      if (first === undefined) this.pendingSince.delete(channel)
      else if (known?.number !== first.number) this.pendingSince.set(channel, { number: first.number, since: now })
      else hangs ||= now - known.since >= kInputAckWithinMs
    }
    return hangs && now - this.lastSuspicion >= kSuspectEveryMs
  }

  private refresh(): void {
    const next: WireView = {
      word: word(this.connection, this.options.now()),
      nextTryAt: this.connection.phase.kind === 'waiting' ? this.connection.phase.until : null,
    }
    if (next.word === this.view.word && next.nextTryAt === this.view.nextTryAt) return
    this.view = next
    this.listeners.notify()
  }
}
