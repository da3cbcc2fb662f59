// The composition root of the page: joins the login, requests and the socket with the browser they run in, and hands
// them to the screens.
import { createContext, useContext, useSyncExternalStore } from 'react'
import { Auth, type Who } from './wire/auth.ts'
import type { AttentionView } from './wire/attention.ts'
import type { FleetView } from './wire/fleet.ts'
import { Http } from './wire/http.ts'
import type { Locks } from './wire/ledger_store.ts'
import { Wire, type WireView } from './wire/socket.ts'

const kStampKey = 'ccd.renewed'
const kRenewLock = 'ccd.renew'
// An open socket of a page that was hidden for this long may be dead: phones cut them while they sleep.
const kStaleAfterMs = 45_000
// How often it is told that somebody uses this page: the server takes them for gone after a minute.
const kToldEveryMs = 15_000
const kSignsOfUse = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'focus'] as const

export interface Services {
  auth: Auth
  http: Http
  wire: Wire
}

// Absent outside secure contexts, and in very old browsers.
export const locks: Locks | undefined = navigator.locks as Locks | undefined

function exclusively<T>(work: () => Promise<T>): Promise<T> {
  return navigator.locks === undefined ? work() : (navigator.locks.request(kRenewLock, work) as unknown as Promise<T>)
}

const stamp = {
  get: () => {
    try {
      const value = Number(localStorage.getItem(kStampKey) ?? Number.NaN)
      return Number.isFinite(value) ? value : null
    } catch {
      return null
    }
  },
  set: (value: number | null) => {
    try {
      if (value === null) localStorage.removeItem(kStampKey)
      else localStorage.setItem(kStampKey, String(value))
    } catch {
      // Storage is forbidden: the login then holds for as long as one access token.
    }
  },
}

// When somebody last did something on this page, by the clock of performance.now().
let usedAt = performance.now()

function presence() {
  return { visible: document.visibilityState === 'visible', idleMs: performance.now() - usedAt }
}

function watchPresence(wire: Wire): void {
  let toldAt = Number.NEGATIVE_INFINITY
  const tell = () => {
    toldAt = performance.now()
    wire.presenceChanged()
  }
  const used = () => {
    usedAt = performance.now()
    if (usedAt - toldAt > kToldEveryMs) tell()
  }
  for (const sign of kSignsOfUse) window.addEventListener(sign, used, { capture: true, passive: true })
  document.addEventListener('visibilitychange', tell)
}

function watchBrowser(wire: Wire, auth: Auth): void {
  let hiddenAt = 0
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') hiddenAt = performance.now()
    else wire.wake(performance.now() - hiddenAt > kStaleAfterMs)
  })
  window.addEventListener('pageshow', (event) => wire.wake(event.persisted))
  window.addEventListener('online', () => wire.wake(true))
  window.addEventListener('offline', () => wire.networkLost())
  window.addEventListener('storage', (event) => {
    if (event.key === kStampKey) void auth.recheck()
  })
  const follow = () => {
    if (auth.current().kind === 'somebody') wire.start()
    else if (auth.current().kind !== 'loading') wire.stop()
  }
  auth.subscribe(follow)
}

export function startServices(): Services {
  const auth = new Auth({ now: () => Date.now(), stamp, exclusively })
  const http = new Http({ fetch: (path, init) => fetch(path, init), renew: auth.renew, now: () => Date.now() })
  auth.use(http)
  const wire = new Wire({
    http,
    url: () => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`,
    newSocket: (url, protocols) => new WebSocket(url, protocols),
    renew: auth.renew,
    now: () => Date.now(),
    random: Math.random,
    presence,
  })
  watchBrowser(wire, auth)
  watchPresence(wire)
  auth.keepFresh()
  void auth.load()
  return { auth, http, wire }
}

const ServicesContext = createContext<Services | null>(null)
export const ServicesProvider = ServicesContext

export function useServices(): Services {
  const services = useContext(ServicesContext)
  if (services === null) throw new Error('useServices() outside of ServicesProvider')
  return services
}

export function useWho(): Who {
  const { auth } = useServices()
  return useSyncExternalStore(auth.subscribe, auth.current)
}

export function useFleet(): FleetView {
  const { fleet } = useServices().wire
  return useSyncExternalStore(fleet.subscribe, fleet.current)
}

export function useAttention(): AttentionView {
  const { attention } = useServices().wire
  return useSyncExternalStore(attention.subscribe, attention.current)
}

export function useConnection(): WireView {
  const { wire } = useServices()
  return useSyncExternalStore(wire.subscribe, wire.current)
}
