// Inputs that are not acknowledged: numbered, kept, sent again in order.
import { describe, expect, it } from 'vitest'
import { kMaxInputBytes } from './frames.ts'
import * as ledgers from './ledger.ts'

const client = 'a'.repeat(32)
const other = 'b'.repeat(32)
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (all: readonly ledgers.Input[]) => all.map((input) => new TextDecoder().decode(input.bytes)).join('')
const type = (ledger: ledgers.Ledger, ...words: string[]) =>
  words.reduce((next, word) => ledgers.typed(next, bytes(word)) ?? next, ledger)

describe('ledger', () => {
  it('numbers inputs from 1 without holes', () => {
    const ledger = type(ledgers.newLedger(client), 'a', 'b', 'c')
    expect(ledger.pending.map((input) => input.number)).toEqual([1, 2, 3])
    expect(ledger.next).toBe(4)
  })

  it('splits what is longer than one frame, in order', () => {
    const long = 'x'.repeat(kMaxInputBytes) + 'y'
    const ledger = type(ledgers.newLedger(client), long)
    expect(ledger.pending.map((input) => input.bytes.length)).toEqual([kMaxInputBytes, 1])
    expect(text(ledger.pending)).toBe(long)
  })

  it('takes an input whole or not at all', () => {
    const full = ledgers.typed(ledgers.newLedger(client), new Uint8Array(ledgers.kMaxPendingBytes))
    expect(full).not.toBeNull()
    expect(ledgers.typed(full!, bytes('x'))).toBeNull()
  })

  it('forgets what the pane took and nothing else', () => {
    const ledger = ledgers.acknowledged(type(ledgers.newLedger(client), 'a', 'b', 'c'), 2)
    expect(text(ledger.pending)).toBe('c')
    expect(ledger.next).toBe(4)
  })

  it('is the same object when an acknowledgement says nothing new', () => {
    const ledger = ledgers.acknowledged(type(ledgers.newLedger(client), 'a', 'b'), 1)
    expect(ledgers.acknowledged(ledger, 1)).toBe(ledger)
  })

  it('goes on above a number it has not given out, so that new input is not taken for a repeat', () => {
    const restored = type(ledgers.newLedger(client), 'a')
    const ledger = type(ledgers.acknowledged(restored, 7), 'b')
    expect(ledger.pending.map((input) => input.number)).toEqual([8])
  })

  it('survives a reload byte for byte, and numbers continue', () => {
    const every = Uint8Array.from({ length: 256 }, (_, index) => index)
    const before = ledgers.markSent(ledgers.typed(ledgers.newLedger(client), every)!)
    const after = ledgers.parseLedger(ledgers.serialise(before))!
    expect(after).toEqual(before)
    expect(type(after, 'x').pending.at(-1)?.number).toBe(2)
  })

  it('is not read from anything else', () => {
    const bad = ['', 'null', '{}', '{"client":"x","next":1,"sent":0,"pending":[],"refused":[]}', '[1]']
    for (const json of bad) expect(ledgers.parseLedger(json)).toBeNull()
  })

  it('refused by the receiver starts over under a new id and keeps everything for the person to decide', () => {
    const ledger = ledgers.refused(type(ledgers.markSent(type(ledgers.newLedger(client), 'a')), 'b'), other)
    expect(ledger).toMatchObject({ client: other, next: 1, pending: [], sent: 0 })
    expect(ledger.refused.length).toBe(2)
    const again = ledgers.sendAgain(ledger)
    expect(text(again.pending)).toBe('ab')
    expect(again.refused).toEqual([])
    expect(ledgers.forgetRefused(ledger).pending).toEqual([])
  })

  it('takes back only what never left the page, with its numbers', () => {
    const ledger = type(ledgers.markSent(type(ledgers.newLedger(client), 'a', 'b')), 'c', 'd')
    const after = ledgers.discardUnsent(ledger)
    expect(text(after.pending)).toBe('ab')
    expect(after.next).toBe(3)
    expect(text(ledgers.unsent(ledger))).toBe('cd')
  })
})
