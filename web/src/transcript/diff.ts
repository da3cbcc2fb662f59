// Changes of files, from what the tool itself says of them: lines with their numbers before and after. Pure.

export interface DiffLine {
  kind: 'same' | 'added' | 'removed'
  text: string
  // Null where the tool does not say them.
  before: number | null
  after: number | null
}

export type Hunk = readonly DiffLine[]

type Fields = Record<string, unknown>
const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const number = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null)
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function hunkOf(value: unknown): Hunk {
  const { oldStart, newStart, lines } = fields(value)
  let before = number(oldStart)
  let after = number(newStart)
  const hunk: DiffLine[] = []
  for (const line of Array.isArray(lines) ? lines : []) {
    const sign = text(line)[0]
    // "\ No newline at end of file"
    if (sign === undefined || sign === '\\') continue
    const kind = sign === '+' ? 'added' : sign === '-' ? 'removed' : 'same'
    hunk.push({
      kind,
      text: text(line).slice(1),
      before: kind === 'added' ? null : before,
      after: kind === 'removed' ? null : after,
    })
    if (kind !== 'added' && before !== null) before += 1
    if (kind !== 'removed' && after !== null) after += 1
  }
  return hunk
}

const linesOf = (value: string): string[] => {
  if (value === '') return []
  const lines = value.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

// What an edit says without its result: all of the old, then all of the new.
function replacement(value: unknown): Hunk {
  const { old_string, new_string } = fields(value)
  const line = (kind: 'added' | 'removed') => (content: string): DiffLine => ({ kind, text: content, before: null, after: null })
  return [...linesOf(text(old_string)).map(line('removed')), ...linesOf(text(new_string)).map(line('added'))]
}

function written(content: string): Hunk {
  return linesOf(content).map((line, at) => ({ kind: 'added', text: line, before: null, after: at + 1 }))
}

// Of Edit, MultiEdit and Write. The tool's result knows the lines' places; without it (still running, refused, too large) there is what was asked.
export function patchOf(tool: string, input: unknown, result: unknown): readonly Hunk[] | null {
  const { structuredPatch, type, content } = fields(result)
  if (Array.isArray(structuredPatch) && structuredPatch.length > 0) return structuredPatch.map(hunkOf)
  const asked = fields(input)
  if (tool === 'Write') {
    const whole = typeof content === 'string' ? content : asked.content
    // Nothing changed: the file had been written like this before.
    if (Array.isArray(structuredPatch) && type === 'update') return []
    return typeof whole === 'string' ? [written(whole)] : null
  }
  if (Array.isArray(asked.edits)) return asked.edits.map(replacement)
  return typeof asked.old_string === 'string' || typeof asked.new_string === 'string' ? [replacement(asked)] : null
}

export function sizeOf(patch: readonly Hunk[]): { added: number; removed: number } {
  const count = (kind: DiffLine['kind']) => patch.reduce((sum, hunk) => sum + hunk.filter((line) => line.kind === kind).length, 0)
  return { added: count('added'), removed: count('removed') }
}
