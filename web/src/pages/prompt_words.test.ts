// What is completed where in a prompt, and how.
import { expect, test } from 'vitest'
import { completed, completionAt, folderOf, oneLine } from './prompt_words.ts'

test('a command only at the very beginning', () => {
  expect(completionAt('/com', 4)).toEqual({ start: 0, kind: 'command', typed: '/com' })
  expect(completionAt('please /com', 11)).toBeNull()
  expect(completionAt('/com x', 6)).toBeNull()
})

test('a file behind an @ that begins a word', () => {
  expect(completionAt('read @src/a', 11)).toEqual({ start: 6, kind: 'file', typed: 'src/a' })
  expect(completionAt('@', 1)).toEqual({ start: 1, kind: 'file', typed: '' })
  expect(completionAt('anna@example', 12)).toBeNull()
  expect(completionAt('read @src/a now', 11)).toEqual({ start: 6, kind: 'file', typed: 'src/a' })
})

test('what was typed is replaced and the rest stays', () => {
  const at = completionAt('read @src/a now', 11)
  expect(at === null ? null : completed('read @src/a now', 11, at, 'src/app.ts')).toEqual({ text: 'read @src/app.ts now', cursor: 16 })
})

test('folders and beginnings', () => {
  expect(folderOf('src/pages/a')).toEqual({ folder: 'src/pages/', begins: 'a' })
  expect(folderOf('a')).toEqual({ folder: '', begins: 'a' })
  expect(oneLine('a\n  b', 10)).toBe('a b')
  expect(oneLine('x'.repeat(20), 10)).toBe(`${'x'.repeat(9)}…`)
})
