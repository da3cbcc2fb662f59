// This browser's subscription to push messages: made when somebody asks for it, kept while they are logged in, ended by them.
import { deviceName } from '../wire/device_name.ts'
import type { Http } from '../wire/http.ts'
import { addDevice, type NotifyDevice } from '../wire/notify.ts'
import type { PushEnvironment } from './push_support.ts'

const kWorker = '/worker.js'
// Who turned notifications on here: nobody else who logs in on this browser gets them for it.
const kOwnerKey = 'ccd.push'

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL: (url: string) => unknown }
}

function isStandalone(): boolean {
  return window.matchMedia('(display-mode: standalone)').matches || (navigator as { standalone?: boolean }).standalone === true
}

export function pushEnvironment(): PushEnvironment {
  const capable = 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window
  return {
    secure: window.isSecureContext,
    capable,
    permission: capable ? Notification.permission : 'default',
    userAgent: navigator.userAgent,
    touchPoints: navigator.maxTouchPoints,
    standalone: isStandalone(),
  }
}

let address: string | null = null

// The page's policy wants an address that a named rule has passed; it passes this one.
function workerAddress(): string {
  if (address !== null) return address
  const { trustedTypes } = window as { trustedTypes?: TrustedTypes }
  const only = (url: string) => {
    if (url !== kWorker) throw new TypeError(`${url} is not the service worker`)
    return url
  }
  // What it makes is no text, but register() wants just that.
  address =
    trustedTypes === undefined
      ? kWorker
      : (trustedTypes.createPolicy('service-worker', { createScriptURL: only }).createScriptURL(kWorker) as string)
  return address
}

const register = () => navigator.serviceWorker.register(workerAddress(), { scope: '/', updateViaCache: 'none' })

function owner(): string | null {
  try {
    return localStorage.getItem(kOwnerKey)
  } catch {
    return null
  }
}

function setOwner(user: string | null): void {
  try {
    if (user === null) localStorage.removeItem(kOwnerKey)
    else localStorage.setItem(kOwnerKey, user)
  } catch {
    // It holds until the login ends; then it has to be turned on again.
  }
}

async function subscription(): Promise<PushSubscription | null> {
  if (!pushEnvironment().capable) return null
  const registration = await navigator.serviceWorker.getRegistration('/')
  return (await registration?.pushManager.getSubscription()) ?? null
}

export const isSubscribed = async (user: string): Promise<boolean> => owner() === user && (await subscription()) !== null

const sameKey = (made: PushSubscription, key: string) => {
  const bytes = made.options.applicationServerKey
  if (bytes === null) return false
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '') === key
}

async function subscribe(key: string): Promise<PushSubscription> {
  await register()
  const registration = await navigator.serviceWorker.ready
  const known = await registration.pushManager.getSubscription()
  if (known !== null && sameKey(known, key)) return known
  // Of another dashboard at this address, or of one that lost its key.
  await known?.unsubscribe()
  return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
}

// Asks the browser's question: call it from a press of a button. Throws in words for people.
export async function turnOn(http: Http, user: string, key: string): Promise<NotifyDevice> {
  const permission = await Notification.requestPermission()
  if (permission !== 'granted') throw new Error('The browser was not allowed to show notifications.')
  let made: PushSubscription
  try {
    made = await subscribe(key)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`The browser could not subscribe at its push service: ${why}`)
  }
  const device = await addDevice(http, made.toJSON(), deviceName(navigator.userAgent))
  setOwner(user)
  return device
}

export async function turnOff(): Promise<void> {
  setOwner(null)
  await (await subscription())?.unsubscribe()
}

// A login is new, its devices are none: this one is told again. Nothing is asked, nothing is shown.
export async function keepSubscribed(http: Http, user: string, key: string): Promise<void> {
  if (owner() !== user || pushEnvironment().permission !== 'granted') return
  const known = await subscription()
  if (known === null) return
  const made = sameKey(known, key) ? known : await subscribe(key)
  await register()
  await addDevice(http, made.toJSON(), deviceName(navigator.userAgent))
}

// What has been settled needs no place on the screen while somebody is here.
export async function tidyNotifications(open: ReadonlySet<string>): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const registration = await navigator.serviceWorker.getRegistration('/')
  const shown = (await registration?.getNotifications()) ?? []
  for (const notification of shown) {
    const item = (notification.data as { answer?: { item?: string } | null } | null)?.answer?.item
    if (notification.tag === 'settled' || (item !== undefined && !open.has(item))) notification.close()
  }
}

// A tap on a notification, told by the worker to a page that is open.
export function onOpened(go: (address: string) => void): () => void {
  if (!('serviceWorker' in navigator)) return () => undefined
  const listener = (event: MessageEvent) => {
    const { type, address: where } = (event.data ?? {}) as { type?: unknown; address?: unknown }
    if (type === 'open' && typeof where === 'string' && /^\/(?![/\\])/.test(where)) go(where)
  }
  navigator.serviceWorker.addEventListener('message', listener)
  return () => navigator.serviceWorker.removeEventListener('message', listener)
}
