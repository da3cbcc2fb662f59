// What one line says of a call, and the changes that edits made.
import { describe, expect, it } from 'vitest'
import { patchOf, sizeOf } from './diff.ts'
import { agentOf, callWords, noteWords, oneLine, questionsOf, shortPath, todosOf } from './words.ts'

describe('a call in one line', () => {
  const patch = { structuredPatch: [{ oldStart: 1, newStart: 1, lines: [' a', '-b', '+c', '+d'] }] }
  const rows: [string, unknown, unknown, string][] = [
    ['Bash', { command: 'npm  test\n && echo ok', description: 'Run' }, null, 'Bash: npm test && echo ok'],
    ['Edit', { file_path: '/p/src/a.ts', old_string: 'x', new_string: 'y' }, patch, 'Edit: src/a.ts +2 -1'],
    ['Edit', { file_path: '/other/a.ts', old_string: 'x\ny', new_string: 'z' }, null, 'Edit: /other/a.ts +1 -2'],
    ['MultiEdit', { file_path: '/p/a', edits: [{ old_string: 'x', new_string: '' }, { old_string: '', new_string: 'y\nz' }] }, null, 'MultiEdit: a +2 -1'],
    ['Write', { file_path: '/p/new.txt', content: 'x\ny\n' }, { type: 'create', structuredPatch: [] }, 'Write: new.txt +2 -0'],
    ['Write', { file_path: '/p/same.txt', content: 'x\n' }, { type: 'update', structuredPatch: [] }, 'Write: same.txt +0 -0'],
    ['Write', { file_path: '/p/big.txt' }, null, 'Write: big.txt'],
    ['Grep', { pattern: 'TWO', path: '/p/src' }, null, 'Grep: TWO in src'],
    ['Agent', { description: 'look', prompt: 'long' }, null, 'Agent: look'],
    ['TodoWrite', { todos: [{ content: 'a', status: 'completed' }, { content: 'b', status: 'pending' }] }, null, 'Todos: 1 of 2 done'],
    ['TaskUpdate', { taskId: '3', status: 'completed' }, null, 'Task: 3: completed'],
    ['AskUserQuestion', { questions: [{ question: 'Which?' }, { question: 'When?' }] }, null, 'Question: Which? When?'],
    ['ExitPlanMode', { plan: '# The plan\n1. do' }, null, 'Plan: The plan'],
    ['mcp__github__create_issue', { n: 3, title: 'Bug' }, null, 'github: create_issue: Bug'],
    ['Unheard', null, null, 'Unheard: '],
    ['Unheard', [1, 2], 'text', 'Unheard: '],
    ['', 'odd', null, 'Tool: '],
  ]
  it.each(rows)('%s %j', (tool, input, result, words) => {
    const { name, what, change } = callWords(tool, input, result, '/p')
    expect(`${name}: ${what}${change === null ? '' : ` +${change.added} -${change.removed}`}`).toBe(words)
  })

  it('is not too long for a line', () => {
    expect(oneLine('x'.repeat(1_000)).length).toBeLessThan(220)
    expect(shortPath('/project-two/a', '/project')).toBe('/project-two/a')
    expect(shortPath('/a', '')).toBe('/a')
  })
})

describe('changes', () => {
  it('have their lines’ numbers from the tool’s own result', () => {
    const result = {
      structuredPatch: [
        { oldStart: 10, newStart: 20, lines: [' same', '-old', '+new', '+more', '\\ No newline at end of file'] },
        { oldStart: 30, newStart: 41, lines: ['-gone'] },
      ],
    }
    const patch = patchOf('Edit', {}, result) ?? []
    expect(patch[0]?.map(({ kind, text, before, after }) => `${kind} ${text} ${before} ${after}`)).toEqual([
      'same same 10 20',
      'removed old 11 null',
      'added new null 21',
      'added more null 22',
    ])
    expect(sizeOf(patch)).toEqual({ added: 2, removed: 2 })
  })

  it('are what was asked for where there is no result, and nothing where nothing is known', () => {
    expect(patchOf('Edit', { old_string: 'a', new_string: 'b\nc\n' }, null)?.[0]?.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      'removed a',
      'added b',
      'added c',
    ])
    expect(patchOf('Write', {}, { type: 'create', content: 'x', structuredPatch: [] })?.[0]).toHaveLength(1)
    for (const odd of [null, 7, 'text', [], { structuredPatch: 'no' }, { structuredPatch: [null, 7, { lines: 'x' }] }]) {
      expect(() => patchOf('Edit', odd, odd)).not.toThrow()
    }
    expect(patchOf('Edit', {}, null)).toBeNull()
  })
})

describe('what comes from the agent', () => {
  it('is read whatever it is', () => {
    for (const odd of [null, 7, 'x', [], [null], { todos: 'x', questions: 7, agentId: {} }, { todos: [7, null], questions: [null, { options: 'x' }] }]) {
      expect(() => [todosOf(odd), questionsOf(odd), agentOf(odd)]).not.toThrow()
    }
    expect(agentOf({ agentId: '../../etc' })).toBe('')
    expect(agentOf({ agentId: 'a71c1b59e8edac6dd' })).toBe('a71c1b59e8edac6dd')
  })

  it('is told in a few words when it is the client’s own', () => {
    const note = (text: string) => ({ kind: 'note', type: 'user', detail: '', blocks: [{ text }] })
    const state = (detail: string) => ({ kind: 'state', type: detail, detail, blocks: [] })
    expect(noteWords([note('<command-name>/compact</command-name>'), state('mode'), state('mode'), note('<system-reminder>x')])).toBe(
      '/compact, 2 × mode, system-reminder',
    )
    expect(noteWords(['a', 'b', 'c', 'd', 'e'].map(state))).toBe('a, b, c, d and more')
  })
})
