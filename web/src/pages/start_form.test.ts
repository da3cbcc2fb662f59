// The dialog for a new session: commands, variables, what is wrong, and what is asked for.
import { describe, expect, test } from 'vitest'
import type { Template } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'
import {
  argvOf,
  checkForm,
  faultField,
  inRepository,
  kEmptyForm,
  movedTo,
  nameOf,
  parseVariables,
  recentFirst,
  requestOf,
  startsClaude,
  templateOf,
  typedCommand,
  variablesText,
  withTemplate,
} from './start_form.ts'

const form = { ...kEmptyForm, project: '/srv/projects/demo' }

describe('commands', () => {
  test('what is typed decides', () => {
    expect(typedCommand('bash', 'claude')).toEqual({ preset: 'shell', line: 'bash' })
    expect(typedCommand(' ', 'claude').preset).toBe('claude')
    expect(argvOf({ preset: 'claude', line: 'claude' })).toBeUndefined()
    expect(argvOf({ preset: 'shell', line: '' })).toEqual(['bash'])
    expect(argvOf({ preset: 'other', line: "a 'b c'" })).toEqual(['a', 'b c'])
  })
  test('Claude Code is known by its program', () => {
    expect(startsClaude({ preset: 'other', line: '/opt/bin/claude --verbose' })).toBe(true)
    expect(startsClaude({ preset: 'other', line: 'claudette' })).toBe(false)
    expect(startsClaude({ preset: 'shell', line: 'bash' })).toBe(false)
  })
})

describe('variables', () => {
  test('are NAME=value, one a line', () => {
    expect(parseVariables('A=1\n\nB_2=x=y ')).toEqual({ values: { A: '1', B_2: 'x=y ' }, fault: null })
    expect(parseVariables('A').fault).toMatch(/Line 1/)
    expect(parseVariables('A=1\n2B=1').fault).toMatch(/Line 2/)
    expect(parseVariables('A-B=1').fault).not.toBeNull()
    expect(variablesText({ A: '1', B: 'x y' })).toBe('A=1\nB=x y')
  })
})

describe('what is wrong', () => {
  test('an empty form names its project', () => {
    expect(checkForm(kEmptyForm, '', new Set()).project).toBeDefined()
    expect(checkForm({ ...form, project: 'demo' }, 'demo', new Set()).project).toMatch(/whole path/)
  })
  test('a name that runs, a branch without a name, a variable that is none', () => {
    const faults = checkForm({ ...form, branch: ' ', variables: 'x' }, 'demo', new Set(['demo']))
    expect(Object.keys(faults).sort()).toEqual(['branch', 'name', 'variables'])
    expect(checkForm(form, 'demo', new Set())).toEqual({})
  })
  test('fields of the request are fields of the form', () => {
    expect(faultField('env')).toBe('variables')
    expect(faultField('worktree')).toBe('branch')
    expect(faultField('something')).toBe('all')
    expect(faultField(null)).toBe('all')
  })
})

describe('what is asked for', () => {
  test('only what was chosen', () => {
    expect(requestOf(form, 'demo')).toEqual({ name: 'demo', project: '/srv/projects/demo' })
    expect(
      requestOf({ ...form, branch: 'fix/it ', from: ' main', prompt: 'Go', model: 'opus', mode: 'plan', variables: 'A=1', template: 't1' }, 'x'),
    ).toEqual({
      name: 'x',
      project: '/srv/projects/demo',
      worktree: { branch: 'fix/it', from: 'main' },
      prompt: 'Go',
      model: 'opus',
      permission_mode: 'plan',
      env: { A: '1' },
      template: 't1',
    })
  })
  test('a shell gets no prompt and no model', () => {
    expect(requestOf({ ...form, command: { preset: 'shell', line: 'bash' }, prompt: 'Go', model: 'opus', template: 't1' }, 'x')).toEqual({
      name: 'x',
      project: '/srv/projects/demo',
      command: ['bash'],
    })
  })
  test('the name follows project and branch until it is typed', () => {
    expect(nameOf(form, new Set(['demo']))).toBe('demo-2')
    expect(nameOf({ ...form, branch: 'fix/it' }, new Set())).toBe('demo-fix-it')
    expect(nameOf({ ...form, name: 'mine' }, new Set())).toBe('mine')
  })
  test('a template fills the form', () => {
    const template: Template = { id: 't1', name: 'Review', project: '', prompt: 'Look', model: 'opus', permission_mode: 'plan', env: { A: '1' }, changed_at: 0, changed_by: '' }
    const filled = withTemplate({ ...form, command: { preset: 'shell', line: 'bash' } }, template)
    expect(filled).toMatchObject({ template: 't1', project: '/srv/projects/demo', prompt: 'Look', model: 'opus', mode: 'plan', command: { preset: 'claude' }, variables: '' })
    expect(withTemplate(filled, null).template).toBe('')
  })
})

describe('templates', () => {
  test('are the form, with the variables of the one it came from', () => {
    const chosen = { id: 't1', env: { A: '1', B: '2' } } as unknown as Template
    const saved = templateOf({ ...form, prompt: 'Go', model: ' opus', mode: 'plan', variables: 'B=3' }, ' Review ', false, chosen)
    expect(saved).toEqual({ name: 'Review', project: '/srv/projects/demo', prompt: 'Go', model: 'opus', permission_mode: 'plan', env: { A: '1', B: '3' } })
    expect(templateOf(form, 'x', true, null)).toMatchObject({ project: '', env: {} })
  })
})

describe('a working tree that is made already', () => {
  const unseen = { folder: '/srv/projects/demo/.claude/worktrees/fix', digest: 'd' }
  test('is gone on with', () => {
    expect(movedTo(unseen, '/srv/projects/demo', 'fix')).toBe(true)
    expect(movedTo({ ...unseen, folder: '/srv/projects/demo' }, '/srv/projects/demo', 'fix')).toBe(false)
    expect(movedTo(unseen, unseen.folder, null)).toBe(false)
  })
})

describe('projects', () => {
  test('a folder in a repository is known by its list', () => {
    const projects = [{ path: '/srv/demo', name: 'demo', root: '/srv', is_git: true }, { path: '/srv/plain', name: 'plain', root: '/srv', is_git: false }]
    expect(inRepository('/srv/demo', projects)).toBe(true)
    expect(inRepository('/srv/demo/.claude/worktrees/x', projects)).toBe(true)
    expect(inRepository('/srv/demo-2', projects)).toBe(false)
    expect(inRepository('/srv/plain', projects)).toBe(false)
  })
  test('the last used come first', () => {
    const project = (path: string) => ({ path, name: path.slice(1), root: '/', is_git: false })
    const session = (path: string, at: number) => ({ project: path, created_at: at }) as Session
    const sorted = recentFirst([project('/a'), project('/b'), project('/c')], [session('/c', 5), session('/b', 9), session('/c/.claude/worktrees/x', 7)])
    expect(sorted.map(({ path }) => path)).toEqual(['/b', '/c/.claude/worktrees/x', '/c', '/a'])
  })
})
