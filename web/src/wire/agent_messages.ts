// What the server tells of agents, from untrusted JSON to values. What is unknown reads as the quietest thing it can be.
import type { Agent, AgentState, AttentionItem, AttentionKind, Evidence, Question } from './types.ts'

type Fields = Record<string, unknown>

const kStates: readonly AgentState[] = [
  'starting',
  'working',
  'waiting_permission',
  'waiting_answer',
  'idle',
  'limited',
  'failed',
  'exited',
  'lost',
]
const kKinds: readonly AttentionKind[] = ['permission', 'plan', 'question', 'done', 'failure', 'limit']
// More than a person reads.
const kMaxList = 64

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number => (Number.isFinite(value) ? (value as number) : 0)
const numberOrNull = (value: unknown): number | null => (Number.isFinite(value) ? (value as number) : null)
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value.slice(0, kMaxList) : [])

function parseEvidence(value: unknown): Evidence | null {
  if (!isObject(value)) return null
  return { source: text(value.source), state: text(value.state), what: text(value.what), at: number(value.at) }
}

export function parseAgent(value: unknown): Agent | null {
  if (!isObject(value)) return null
  // A state that this page does not know: it runs, and waits for nobody.
  const state = kStates.find((known) => known === value.state) ?? 'working'
  return {
    state,
    since: number(value.since),
    tool: text(value.tool),
    reason: text(value.reason),
    limited_until: numberOrNull(value.limited_until),
    background: number(value.background),
    unread: value.unread === true,
    evidence: parseEvidence(value.evidence),
    disagreeing: list(value.disagreeing)
      .map(parseEvidence)
      .filter((evidence) => evidence !== null),
    conversation: typeof value.conversation === 'string' ? value.conversation : null,
    hooks: value.hooks === 'live' ? 'live' : 'none',
    hooks_reason: text(value.hooks_reason),
    model: text(value.model),
    permission_mode: text(value.permission_mode),
    cost_usd: number(value.cost_usd),
    context_percent: numberOrNull(value.context_percent),
    lines_added: number(value.lines_added),
    lines_removed: number(value.lines_removed),
    last_message: text(value.last_message),
  }
}

function parseQuestion(value: unknown): Question | null {
  if (!isObject(value)) return null
  return {
    text: text(value.text),
    header: text(value.header),
    choice: value.choice === 'several' ? 'several' : 'one',
    options: list(value.options)
      .filter(isObject)
      .map((option) => ({ label: text(option.label), description: text(option.description) })),
  }
}

export function parseAttention(value: unknown): AttentionItem | null {
  if (!isObject(value) || typeof value.id !== 'string' || typeof value.session !== 'string') return null
  const kind = kKinds.find((known) => known === value.kind)
  if (kind === undefined) return null
  return {
    id: value.id,
    session: value.session,
    session_name: text(value.session_name),
    project: text(value.project),
    kind,
    since: number(value.since),
    tool: text(value.tool),
    summary: text(value.summary),
    input: isObject(value.input) ? value.input : null,
    input_bytes: number(value.input_bytes),
    suggestions: list(value.suggestions),
    questions: list(value.questions)
      .map(parseQuestion)
      .filter((question) => question !== null),
    text: text(value.text),
    agent_id: text(value.agent_id),
    answerable: value.answerable === 'page' ? 'page' : 'terminal',
    why_terminal: text(value.why_terminal),
    expires_at: numberOrNull(value.expires_at),
  }
}
