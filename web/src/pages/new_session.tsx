// The dialog that starts a session: where, under which name, and what.
import { useQuery } from '@tanstack/react-query'
import { Bot, FolderGit2, Folder, Play, SquareTerminal, TextCursorInput } from 'lucide-react'
import { useId, useState } from 'react'
import { useServices } from '../services.tsx'
import { estimated } from '../terminal/layout.ts'
import { Button } from '../ui/button.tsx'
import { Combobox, type Suggestion } from '../ui/combobox.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/feedback.tsx'
import { Fault, Field } from '../ui/field.tsx'
import { createSession, listProjects } from '../wire/api.ts'
import { ApiError } from '../wire/http.ts'
import type { Project, Session } from '../wire/types.ts'
import { parseArgv } from './argv.ts'
import { addressOf, go } from './router.tsx'
import { kNamePattern, kNameRule, nameFor } from './session_words.ts'

const kClaude = 'claude'
const kShell = 'bash'
const kLastProjectKey = 'ccd.lastProject'
const kFont = 13.4

type Preset = 'claude' | 'shell' | 'other'

const kPlaceholders: Record<Preset, string> = {
  claude: kClaude,
  shell: kShell,
  other: "program argument 'an argument with spaces'",
}

const kPresets = [
  { preset: 'claude', line: kClaude, label: 'Claude Code', icon: <Bot size={16} aria-hidden /> },
  { preset: 'shell', line: kShell, label: 'Shell', icon: <SquareTerminal size={16} aria-hidden /> },
  { preset: 'other', line: '', label: 'Other', icon: <TextCursorInput size={16} aria-hidden /> },
] as const

interface Command {
  preset: Preset
  line: string
}

// What is typed decides; an emptied field stays what it was.
function typedCommand(line: string, before: Preset): Command {
  const trimmed = line.trim()
  if (trimmed === '') return { preset: before, line }
  return { preset: trimmed === kClaude ? 'claude' : trimmed === kShell ? 'shell' : 'other', line }
}

// Absent for Claude Code: the server knows how it is started here.
function argvOf({ preset, line }: Command): string[] | undefined {
  if (preset === 'claude') return undefined
  const { argv } = parseArgv(line)
  return preset === 'shell' && argv.length === 0 ? [kShell] : argv
}

function lastProject(): string {
  try {
    return localStorage.getItem(kLastProjectKey) ?? ''
  } catch {
    return ''
  }
}

function rememberProject(path: string): void {
  try {
    localStorage.setItem(kLastProjectKey, path)
  } catch {
    // Only a convenience.
  }
}

function toSuggestion(project: Project): Suggestion {
  return {
    value: project.path,
    title: project.name,
    detail: project.path,
    icon: project.is_git ? <FolderGit2 size={16} aria-hidden /> : <Folder size={16} aria-hidden />,
  }
}

interface Form {
  project: string
  // Null until it is typed: then the project gives it.
  name: string | null
  command: Command
}

type Faults = Partial<Record<'project' | 'name' | 'command' | 'all', string>>

function check(form: Form, name: string, taken: ReadonlySet<string>): Faults {
  const faults: Faults = {}
  if (form.project === '') faults.project = 'Choose the folder the session starts in.'
  else if (!form.project.startsWith('/')) faults.project = 'Give the whole path, from / on.'
  if (!kNamePattern.test(name)) faults.name = kNameRule
  else if (taken.has(name)) faults.name = 'A running session has this name already.'
  const { fault } = parseArgv(form.command.line)
  if (fault !== null) faults.command = fault
  else if (argvOf(form.command)?.length === 0) faults.command = 'Say which program to start.'
  return faults
}

interface CommandFieldProps {
  command: Command
  fault: string | null
  onChange: (command: Command) => void
}

function CommandField({ command, fault, onChange }: CommandFieldProps) {
  const id = useId()
  const { argv } = parseArgv(command.line)
  return (
    <div className="field">
      <label htmlFor={id}>Command</label>
      <div className="choices" role="radiogroup" aria-label="What to start">
        {kPresets.map(({ preset, line, label, icon }) => (
          <label key={preset}>
            <input
              type="radio"
              name={`${id}-preset`}
              checked={command.preset === preset}
              onChange={() => {
                onChange({ preset, line })
                if (preset === 'other') document.getElementById(id)?.focus()
              }}
            />
            {icon}
            {label}
          </label>
        ))}
      </div>
      <input
        id={id}
        className="input mono"
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        placeholder={kPlaceholders[command.preset]}
        value={command.line}
        aria-invalid={fault !== null || undefined}
        aria-describedby={`${id}-argv`}
        onChange={(event) => onChange(typedCommand(event.target.value, command.preset))}
      />
      {fault !== null ? (
        <Fault id={`${id}-argv`}>{fault}</Fault>
      ) : (
        <ul className="chips" id={`${id}-argv`} aria-label="Program and arguments">
          {argv.map((item, index) => (
            <li key={index}>{item === '' ? '(empty)' : item}</li>
          ))}
        </ul>
      )}
    </div>
  )
}

function useNewSession(sessions: readonly Session[], onStarted: (session: Session) => void) {
  const { http, wire } = useServices()
  const [form, setForm] = useState<Form>(() => ({
    project: lastProject(),
    name: null,
    command: { preset: 'claude', line: kClaude },
  }))
  const [faults, setFaults] = useState<Faults>({})
  const [busy, setBusy] = useState(false)
  const taken = new Set(sessions.filter((session) => session.status === 'active').map((session) => session.name))
  const name = form.name ?? (form.project === '' ? '' : nameFor(form.project, taken))
  const change = (part: Partial<Form>) => {
    setForm((before) => ({ ...before, ...part }))
    setFaults({})
  }
  const start = async () => {
    const found = check(form, name, taken)
    setFaults(found)
    if (Object.keys(found).length > 0 || busy) return
    setBusy(true)
    try {
      const argv = argvOf(form.command)
      const command = argv === undefined ? {} : { command: argv }
      const size = estimated({ width: window.innerWidth - 100, height: window.innerHeight - 120 }, kFont)
      const session = await createSession(http, { name, project: form.project, ...command, ...size })
      wire.fleet.upsert(session)
      rememberProject(form.project)
      onStarted(session)
    } catch (error) {
      setBusy(false)
      const field = error instanceof ApiError ? error.field : null
      const known = field === 'project' || field === 'name' || field === 'command' ? field : 'all'
      setFaults({ [known]: error instanceof Error ? error.message : String(error) })
    }
  }
  return { form, name, faults, busy, change, start: () => void start() }
}

export function NewSession({ sessions, onClose }: { sessions: readonly Session[]; onClose: () => void }) {
  const { http } = useServices()
  const projects = useQuery({ queryKey: ['projects'], queryFn: () => listProjects(http) })
  const { form, name, faults, busy, change, start } = useNewSession(sessions, (session) => {
    onClose()
    go(addressOf({ kind: 'session', name: session.name, tab: 'terminal', path: null }))
  })
  const root = projects.data?.roots[0]
  return (
    <Dialog
      title="New session"
      onClose={onClose}
      onSubmit={start}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy} icon={<Play size={16} aria-hidden />}>
            Start
          </Button>
        </>
      }
    >
      <Combobox
        label="Project"
        value={form.project}
        suggestions={(projects.data?.projects ?? []).map(toSuggestion)}
        placeholder={root === undefined ? '/path/to/project' : `${root}/…`}
        fault={faults.project ?? null}
        hint={
          projects.isError
            ? 'The list of projects could not be read; a path can be typed.'
            : 'A folder under the allowed project roots.'
        }
        onChange={(project) => change({ project })}
      />
      <Field
        label="Name"
        value={name}
        fault={faults.name ?? null}
        hint={kNameRule}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        onChange={(event) => change({ name: event.target.value })}
      />
      <CommandField
        command={form.command}
        fault={faults.command ?? null}
        onChange={(command) => change({ command })}
      />
      {faults.all !== undefined && <Notice tone="danger">{faults.all}</Notice>}
    </Dialog>
  )
}
