// The dialog that starts a session: where, under which name, and what; and, where a project brings settings, the look at them first.
import { useQuery } from '@tanstack/react-query'
import { Folder, FolderGit2, Play } from 'lucide-react'
import { useState } from 'react'
import { useServices } from '../services.tsx'
import { estimated } from '../terminal/layout.ts'
import { Button } from '../ui/button.tsx'
import { Combobox, type Suggestion } from '../ui/combobox.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { listProjects } from '../wire/api.ts'
import { ApiError } from '../wire/http.ts'
import { listTemplates, startSession, unseenOf, type Unseen } from '../wire/lifecycle.ts'
import type { Project, Session } from '../wire/types.ts'
import { addressOf, go } from './router.tsx'
import { kNameRule } from './session_words.ts'
import { ReviewDialog } from './settings_review.tsx'
import { Advanced, CommandField, PromptField, WorktreeFields } from './start_fields.tsx'
import {
  checkForm,
  faultField,
  inRepository,
  kEmptyForm,
  movedTo,
  nameOf,
  recentFirst,
  requestOf,
  startsClaude,
  type StartFaults,
  type StartForm,
} from './start_form.ts'
import { SaveTemplate, TemplateChoice } from './template_fields.tsx'

const kLastProjectKey = 'ccd.lastProject'
const kFont = 13.4
const kBeside = { width: 100, height: 120 }

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

// As large as the terminal that will show it.
export function paneSize() {
  return estimated({ width: window.innerWidth - kBeside.width, height: window.innerHeight - kBeside.height }, kFont)
}

export function openSession(session: Session): void {
  go(addressOf({ kind: 'session', name: session.name, tab: 'terminal', path: null }))
}

function toSuggestion(project: Project): Suggestion {
  return {
    value: project.path,
    title: project.name,
    detail: project.path,
    icon: project.is_git ? <FolderGit2 size={16} aria-hidden /> : <Folder size={16} aria-hidden />,
  }
}

function useNewSession(sessions: readonly Session[], onStarted: (session: Session) => void) {
  const { http, wire } = useServices()
  const [form, setForm] = useState<StartForm>(() => ({ ...kEmptyForm, project: lastProject() }))
  const [faults, setFaults] = useState<StartFaults>({})
  const [busy, setBusy] = useState(false)
  const [unseen, setUnseen] = useState<Unseen | null>(null)
  const taken = new Set(sessions.filter((session) => session.status === 'active').map((session) => session.name))
  const name = nameOf(form, taken)
  const change = (part: Partial<StartForm>) => {
    setForm((before) => ({ ...before, ...part }))
    setFaults({})
  }
  const ask = async (from: StartForm, accept: Unseen | null) => {
    setBusy(true)
    try {
      const accepted = accept === null ? {} : { accept_settings: accept.digest }
      const session = await startSession(http, { ...requestOf(from, name), ...paneSize(), ...accepted })
      wire.fleet.upsert(session)
      rememberProject(form.project)
      onStarted(session)
    } catch (error) {
      setBusy(false)
      const asked = unseenOf(error)
      if (asked !== null) {
        // A working tree may have been made already, with settings of its own: it is gone on with.
        if (movedTo(asked, from.project, from.branch)) setForm({ ...from, name, project: asked.folder, branch: null, from: '' })
        return setUnseen(asked)
      }
      setUnseen(null)
      const field = error instanceof ApiError ? faultField(error.field) : 'all'
      setFaults({ [field]: error instanceof Error ? error.message : String(error) })
    }
  }
  const start = () => {
    const found = checkForm(form, name, taken)
    setFaults(found)
    if (Object.keys(found).length === 0 && !busy) void ask(form, null)
  }
  const accept = () => {
    if (!busy && unseen !== null) void ask(form, unseen)
  }
  return { form, name, faults, busy, unseen, change, start, accept, back: () => setUnseen(null), setForm }
}

interface NewSessionProps {
  sessions: readonly Session[]
  onClose: () => void
}

export function NewSession({ sessions, onClose }: NewSessionProps) {
  const { http } = useServices()
  const projects = useQuery({ queryKey: ['projects'], queryFn: () => listProjects(http) })
  const templates = useQuery({ queryKey: ['templates'], queryFn: () => listTemplates(http) })
  const dialog = useNewSession(sessions, (session) => {
    onClose()
    openSession(session)
  })
  const { form, name, faults, busy, change } = dialog
  if (dialog.unseen !== null) {
    return (
      <ReviewDialog unseen={dialog.unseen} busy={busy} verb="Accept and start" onAccept={dialog.accept} onBack={dialog.back} onClose={onClose} />
    )
  }
  const root = projects.data?.roots[0]
  const claude = startsClaude(form.command)
  return (
    <Dialog
      title="New session"
      onClose={onClose}
      onSubmit={dialog.start}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy} icon={<Play size={16} aria-hidden />}>
            Start
          </Button>
        </>
      }
    >
      {templates.isError && <Notice tone="warning">The templates could not be read. {templates.error.message}</Notice>}
      <TemplateChoice templates={templates.data ?? []} form={form} onChange={dialog.setForm} />
      <Combobox
        label="Project"
        value={form.project}
        suggestions={recentFirst(projects.data?.projects ?? [], sessions).map(toSuggestion)}
        placeholder={root === undefined ? '/path/to/project' : `${root}/…`}
        fault={faults.project ?? null}
        hint={
          projects.isError
            ? 'The list of projects could not be read; a path can be typed.'
            : 'A folder under the allowed project roots.'
        }
        onChange={(project) => change({ project })}
      />
      <WorktreeFields form={form} faults={faults} change={change} inRepository={inRepository(form.project, projects.data?.projects ?? [])} />
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
      <CommandField command={form.command} fault={faults.command ?? null} onChange={(command) => change({ command })} />
      {claude && <PromptField prompt={form.prompt} fault={faults.prompt ?? null} onChange={(prompt) => change({ prompt })} />}
      <Advanced form={form} faults={faults} change={change} claude={claude} />
      {claude && <SaveTemplate form={form} templates={templates.data ?? []} onSaved={dialog.setForm} />}
      {faults.all !== undefined && <Notice tone="danger">{faults.all}</Notice>}
      {busy && form.branch !== null && <Notice>The working tree is being made. With many files this takes a moment.</Notice>}
    </Dialog>
  )
}
