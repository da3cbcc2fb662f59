// Templates in the dialog for a new session: one is chosen, and what the dialog holds becomes one.
import { useQueryClient } from '@tanstack/react-query'
import { BookmarkPlus, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { CheckField, Folded, SelectField } from '../ui/choice.tsx'
import { Confirm } from '../ui/dialog.tsx'
import { Notice, useTelling } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { removeTemplate, saveTemplate, type Template } from '../wire/lifecycle.ts'
import { parseVariables, templateOf, withTemplate, type StartForm } from './start_form.ts'

interface TemplateChoiceProps {
  templates: readonly Template[]
  form: StartForm
  onChange: (form: StartForm) => void
}

export function TemplateChoice({ templates, form, onChange }: TemplateChoiceProps) {
  if (templates.length === 0) return null
  const chosen = templates.find(({ id }) => id === form.template)
  const variables = Object.keys(chosen?.env ?? {})
  return (
    <SelectField
      label="Template"
      value={form.template}
      choices={[{ value: '', label: 'None' }, ...templates.map(({ id, name }) => ({ value: id, label: name }))]}
      hint={variables.length === 0 ? undefined : `It also sets ${variables.join(', ')}.`}
      onChange={(id) => onChange(withTemplate(form, templates.find((template) => template.id === id) ?? null))}
    />
  )
}

interface RemoveProps {
  template: Template
  onRemoved: () => void
  onClose: () => void
}

function RemoveTemplate({ template, onRemoved, onClose }: RemoveProps) {
  const { http } = useServices()
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const remove = async () => {
    setBusy(true)
    try {
      await removeTemplate(http, template.id)
      onRemoved()
    } catch (error) {
      setBusy(false)
      setFault(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <Confirm title={`Remove the template “${template.name}”?`} confirm="Remove template" kind="danger" busy={busy} onConfirm={() => void remove()} onClose={onClose}>
      <p>It is gone for everybody. Sessions that were started from it stay as they are.</p>
      {fault !== null && <Notice tone="danger">{fault}</Notice>}
    </Confirm>
  )
}

interface SaveTemplateProps {
  form: StartForm
  templates: readonly Template[]
  onSaved: (form: StartForm) => void
}

export function SaveTemplate({ form, templates, onSaved }: SaveTemplateProps) {
  const { http } = useServices()
  const { tell } = useTelling()
  const client = useQueryClient()
  const chosen = templates.find(({ id }) => id === form.template) ?? null
  const [typed, setTyped] = useState<string | null>(null)
  const [anywhere, setAnywhere] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const [removing, setRemoving] = useState(false)
  const name = typed ?? chosen?.name ?? ''
  // A name that is there already is that template, changed.
  const known = templates.find((template) => template.name === name.trim()) ?? null
  const save = async () => {
    if (busy) return
    if (name.trim() === '') return setFault('Give it a name.')
    const variables = parseVariables(form.variables)
    if (variables.fault !== null) return setFault(`Environment: ${variables.fault}`)
    setBusy(true)
    setFault(null)
    try {
      const saved = await saveTemplate(http, known?.id ?? null, templateOf(form, name, anywhere, chosen))
      await client.invalidateQueries({ queryKey: ['templates'] })
      onSaved({ ...form, template: saved.id })
      tell(`The template “${saved.name}” was saved.`, 'good')
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error))
    }
    setBusy(false)
  }
  return (
    <Folded title="Keep this as a template" open={false}>
      <Field
        label="Template name"
        value={name}
        fault={fault}
        hint="Project, prompt, model, permission mode and environment, for everybody who may start sessions."
        autoComplete="off"
        onKeyDown={(event) => {
          // Enter saves the template; it does not start the session.
          if (event.key !== 'Enter') return
          event.preventDefault()
          void save()
        }}
        onChange={(event) => {
          setTyped(event.target.value)
          setFault(null)
        }}
      />
      <CheckField label="For any project" checked={anywhere} onChange={setAnywhere} />
      <div className="field-actions">
        <Button small busy={busy} icon={<BookmarkPlus size={16} aria-hidden />} onClick={() => void save()}>
          {known === null ? 'Save template' : `Change “${known.name}”`}
        </Button>
        {chosen !== null && (
          <Button small kind="quiet" icon={<Trash2 size={16} aria-hidden />} onClick={() => setRemoving(true)}>
            Remove “{chosen.name}”
          </Button>
        )}
      </div>
      {removing && chosen !== null && (
        <RemoveTemplate
          template={chosen}
          onClose={() => setRemoving(false)}
          onRemoved={() => {
            setRemoving(false)
            setTyped(null)
            void client.invalidateQueries({ queryKey: ['templates'] })
            onSaved({ ...form, template: '' })
          }}
        />
      )}
    </Folded>
  )
}
