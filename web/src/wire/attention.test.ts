// The inbox over hellos, changes and ends.
import { expect, test } from 'vitest'
import { parseAttention } from './agent_messages.ts'
import { Attention } from './attention.ts'
import type { AttentionItem } from './types.ts'

const item = (id: string, since: number): AttentionItem => {
  const parsed = parseAttention({ id, session: 's', kind: 'permission', since })
  if (parsed === null) throw new Error('no item')
  return parsed
}
const ids = (attention: Attention) => attention.current().items.map(({ id }) => id)

test('oldest first, and what closes is gone', () => {
  const attention = new Attention()
  attention.upsert(item('b', 2))
  attention.upsert(item('a', 1))
  expect(ids(attention)).toEqual(['a', 'b'])
  attention.close({ id: 'a', how: 'allowed', by: 'anna' })
  expect(ids(attention)).toEqual(['b'])
})

test('what closed while the socket was away is gone after the next hello', () => {
  const attention = new Attention()
  attention.upsert(item('a', 1))
  attention.upsert(item('b', 2))
  attention.complete()
  attention.begin()
  attention.upsert(item('b', 2))
  expect(ids(attention)).toEqual(['a', 'b'])
  attention.complete()
  expect(ids(attention)).toEqual(['b'])
})

test('only what opens while the page looks on is told as new', () => {
  const attention = new Attention()
  const opened: string[] = []
  attention.onOpened(({ id }) => opened.push(id))
  attention.upsert(item('before', 1))
  attention.complete()
  attention.upsert(item('new', 2))
  attention.upsert(item('new', 2))
  expect(opened).toEqual(['new'])
})
