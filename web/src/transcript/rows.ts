// Entries as rows of a list. Nothing is dropped: every entry is in a row, the client's own books folded into one.
import type { Entry } from '../wire/transcript.ts'
import type { Run } from './feed.ts'

// A tool's answer: which entry, which of its blocks, and the images that came with it.
export interface Answer {
  entry: Entry
  block: number
  media: readonly number[]
}

// `head`: what is said begins here, by somebody else than before.
export type Row = { key: string; entry: Entry; head: boolean } & (
  | { kind: 'prompt' }
  | { kind: 'text'; block: number }
  | { kind: 'thinking'; block: number }
  // `over`: the conversation went on without an answer.
  | { kind: 'call'; block: number; answer: Answer | null; over: boolean }
  // An answer whose call is not among what was read together with it.
  | { kind: 'answer'; answer: Answer }
  | { kind: 'block'; block: number }
  | { kind: 'summary' }
  | { kind: 'compaction' }
  | { kind: 'interruption' }
  | { kind: 'failure' }
  | { kind: 'raw' }
  | { kind: 'notes'; entries: readonly Entry[] }
)

const keyOf = (entry: Entry, block: number | string) => `${entry.offset}.${entry.n}.${block}`

type Headless = Row extends infer R ? (R extends Row ? Omit<R, 'head'> : never) : never

// Whose words a row holds; null says nothing about it.
function voiceOf(row: Headless): 'person' | 'agent' | null {
  if (row.kind === 'prompt') return 'person'
  return row.kind === 'text' || row.kind === 'thinking' || row.kind === 'call' || row.kind === 'answer' ? 'agent' : null
}

class Builder {
  readonly rows: Row[] = []
  private voice: 'person' | 'agent' | null = null
  private readonly calls = new Map<string, number>()
  // Of the turn that goes on.
  private open: number[] = []

  add(entry: Entry): void {
    switch (entry.kind) {
      case 'prompt':
        this.endsTurn()
        this.push({ kind: 'prompt', key: keyOf(entry, 'p'), entry })
        return
      case 'reply':
        if (entry.blocks.length === 0) return this.note(entry)
        entry.blocks.forEach((_, block) => this.reply(entry, block))
        return
      case 'result':
        return this.result(entry)
      case 'summary':
        // Titles of conversations have no message of their own.
        if (entry.type === 'summary') return this.note(entry)
        this.push({ kind: 'summary', key: keyOf(entry, 's'), entry })
        return
      case 'interruption':
      case 'failure':
        this.endsTurn()
        this.push({ kind: entry.kind, key: keyOf(entry, 'i'), entry })
        return
      case 'compaction':
      case 'raw':
        this.push({ kind: entry.kind, key: keyOf(entry, 'r'), entry })
        return
      default:
        return this.note(entry)
    }
  }

  private push(row: Headless): void {
    const voice = voiceOf(row)
    const head = voice !== null && (voice === 'person' || voice !== this.voice)
    if (voice !== null) this.voice = voice
    this.rows.push({ ...row, head } as Row)
  }

  private note(entry: Entry): void {
    const last = this.rows.at(-1)
    if (last?.kind === 'notes') this.rows[this.rows.length - 1] = { ...last, entries: [...last.entries, entry] }
    else this.push({ kind: 'notes', key: keyOf(entry, 'n'), entry, entries: [entry] })
  }

  private reply(entry: Entry, block: number): void {
    const { kind, toolId } = entry.blocks[block] as Entry['blocks'][number]
    const key = keyOf(entry, block)
    if (kind === 'text' || kind === 'thinking') this.push({ kind, key, entry, block })
    else if (kind === 'tool_use') {
      if (toolId !== '') this.calls.set(toolId, this.rows.length)
      this.open.push(this.rows.length)
      this.push({ kind: 'call', key, entry, block, answer: null, over: false })
    } else this.push({ kind: 'block', key, entry, block })
  }

  private result(entry: Entry): void {
    const media = (toolId: string) =>
      entry.blocks.flatMap((block, at) => (block.kind !== 'tool_result' && block.toolId === toolId && toolId !== '' ? [at] : []))
    entry.blocks.forEach((block, at) => {
      if (block.kind !== 'tool_result') {
        if (block.toolId === '') this.push({ kind: 'block', key: keyOf(entry, at), entry, block: at })
        return
      }
      const answer = { entry, block: at, media: media(block.toolId) }
      const place = this.calls.get(block.toolId)
      const call = place === undefined ? undefined : this.rows[place]
      if (call?.kind === 'call' && call.answer === null && place !== undefined) this.rows[place] = { ...call, answer, over: false }
      else this.push({ kind: 'answer', key: keyOf(entry, at), entry, answer })
    })
    if (entry.blocks.length === 0) this.note(entry)
  }

  // What was called before will hardly answer any more.
  private endsTurn(): void {
    for (const place of this.open) {
      const call = this.rows[place]
      if (call?.kind === 'call' && call.answer === null) this.rows[place] = { ...call, over: true }
    }
    this.open = []
  }
}

const known = new WeakMap<readonly Entry[], readonly Row[]>()

// The same entries give the same rows.
export function rowsOfRun(run: Run): readonly Row[] {
  let rows = known.get(run.entries)
  if (rows === undefined) {
    const builder = new Builder()
    for (const entry of run.entries) builder.add(entry)
    known.set(run.entries, (rows = builder.rows))
  }
  return rows
}

export const rowsOf = (runs: readonly Run[]): readonly Row[] => runs.flatMap(rowsOfRun)

// The row in which the line at this offset is, or the first behind it; -1 without any.
export function rowAt(rows: readonly Row[], offset: number): number {
  const holds = (entry: Entry) => entry.offset === offset
  const exact = rows.findIndex(
    (row) =>
      holds(row.entry) ||
      (row.kind === 'notes' && row.entries.some(holds)) ||
      (row.kind === 'call' && row.answer !== null && holds(row.answer.entry)),
  )
  return exact >= 0 ? exact : rows.findIndex((row) => row.entry.offset > offset)
}

// Every entry that a row shows.
export function entriesOf(row: Row): readonly Entry[] {
  if (row.kind === 'notes') return row.entries
  if (row.kind === 'call' && row.answer !== null) return [row.entry, row.answer.entry]
  return [row.entry]
}
