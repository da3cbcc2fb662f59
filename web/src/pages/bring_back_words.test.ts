// Bringing a fleet back: who is meant, how far it is, what is left.
import { expect, test } from 'vitest'
import type { FleetResult } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'
import { leftOver, lostAgents, progressOf, unseenIn } from './bring_back_words.ts'

const session = (id: string, status: Session['status'], kind: Session['kind'] = 'claude') => ({ id, status, kind }) as Session
const result = (session: string, outcome: FleetResult['outcome'], error: FleetResult['error'] = null): FleetResult => ({ session, name: session, outcome, error })

test('only agents that are lost are meant, and not those that are left alone', () => {
  const sessions = [session('a', 'lost'), session('b', 'exited'), session('c', 'lost', 'shell'), session('d', 'lost')]
  expect(lostAgents(sessions, ['d']).map(({ id }) => id)).toEqual(['a'])
})

test('who runs again is back', () => {
  expect(progressOf(['a', 'b', 'gone'], [session('a', 'active'), session('b', 'lost'), session('c', 'active')])).toEqual({ back: 1, all: 3 })
})

test('what is left is named, and the first settings to be seen are found', () => {
  const results = [
    result('a', 'resumed'),
    result('b', 'running'),
    result('c', 'failed', { code: 'not_found', message: 'no folder' }),
    result('d', 'settings_unseen', { code: 'settings_unseen', message: 'look', folder: '/srv/d', digest: 'x' }),
  ]
  expect(leftOver(results).map(({ session: id }) => id)).toEqual(['c', 'd'])
  expect(unseenIn(results)).toEqual({ folder: '/srv/d', digest: 'x' })
  expect(unseenIn(results.slice(0, 3))).toBeNull()
})
