// A session's conversation as the dashboard reads it from Claude Code's transcript: values, and the routes that give them.
import { ApiError, type Http } from './http.ts'
import { parseRuns } from './runs.ts'
import type { Micros, Run } from './types.ts'

export const kEntryKinds = [
  'prompt',
  'reply',
  'result',
  'summary',
  'compaction',
  'interruption',
  'failure',
  'system',
  'note',
  'attachment',
  'state',
  'raw',
] as const
export type EntryKind = (typeof kEntryKinds)[number]

export const kBlockKinds = ['text', 'thinking', 'tool_use', 'tool_result', 'image', 'document', 'unknown'] as const
export type BlockKind = (typeof kBlockKinds)[number]

export interface Block {
  kind: BlockKind
  text: string
  // Bytes of the whole text, or of an image's data.
  bytes: number
  // The text or the input is not whole: the line has more of it.
  cut: boolean
  toolId: string
  tool: string
  // Of a tool's call: what it was given. Null when there is nothing to show.
  input: unknown
  failed: boolean
  mediaType: string
  // Of an image or document: "base64", "url" or "file".
  source: string
}

export interface Usage {
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
}

// One entry of the transcript. Its line's offset and its number in that line name it.
export interface Entry {
  offset: number
  // 1 for what a second client wrote behind half a line of the first one.
  n: number
  bytes: number
  kind: EntryKind
  type: string
  detail: string
  at: Micros | null
  // Of a subagent, in files from before they had their own.
  side: boolean
  origin: string
  model: string
  message: string
  usage: Usage | null
  blocks: readonly Block[]
  // The tool's own value of a result; null when there is none.
  result: unknown
  resultCut: boolean
  // The line's beginning, of entries that are not read as a message.
  raw: string
}

export interface TranscriptPage {
  // Another value: another file is in its place, and offsets of the one before mean nothing.
  file: string
  // The page is what lies between these offsets.
  begin: number
  end: number
  // Of the file.
  bytes: number
  entries: readonly Entry[]
}

// There is none (yet), and why, in words.
export interface NoTranscript {
  reason: string
}

export interface Subagent {
  id: string
  // The call that started it; empty when it is not known.
  toolId: string
  type: string
  description: string
  bytes: number
}

export interface SearchHit {
  offset: number
  kind: EntryKind
  side: boolean
  at: Micros | null
  before: string
  match: string
  after: string
}

export interface SearchPage {
  hits: readonly SearchHit[]
  next: number
  done: boolean
}

export interface ModelUsage extends Usage {
  model: string
  messages: number
}

export interface TranscriptFacts {
  bytes: number
  // Lines up to this offset have been counted.
  read: number
  lines: number
  rawLines: number
  prompts: number
  compactions: number
  costUsd: number | null
  firstAt: Micros | null
  lastAt: Micros | null
  usage: readonly ModelUsage[]
}

// What the terminal showed at a time.
export interface Moment {
  at: Micros
  firstAt: Micros
  lastAt: Micros
  // Nothing is missing from before.
  exact: boolean
  cols: number
  rows: number
  cursor: readonly [x: number, y: number] | null
  lines: readonly (readonly Run[])[]
}

// Which conversation: the session's own, or that of one of its subagents.
export interface TranscriptName {
  session: string
  agent: string | null
}

type Fields = Record<string, unknown>
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const count = (value: unknown): number => (Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0)
const time = (value: unknown): Micros | null => (Number.isSafeInteger(value) ? (value as number) : null)
const objects = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : [])

function oneOf<T extends string>(values: readonly T[], value: unknown, otherwise: T): T {
  return values.find((known) => known === value) ?? otherwise
}

function parseUsage(value: unknown): Usage | null {
  if (!isObject(value)) return null
  return {
    input: count(value.input),
    output: count(value.output),
    cacheRead: count(value.cache_read),
    cacheWrite: count(value.cache_write_5m) + count(value.cache_write_1h),
  }
}

function parseBlock(value: Fields): Block {
  return {
    kind: oneOf(kBlockKinds, value.kind, 'unknown'),
    text: text(value.text),
    bytes: count(value.bytes),
    cut: value.cut === true,
    toolId: text(value.tool_id),
    tool: text(value.tool),
    input: value.input ?? null,
    failed: value.failed === true,
    mediaType: text(value.media_type),
    source: text(value.source),
  }
}

// Only the place is indispensable: an entry of a kind this page does not know is shown raw.
export function parseEntry(value: unknown): Entry | null {
  if (!isObject(value) || !Number.isSafeInteger(value.offset) || (value.offset as number) < 0) return null
  return {
    offset: value.offset as number,
    n: count(value.n),
    bytes: count(value.bytes),
    kind: oneOf(kEntryKinds, value.kind, 'raw'),
    type: text(value.type),
    detail: text(value.detail),
    at: time(value.at),
    side: value.side === true,
    origin: text(value.origin),
    model: text(value.model),
    message: text(value.message),
    usage: parseUsage(value.usage),
    blocks: objects(value.blocks).map(parseBlock),
    result: value.result ?? null,
    resultCut: value.result_cut === true,
    raw: text(value.raw),
  }
}

const kMalformed = 'The dashboard’s answer holds no transcript.'

export function parseTranscriptPage(value: unknown): TranscriptPage | NoTranscript {
  if (!isObject(value)) throw new ApiError(200, 'malformed', kMalformed)
  if (value.state === 'none') return { reason: text(value.reason) }
  if (value.state !== 'ready' || !Array.isArray(value.entries)) throw new ApiError(200, 'malformed', kMalformed)
  return {
    file: text(value.file),
    begin: count(value.begin),
    end: count(value.end),
    bytes: count(value.bytes),
    entries: value.entries.map(parseEntry).filter((entry): entry is Entry => entry !== null),
  }
}

const base = (name: TranscriptName) => `/api/sessions/${encodeURIComponent(name.session)}/transcript`

function query(name: TranscriptName, fields: Record<string, string | number>): string {
  const all = new URLSearchParams(Object.entries(fields).map(([key, value]) => [key, String(value)]))
  if (name.agent !== null) all.set('agent', name.agent)
  const written = all.toString()
  return written === '' ? '' : `?${written}`
}

// Where a page lies: the newest lines; those before an offset, or from it on; or from a time on.
export type PagePlace = { kind: 'newest' } | { kind: 'before'; offset: number } | { kind: 'from'; offset: number } | { kind: 'at'; at: Micros }

function placeFields(place: PagePlace): Record<string, number> {
  switch (place.kind) {
    case 'newest':
      return {}
    case 'before':
      return { before: place.offset }
    case 'from':
      return { from: place.offset }
    case 'at':
      return { at: place.at }
  }
}

export async function readTranscript(
  http: Http,
  name: TranscriptName,
  place: PagePlace,
  limit: number,
): Promise<TranscriptPage | NoTranscript> {
  return parseTranscriptPage(await http.json('GET', base(name) + query(name, { ...placeFields(place), limit })))
}

// The entries of one line, with nothing cut.
export async function readLine(http: Http, name: TranscriptName, offset: number): Promise<readonly Entry[]> {
  const answer = await http.json<{ entries: unknown[] }>('GET', `${base(name)}/line${query(name, { offset })}`)
  return objects(answer.entries)
    .map(parseEntry)
    .filter((entry): entry is Entry => entry !== null)
}

// Where the bytes of an image or a document are.
export function mediaAddress(name: TranscriptName, entry: Entry, block: number): string {
  return `${base(name)}/line${query(name, { offset: entry.offset, entry: entry.n, block })}`
}

export async function searchTranscript(http: Http, name: TranscriptName, words: string, from: number, signal: AbortSignal): Promise<SearchPage> {
  const answer = await http.json<Fields>('GET', `${base(name)}/search${query(name, { q: words, from })}`, { signal })
  const hits = objects(answer.hits).map((hit) => ({
    offset: count(hit.offset),
    kind: oneOf(kEntryKinds, hit.kind, 'raw'),
    side: hit.side === true,
    at: time(hit.at),
    before: text(hit.before),
    match: text(hit.match),
    after: text(hit.after),
  }))
  return { hits, next: count(answer.next), done: answer.done === true }
}

export async function readSubagents(http: Http, session: string): Promise<readonly Subagent[]> {
  const answer = await http.json<Fields>('GET', `${base({ session, agent: null })}/agents`)
  return objects(answer.agents).map((agent) => ({
    id: text(agent.id),
    toolId: text(agent.tool_id),
    type: text(agent.type),
    description: text(agent.description),
    bytes: count(agent.bytes),
  }))
}

export async function readFacts(http: Http, name: TranscriptName): Promise<TranscriptFacts | NoTranscript> {
  const answer = await http.json<Fields>('GET', `${base(name)}/facts${query(name, {})}`)
  if (answer.state === 'none') return { reason: text(answer.reason) }
  return {
    bytes: count(answer.bytes),
    read: count(answer.read),
    lines: count(answer.lines),
    rawLines: count(answer.raw_lines),
    prompts: count(answer.prompts),
    compactions: count(answer.compactions),
    costUsd: typeof answer.cost_usd === 'number' ? answer.cost_usd : null,
    firstAt: time(answer.first_at),
    lastAt: time(answer.last_at),
    usage: objects(answer.usage).map((usage) => ({
      ...(parseUsage(usage) as Usage),
      model: text(usage.model),
      messages: count(usage.messages),
    })),
  }
}

export async function readMoment(http: Http, session: string, at: Micros, signal: AbortSignal): Promise<Moment> {
  const answer = await http.json<Fields>('GET', `/api/sessions/${encodeURIComponent(session)}/moment?at=${at}`, { signal })
  const rows = count(answer.rows)
  const lines: (readonly Run[])[] = Array.from({ length: rows }, () => [])
  if (Array.isArray(answer.lines)) {
    for (const line of answer.lines) {
      if (Array.isArray(line) && Number.isSafeInteger(line[0]) && line[0] >= 0 && line[0] < rows) lines[line[0]] = parseRuns(line[1])
    }
  }
  const { cursor } = answer
  return {
    at: count(answer.at),
    firstAt: count(answer.first_at),
    lastAt: count(answer.last_at),
    exact: answer.exact === true,
    cols: count(answer.cols),
    rows,
    cursor: Array.isArray(cursor) ? [count(cursor[0]), count(cursor[1])] : null,
    lines,
  }
}

export const isNoTranscript = (answer: object): answer is NoTranscript => 'reason' in answer
