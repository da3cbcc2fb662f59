// The connection as a state machine: back-off, offline, login ended.
import { describe, expect, it } from 'vitest'
import { backoffMs, kLongestDelayMs } from './backoff.ts'
import {
  kCloseLoginExpired,
  kCloseRestart,
  kOfflineAfterMs,
  kStopped,
  step,
  word,
  type Connection,
  type Effect,
  type Event,
} from './connection.ts'

// Runs events through the machine at a given time and gives the last state and all effects.
function run(events: Event[], from: Connection = kStopped, now = 0): [Connection, Effect[]] {
  const effects: Effect[] = []
  let connection = from
  for (const event of events) {
    const [next, more] = step(connection, event, { now, random: 1 })
    connection = next
    effects.push(...more)
  }
  return [connection, effects]
}

const start: Event = { kind: 'start' }
const hello: Event = { kind: 'hello' }
const down = (code = 1006): Event => ({ kind: 'down', code })
const kinds = (effects: Effect[]) => effects.map((effect) => effect.kind)
const live = run([start, hello])[0]

describe('connection', () => {
  it('dials, and is live at the hello', () => {
    const [connection, effects] = run([start, hello])
    expect(kinds(effects)).toEqual(['dial'])
    expect(connection.phase.kind).toBe('live')
    expect(word(connection, 0)).toBe('live')
  })

  it('waits longer after each failure, up to the longest, and starts short again after a hello', () => {
    let connection = run([start])[0]
    const waits: number[] = []
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const [next, effects] = run([down(0), { kind: 'timer' }], connection)
      for (const effect of effects) if (effect.kind === 'wait') waits.push(effect.ms)
      connection = next
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000])
    const [, effects] = run([hello, down(kCloseRestart)], connection)
    expect(effects).toEqual([{ kind: 'wait', ms: 100 }])
  })

  it('renews an expired login and dials at once', () => {
    const [connection, effects] = run([down(kCloseLoginExpired), { kind: 'renewed', result: 'renewed' }], live)
    expect(kinds(effects)).toEqual(['renew', 'dial'])
    expect(connection.phase.kind).toBe('dialing')
  })

  it('does not loop when a renewed login is refused again', () => {
    const again: Event[] = [{ kind: 'unauthorized' }, { kind: 'renewed', result: 'renewed' }]
    const [, effects] = run([...again, ...again], run([start])[0])
    expect(kinds(effects)).toEqual(['renew', 'dial', 'renew', 'wait'])
  })

  it('stops when the login cannot be renewed, and starts after the next one', () => {
    const [expired] = run([down(kCloseLoginExpired), { kind: 'renewed', result: 'denied' }], live)
    expect(expired.phase.kind).toBe('expired')
    expect(run([{ kind: 'timer' }, { kind: 'wake', stale: true }], expired)[1]).toEqual([])
    expect(kinds(run([start], expired)[1])).toEqual(['dial'])
  })

  it('takes a server that cannot be asked for a failed attempt, not for a denied login', () => {
    const [connection] = run([down(kCloseLoginExpired), { kind: 'renewed', result: 'unreachable' }], live)
    expect(connection.phase.kind).toBe('waiting')
  })

  it('dials at once when the network or the page comes back', () => {
    const [waiting] = run([down()], live)
    expect(kinds(run([{ kind: 'wake', stale: false }], waiting)[1])).toEqual(['stop_waiting', 'dial'])
  })

  it('replaces an open socket only when it may be dead', () => {
    expect(run([{ kind: 'wake', stale: false }], live)[1]).toEqual([])
    expect(kinds(run([{ kind: 'wake', stale: true }], live)[1])).toEqual(['hang_up', 'dial'])
  })

  it('ignores events of another phase', () => {
    const [waiting] = run([down()], live)
    for (const event of [down(), hello, { kind: 'unauthorized' }, { kind: 'renewed', result: 'renewed' }] as Event[]) {
      expect(step(waiting, event, { now: 0, random: 1 })).toEqual([waiting, []])
    }
  })

  it('says connecting before the first hello, reconnecting after, offline when it lasts', () => {
    expect(word(run([start])[0], 0)).toBe('connecting')
    const [waiting] = run([down()], live, 1_000)
    expect(word(waiting, 1_000)).toBe('reconnecting')
    expect(word(waiting, 1_000 + kOfflineAfterMs)).toBe('offline')
  })

  it('says offline at once when the browser has no network, but believes a live socket more', () => {
    expect(word(run([{ kind: 'network_lost' }, down()], live)[0], 0)).toBe('offline')
    expect(word(run([{ kind: 'network_lost' }], live)[0], 0)).toBe('live')
  })
})

describe('backoff', () => {
  it('stays between half and all of its step', () => {
    for (let attempt = 0; attempt < 40; attempt += 1) {
      expect(backoffMs(attempt, 0)).toBeGreaterThanOrEqual(50)
      expect(backoffMs(attempt, 1)).toBeLessThanOrEqual(kLongestDelayMs)
      expect(backoffMs(attempt, 0) * 2).toBe(backoffMs(attempt, 1))
    }
  })
})
