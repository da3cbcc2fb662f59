// Prompts, schedules and the switch over them: the routes and their values, as docs/openapi.yaml gives them.
import type { Http } from './http.ts'
import type { Micros } from './types.ts'

export type PromptState = 'queued' | 'sending' | 'sent' | 'failed' | 'uncertain' | 'cancelled'

export interface Prompt {
  id: string
  session: string
  // In lists at most 4 KiB of it; `cut` says so, and readPrompt() has the whole.
  text: string
  bytes: number
  cut: boolean
  source: 'person' | 'broadcast' | 'schedule' | 'limit'
  created_by: string
  created_at: Micros
  state: PromptState
  // For people: what confirmed it, why it waits, what went wrong.
  detail: string
  done_at: Micros | null
}

export interface Sending {
  stopped: boolean
  by: string
  at: Micros | null
}

export interface SessionPrompts {
  prompts: readonly Prompt[]
  waiting: number
  // What is sent by itself when a usage limit is over; null: nothing.
  after_limit: string | null
  sending: Sending
}

export interface NewSchedule {
  name: string
  cron: string
  session: string
  text: string
  enabled: boolean
}

export interface Schedule extends NewSchedule {
  id: string
  bytes: number
  // `text` is its beginning, as lists have it.
  cut: boolean
  created_by: string
  created_at: Micros
  last_at: Micros | null
  last_result: string
  next_at: Micros | null
}

const of = (session: string) => `/api/sessions/${encodeURIComponent(session)}`

export function sendPrompt(http: Http, session: string, text: string, when: 'now' | 'idle'): Promise<Prompt> {
  return http.json('POST', `${of(session)}/prompt`, { body: { text, when } })
}

export function readPrompts(http: Http, session: string): Promise<SessionPrompts> {
  return http.json('GET', `${of(session)}/prompts?limit=30`)
}

// A text that was sent before: its beginning, and a prompt that had it.
export type PastText = Pick<Prompt, 'id' | 'text' | 'bytes' | 'cut'>

export function readPrompt(http: Http, id: string): Promise<Prompt> {
  return http.json('GET', `/api/prompts/${encodeURIComponent(id)}`)
}

export async function readHistory(http: Http, project: string): Promise<readonly PastText[]> {
  const query = new URLSearchParams({ project, limit: '100' }).toString()
  const { texts } = await http.json<{ texts: readonly PastText[] }>('GET', `/api/prompts/history?${query}`)
  return texts
}

export async function broadcast(http: Http, sessions: readonly string[], text: string): Promise<void> {
  await http.json('POST', '/api/prompts', { body: { sessions, text } })
}

export async function cancelPrompt(http: Http, id: string): Promise<void> {
  await http.json('DELETE', `/api/prompts/${encodeURIComponent(id)}`)
}

export async function setAfterLimit(http: Http, session: string, text: string): Promise<void> {
  await http.json('PUT', `${of(session)}/after-limit`, { body: { text } })
}

export function readSchedules(http: Http): Promise<{ schedules: readonly Schedule[]; sending: Sending }> {
  return http.json('GET', '/api/schedules')
}

export async function addSchedule(http: Http, schedule: NewSchedule): Promise<void> {
  await http.json('POST', '/api/schedules', { body: schedule })
}

export function readSchedule(http: Http, id: string): Promise<Schedule> {
  return http.json('GET', `/api/schedules/${encodeURIComponent(id)}`)
}

export async function changeSchedule(http: Http, id: string, { name, cron, session, text, enabled }: NewSchedule): Promise<void> {
  await http.json('PUT', `/api/schedules/${encodeURIComponent(id)}`, { body: { name, cron, session, text, enabled } })
}

// Its text stays, whether it is known here or not.
export async function turnSchedule(http: Http, { id, name, cron, session }: Schedule, enabled: boolean): Promise<void> {
  await http.json('PUT', `/api/schedules/${encodeURIComponent(id)}`, { body: { name, cron, session, enabled } })
}

export async function removeSchedule(http: Http, id: string): Promise<void> {
  await http.json('DELETE', `/api/schedules/${encodeURIComponent(id)}`)
}

export async function setSending(http: Http, stopped: boolean): Promise<void> {
  await http.json('PUT', '/api/sending', { body: { stopped } })
}
