// A tool's call in one line: what was done, to what, and how much changed. Pure.
import { patchOf, sizeOf } from './diff.ts'

export interface CallWords {
  // "Bash", "Edit", "github: create_issue"
  name: string
  // The command, the file, the words looked for.
  what: string
  // Lines added and removed; null where nothing is edited.
  change: { added: number; removed: number } | null
}

type Fields = Record<string, unknown>
export const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const kMaxWhat = 200

export function oneLine(value: string): string {
  const line = value.trim().replace(/\s+/g, ' ')
  return line.length > kMaxWhat ? `${line.slice(0, kMaxWhat)}…` : line
}

// Within the project by its shorter name.
export function shortPath(path: string, project: string): string {
  return project !== '' && path.startsWith(`${project}/`) ? path.slice(project.length + 1) : path
}

function pathWords(input: Fields, project: string): string {
  return shortPath(text(input.file_path) || text(input.notebook_path) || text(input.path), project)
}

export interface Todo {
  content: string
  status: string
}

export function todosOf(input: unknown): Todo[] {
  const { todos } = fields(input)
  if (!Array.isArray(todos)) return []
  return todos.map((todo) => ({ content: text(fields(todo).content), status: text(fields(todo).status) }))
}

export interface Question {
  question: string
  header: string
  options: { label: string; description: string }[]
}

export function questionsOf(input: unknown): Question[] {
  const { questions } = fields(input)
  if (!Array.isArray(questions)) return []
  return questions.map((question) => {
    const { options } = fields(question)
    return {
      question: text(fields(question).question),
      header: text(fields(question).header),
      options: (Array.isArray(options) ? options : []).map((option) => ({
        label: text(fields(option).label),
        description: text(fields(option).description),
      })),
    }
  })
}

// The subagent that a call started: its result names it.
export const agentOf = (result: unknown): string => {
  const id = text(fields(result).agentId)
  return /^[A-Za-z0-9_-]{1,64}$/.test(id) ? id : ''
}

const kNames: Record<string, string> = { ExitPlanMode: 'Plan', AskUserQuestion: 'Question', TodoWrite: 'Todos', TaskCreate: 'New task', TaskUpdate: 'Task' }

// "mcp__github__create_issue" is the tool of a server.
function toolName(tool: string): string {
  if (Object.hasOwn(kNames, tool)) return kNames[tool] as string
  const mcp = /^mcp__(.+?)__(.+)$/.exec(tool)
  return mcp === null ? tool : `${mcp[1]}: ${mcp[2]}`
}

function whatOf(tool: string, input: Fields, project: string): string {
  switch (tool) {
    case 'Bash':
    case 'PowerShell':
      return text(input.command)
    case 'Read':
    case 'Edit':
    case 'MultiEdit':
    case 'Write':
    case 'NotebookEdit':
      return pathWords(input, project)
    case 'Glob':
      return text(input.pattern)
    case 'Grep': {
      const where = pathWords(input, project)
      return where === '' ? text(input.pattern) : `${text(input.pattern)} in ${where}`
    }
    case 'Agent':
    case 'Task':
      return text(input.description) || text(input.prompt)
    case 'TodoWrite': {
      const todos = todosOf(input)
      return `${todos.filter(({ status }) => status === 'completed').length} of ${todos.length} done`
    }
    case 'TaskCreate':
      return text(input.subject)
    case 'TaskUpdate':
      return [text(input.taskId), text(input.status) || text(input.subject)].filter(Boolean).join(': ')
    case 'AskUserQuestion':
      return questionsOf(input)
        .map(({ question }) => question)
        .join(' ')
    case 'ExitPlanMode':
      return (text(input.plan).trimStart().split('\n')[0] ?? '').replace(/^#+\s*/, '')
    default: {
      const first = Object.values(input).find((value) => typeof value === 'string' && value !== '')
      return text(first)
    }
  }
}

export function callWords(tool: string, input: unknown, result: unknown, project: string): CallWords {
  const given = fields(input)
  const edits = tool === 'Edit' || tool === 'MultiEdit' || tool === 'Write'
  const patch = edits ? patchOf(tool, input, result) : null
  return { name: toolName(tool) || 'Tool', what: oneLine(whatOf(tool, given, project)), change: patch === null ? null : sizeOf(patch) }
}

// What the client's own entries are about, in a few words: "/compact, 2 × hook, 4 × api-request".
export function noteWords(entries: readonly { kind: string; type: string; detail: string; blocks: readonly { text: string }[] }[]): string {
  const counts = new Map<string, number>()
  for (const entry of entries) {
    const first = entry.blocks[0]?.text ?? ''
    const command = /<command-name>([^<]{1,60})<\/command-name>/.exec(first)?.[1]
    const tag = /^<([a-z-]{1,40})>/.exec(first)?.[1]
    const word = command ?? (entry.kind === 'note' ? (tag ?? 'note') : entry.detail || entry.type)
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const words = [...counts].map(([word, count]) => (count === 1 ? word : `${count} × ${word}`))
  const kShown = 4
  return words.length > kShown ? `${words.slice(0, kShown).join(', ')} and more` : words.join(', ')
}
