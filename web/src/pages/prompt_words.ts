// Prompts in words, and what can be completed in one. Pure.
import type { Agent } from '../wire/types.ts'
import type { Prompt } from '../wire/prompts.ts'

// The client's own commands that make sense from here; a project may have more.
export const kCommands: readonly { name: string; meaning: string }[] = [
  { name: '/clear', meaning: 'Begin a new conversation' },
  { name: '/compact', meaning: 'Summarise the conversation to free its context' },
  { name: '/context', meaning: 'What fills the context' },
  { name: '/cost', meaning: 'What this conversation has cost' },
  { name: '/init', meaning: 'Write a CLAUDE.md for this project' },
  { name: '/model', meaning: 'Change the model' },
  { name: '/review', meaning: 'Review a pull request' },
]

export const kPromptStates: Record<Prompt['state'], string> = {
  queued: 'waits',
  sending: 'is being sent',
  sent: 'sent',
  failed: 'not sent',
  uncertain: 'uncertain',
  cancelled: 'taken back',
}

export const kPromptSources: Record<Prompt['source'], string> = {
  person: '',
  broadcast: 'to several agents',
  schedule: 'by schedule',
  limit: 'after a usage limit',
}

// Whether a prompt can go at once.
export const takesPrompts = (agent: Agent): boolean => agent.state === 'idle' || agent.state === 'failed' || agent.state === 'limited'

export interface Completion {
  // Where in the text it begins: what is replaced is from there to the cursor.
  start: number
  kind: 'command' | 'file'
  // What was typed behind the sign.
  typed: string
}

// What is being typed at the cursor: a command at the very beginning, or a file behind an @.
export function completionAt(text: string, cursor: number): Completion | null {
  const before = text.slice(0, cursor)
  if (/^\/[\w:-]*$/.test(before)) return { start: 0, kind: 'command', typed: before }
  const file = /(?:^|\s)@([^\s@]*)$/.exec(before)
  if (file === null) return null
  const typed = file[1] ?? ''
  return { start: cursor - typed.length, kind: 'file', typed }
}

// The folder whose names complete a path that was begun, and how those names begin.
export function folderOf(typed: string): { folder: string; begins: string } {
  const slash = typed.lastIndexOf('/')
  return { folder: typed.slice(0, slash + 1), begins: typed.slice(slash + 1) }
}

export function completed(text: string, cursor: number, { start }: Completion, by: string): { text: string; cursor: number } {
  const end = start + by.length
  return { text: text.slice(0, start) + by + text.slice(cursor), cursor: end }
}

// The beginning of a text on one line.
export function oneLine(text: string, most = 120): string {
  const flat = text.replace(/\s+/g, ' ').trim()
  return flat.length <= most ? flat : `${flat.slice(0, most - 1)}…`
}
