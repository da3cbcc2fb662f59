// Entries as rows: nothing is dropped, results go to their calls, and what was shown stays as it was.
import { describe, expect, it } from 'vitest'
import { kEntryKinds, parseEntry, type Entry } from '../wire/transcript.ts'
import { entriesOf, rowAt, rowsOf, rowsOfRun, type Row } from './rows.ts'

let offset = 0
const entry = (kind: string, more: object = {}): Entry => parseEntry({ offset: (offset += 10), bytes: 9, kind, type: kind, ...more }) as Entry
const text = (words: string) => ({ kind: 'text', text: words })
const call = (id: string, tool = 'Bash') => entry('reply', { blocks: [{ kind: 'tool_use', tool_id: id, tool, input: {} }] })
const result = (id: string, ...more: object[]) => entry('result', { blocks: [{ kind: 'tool_result', tool_id: id, text: `of ${id}` }, ...more] })
const run = (entries: readonly Entry[]) => ({ begin: entries[0]?.offset ?? 0, end: offset, entries })
const kinds = (rows: readonly Row[]) => rows.map(({ kind }) => kind).join(' ')

describe('rows', () => {
  it('hold every entry once, of whatever kind', () => {
    const entries = kEntryKinds.flatMap((kind) => [
      entry(kind),
      entry(kind, { blocks: [text('a'), { kind: 'new-kind', text: '{}' }, { kind: 'image', media_type: 'image/png' }] }),
    ])
    const held = rowsOf([run(entries)]).flatMap(entriesOf)
    expect(new Set(held.map((held_entry) => held_entry.offset))).toEqual(new Set(entries.map((one) => one.offset)))
    expect(new Set(rowsOf([run(entries)]).map(({ key }) => key)).size).toBe(rowsOf([run(entries)]).length)
  })

  it('join a call with its result and the images that came with it', () => {
    const rows = rowsOf([run([call('a'), call('b'), result('b', { kind: 'image', tool_id: 'b' }), result('a')])])
    expect(kinds(rows)).toBe('call call')
    expect(rows.map((row) => (row.kind === 'call' ? row.answer?.entry.blocks[0]?.text : ''))).toEqual(['of a', 'of b'])
    expect(rows[1]?.kind === 'call' && rows[1].answer?.media).toEqual([1])
  })

  it('show a result without its call, and a part of a message that came with it', () => {
    expect(kinds(rowsOf([run([result('gone', text('said beside it'))])]))).toBe('answer block')
  })

  it('say which calls will not answer any more', () => {
    const over = (rows: readonly Row[]) => rows.flatMap((row) => (row.kind === 'call' ? [row.over] : []))
    expect(over(rowsOf([run([call('a')])]))).toEqual([false])
    expect(over(rowsOf([run([call('a'), entry('interruption'), call('b')])]))).toEqual([true, false])
    const late = rowsOf([run([call('a'), entry('prompt', { blocks: [text('meanwhile')] }), result('a')])])
    expect(over(late)).toEqual([false])
    expect(kinds(late)).toBe('call prompt')
  })

  it('fold what the client wrote for itself, and titles', () => {
    const rows = rowsOf([run([entry('state'), entry('attachment'), entry('note'), entry('system'), entry('summary'), call('a'), entry('state')])])
    expect(kinds(rows)).toBe('notes call notes')
    expect(rows[0]?.kind === 'notes' && rows[0].entries.length).toBe(5)
  })

  it('begin anew where somebody else speaks', () => {
    const rows = rowsOf([run([entry('prompt'), entry('state'), entry('reply', { blocks: [text('a'), text('b')] }), call('x'), entry('prompt'), entry('prompt')])])
    expect(rows.map(({ head }) => head)).toEqual([true, false, true, false, false, true, true])
  })

  it('stay the same objects when more is read before them, and keep their keys when more comes', () => {
    const newer = run([call('a'), entry('state')])
    const before = rowsOfRun(newer)
    const both = rowsOf([run([result('a'), entry('state')]), newer])
    expect(both.slice(-before.length)).toEqual(before)
    expect(both.at(-1)).toBe(before.at(-1))
    const grown = rowsOfRun({ ...newer, entries: [...newer.entries, entry('state'), result('a')] })
    expect(grown.map(({ key }) => key)).toEqual(before.map(({ key }) => key))
  })

  it('are found by an offset in them', () => {
    const entries = [entry('prompt', { blocks: [text('p')] }), entry('state'), entry('state'), call('a'), result('a')]
    const rows = rowsOf([run(entries)])
    expect(entries.map((one) => rowAt(rows, one.offset))).toEqual([0, 1, 1, 2, 2])
    expect(rowAt(rows, (entries[0]?.offset ?? 0) + 1)).toBe(1)
    expect(rowAt(rows, offset + 1)).toBe(-1)
  })
})
