// The service worker: shows what is pushed, and answers from the notification. It takes part in no request of the page and keeps nothing:
// there is no old version that could stick.
/// <reference lib="webworker" />
import { deviceName } from '../wire/device_name.ts'
import { dataOf, decisionOf, notificationOf, parsePush, type Decision, type NotificationData } from './push_message.ts'

declare const self: ServiceWorkerGlobalScope

const kTryAgain = 'The dashboard could not be reached. '

self.addEventListener('install', () => void self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

function setBadge(waiting: number): Promise<void> {
  const { navigator } = self
  if (!('setAppBadge' in navigator)) return Promise.resolve()
  return (waiting > 0 ? navigator.setAppBadge(waiting) : navigator.clearAppBadge()).catch(() => undefined)
}

async function show(json: string | null): Promise<void> {
  const message = parsePush(json)
  await setBadge(message.waiting)
  if (message.type === 'settled') {
    for (const shown of await self.registration.getNotifications({ tag: message.tag })) shown.close()
  }
  await self.registration.showNotification(message.title, notificationOf(message) as NotificationOptions)
}

self.addEventListener('push', (event) => event.waitUntil(show(event.data?.text() ?? null)))

async function open(address: string): Promise<void> {
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true })
  const known = windows.find((client) => client.focused) ?? windows[0]
  if (known === undefined) return void (await self.clients.openWindow(address))
  // The page goes there itself, without loading anew.
  known.postMessage({ type: 'open', address })
  await known.focus()
}

// What the dashboard says to the answer; null when it could not be asked.
async function send(answer: NonNullable<NotificationData['answer']>, decision: Decision): Promise<string | null> {
  let response: Response
  try {
    response = await fetch(`/api/attention/${answer.item}/action`, {
      method: 'POST',
      // The token is all that counts; a cookie has no part in it.
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ token: answer.token, decision }),
    })
  } catch {
    return null
  }
  if (response.ok) return ''
  if (response.status >= 500) return null
  const { error } = (await response.json().catch(() => ({}))) as { error?: { message?: string } }
  return error?.message ?? `The dashboard answered ${response.status}.`
}

async function decide(notification: Notification, data: NotificationData, decision: Decision): Promise<void> {
  if (data.answer === null) return
  const said = await send(data.answer, decision)
  if (said === '') return
  const { title, body, tag } = notification
  const again = said === null
  const options = {
    body: again ? kTryAgain + body.replace(kTryAgain, '') : `Not answered: ${said}`,
    tag,
    renotify: true,
    requireInteraction: true,
    actions: again ? data.answer.decisions.map((action) => ({ action, title: action === 'allow' ? 'Allow' : 'Deny' })) : [],
    data: again ? data : { address: data.address, answer: null },
  }
  await self.registration.showNotification(title, options as NotificationOptions)
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  const data = dataOf(event.notification.data)
  const decision = decisionOf(data, event.action)
  event.waitUntil(decision === null ? open(data.address) : decide(event.notification, data, decision))
})

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const send = () =>
    fetch(path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const first = await send()
  if (first.status !== 401) return first
  // An access token lasts ten minutes; the login behind it may live.
  const renewed = await fetch('/api/auth/refresh', {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  return renewed.ok ? send() : first
}

// The browser has given up its subscription: a new one, while the login lives. Else the page does it when it is opened.
async function subscribeAgain(): Promise<void> {
  const overview = await ask('GET', '/api/notify')
  if (!overview.ok) return
  const { application_server_key: key } = (await overview.json()) as { application_server_key: string }
  const subscription = await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key })
  const { endpoint, keys } = subscription.toJSON()
  await ask('POST', '/api/notify/devices', { endpoint, keys, name: deviceName(self.navigator.userAgent) })
}

self.addEventListener('pushsubscriptionchange', (event) => (event as ExtendableEvent).waitUntil(subscribeAgain()))
