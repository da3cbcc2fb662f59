// What the dashboard pushes (server/notify/words.hpp writes it): from untrusted JSON to a notification. Pure.

export type Decision = 'allow' | 'deny'

export interface PushMessage {
  type: 'show' | 'settled' | 'test'
  tag: string
  title: string
  body: string
  // Within the page.
  address: string
  // Stays on the screen until it is answered.
  urgent: boolean
  // Milliseconds.
  at: number
  // Requests that wait, for the badge.
  waiting: number
  // What may be answered from here; null when nothing.
  answer: { item: string; token: string; decisions: readonly Decision[] } | null
}

// What a notification carries along for the tap on it.
export interface NotificationData {
  address: string
  answer: PushMessage['answer']
}

type Fields = Record<string, unknown>

const kTypes = ['show', 'settled', 'test'] as const
const kLabels: Record<Decision, string> = { allow: 'Allow', deny: 'Deny' }
const kIcon = '/icon-192.png'
const kBadge = '/badge-96.png'
// What is over stands in one place, not one for each.
export const kSettledTag = 'settled'

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0)

// Only a place within this page: "/s/x", never "//elsewhere".
export function safeAddress(value: unknown): string {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : '/'
}

function answerOf(fields: Fields): PushMessage['answer'] {
  const item = text(fields.item)
  const token = text(fields.token)
  if (!/^\w+$/.test(item) || token === '' || !Array.isArray(fields.actions)) return null
  const decisions = (['allow', 'deny'] as const).filter((word) => (fields.actions as unknown[]).includes(word))
  return decisions.length === 0 ? null : { item, token, decisions }
}

// Something is always shown: a push without a notification costs the browser's permission.
export function parsePush(json: string | null): PushMessage {
  let value: unknown = null
  try {
    value = JSON.parse(json ?? '')
  } catch {
    // Of another version, perhaps.
  }
  const fields = isObject(value) ? value : {}
  return {
    type: kTypes.find((type) => type === fields.type) ?? 'show',
    tag: text(fields.tag) || 'dashboard',
    title: text(fields.title) || 'Claude Code Dashboard',
    body: isObject(value) ? text(fields.body) : 'Something has happened. Open the dashboard to see it.',
    address: safeAddress(fields.address),
    urgent: fields.urgent === true,
    at: count(fields.at) || Date.now(),
    waiting: count(fields.waiting),
    answer: answerOf(fields),
  }
}

interface Action {
  action: Decision
  title: string
}

// NotificationOptions, with what not every browser's types know.
export interface Shown {
  body: string
  tag: string
  icon: string
  badge: string
  timestamp: number
  silent: boolean
  renotify: boolean
  requireInteraction: boolean
  actions: Action[]
  data: NotificationData
}

export function notificationOf(message: PushMessage): Shown {
  const settled = message.type === 'settled'
  return {
    body: message.body,
    tag: settled ? kSettledTag : message.tag,
    icon: kIcon,
    badge: kBadge,
    timestamp: message.at,
    silent: settled,
    renotify: !settled,
    requireInteraction: message.urgent,
    actions: (message.answer?.decisions ?? []).map((action) => ({ action, title: kLabels[action] })),
    data: { address: message.address, answer: message.answer },
  }
}

export function dataOf(value: unknown): NotificationData {
  const fields = isObject(value) ? value : {}
  const answer = isObject(fields.answer) ? fields.answer : null
  const decisions = answer !== null && Array.isArray(answer.decisions) ? (answer.decisions as Decision[]) : []
  return {
    address: safeAddress(fields.address),
    answer: answer === null ? null : { item: text(answer.item), token: text(answer.token), decisions },
  }
}

// The decision of a tapped button, when this notification has it.
export function decisionOf(data: NotificationData, action: string): Decision | null {
  return data.answer?.decisions.find((decision) => decision === action) ?? null
}
