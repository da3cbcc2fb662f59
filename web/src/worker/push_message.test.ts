// Pushed messages: what is shown for each, also for what is wrong.
import { describe, expect, it } from 'vitest'
import { dataOf, decisionOf, kSettledTag, notificationOf, parsePush, safeAddress } from './push_message.ts'

const kRequest = {
  type: 'show',
  tag: '0123456789abcdef0123',
  title: 'api-auth asks: Bash',
  body: 'rm -rf build',
  address: '/s/api-auth',
  urgent: true,
  at: 1_795_000_000_000,
  waiting: 2,
  item: '0123456789abcdef0123',
  token: 'secret',
  actions: ['allow', 'deny'],
}
const parsed = (fields: object) => parsePush(JSON.stringify(fields))

describe('a pushed request', () => {
  it('shows what is asked with both answers, and stays', () => {
    const shown = notificationOf(parsed(kRequest))
    expect(shown).toMatchObject({ body: 'rm -rf build', tag: kRequest.tag, requireInteraction: true, silent: false, renotify: true })
    expect(shown.actions).toEqual([
      { action: 'allow', title: 'Allow' },
      { action: 'deny', title: 'Deny' },
    ])
    expect(shown.data).toEqual({
      address: '/s/api-auth',
      answer: { item: kRequest.item, token: 'secret', decisions: ['allow', 'deny'] },
    })
  })

  it('offers only what the dashboard says', () => {
    expect(notificationOf(parsed({ ...kRequest, actions: ['deny'] })).actions).toEqual([{ action: 'deny', title: 'Deny' }])
    for (const odd of [{ token: '' }, { token: undefined }, { item: '../x' }, { actions: undefined }, { actions: ['allow_always'] }]) {
      expect(parsed({ ...kRequest, ...odd }).answer).toBeNull()
    }
  })

  it('is answered only by a button that it has', () => {
    const data = dataOf(structuredClone(notificationOf(parsed({ ...kRequest, actions: ['deny'] })).data))
    expect(decisionOf(data, 'deny')).toBe('deny')
    expect(decisionOf(data, 'allow')).toBeNull()
    expect(decisionOf(data, '')).toBeNull()
    expect(decisionOf(dataOf(null), 'allow')).toBeNull()
  })
})

it('what is settled is silent, in one place, without answers', () => {
  const shown = notificationOf(parsed({ type: 'settled', tag: kRequest.tag, title: 'api-auth asks: Bash', body: 'Allowed by ann', address: '/' }))
  expect(shown).toMatchObject({ tag: kSettledTag, silent: true, renotify: false, requireInteraction: false, actions: [] })
})

it.each([null, '', 'no json', '[]', '1', 'null', '{}', '{"type":9,"tag":[],"title":{},"actions":"allow"}'])('something is shown for %s', (json) => {
  const message = parsePush(json)
  const shown = notificationOf(message)
  expect(message.title).not.toBe('')
  expect(shown.tag).not.toBe('')
  expect(shown.actions).toEqual([])
})

it('addresses stay within the page', () => {
  expect(safeAddress('/s/x?y#z')).toBe('/s/x?y#z')
  for (const address of ['//elsewhere.example', '/\\elsewhere.example', 'https://elsewhere.example', 'javascript:alert(1)', '', 7, null]) {
    expect(safeAddress(address)).toBe('/')
  }
})
