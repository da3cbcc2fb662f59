// The dialog that makes or changes a webhook.
import { useId, useState } from 'react'
import { useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { ApiError } from '../wire/http.ts'
import { addWebhook, changeWebhook, kNotifyKinds, type NotifyKind, type Webhook, type WebhookRequest } from '../wire/notify.ts'

const kNew: WebhookRequest = {
  name: '',
  url: '',
  owner: 'me',
  format: 'json',
  kinds: kNotifyKinds,
  contents: true,
  private_addresses: false,
  in_quiet_hours: true,
  enabled: true,
}
const kFormats = [
  { format: 'json', label: 'JSON, for programs' },
  { format: 'text', label: 'Text, for Slack and the like' },
] as const

interface WebhookFormProps {
  // Null: a new one.
  webhook: Webhook | null
  admin: boolean
  privateAllowed: boolean
  // With the secret of a new one.
  onDone: (made: { name: string; secret: string } | null) => void
  onClose: () => void
}

type Faults = Partial<Record<'name' | 'url' | 'all', string>>

function useForm({ webhook, onDone }: WebhookFormProps) {
  const { http } = useServices()
  const [form, setForm] = useState<WebhookRequest>(webhook ?? kNew)
  const [faults, setFaults] = useState<Faults>({})
  const [busy, setBusy] = useState(false)
  const change = (part: Partial<WebhookRequest>) => {
    setForm((before) => ({ ...before, ...part }))
    setFaults({})
  }
  const save = async () => {
    const missing: Faults = {}
    if (form.name.trim() === '') missing.name = 'Give it a name.'
    if (form.url.trim() === '') missing.url = 'Give the whole address, from https:// on.'
    setFaults(missing)
    if (Object.keys(missing).length > 0 || busy) return
    setBusy(true)
    const request = { ...form, name: form.name.trim(), url: form.url.trim() }
    try {
      if (webhook === null) onDone({ name: request.name, secret: (await addWebhook(http, request)).secret })
      else {
        await changeWebhook(http, webhook.id, request)
        onDone(null)
      }
    } catch (error) {
      setBusy(false)
      const field = error instanceof ApiError ? error.field : null
      const known = field === 'name' || field === 'url' ? field : 'all'
      setFaults({ [known]: error instanceof Error ? error.message : String(error) })
    }
  }
  return { form, faults, busy, change, save: () => void save() }
}

function Toggle({ label, hint, checked, onChange }: { label: string; hint?: string; checked: boolean; onChange: (on: boolean) => void }) {
  const id = useId()
  return (
    <div className="check">
      <input type="checkbox" id={id} checked={checked} aria-describedby={hint === undefined ? undefined : `${id}-hint`} onChange={(event) => onChange(event.target.checked)} />
      <label htmlFor={id}>{label}</label>
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

function Kinds({ kinds, onChange }: { kinds: readonly NotifyKind[]; onChange: (kinds: readonly NotifyKind[]) => void }) {
  return (
    <fieldset className="field">
      <legend className="label">For</legend>
      <div className="kind-list">
        {kNotifyKinds.map((kind) => (
          <Toggle
            key={kind}
            label={kind}
            checked={kinds.includes(kind)}
            onChange={(on) => onChange(kNotifyKinds.filter((known) => (known === kind ? on : kinds.includes(known))))}
          />
        ))}
      </div>
    </fieldset>
  )
}

export function WebhookForm(props: WebhookFormProps) {
  const { webhook, admin, privateAllowed, onClose } = props
  const { form, faults, busy, change, save } = useForm(props)
  const id = useId()
  return (
    <Dialog
      title={webhook === null ? 'Add a webhook' : `Edit ${webhook.name}`}
      onClose={onClose}
      onSubmit={save}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={busy}>
            {webhook === null ? 'Add' : 'Save'}
          </Button>
        </>
      }
    >
      <Field
        label="Name"
        value={form.name}
        maxLength={64}
        fault={faults.name ?? null}
        data-autofocus
        onChange={(event) => change({ name: event.target.value })}
      />
      <Field
        label="Address"
        type="url"
        value={form.url}
        maxLength={2048}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        placeholder="https://hooks.example.org/…"
        fault={faults.url ?? null}
        onChange={(event) => change({ url: event.target.value })}
      />
      <div className="field">
        <label htmlFor={`${id}-format`}>Format</label>
        <select
          id={`${id}-format`}
          className="input"
          value={form.format}
          onChange={(event) => change({ format: event.target.value === 'text' ? 'text' : 'json' })}
        >
          {kFormats.map(({ format, label }) => (
            <option key={format} value={format}>
              {label}
            </option>
          ))}
        </select>
      </div>
      {admin && webhook === null && (
        <Toggle
          label="For everybody"
          hint="It is told of every agent, whatever single people prefer. Admins see and change it."
          checked={form.owner === 'everybody'}
          onChange={(on) => change({ owner: on ? 'everybody' : 'me' })}
        />
      )}
      {form.owner === 'everybody' ? (
        <Kinds kinds={form.kinds} onChange={(kinds) => change({ kinds })} />
      ) : (
        <>
          <p className="hint">It is told what you chose under “What”.</p>
          <Toggle label="Also in quiet hours" checked={form.in_quiet_hours} onChange={(on) => change({ in_quiet_hours: on })} />
        </>
      )}
      <Toggle label="With names, commands and texts" checked={form.contents} onChange={(on) => change({ contents: on })} />
      {admin && privateAllowed && (
        <Toggle
          label="May reach private addresses"
          hint="And plain http: a receiver in your own network. The dashboard then sends wherever this address leads."
          checked={form.private_addresses}
          onChange={(on) => change({ private_addresses: on })}
        />
      )}
      {webhook !== null && <Toggle label="On" checked={form.enabled} onChange={(on) => change({ enabled: on })} />}
      {faults.all !== undefined && <Notice tone="danger">{faults.all}</Notice>}
    </Dialog>
  )
}
