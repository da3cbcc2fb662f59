// Text messages: what is understood and what is passed over.
import { describe, expect, it } from 'vitest'
import { parseMessage, parseSession } from './messages.ts'

const session = {
  id: 's1',
  name: 'api',
  status: 'active',
  state: 'working',
  host: 'here',
  project: '/p',
  command: ['bash', '-l'],
  kind: 'shell',
  adopted: false,
  title: 't',
  foreground: 'vim',
  cols: 80,
  rows: 24,
  viewers: 1,
  created_at: 1,
  ended_at: null,
  exit_status: null,
  last_output_at: 5,
  agent: null,
}

describe('messages', () => {
  it('of every known type are read', () => {
    const known = [
      { type: 'hello', server: 'b', version: '1' },
      { type: 'opened', channel: 1, session: 's', offset: 2, end: 3, cols: 80, rows: 24, yours: false },
      { type: 'closed', channel: 1, reason: 'ended' },
      { type: 'size', channel: 1, cols: 80, rows: 24, yours: true },
      { type: 'session', session },
      { type: 'session_removed', id: 's1' },
      { type: 'input_reset', channel: 1 },
      { type: 'attention_closed', id: 'a', how: 'allowed', by: 'anna' },
      { type: 'sessions_complete' },
      { type: 'error', channel: 1, code: 'unknown_session', message: 'No.' },
      { type: 'error', channel: null, code: 'bad', message: 'No.' },
    ]
    for (const message of known) expect(parseMessage(JSON.stringify(message))).toEqual(message)
  })

  it('that are unknown, malformed or no JSON are nothing', () => {
    const bad = [
      '',
      '{',
      'null',
      '[]',
      '1',
      '{"type":"later"}',
      '{"type":"toString"}',
      '{"type":"__proto__"}',
      '{"type":"opened","channel":1}',
      '{"type":"opened","channel":-1,"offset":0,"end":0}',
      '{"type":"opened","channel":1,"offset":1.5,"end":0}',
      '{"type":"session","session":{"name":"no id"}}',
      '{"type":"session_removed"}',
    ]
    for (const json of bad) expect(parseMessage(json)).toBeNull()
  })

  it('read a state or kind of a newer server as unknown', () => {
    expect(parseSession({ ...session, state: 'dreaming', kind: 'robot' })).toMatchObject({
      state: 'unknown',
      kind: 'other',
    })
  })

  it('keep a negative exit status and drop what is no text from a command', () => {
    expect(parseSession({ ...session, exit_status: -1, command: ['a', 1, null, 'b'] })).toMatchObject({
      exit_status: -1,
      command: ['a', 'b'],
    })
  })
})
