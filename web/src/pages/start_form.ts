// What the dialog for a new session holds, what is wrong with it, and what is asked of the dashboard then. Pure.
import type { StartRequest, Template, TemplateRequest, Unseen } from '../wire/lifecycle.ts'
import type { Project, Session } from '../wire/types.ts'
import { parseArgv } from './argv.ts'
import { kNamePattern, kNameRule, nameFor } from './session_words.ts'

export const kClaude = 'claude'
export const kShell = 'bash'

export type Preset = 'claude' | 'shell' | 'other'

export interface Command {
  preset: Preset
  line: string
}

export interface StartForm {
  project: string
  // Null until it is typed: then the project gives it.
  name: string | null
  command: Command
  template: string
  // Null: in the project itself.
  branch: string | null
  from: string
  prompt: string
  model: string
  mode: string
  // NAME=value, one a line.
  variables: string
}

export const kEmptyForm: StartForm = {
  project: '',
  name: null,
  command: { preset: 'claude', line: kClaude },
  template: '',
  branch: null,
  from: '',
  prompt: '',
  model: '',
  mode: '',
  variables: '',
}

export type StartFaults = Partial<Record<'project' | 'name' | 'command' | 'branch' | 'from' | 'variables' | 'prompt' | 'all', string>>

// What is typed decides; an emptied field stays what it was.
export function typedCommand(line: string, before: Preset): Command {
  const trimmed = line.trim()
  if (trimmed === '') return { preset: before, line }
  return { preset: trimmed === kClaude ? 'claude' : trimmed === kShell ? 'shell' : 'other', line }
}

// Absent for Claude Code: the server knows how it is started here.
export function argvOf({ preset, line }: Command): string[] | undefined {
  if (preset === 'claude') return undefined
  const { argv } = parseArgv(line)
  return preset === 'shell' && argv.length === 0 ? [kShell] : argv
}

// Whether prompt, model and mode can be given: what is typed as another command may start Claude Code too.
export function startsClaude(command: Command): boolean {
  if (command.preset === 'claude') return true
  const program = parseArgv(command.line).argv[0] ?? ''
  return program.split('/').at(-1) === kClaude
}

export interface Variables {
  values: Record<string, string>
  fault: string | null
}

export function parseVariables(text: string): Variables {
  const values: Record<string, string> = {}
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const equals = line.indexOf('=')
    const name = line.slice(0, Math.max(equals, 0)).trim()
    if (equals < 0) return { values, fault: `Line ${index + 1} is not NAME=value.` }
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      return { values, fault: `Line ${index + 1}: a name has letters, digits and _, and does not start with a digit.` }
    }
    values[name] = line.slice(equals + 1)
  }
  return { values, fault: null }
}

export function variablesText(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')
}

export function nameOf(form: StartForm, taken: ReadonlySet<string>): string {
  if (form.name !== null) return form.name
  if (form.project === '') return ''
  const branch = form.branch?.trim() ?? ''
  return nameFor(branch === '' ? form.project : `${form.project}-${branch.replaceAll('/', '-')}`, taken)
}

export function checkForm(form: StartForm, name: string, taken: ReadonlySet<string>): StartFaults {
  const faults: StartFaults = {}
  if (form.project === '') faults.project = 'Choose the folder the session starts in.'
  else if (!form.project.startsWith('/')) faults.project = 'Give the whole path, from / on.'
  if (!kNamePattern.test(name)) faults.name = kNameRule
  else if (taken.has(name)) faults.name = 'A running session has this name already.'
  const { fault } = parseArgv(form.command.line)
  if (fault !== null) faults.command = fault
  else if (argvOf(form.command)?.length === 0) faults.command = 'Say which program to start.'
  if (form.branch !== null && form.branch.trim() === '') faults.branch = 'Name the branch that the working tree is for.'
  const variables = parseVariables(form.variables)
  if (variables.fault !== null) faults.variables = variables.fault
  return faults
}

export function requestOf(form: StartForm, name: string): StartRequest {
  const argv = argvOf(form.command)
  const { values } = parseVariables(form.variables)
  const request: StartRequest = { name, project: form.project }
  if (argv !== undefined) request.command = argv
  if (form.branch !== null) {
    const from = form.from.trim()
    request.worktree = { branch: form.branch.trim(), ...(from === '' ? {} : { from }) }
  }
  if (Object.keys(values).length > 0) request.env = values
  if (!startsClaude(form.command)) return request
  if (form.template !== '') request.template = form.template
  if (form.model.trim() !== '') request.model = form.model.trim()
  if (form.mode !== '') request.permission_mode = form.mode
  if (form.prompt.trim() !== '') request.prompt = form.prompt
  return request
}

// What the template says, where nothing else has been chosen; its variables stay on the server, which adds them.
export function withTemplate(form: StartForm, template: Template | null): StartForm {
  if (template === null) return { ...form, template: '' }
  return {
    ...form,
    template: template.id,
    command: { preset: 'claude', line: kClaude },
    project: template.project === '' ? form.project : template.project,
    prompt: template.prompt,
    model: template.model,
    mode: template.permission_mode,
  }
}

// The form as a template. What the chosen one sets beside it (its variables are not in the form) is kept.
export function templateOf(form: StartForm, name: string, anywhere: boolean, chosen: Template | null): TemplateRequest {
  return {
    name: name.trim(),
    project: anywhere ? '' : form.project,
    prompt: form.prompt,
    model: form.model.trim(),
    permission_mode: form.mode,
    env: { ...chosen?.env, ...parseVariables(form.variables).values },
  }
}

// Whether the working tree that was asked for is made already, and its own settings are asked about: it is gone on with.
export function movedTo({ folder }: Unseen, project: string, branch: string | null): boolean {
  return branch !== null && folder !== project && folder.includes('/.claude/worktrees/')
}

// Where sessions were started last comes first, then the rest as the server lists them.
export function recentFirst(projects: readonly Project[], sessions: readonly Session[]): readonly Project[] {
  const last = new Map<string, number>()
  for (const { project, created_at: at } of sessions) last.set(project, Math.max(last.get(project) ?? 0, at))
  const listed = new Set(projects.map(({ path }) => path))
  const others = [...last.keys()].filter((path) => path.startsWith('/') && !listed.has(path))
  const all = [...projects, ...others.map((path) => ({ path, name: path.split('/').at(-1) ?? path, root: '', is_git: false }))]
  return all
    .map((project, index) => ({ project, index, at: last.get(project.path) ?? 0 }))
    .sort((a, b) => b.at - a.at || a.index - b.index)
    .map(({ project }) => project)
}

// Whether the folder is a listed repository, or in one: only there it is asked for working trees.
export function inRepository(project: string, projects: readonly Project[]): boolean {
  return projects.some(({ path, is_git: git }) => git && (project === path || project.startsWith(`${path}/`)))
}

// The field of the form that a field of the request stands for.
export function faultField(field: string | null): keyof StartFaults {
  switch (field) {
    case 'project':
    case 'name':
    case 'command':
    case 'branch':
    case 'from':
    case 'prompt':
      return field
    case 'env':
      return 'variables'
    case 'worktree':
      return 'branch'
    default:
      return 'all'
  }
}
