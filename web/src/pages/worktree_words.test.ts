// Working trees of sessions: which folder is one, and what keeps it.
import { describe, expect, test } from 'vitest'
import type { Obstacle } from '../wire/lifecycle.ts'
import { obstacleText, standingOf, treeOf } from './worktree_words.ts'

const obstacle = (kind: string, items: string[] = [], more = 0): Obstacle => ({ kind, text: `of ${kind}`, items, more, overridable: false })

describe('working trees', () => {
  test('lie in .claude/worktrees', () => {
    expect(treeOf('/srv/demo/.claude/worktrees/fix')).toBe('/srv/demo/.claude/worktrees/fix')
    expect(treeOf('/srv/demo/.claude/worktrees/fix/web/src')).toBe('/srv/demo/.claude/worktrees/fix')
    expect(treeOf('/srv/demo')).toBeNull()
    expect(treeOf('/srv/demo/.claude/worktrees')).toBeNull()
  })
  test('stay for work in them, and for others who work there', () => {
    const found = standingOf([obstacle('session', ['mine', 'other']), obstacle('untracked', ['a']), obstacle('ignored', ['.env']), obstacle('unmerged')], 'mine')
    expect(found.blocking.map(({ kind, items }) => [kind, items])).toEqual([['session', ['other']], ['untracked', ['a']]])
    expect(found.ignored?.items).toEqual(['.env'])
  })
  test('may go when only their own session and their branch are left', () => {
    expect(standingOf([obstacle('session', ['mine']), obstacle('unmerged')], 'mine')).toEqual({ blocking: [], ignored: null })
    expect(standingOf([obstacle('session', ['mine'])], null).blocking).toHaveLength(1)
  })
  test('in words', () => {
    expect(obstacleText(obstacle('x', ['a', 'b'], 3))).toBe('of x: a, b and 3 more')
    expect(obstacleText(obstacle('x'))).toBe('of x')
  })
})
