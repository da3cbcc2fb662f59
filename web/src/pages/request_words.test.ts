// Requests in words: commands whole, changes as diffs, nothing left out in silence.
import { expect, test } from 'vitest'
import { parseAttention } from '../wire/agent_messages.ts'
import type { AttentionItem } from '../wire/types.ts'
import { askWords, bodyOf, suggestionWords } from './request_words.ts'

function asked(tool: string, input: unknown, kind = 'permission'): AttentionItem {
  const item = parseAttention({ id: 'a', session: 's', kind, tool, input, text: 'the end' })
  if (item === null) throw new Error('no item')
  return item
}

test('a command is shown whole', () => {
  const command = `rm -rf build && ${'x'.repeat(5000)}\nsecond line`
  expect(bodyOf(asked('Bash', { command, description: 'clean up' }))).toEqual({ kind: 'command', command, note: 'clean up' })
})

test('a change is a diff with the lines around it', () => {
  const body = bodyOf(asked('Edit', { file_path: '/p/a.ts', old_string: 'one\ntwo\nthree', new_string: 'one\n2\nthree' }))
  expect(body).toEqual({
    kind: 'diff',
    path: '/p/a.ts',
    cut: 0,
    lines: [
      { kind: 'same', text: 'one' },
      { kind: 'removed', text: 'two' },
      { kind: 'added', text: '2' },
      { kind: 'same', text: 'three' },
    ],
  })
})

test('a new file is all added, and what is too long is counted', () => {
  const body = bodyOf(asked('Write', { file_path: '/p/a', content: Array.from({ length: 500 }, (_, i) => `${i}`).join('\n') }))
  expect(body.kind === 'diff' && body.lines.length).toBe(400)
  expect(body.kind === 'diff' && body.cut).toBe(100)
  expect(body.kind === 'diff' && body.lines.every(({ kind }) => kind === 'added')).toBe(true)
})

test('several edits stand apart', () => {
  const edits = [
    { old_string: 'a', new_string: 'b' },
    { old_string: 'c', new_string: 'd' },
  ]
  const body = bodyOf(asked('MultiEdit', { file_path: '/p/a', edits }))
  expect(body.kind === 'diff' && body.lines.map(({ kind }) => kind)).toEqual(['removed', 'added', 'gap', 'removed', 'added'])
})

test('any other tool shows its fields, and one without a known input says so', () => {
  expect(bodyOf(asked('WebFetch', { url: 'https://example.org', depth: 2 }))).toEqual({
    kind: 'fields',
    fields: [
      { name: 'url', value: 'https://example.org' },
      { name: 'depth', value: '2' },
    ],
  })
  expect(bodyOf(asked('Bash', null)).kind).toBe('unknown')
  expect(bodyOf(asked('Edit', { file_path: '/p', old_string: 1 })).kind).toBe('fields')
  expect(bodyOf(asked('', null, 'done'))).toEqual({ kind: 'text', text: 'the end' })
})

test('words', () => {
  expect(askWords(asked('Bash', {}))).toBe('asks to use Bash')
  expect(suggestionWords({ type: 'addRules', rules: [{ toolName: 'Bash', ruleContent: 'npm test:*' }], destination: 'session' })).toBe(
    'Bash(npm test:*) for this session',
  )
  expect(suggestionWords({ type: 'setMode', mode: 'acceptEdits', destination: 'session' })).toBe('the mode acceptEdits for this session')
  expect(suggestionWords({ type: 'newer' })).toBe('{"type":"newer"}')
})
