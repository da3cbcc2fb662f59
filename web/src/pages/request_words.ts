// What an agent asks for, as a person reads it: the exact command, the change as a diff, the plan. Nothing is left out without saying so.
import { structuredPatch } from 'diff'
import type { AttentionItem, AttentionKind } from '../wire/types.ts'

export interface DiffLine {
  kind: 'same' | 'added' | 'removed' | 'gap'
  text: string
}

export type RequestBody =
  | { kind: 'command'; command: string; note: string }
  | { kind: 'diff'; path: string; lines: readonly DiffLine[]; cut: number }
  | { kind: 'text'; text: string }
  | { kind: 'fields'; fields: readonly { name: string; value: string }[] }
  | { kind: 'unknown' }

// A larger change is read in the terminal or the file.
const kMaxDiffLines = 400
const kContextLines = 3

const string = (value: unknown): string => (typeof value === 'string' ? value : '')

function diffLines(before: string, after: string): { lines: DiffLine[]; cut: number } {
  const patch = structuredPatch('', '', before, after, '', '', { context: kContextLines })
  const lines: DiffLine[] = []
  for (const [index, hunk] of patch.hunks.entries()) {
    if (index > 0) lines.push({ kind: 'gap', text: '' })
    for (const line of hunk.lines) {
      if (line.startsWith('\\')) continue
      const kind = line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : 'same'
      lines.push({ kind, text: line.slice(1) })
    }
  }
  return { lines: lines.slice(0, kMaxDiffLines), cut: Math.max(0, lines.length - kMaxDiffLines) }
}

function editBody(input: Readonly<Record<string, unknown>>): RequestBody | null {
  const path = string(input.file_path) || string(input.notebook_path)
  if (path === '') return null
  if (typeof input.content === 'string') return { kind: 'diff', path, ...diffLines('', input.content) }
  const edits = Array.isArray(input.edits) ? (input.edits as unknown[]) : [input]
  const lines: DiffLine[] = []
  let cut = 0
  for (const edit of edits) {
    const { old_string: before, new_string: after } = edit as Record<string, unknown>
    if (typeof before !== 'string' || typeof after !== 'string') return null
    const part = diffLines(before, after)
    if (lines.length > 0) lines.push({ kind: 'gap', text: '' })
    lines.push(...part.lines)
    cut += part.cut
  }
  return { kind: 'diff', path, lines, cut }
}

export function bodyOf(item: AttentionItem): RequestBody {
  const { input, kind, text } = item
  if (kind === 'done' || kind === 'failure' || kind === 'limit') return { kind: 'text', text }
  if (input === null) return { kind: 'unknown' }
  if (kind === 'plan' && typeof input.plan === 'string') return { kind: 'text', text: input.plan }
  if (typeof input.command === 'string') return { kind: 'command', command: input.command, note: string(input.description) }
  const edit = editBody(input)
  if (edit !== null) return edit
  const fields = Object.entries(input).map(([name, value]) => ({
    name,
    value: typeof value === 'string' ? value : JSON.stringify(value, null, 2),
  }))
  return fields.length === 0 ? { kind: 'unknown' } : { kind: 'fields', fields }
}

const kAsks: Record<AttentionKind, string> = {
  permission: 'asks to use',
  plan: 'has a plan',
  question: 'asks you',
  done: 'is done',
  failure: 'failed',
  limit: 'reached its usage limit',
}

export function askWords(item: AttentionItem): string {
  return item.kind === 'permission' ? `${kAsks.permission} ${item.tool || 'a tool'}` : kAsks[item.kind]
}

export const isRequest = (item: AttentionItem) =>
  item.kind === 'permission' || item.kind === 'plan' || item.kind === 'question'

// What "always" would allow, from what the client suggests: known forms in words, others as they are.
export function suggestionWords(suggestion: unknown): string {
  const value = suggestion as { type?: unknown; rules?: unknown; mode?: unknown; directories?: unknown; destination?: unknown }
  const where = value.destination === 'session' ? ' for this session' : ''
  if (value.type === 'addRules' && Array.isArray(value.rules)) {
    const rules = (value.rules as { toolName?: unknown; ruleContent?: unknown }[]).map(({ toolName, ruleContent }) =>
      string(ruleContent) === '' ? string(toolName) : `${string(toolName)}(${string(ruleContent)})`,
    )
    return `${rules.join(', ')}${where}`
  }
  if (value.type === 'setMode') return `the mode ${string(value.mode)}${where}`
  if (value.type === 'addDirectories' && Array.isArray(value.directories)) return `the folder ${value.directories.join(', ')}${where}`
  return JSON.stringify(suggestion)
}
