// The parts of the dialogs that start or describe a session: command, working tree, prompt, and what is folded away.
import { useQuery } from '@tanstack/react-query'
import { Bot, GitBranch, SquareTerminal, TextCursorInput } from 'lucide-react'
import { useId } from 'react'
import { useServices } from '../services.tsx'
import { CheckField, Folded, SelectField, TextAreaField } from '../ui/choice.tsx'
import { Combobox } from '../ui/combobox.tsx'
import { Fault, Field } from '../ui/field.tsx'
import { kModes, listWorktrees } from '../wire/lifecycle.ts'
import { parseArgv } from './argv.ts'
import { kClaude, kShell, typedCommand, type Command, type Preset, type StartFaults, type StartForm } from './start_form.ts'

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

interface CommandFieldProps {
  command: Command
  fault: string | null
  onChange: (command: Command) => void
}

export function CommandField({ command, fault, onChange }: CommandFieldProps) {
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

interface PartProps {
  form: StartForm
  faults: StartFaults
  change: (part: Partial<StartForm>) => void
}

// Only where the project is in a repository: elsewhere there is nothing to choose.
export function WorktreeFields({ form, faults, change, inRepository }: PartProps & { inRepository: boolean }) {
  const { http } = useServices()
  const project = form.project
  const trees = useQuery({
    queryKey: ['worktrees', project],
    queryFn: () => listWorktrees(http, project),
    enabled: inRepository,
    retry: false,
  })
  if (trees.data === undefined && form.branch === null) return null
  const taken = new Set(trees.data?.worktrees.map(({ branch }) => branch) ?? [])
  const free = (trees.data?.branches ?? []).filter((branch) => !taken.has(branch))
  return (
    <>
      <CheckField
        label="In a new working tree"
        checked={form.branch !== null}
        hint={form.branch === null ? undefined : 'Its own folder and branch: it does not disturb what others do in the project.'}
        onChange={(on) => change({ branch: on ? '' : null, from: '' })}
      />
      {form.branch !== null && (
        <Combobox
          label="Branch"
          value={form.branch}
          suggestions={free.map((branch) => ({
            value: branch,
            title: branch,
            detail: 'existing branch',
            icon: <GitBranch size={16} aria-hidden />,
          }))}
          placeholder="fix/login"
          focused={false}
          fault={faults.branch ?? null}
          hint="A new name makes the branch; an existing one is taken."
          onChange={(branch) => change({ branch })}
        />
      )}
      {form.branch !== null && form.branch.trim() !== '' && !free.includes(form.branch.trim()) && (
        <Field
          label="Starts from"
          value={form.from}
          fault={faults.from ?? null}
          hint="A branch, tag or commit; empty: what the project has checked out."
          spellCheck={false}
          autoCapitalize="none"
          autoComplete="off"
          onChange={(event) => change({ from: event.target.value })}
        />
      )}
    </>
  )
}

export const kModeChoices = [
  { value: '', label: 'As in your settings' },
  ...kModes.map((mode) => ({ value: mode, label: { default: 'default: ask before acting', plan: 'plan: look, do not act', acceptEdits: 'acceptEdits: edits without asking', dontAsk: 'dontAsk: refuse instead of asking', auto: 'auto: the client decides' }[mode] })),
]

export function PromptField({ prompt, fault, onChange }: { prompt: string; fault: string | null; onChange: (prompt: string) => void }) {
  return (
    <TextAreaField
      label="First prompt"
      value={prompt}
      fault={fault}
      rows={3}
      maxLength={20_000}
      placeholder="What the agent should begin with"
      hint="Optional. Other users of the machine can read it in the list of processes."
      onChange={onChange}
    />
  )
}

interface ModelProps {
  model: string
  mode: string
  onModel: (model: string) => void
  onMode: (mode: string) => void
}

export function ModelFields({ model, mode, onModel, onMode }: ModelProps) {
  return (
    <>
      <Field
        label="Model"
        value={model}
        placeholder="As in your settings"
        hint="A name that the client knows: opus, sonnet, or a whole id."
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        onChange={(event) => onModel(event.target.value)}
      />
      <SelectField label="Permission mode" value={mode} choices={kModeChoices} onChange={onMode} />
    </>
  )
}

export function VariablesField({ value, fault, onChange }: { value: string; fault: string | null; onChange: (value: string) => void }) {
  return (
    <TextAreaField
      label="Environment"
      className="mono"
      value={value}
      fault={fault}
      rows={3}
      spellCheck={false}
      autoCapitalize="none"
      autoComplete="off"
      placeholder={'NAME=value\nOTHER=value'}
      hint="One a line. Kept in the dashboard’s database as it is, readable by everybody who may start sessions: no secrets."
      onChange={onChange}
    />
  )
}

export function Advanced({ form, faults, change, claude }: PartProps & { claude: boolean }) {
  const used = form.model !== '' || form.mode !== '' || form.variables !== '' || faults.variables !== undefined
  return (
    <Folded title={claude ? 'Model, permissions, environment' : 'Environment'} open={used}>
      {claude && (
        <ModelFields model={form.model} mode={form.mode} onModel={(model) => change({ model })} onMode={(mode) => change({ mode })} />
      )}
      <VariablesField value={form.variables} fault={faults.variables ?? null} onChange={(variables) => change({ variables })} />
    </Folded>
  )
}
