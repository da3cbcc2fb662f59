// What was typed into one session and is not yet known to be in the pane: numbered, kept until acknowledged, sent again
// after every reconnect. The receiver drops numbers it has taken before, so each input reaches the pane exactly once.
// Pure: every step gives a new ledger.
import { kMaxInputBytes } from './frames.ts'

// Past this much unacknowledged input the page refuses to take more and says so: the bytes live in the tab's storage,
// which browsers bound at about 5 MB, and nobody means to type more than this into a pane that does not answer.
export const kMaxPendingBytes = 256 * 1024

export interface Input {
  readonly number: number
  readonly bytes: Uint8Array
}

export interface Ledger {
  // 32 hex digits; numbers count per client.
  readonly client: string
  readonly next: number
  readonly pending: readonly Input[]
  // The highest number ever put on a socket: what is above it certainly did not reach anybody.
  readonly sent: number
  // Input the server refused to deduplicate; the person decides whether it is sent again.
  readonly refused: readonly Uint8Array[]
}

export function newLedger(client: string): Ledger {
  return { client, next: 1, pending: [], sent: 0, refused: [] }
}

const total = (chunks: readonly Uint8Array[]) => chunks.reduce((sum, bytes) => sum + bytes.length, 0)

export function pendingBytes(ledger: Ledger): number {
  return total(ledger.pending.map((input) => input.bytes))
}

// Null when the bytes do not fit: the ledger takes an input whole or not at all.
export function typed(ledger: Ledger, bytes: Uint8Array): Ledger | null {
  if (bytes.length === 0) return ledger
  if (pendingBytes(ledger) + total(ledger.refused) + bytes.length > kMaxPendingBytes) return null
  const added: Input[] = []
  for (let at = 0; at < bytes.length; at += kMaxInputBytes) {
    added.push({ number: ledger.next + added.length, bytes: new Uint8Array(bytes.subarray(at, at + kMaxInputBytes)) })
  }
  return { ...ledger, next: ledger.next + added.length, pending: [...ledger.pending, ...added] }
}

// The inputs that were never put on a socket.
export function unsent(ledger: Ledger): readonly Input[] {
  return ledger.pending.filter((input) => input.number > ledger.sent)
}

export function markSent(ledger: Ledger): Ledger {
  const last = ledger.pending.at(-1)
  return last === undefined || last.number <= ledger.sent ? ledger : { ...ledger, sent: last.number }
}

// The pane took everything up to `number`. A number this ledger has not given out yet means that an older copy of it
// was restored: counting goes on above, or the next inputs would be dropped as repeats.
export function acknowledged(ledger: Ledger, number: number): Ledger {
  const pending = ledger.pending.filter((input) => input.number > number)
  if (pending.length === ledger.pending.length && number < ledger.next) return ledger
  return { ...ledger, pending, next: Math.max(ledger.next, number + 1), sent: Math.max(ledger.sent, number) }
}

// The receiver no longer knows this client and cannot tell what it had taken: sending again by itself could double it,
// and sending only the rest could run half a command. Counting starts over under a new id; a person decides.
export function refused(ledger: Ledger, client: string): Ledger {
  return { ...newLedger(client), refused: [...ledger.refused, ...ledger.pending.map((input) => input.bytes)] }
}

export function sendAgain(ledger: Ledger): Ledger {
  let next: Ledger = { ...ledger, refused: [] }
  for (const bytes of ledger.refused) next = typed(next, bytes) ?? next
  return next
}

export function forgetRefused(ledger: Ledger): Ledger {
  return { ...ledger, refused: [] }
}

// Takes back what never left the page, and the numbers it had.
export function discardUnsent(ledger: Ledger): Ledger {
  const pending = ledger.pending.filter((input) => input.number <= ledger.sent)
  return { ...ledger, pending, next: Math.max(ledger.sent, pending.at(-1)?.number ?? 0) + 1 }
}

const toText = (bytes: Uint8Array): string => {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

const toBytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))

export function serialise(ledger: Ledger): string {
  return JSON.stringify({
    client: ledger.client,
    next: ledger.next,
    sent: ledger.sent,
    pending: ledger.pending.map((input) => [input.number, toText(input.bytes)]),
    refused: ledger.refused.map(toText),
  })
}

// Null when the text is not a ledger this version wrote.
export function parseLedger(json: string): Ledger | null {
  try {
    const value = JSON.parse(json) as {
      client: unknown
      next: unknown
      sent: unknown
      pending: [number, string][]
      refused: string[]
    }
    if (typeof value.client !== 'string' || !/^[0-9a-f]{32}$/.test(value.client)) return null
    if (!Number.isSafeInteger(value.next) || !Number.isSafeInteger(value.sent)) return null
    const pending = value.pending.map(([number, bytes]) => ({ number, bytes: toBytes(bytes) }))
    if (!pending.every((input) => Number.isSafeInteger(input.number))) return null
    return {
      client: value.client,
      next: value.next as number,
      sent: value.sent as number,
      pending,
      refused: value.refused.map(toBytes),
    }
  } catch {
    return null
  }
}
