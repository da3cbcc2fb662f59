// The routes of a session's life: started from many things, resumed, forked, brought back; templates, conversations, working trees.
import { ApiError, type Http } from './http.ts'
import { parseSession } from './messages.ts'
import type { Micros, Session } from './types.ts'

export const kModes = ['default', 'plan', 'acceptEdits', 'dontAsk', 'auto'] as const

export interface WorktreeWish {
  branch: string
  from?: string
}

export interface StartRequest {
  name?: string
  project?: string
  command?: string[]
  env?: Record<string, string>
  cols?: number
  rows?: number
  template?: string
  model?: string
  permission_mode?: string
  prompt?: string
  conversation?: string
  fork?: boolean
  worktree?: WorktreeWish
  accept_settings?: string
}

export interface Finding {
  kind: 'program' | 'server' | 'environment' | 'permission' | 'plugin' | 'other'
  where: string
  text: string
}

export interface SettingsFile {
  path: string
  name: string
  words: boolean
  bytes: number
  text: string
  cut: boolean
  trouble: string | null
  fresh: boolean
  findings: Finding[]
}

// What a project brings for Claude Code.
export interface ProjectSettings {
  folder: string
  digest: string
  accepted: boolean
  known: boolean
  complete: boolean
  gaps: string[]
  fresh: Finding[]
  files: SettingsFile[]
  left_out: number
}

// What has to be seen before a session may start there.
export interface Unseen {
  folder: string
  digest: string
}

export function unseenOf(error: unknown): Unseen | null {
  if (!(error instanceof ApiError) || error.code !== 'settings_unseen') return null
  const { folder, digest } = error.more
  return typeof folder === 'string' && typeof digest === 'string' ? { folder, digest } : null
}

export interface Template {
  id: string
  name: string
  project: string
  prompt: string
  model: string
  permission_mode: string
  env: Record<string, string>
  changed_at: Micros
  changed_by: string
}
export type TemplateRequest = Omit<Template, 'id' | 'changed_at' | 'changed_by'>

export interface Conversation {
  id: string
  project: string | null
  branch: string | null
  title: string | null
  first_prompt: string | null
  began: Micros | null
  last_activity: Micros
  bytes: number
  messages: number
  messages_estimated: boolean
  startable: boolean
  why_not: string | null
  session: string | null
  live_in: string | null
}

export interface FleetResult {
  session: string
  name: string
  outcome: 'resumed' | 'running' | 'settings_unseen' | 'failed'
  error: { code: string; message: string; folder?: string; digest?: string } | null
}

export interface Worktree {
  path: string
  head: string | null
  branch: string | null
  bare: boolean
  main: boolean
  locked: string | null
  prunable: string | null
}

export interface Worktrees {
  top: string
  worktrees: Worktree[]
  branches: string[]
}

export interface Obstacle {
  kind: string
  text: string
  items: string[]
  more: number
  overridable: boolean
}

function toSession(value: unknown): Session {
  const session = parseSession(value)
  if (session === null) throw new ApiError(200, 'malformed', 'The dashboard’s answer is no session.')
  return session
}

const sessionPath = (id: string, act: string) => `/api/sessions/${encodeURIComponent(id)}/${act}`
const pathQuery = (path: string) => `path=${encodeURIComponent(path)}`

export async function startSession(http: Http, request: StartRequest): Promise<Session> {
  return toSession(await http.json('POST', '/api/sessions', { body: request }))
}

export async function resumeSession(http: Http, id: string, accept?: string): Promise<Session> {
  const body = accept === undefined ? {} : { accept_settings: accept }
  return toSession(await http.json('POST', sessionPath(id, 'resume'), { body }))
}

export async function restartSession(http: Http, id: string, accept?: string): Promise<Session> {
  const body = accept === undefined ? {} : { accept_settings: accept }
  return toSession(await http.json('POST', sessionPath(id, 'restart'), { body }))
}

export async function giveHooks(http: Http, id: string, accept?: string): Promise<Session> {
  const body = accept === undefined ? {} : { accept_settings: accept }
  return toSession(await http.json('POST', sessionPath(id, 'hooks'), { body }))
}

export async function forkSession(http: Http, id: string, request: StartRequest): Promise<Session> {
  return toSession(await http.json('POST', sessionPath(id, 'fork'), { body: request }))
}

export async function resumeFleet(http: Http, sessions: readonly string[], accept: readonly string[]): Promise<FleetResult[]> {
  const body = { sessions, accept_settings: accept }
  const { results } = await http.json<{ results: FleetResult[] }>('POST', '/api/fleet/resume', { body })
  return results
}

export function listConversations(http: Http, limit: number): Promise<{ conversations: Conversation[]; truncated: boolean }> {
  return http.json('GET', `/api/conversations?limit=${limit}`)
}

export async function listTemplates(http: Http): Promise<Template[]> {
  return (await http.json<{ templates: Template[] }>('GET', '/api/templates')).templates
}

export function saveTemplate(http: Http, id: string | null, template: TemplateRequest): Promise<Template> {
  return id === null
    ? http.json('POST', '/api/templates', { body: template })
    : http.json('PUT', `/api/templates/${encodeURIComponent(id)}`, { body: template })
}

export async function removeTemplate(http: Http, id: string): Promise<void> {
  await http.json('DELETE', `/api/templates/${encodeURIComponent(id)}`)
}

export function readSettings(http: Http, path: string): Promise<ProjectSettings> {
  return http.json('GET', `/api/projects/settings?${pathQuery(path)}`)
}

export function listWorktrees(http: Http, path: string): Promise<Worktrees> {
  return http.json('GET', `/api/git/worktrees?${pathQuery(path)}`)
}

export async function worktreeObstacles(http: Http, path: string): Promise<Obstacle[]> {
  return (await http.json<{ obstacles: Obstacle[] }>('GET', `/api/git/worktrees/obstacles?${pathQuery(path)}`)).obstacles
}

async function removeWorktree(http: Http, path: string, ignoredFiles: boolean, keepBranch: boolean): Promise<void> {
  await http.json('DELETE', `/api/git/worktrees?${pathQuery(path)}&ignored_files=${ignoredFiles}&keep_branch=${keepBranch}`)
}

// A client that was ended just now writes its books for some seconds more.
const kLeaveTries = 20
const kLeaveStepMs = 500

// Removes a working tree once nobody works in it; its branch stays. The dashboard refuses where anything would be lost.
export async function removeWhenLeft(http: Http, path: string, ignoredFiles: boolean): Promise<void> {
  for (let tries = 0; tries < kLeaveTries; tries += 1) {
    const obstacles = await worktreeObstacles(http, path)
    if (obstacles.every(({ kind }) => kind !== 'session')) break
    await new Promise((resolve) => setTimeout(resolve, kLeaveStepMs))
  }
  await removeWorktree(http, path, ignoredFiles, true)
}
