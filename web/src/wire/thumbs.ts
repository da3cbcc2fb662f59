// The screens of sessions that somebody looks at without opening them: which are asked for, and what is known of each.
import { Listeners } from './listeners.ts'
import { textOf } from './runs.ts'
import type { FromServer, Run } from './types.ts'

// The server takes so many at once.
export const kMaxThumbs = 200
// Scrolling through the fleet changes what is in view with every frame: the list follows once it rests.
export const kSettleMs = 120

export interface Thumb {
  readonly cols: number
  readonly rows: number
  readonly cursor: readonly [x: number, y: number] | null
  // Row by row; what is missing is blank.
  readonly lines: readonly (readonly Run[])[]
}

export type ThumbMessage = Extract<FromServer, { type: 'thumb' }>

const kBlank: readonly Run[] = []

// What is known after a message. Another size, like `all`, begins anew.
export function withThumb(before: Thumb | null, message: ThumbMessage): Thumb {
  const { cols, rows, cursor } = message
  const goesOn = before !== null && !message.all && before.cols === cols && before.rows === rows
  const lines = Array.from({ length: rows }, (_, y) => (goesOn ? (before.lines[y] ?? kBlank) : kBlank))
  for (const { y, runs } of message.lines) lines[y] = runs
  return { cols, rows, cursor, lines }
}

// The last row with something on it, as text; empty when the screen is.
export function lastLine(thumb: Thumb): string {
  for (let y = thumb.rows - 1; y >= 0; y -= 1) {
    const text = textOf(thumb.lines[y] ?? kBlank).trim()
    if (/[\p{L}\p{N}]/u.test(text)) return text
  }
  return ''
}

export interface ThumbsOptions {
  send: (sessions: readonly string[]) => void
  later: (callback: () => void, ms: number) => () => void
}

export class Thumbs {
  // How many look at each.
  private readonly watched = new Map<string, number>()
  // The last known of each, also of those nobody looks at now: a card that comes back into view shows it at once.
  private readonly known = new Map<string, Thumb>()
  private readonly listeners = new Map<string, Listeners>()
  private sent: readonly string[] = []
  private cancel: (() => void) | null = null
  private connected = false

  constructor(private readonly options: ThumbsOptions) {}

  current(session: string): Thumb | null {
    return this.known.get(session) ?? null
  }

  subscribe(session: string, listener: () => void): () => void {
    let listeners = this.listeners.get(session)
    if (listeners === undefined) this.listeners.set(session, (listeners = new Listeners()))
    return listeners.add(listener)
  }

  // Asks for a session's screen until the function that is given back is called.
  watch(session: string): () => void {
    this.watched.set(session, (this.watched.get(session) ?? 0) + 1)
    this.settle()
    let watching = true
    return () => {
      if (!watching) return
      watching = false
      const left = (this.watched.get(session) ?? 1) - 1
      if (left > 0) this.watched.set(session, left)
      else this.watched.delete(session)
      this.settle()
    }
  }

  // A new socket knows of no list.
  attach(): void {
    this.connected = true
    this.sent = []
    this.tell()
  }

  detach(): void {
    this.connected = false
  }

  // Another person's login: nothing of what was seen is left.
  clear(): void {
    this.known.clear()
  }

  forget(session: string): void {
    this.known.delete(session)
  }

  message(message: ThumbMessage): void {
    const { session } = message
    const next = withThumb(this.current(session), message)
    // Oldest first, so that what goes at the bound is what was told longest ago.
    this.known.delete(session)
    this.known.set(session, next)
    for (const oldest of this.known.keys()) {
      if (this.known.size <= kMaxThumbs) break
      this.known.delete(oldest)
    }
    this.listeners.get(session)?.notify()
  }

  private settle(): void {
    this.cancel ??= this.options.later(() => this.tell(), kSettleMs)
  }

  private tell(): void {
    this.cancel?.()
    this.cancel = null
    if (!this.connected) return
    const wanted = [...this.watched.keys()].slice(0, kMaxThumbs).sort()
    if (wanted.length === this.sent.length && wanted.every((id, at) => id === this.sent[at])) return
    this.sent = wanted
    this.options.send(wanted)
  }
}
