// Text messages of the terminal socket: from untrusted JSON to values. What is unknown or malformed is null.
import { parseRuns } from './runs.ts'
import { parseAgent, parseAttention } from './agent_messages.ts'
import type { FromServer, Person, Session, SessionKind, SessionState, SessionStatus, ThumbRow } from './types.ts'

type Fields = Record<string, unknown>

const kStatuses: readonly SessionStatus[] = ['active', 'exited', 'lost', 'archived']
const kStates: readonly SessionState[] = ['working', 'idle', 'unknown', 'exited', 'lost']
const kKinds: readonly SessionKind[] = ['claude', 'shell', 'other']

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (isCount(value) ? value : 0)
const countOrNull = (value: unknown): number | null => (isCount(value) ? value : null)
const integerOrNull = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null)

function oneOf<T extends string>(values: readonly T[], value: unknown, otherwise: T): T {
  return values.find((known) => known === value) ?? otherwise
}

// A newer server may know states this page does not: those read as unknown. Only the id is indispensable.
export function parseSession(value: unknown): Session | null {
  if (!isObject(value) || typeof value.id !== 'string' || value.id === '') return null
  return {
    id: value.id,
    name: text(value.name),
    status: oneOf(kStatuses, value.status, 'active'),
    state: oneOf(kStates, value.state, 'unknown'),
    host: text(value.host),
    project: text(value.project),
    command: Array.isArray(value.command) ? value.command.filter((item) => typeof item === 'string') : [],
    kind: oneOf(kKinds, value.kind, 'other'),
    adopted: value.adopted === true,
    title: text(value.title),
    foreground: text(value.foreground),
    cols: count(value.cols),
    rows: count(value.rows),
    viewers: count(value.viewers),
    created_at: count(value.created_at),
    ended_at: countOrNull(value.ended_at),
    exit_status: integerOrNull(value.exit_status),
    last_output_at: countOrNull(value.last_output_at),
    agent: parseAgent(value.agent),
  }
}

// More people than anybody reads the names of.
const kMaxPeople = 100

function parsePeople(value: unknown): Person[] {
  if (!Array.isArray(value)) return []
  return value
    .filter(isObject)
    .slice(0, kMaxPeople)
    .map((person) => ({
      name: text(person.name),
      you: person.you === true,
      typing: person.typing === true,
      holds: person.holds === true,
      viewers: Math.max(1, count(person.viewers)),
    }))
}

function parseRows(value: unknown, rows: number): ThumbRow[] {
  if (!Array.isArray(value)) return []
  const parsed: ThumbRow[] = []
  for (const row of value) {
    if (!Array.isArray(row) || !isCount(row[0]) || row[0] >= rows) continue
    parsed.push({ y: row[0], runs: parseRuns(row[1]) })
  }
  return parsed
}

function parseThumb(m: Fields): FromServer | null {
  if (typeof m.session !== 'string' || !isCount(m.cols) || !isCount(m.rows)) return null
  const cursor = Array.isArray(m.cursor) && isCount(m.cursor[0]) && isCount(m.cursor[1]) ? m.cursor : null
  return {
    type: 'thumb',
    session: m.session,
    cols: m.cols,
    rows: m.rows,
    cursor: cursor === null ? null : [cursor[0], cursor[1]],
    all: m.all === true,
    lines: parseRows(m.lines, m.rows),
  }
}

const kParsers: Record<string, (m: Fields) => FromServer | null> = {
  hello: (m) => ({ type: 'hello', server: text(m.server), version: text(m.version) }),
  opened: (m) =>
    isCount(m.channel) && isCount(m.offset) && isCount(m.end)
      ? {
          type: 'opened',
          channel: m.channel,
          session: text(m.session),
          offset: m.offset,
          end: m.end,
          cols: count(m.cols),
          rows: count(m.rows),
          yours: typeof m.yours === 'boolean' ? m.yours : null,
        }
      : null,
  closed: (m) => (isCount(m.channel) ? { type: 'closed', channel: m.channel, reason: text(m.reason) } : null),
  size: (m) =>
    isCount(m.channel) && isCount(m.cols) && isCount(m.rows)
      ? { type: 'size', channel: m.channel, cols: m.cols, rows: m.rows, yours: m.yours === true }
      : null,
  history: (m) =>
    isCount(m.channel) && isCount(m.lines)
      ? { type: 'history', channel: m.channel, lines: m.lines, kept: Math.max(count(m.kept), m.lines) }
      : null,
  people: (m) => (isCount(m.channel) ? { type: 'people', channel: m.channel, people: parsePeople(m.people) } : null),
  thumb: parseThumb,
  transcript: (m) =>
    typeof m.session === 'string' && isCount(m.end)
      ? { type: 'transcript', session: m.session, agent: typeof m.agent === 'string' ? m.agent : null, file: text(m.file), end: m.end }
      : null,
  session: (m) => {
    const session = parseSession(m.session)
    return session === null ? null : { type: 'session', session }
  },
  session_removed: (m) => (typeof m.id === 'string' ? { type: 'session_removed', id: m.id } : null),
  attention: (m) => {
    const item = parseAttention(m.item)
    return item === null ? null : { type: 'attention', item }
  },
  attention_closed: (m) =>
    typeof m.id === 'string' ? { type: 'attention_closed', id: m.id, how: text(m.how), by: text(m.by) } : null,
  sessions_complete: () => ({ type: 'sessions_complete' }),
  input_reset: (m) => (isCount(m.channel) ? { type: 'input_reset', channel: m.channel } : null),
  error: (m) => ({ type: 'error', channel: countOrNull(m.channel), code: text(m.code), message: text(m.message) }),
}

export function parseMessage(json: string): FromServer | null {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return null
  }
  if (!isObject(value) || typeof value.type !== 'string') return null
  return Object.hasOwn(kParsers, value.type) ? (kParsers[value.type]?.(value) ?? null) : null
}
