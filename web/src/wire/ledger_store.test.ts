// The ledger survives a reload of the tab.
import { describe, expect, it } from 'vitest'
import { markSent, newLedger, typed } from './ledger.ts'
import { claimStore, type Locks } from './ledger_store.ts'

// A lock table as a browser keeps it over its tabs: exclusive, first come first served.
class LockTable implements Locks {
  private readonly tails = new Map<string, Promise<void>>()
  request(name: string, { signal }: { signal?: AbortSignal }, callback: () => Promise<void>): Promise<void> {
    const before = this.tails.get(name) ?? Promise.resolve()
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(new Error('aborted')))
    })
    aborted.catch(() => undefined)
    const turn = Promise.race([before, aborted]).then(callback)
    this.tails.set(name, turn.catch(() => undefined))
    return turn
  }
}

class Shelf {
  readonly values = new Map<string, string>()
  getItem(key: string) {
    return this.values.get(key) ?? null
  }
  setItem(key: string, value: string) {
    this.values.set(key, value)
  }
  removeItem(key: string) {
    this.values.delete(key)
  }
}

let clients = 0
const newClient = () => (clients += 1).toString(16).padStart(32, '0')
const ledger = () => typed(newLedger(newClient()), Buffer.from('x'))!

describe('ledger store', () => {
  it('gives a reloaded tab its ledger back, also while the old document still holds it for a moment', async () => {
    const shelf = new Shelf()
    const locks = new LockTable()
    const before = await claimStore('k', shelf, locks, newClient)
    const kept = markSent(ledger())
    before.save(kept)
    setTimeout(() => before.release(), 20)
    const after = await claimStore('k', shelf, locks, newClient, 1_000)
    expect(after.load()).toEqual(kept)
  })

  it('gives a copy of a living tab a client of its own and none of its input', async () => {
    const original = new Shelf()
    const locks = new LockTable()
    const first = await claimStore('k', original, locks, newClient)
    const kept = ledger()
    first.save(kept)
    const copy = new Shelf()
    copy.setItem('k', original.getItem('k')!)
    const second = (await claimStore('k', copy, locks, newClient, 20)).load()
    expect(second?.client).not.toBe(kept.client)
    expect(second).toMatchObject({ pending: [], refused: [] })
  })

  it('offers pending input instead of sending it where the browser has no locks', async () => {
    const shelf = new Shelf()
    const first = await claimStore('k', shelf, undefined, newClient)
    first.save(ledger())
    const second = (await claimStore('k', shelf, undefined, newClient)).load()
    expect(second?.pending).toEqual([])
    expect(second?.refused.length).toBe(1)
  })

  it('leaves nothing stale behind when the storage is full', async () => {
    const shelf = new Shelf()
    const store = await claimStore('k', shelf, undefined, newClient)
    store.save(ledger())
    shelf.setItem = () => {
      throw new Error('full')
    }
    store.save(ledger())
    expect(shelf.getItem('k')).toBeNull()
  })
})
