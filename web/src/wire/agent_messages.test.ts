// What the server tells of agents, also when it is nonsense.
import { expect, test } from 'vitest'
import { parseAgent, parseAttention } from './agent_messages.ts'

test('nonsense is nothing', () => {
  for (const value of [undefined, null, 1, 'x', [], true]) {
    expect(parseAgent(value)).toBeNull()
    expect(parseAttention(value)).toBeNull()
  }
  expect(parseAttention({ id: 'a', session: 's', kind: 'newer than this page' })).toBeNull()
})

test('a state that is not known waits for nobody', () => {
  expect(parseAgent({ state: 'levitating' })?.state).toBe('working')
})

test('an item is read field by field', () => {
  const item = parseAttention({
    id: 'a',
    session: 's',
    kind: 'question',
    answerable: 'page',
    input: [1],
    suggestions: 'no list',
    questions: [{ text: 'Which?', choice: 'several', options: [{ label: 'Red' }, 7] }, 'x'],
    expires_at: 'soon',
  })
  expect(item?.input).toBeNull()
  expect(item?.suggestions).toEqual([])
  expect(item?.questions).toEqual([{ text: 'Which?', header: '', choice: 'several', options: [{ label: 'Red', description: '' }] }])
  expect(item?.expires_at).toBeNull()
  expect(item?.answerable).toBe('page')
})
