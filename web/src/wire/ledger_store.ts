// Keeps a ledger in the tab's own storage, so that a reload goes on where it was, and makes sure no second tab uses the
// same client id: duplicating a tab copies its storage, and two counters under one id would lose input.
import type { Store } from './channel.ts'
import { newLedger, parseLedger, serialise, type Ledger } from './ledger.ts'

// A reloading tab's old document gives its lock back a moment after the new one starts.
export const kClaimWithinMs = 1_000

// The part of the Web Locks API that is used; absent outside secure contexts.
export interface Locks {
  request(
    name: string,
    options: { signal?: AbortSignal },
    callback: () => Promise<void>,
  ): Promise<unknown>
}

export interface Shelf {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

export interface ClaimedStore extends Store {
  // Lets another document have the client id.
  release(): void
}

// True once the lock is held, false when somebody else keeps it.
function claim(locks: Locks, name: string, releases: (() => void)[], withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const giveUp = new AbortController()
    const timer = setTimeout(() => giveUp.abort(), withinMs)
    const held = locks.request(name, { signal: giveUp.signal }, () => {
      clearTimeout(timer)
      resolve(true)
      return new Promise<void>((release) => releases.push(release))
    })
    held.catch(() => resolve(false))
  })
}

export async function claimStore(
  key: string,
  shelf: Shelf,
  locks: Locks | undefined,
  newClient: () => string,
  withinMs = kClaimWithinMs,
): Promise<ClaimedStore> {
  const releases: (() => void)[] = []
  const lockName = (client: string) => `ccd.client.${client}`
  let ledger = parseLedger(shelf.getItem(key) ?? '')
  if (ledger !== null) {
    const mine = locks !== undefined && (await claim(locks, lockName(ledger.client), releases, withinMs))
    if (!mine) {
      // Without locks nobody can tell a reload from a copy. What was pending is then offered, never sent by itself.
      const doubtful = locks === undefined ? [...ledger.refused, ...ledger.pending.map((input) => input.bytes)] : []
      ledger = { ...newLedger(newClient()), refused: doubtful }
    }
  }
  let client = releases.length > 0 ? ledger?.client : undefined
  const save = (next: Ledger) => {
    if (locks !== undefined && next.client !== client) {
      client = next.client
      void claim(locks, lockName(next.client), releases, withinMs)
    }
    try {
      shelf.setItem(key, serialise(next))
    } catch {
      // Storage is full or forbidden: a stale copy would be worse than none after a reload.
      shelf.removeItem(key)
    }
  }
  return {
    load: () => ledger,
    save,
    release: () => releases.splice(0).forEach((release) => release()),
  }
}
