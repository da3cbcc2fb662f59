// The page's socket against a real WebSocket server on loopback that drops repeats as pane-tap does.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { StandIn } from '../../dev/stand_in.mjs'
import { Auth } from './auth.ts'
import type { Channel, Sink, Store } from './channel.ts'
import { kCloseLoginExpired } from './connection.ts'
import { Http } from './http.ts'
import { parseLedger, serialise } from './ledger.ts'
import { Wire, type Socket } from './socket.ts'

const within = { timeout: 5_000, interval: 5 }

let server: StandIn
let wire: Wire
let auth: Auth
let stamp: number | null
let clients: number
let present: { visible: boolean; idleMs: number }

function memoryStore(shelf: Map<string, string>): Store {
  return {
    load: () => parseLedger(shelf.get('ledger') ?? ''),
    save: (ledger) => void shelf.set('ledger', serialise(ledger)),
  }
}

// Collects what a terminal would show; `draw` says when it is on the screen.
class Screen implements Sink {
  bytes = Buffer.alloc(0)
  restarts = 0
  snapshots = 0
  write(bytes: Uint8Array, shown: () => void) {
    this.bytes = Buffer.concat([this.bytes, bytes])
    setImmediate(shown)
  }
  restart() {
    this.restarts += 1
    this.bytes = Buffer.alloc(0)
  }
  snapshot(bytes: Uint8Array, shown: () => void) {
    this.snapshots += 1
    this.bytes = Buffer.alloc(0)
    void bytes
    setImmediate(shown)
  }
  history() {}
  size() {}
}

function newWire(): Wire {
  const origin = `http://127.0.0.1:${server.port}`
  auth = new Auth({
    now: () => performance.now() + 1_000,
    stamp: {
      get: () => stamp,
      set: (value) => {
        stamp = value
      },
    },
    exclusively: (work) => work(),
  })
  const http = new Http({
    fetch: (path, init) => fetch(`${origin}${String(path)}`, { ...init, redirect: 'follow' }),
    renew: auth.renew,
    now: () => performance.now() + 1_000,
  })
  auth.use(http)
  return new Wire({
    http,
    url: () => `ws://127.0.0.1:${server.port}/ws`,
    newSocket: (url, protocols) => new WebSocket(url, protocols) as unknown as Socket,
    renew: auth.renew,
    now: () => performance.now(),
    random: Math.random,
    presence: () => present,
  })
}

function open(session: string, sink: Sink, shelf = new Map<string, string>(), on = wire): Channel {
  return on.openTerminal({
    session,
    size: { cols: 80, rows: 24 },
    pane: { cols: 80, rows: 24 },
    sink,
    store: memoryStore(shelf),
    newClient: () => (clients += 1).toString(16).padStart(32, '0'),
    onChange: () => undefined,
    onTrouble: () => undefined,
  })
}

beforeEach(async () => {
  stamp = 1
  clients = 0
  present = { visible: true, idleMs: 0 }
  server = await new StandIn({ loggedIn: true }).listen()
  wire = newWire()
})

afterEach(async () => {
  wire.stop()
  await server.close()
})

describe('the socket', () => {
  it('is live after the hello and knows all sessions', async () => {
    server.addSession({ name: 'one' })
    wire.start()
    await vi.waitFor(() => expect(wire.fleet.current().loaded).toBe(true), within)
    expect(wire.current().word).toBe('live')
    expect(wire.fleet.current().sessions.map((session) => session.name)).toEqual(['one'])
    server.addSession({ name: 'two' })
    await vi.waitFor(() => expect(wire.fleet.current().sessions.length).toBe(2), within)
  })

  it('tells at every connection and at every change whether somebody is there', async () => {
    present = { visible: true, idleMs: 1234.6 }
    wire.presenceChanged()
    wire.start()
    await vi.waitFor(() => expect(server.presences.length).toBe(1), within)
    expect(server.presences[0]).toEqual({ type: 'presence', visible: true, idle_ms: 1235 })
    present = { visible: false, idleMs: Number.POSITIVE_INFINITY }
    wire.presenceChanged()
    await vi.waitFor(() => expect(server.presences.length).toBe(2), within)
    expect(server.presences[1]).toEqual({ type: 'presence', visible: false, idle_ms: 86_400_000 })
    server.cut()
    await vi.waitFor(() => expect(server.presences.length).toBe(3), within)
  })

  it('types every key exactly once and shows every byte exactly once over 50 cuts', async () => {
    const session = server.addSession({ name: 'cuts' })
    const screen = new Screen()
    wire.start()
    const channel = open(session.info.id, screen)
    let expected = ''
    for (let round = 0; round < 50; round += 1) {
      await vi.waitFor(() => expect(channel.view().phase).toBe('open'), within)
      for (let key = 0; key < 20; key += 1) {
        const text = `${round}.${key};`
        expected += text
        expect(channel.type(Buffer.from(text))).toBe(true)
        session.output(Buffer.from(`out ${text}`.repeat(50)))
        if (key === round % 20) server.cut()
        if (key % 7 === 0) await new Promise(setImmediate)
      }
      wire.wake(true)
    }
    await vi.waitFor(() => expect(channel.view().pending.length).toBe(0), within)
    expect(session.input.toString()).toBe(expected)
    await vi.waitFor(() => expect(screen.bytes.length).toBe(session.log.length), within)
    expect(screen.bytes.equals(session.log)).toBe(true)
    expect(screen.restarts).toBe(0)
  })

  it('goes on after a reload of the tab: numbers continue, nothing is doubled', async () => {
    const session = server.addSession({ name: 'reload' })
    const shelf = new Map<string, string>()
    wire.start()
    const before = open(session.info.id, new Screen(), shelf)
    await vi.waitFor(() => expect(before.view().phase).toBe('open'), within)
    before.type(Buffer.from('a'))
    await vi.waitFor(() => expect(session.input.toString()).toBe('a'), within)
    // Typed but not acknowledged when the tab goes: one was on its way, one never left.
    before.type(Buffer.from('b'))
    wire.stop()
    before.type(Buffer.from('c'))

    wire = newWire()
    wire.start()
    const after = open(session.info.id, new Screen(), shelf)
    after.type(Buffer.from('d'))
    await vi.waitFor(() => expect(after.view().pending.length).toBe(0), within)
    expect(session.input.toString()).toBe('abcd')
    expect(after.view().client).toBe(before.view().client)
  })

  it('acknowledges what was rendered', async () => {
    const session = server.addSession({ name: 'acks' })
    const screen = new Screen()
    wire.start()
    const channel = open(session.info.id, screen)
    session.output(Buffer.alloc(300_000, 'x'))
    await vi.waitFor(() => expect(channel.view()).toMatchObject({ rendered: 300_000, behind: false }), within)
  })

  it('renews an expired login and is live again', async () => {
    wire.start()
    await vi.waitFor(() => expect(wire.current().word).toBe('live'), within)
    server.accessValid = false
    server.closeSockets(kCloseLoginExpired)
    await vi.waitFor(() => expect(server.refreshes).toBe(1), within)
    await vi.waitFor(() => expect(server.sockets.size).toBe(1), within)
    await vi.waitFor(() => expect(wire.current().word).toBe('live'), within)
  })

  it('asks for one renewal when many requests find the login expired', async () => {
    server.accessValid = false
    await Promise.all(Array.from({ length: 20 }, () => wire.readFleet()))
    expect(server.refreshes).toBe(1)
    expect(wire.fleet.current()).toMatchObject({ loaded: true, error: null })
  })

  it('says who is nobody once the login cannot be renewed', async () => {
    await auth.load()
    expect(auth.current().kind).toBe('somebody')
    server.loggedIn = false
    await wire.readFleet()
    expect(auth.current()).toEqual({ kind: 'nobody', expired: true })
  })
})
