// The words and shapes for each state of a session.
import { describe, expect, it } from 'vitest'
import { parseSession } from '../wire/messages.ts'
import type { Session } from '../wire/types.ts'
import { commandText, doing, matches, mayHaveHooks, nameFor, stateOf } from './session_words.ts'

const session = (fields: Partial<Session>): Session => ({ ...(parseSession({ id: '1' }) as Session), ...fields })

describe('a session in words', () => {
  it.each([
    [{ status: 'active', state: 'working' }, 'working'],
    [{ status: 'active', state: 'unknown' }, 'unknown'],
    [{ status: 'exited', exit_status: 0 }, 'ended'],
    [{ status: 'exited', exit_status: 2 }, 'failed'],
    [{ status: 'exited', exit_status: null }, 'ended'],
    [{ status: 'lost', state: 'working' }, 'lost'],
  ] as const)('%j is %s', (fields, state) => {
    expect(stateOf(session(fields))).toBe(state)
  })

  it.each([
    ['by hand', { adopted: true, kind: 'claude' }, 'none', true],
    ['typed into a shell of ours', { adopted: false, kind: 'shell' }, 'none', true],
    ['with settings of its own', { adopted: false, kind: 'claude' }, 'none', false],
    ['with hooks', { adopted: true, kind: 'claude' }, 'live', false],
    ['ended', { adopted: true, kind: 'claude', status: 'exited' }, 'none', false],
  ] as const)('offers hooks to an agent %s: %j, %s, %s', (_, fields, hooks, offered) => {
    expect(mayHaveHooks(session({ status: 'active', ...fields, agent: { hooks } as Session['agent'] }))).toBe(offered)
  })

  it('offers no hooks where no agent is', () => {
    expect(mayHaveHooks(session({ status: 'active', adopted: true, agent: null }))).toBe(false)
  })

  it('shows its command as it could be typed', () => {
    expect(commandText(session({ command: ['sh', '-c', "echo 'a b'"] }))).toBe(`sh -c 'echo '\\''a b'\\'''`)
    expect(commandText(session({ command: [] }))).toBe('claude')
  })

  it('says what it does without the symbols of its title', () => {
    expect(doing(session({ title: '✳ Fix the login' }))).toBe('Fix the login')
    expect(doing(session({ title: '⠂ <b>', foreground: 'vim' }))).toBe('<b>')
    expect(doing(session({ title: '', foreground: 'vim' }))).toBe('vim')
  })

  it('gets a free name from its project', () => {
    expect(nameFor('/srv/my app/', new Set())).toBe('my-app')
    expect(nameFor('/srv/app', new Set(['app', 'app-2']))).toBe('app-3')
    expect(nameFor('/', new Set())).toBe('session')
  })

  it('is found by every word of the filter', () => {
    const found = session({ name: 'api', project: '/srv/shop', state: 'idle', status: 'active' })
    expect(matches(found, 'shop IDLE')).toBe(true)
    expect(matches(found, 'shop working')).toBe(false)
    expect(matches(found, '')).toBe(true)
  })
})
