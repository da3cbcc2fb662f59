// The life of the one socket, as a pure state machine: what happens (events) to what is done (effects).
// The runner in socket.ts carries out the effects and reports what came of them.
import { backoffMs } from './backoff.ts'

// After this long without a connection the word is "offline": nobody should take it for a passing flicker.
export const kOfflineAfterMs = 10_000
// Close codes of the server: the login is no longer valid; the server restarts and is back in a moment.
export const kCloseLoginExpired = 4401
export const kCloseRestart = 1012

export type Phase =
  | { kind: 'stopped' }
  // Fetching a ticket, then opening the socket, until the server's hello.
  | { kind: 'dialing' }
  | { kind: 'live' }
  | { kind: 'waiting'; until: number }
  // The ticket or the socket was refused for the login: it is being renewed.
  | { kind: 'renewing' }
  // Nothing more to try until somebody logs in.
  | { kind: 'expired' }

export interface Connection {
  readonly phase: Phase
  // Attempts since the last hello.
  readonly attempt: number
  // Since when there is no connection; null while there is one.
  readonly downSince: number | null
  readonly everLive: boolean
  // Whether the browser believes it has a network at all.
  readonly network: boolean
}

export type Event =
  | { kind: 'start' }
  | { kind: 'stop' }
  | { kind: 'hello' }
  // The dialing failed or the socket closed. Code 0: it never opened.
  | { kind: 'down'; code: number }
  | { kind: 'unauthorized' }
  | { kind: 'renewed'; result: 'renewed' | 'denied' | 'unreachable' }
  | { kind: 'timer' }
  // The network or the page came back; `stale`: an open socket may be dead without knowing it.
  | { kind: 'wake'; stale: boolean }
  | { kind: 'network_lost' }

export type Effect =
  | { kind: 'dial' }
  // Drop whatever socket or dialing there is; its later events no longer count.
  | { kind: 'hang_up' }
  | { kind: 'renew' }
  | { kind: 'wait'; ms: number }
  | { kind: 'stop_waiting' }

export interface Env {
  // Milliseconds of a steady clock.
  now: number
  // 0 to 1.
  random: number
}

export type Transition = readonly [Connection, readonly Effect[]]

export const kStopped: Connection = {
  phase: { kind: 'stopped' },
  attempt: 0,
  downSince: null,
  everLive: false,
  network: true,
}

const dial = (c: Connection, before: readonly Effect[] = []): Transition => [
  { ...c, phase: { kind: 'dialing' } },
  [...before, { kind: 'dial' }],
]

function wait(c: Connection, env: Env): Transition {
  const ms = backoffMs(c.attempt, env.random)
  const phase: Phase = { kind: 'waiting', until: env.now + ms }
  return [
    { ...c, phase, attempt: c.attempt + 1, downSince: c.downSince ?? env.now },
    [{ kind: 'wait', ms }],
  ]
}

function renew(c: Connection, env: Env): Transition {
  return [{ ...c, phase: { kind: 'renewing' }, downSince: c.downSince ?? env.now }, [{ kind: 'renew' }]]
}

function down(c: Connection, code: number, env: Env): Transition {
  if (c.phase.kind !== 'dialing' && c.phase.kind !== 'live') return [c, []]
  if (code === kCloseLoginExpired) return renew(c, env)
  return wait(c, env)
}

function renewed(c: Connection, result: 'renewed' | 'denied' | 'unreachable', env: Env): Transition {
  if (c.phase.kind !== 'renewing') return [c, []]
  if (result === 'denied') return [{ ...c, phase: { kind: 'expired' } }, []]
  // A renewed login that is refused again must not become a tight loop: later attempts wait.
  if (result === 'unreachable' || c.attempt > 0) return wait(c, env)
  return dial({ ...c, attempt: c.attempt + 1 })
}

function wake(c: Connection, stale: boolean, env: Env): Transition {
  const up = { ...c, network: true }
  if (c.phase.kind === 'waiting') return dial({ ...up, attempt: 0 }, [{ kind: 'stop_waiting' }])
  if (c.phase.kind === 'live' && stale) {
    return dial({ ...up, attempt: 0, downSince: env.now }, [{ kind: 'hang_up' }])
  }
  return [up, []]
}

export function step(c: Connection, event: Event, env: Env): Transition {
  switch (event.kind) {
    case 'start':
      if (c.phase.kind !== 'stopped' && c.phase.kind !== 'expired') return [c, []]
      return dial({ ...c, attempt: 0, downSince: env.now })
    case 'stop':
      return [{ ...kStopped, network: c.network }, [{ kind: 'hang_up' }, { kind: 'stop_waiting' }]]
    case 'hello':
      if (c.phase.kind !== 'dialing') return [c, []]
      return [{ ...c, phase: { kind: 'live' }, attempt: 0, downSince: null, everLive: true, network: true }, []]
    case 'down':
      return down(c, event.code, env)
    case 'unauthorized':
      return c.phase.kind === 'dialing' ? renew(c, env) : [c, []]
    case 'renewed':
      return renewed(c, event.result, env)
    case 'timer':
      return c.phase.kind === 'waiting' ? dial(c) : [c, []]
    case 'wake':
      return wake(c, event.stale, env)
    case 'network_lost':
      return [{ ...c, network: false }, []]
  }
}

export type ConnectionWord = 'connecting' | 'live' | 'reconnecting' | 'offline'

// The one word the person reads. A browser that says it has no network may be wrong about a server on the same
// machine, so a live socket counts for more.
export function word(c: Connection, now: number): ConnectionWord {
  if (c.phase.kind === 'live') return 'live'
  const since = c.downSince ?? now
  if (!c.network || now - since >= kOfflineAfterMs) return 'offline'
  return c.everLive ? 'reconnecting' : 'connecting'
}
