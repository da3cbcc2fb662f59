// Past conversations: what they are called, and the way on from each.
import { describe, expect, test } from 'vitest'
import type { Conversation } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'
import { matchesConversation, titleOf, wayOf } from './conversation_words.ts'

const conversation: Conversation = {
  id: 'c1',
  project: '/srv/demo',
  branch: 'main',
  title: null,
  first_prompt: 'Fix the login',
  began: null,
  last_activity: 1,
  bytes: 1,
  messages: 2,
  messages_estimated: false,
  startable: true,
  why_not: null,
  session: 's1',
  live_in: null,
}
const session = (status: Session['status']) => ({ id: 's1', name: 'demo', status }) as Session

describe('the way on', () => {
  test('is the session while it runs, and again when it has ended', () => {
    expect(wayOf(conversation, [session('active')]).kind).toBe('open')
    expect(wayOf(conversation, [session('lost')]).kind).toBe('again')
  })
  test('is a new session where the dashboard has none', () => {
    expect(wayOf({ ...conversation, session: null }, [session('lost')]).kind).toBe('start')
    expect(wayOf(conversation, []).kind).toBe('start')
  })
  test('is none where it runs elsewhere or its folder is gone', () => {
    expect(wayOf({ ...conversation, live_in: 'process 7 in /srv' }, [session('exited')])).toEqual({ kind: 'elsewhere', where: 'process 7 in /srv' })
    expect(wayOf({ ...conversation, startable: false, why_not: 'Gone.' }, [])).toEqual({ kind: 'not', why: 'Gone.' })
  })
})

test('the title is what the client calls it, else what was said first', () => {
  expect(titleOf({ ...conversation, title: 'Login' })).toBe('Login')
  expect(titleOf(conversation)).toBe('Fix the login')
  expect(titleOf({ ...conversation, first_prompt: null })).toBe('Nothing was said')
})

test('all words must be somewhere', () => {
  expect(matchesConversation(conversation, 'LOGIN demo')).toBe(true)
  expect(matchesConversation(conversation, 'login elsewhere')).toBe(false)
})
