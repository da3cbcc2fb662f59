// Notifications on the wire: what somebody wants to be told, their devices, webhooks.
import type { Http } from './http.ts'
import type { Micros } from './types.ts'

export const kNotifyKinds = ['permission', 'question', 'plan', 'done', 'failure', 'limit'] as const
export type NotifyKind = (typeof kNotifyKinds)[number]
export type NotifyChannel = 'push' | 'sound' | 'webhook'
export type LockScreen = 'whole' | 'always' | 'never'

export interface QuietHours {
  on: boolean
  // "22:00", by the clock of `zone`.
  from: string
  to: string
  zone: string
}

export interface NotifyPreferences {
  push: readonly NotifyKind[]
  sound: readonly NotifyKind[]
  webhook: readonly NotifyKind[]
  delay_seconds: number
  presence: boolean
  contents: boolean
  lock_screen: LockScreen
  quiet: QuietHours
}

export interface NotifyDevice {
  id: string
  name: string
  // The push service's host.
  service: string
  created_at: Micros
  last_ok_at: Micros | null
  // Of the newest message; empty when it was taken.
  last_error: string
  // It belongs to this login.
  current: boolean
}

export interface NotifyOverview {
  application_server_key: string
  preferences: NotifyPreferences
  devices: readonly NotifyDevice[]
  // Webhooks may reach private addresses, where an admin says so.
  private_addresses: boolean
}

export interface WebhookRequest {
  name: string
  url: string
  owner: 'me' | 'everybody'
  format: 'json' | 'text'
  kinds: readonly NotifyKind[]
  contents: boolean
  private_addresses: boolean
  in_quiet_hours: boolean
  enabled: boolean
}

export interface Webhook extends WebhookRequest {
  id: string
  created_at: Micros
  last_ok_at: Micros | null
  last_error: string
}

export interface Delivery {
  id: number
  type: string
  event: string
  state: 'waiting' | 'delivered' | 'failed'
  attempts: number
  created_at: Micros
  next_at: Micros | null
  finished_at: Micros | null
  status: number | null
  error: string
}

export type Secret = { secret: string }

const kRoot = '/api/notify'
const webhook = (id: string) => `${kRoot}/webhooks/${encodeURIComponent(id)}`
const device = (id: string) => `${kRoot}/devices/${encodeURIComponent(id)}`

export const readNotify = (http: Http): Promise<NotifyOverview> => http.json('GET', kRoot)

export const savePreferences = (http: Http, preferences: NotifyPreferences): Promise<NotifyPreferences> =>
  http.json('PUT', `${kRoot}/preferences`, { body: preferences })

// What a browser's PushSubscription says of itself.
export interface SubscriptionJson {
  endpoint?: string
  keys?: Record<string, string>
}

export const addDevice = (http: Http, { endpoint, keys }: SubscriptionJson, name: string): Promise<NotifyDevice> =>
  http.json('POST', `${kRoot}/devices`, { body: { endpoint, keys, name } })
export const removeDevice = (http: Http, id: string): Promise<void> => http.json('DELETE', device(id))
export const testDevice = (http: Http, id: string): Promise<void> => http.json('POST', `${device(id)}/test`, { body: {} })

export async function readWebhooks(http: Http): Promise<Webhook[]> {
  return (await http.json<{ webhooks: Webhook[] }>('GET', `${kRoot}/webhooks`)).webhooks
}
export const addWebhook = (http: Http, request: WebhookRequest): Promise<Webhook & Secret> =>
  http.json('POST', `${kRoot}/webhooks`, { body: request })
export const changeWebhook = (http: Http, id: string, request: WebhookRequest): Promise<Webhook> =>
  http.json('PUT', webhook(id), { body: request })
export const removeWebhook = (http: Http, id: string): Promise<void> => http.json('DELETE', webhook(id))
export const renewSecret = (http: Http, id: string): Promise<Webhook & Secret> =>
  http.json('POST', `${webhook(id)}/secret`, { body: {} })
export const testWebhook = (http: Http, id: string): Promise<Delivery> =>
  http.json('POST', `${webhook(id)}/test`, { body: {} })
export async function readDeliveries(http: Http, id: string): Promise<Delivery[]> {
  return (await http.json<{ deliveries: Delivery[] }>('GET', `${webhook(id)}/deliveries`)).deliveries
}
