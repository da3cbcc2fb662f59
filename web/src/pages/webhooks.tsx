// Webhooks: whom else the dashboard tells. A list, and the dialogs that make, change and look into one.
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { History, KeyRound, Pencil, Plus, Send, ShieldAlert, Trash2, Webhook as WebhookIcon } from 'lucide-react'
import { useState } from 'react'
import { useServices } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Confirm } from '../ui/dialog.tsx'
import { Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { Ago } from '../ui/time.tsx'
import { readWebhooks, removeWebhook, renewSecret, testWebhook, type Webhook } from '../wire/notify.ts'
import type { User } from '../wire/types.ts'
import { WebhookForm } from './webhook_form.tsx'
import { WebhookLog, WebhookSecret } from './webhook_log.tsx'

export const kWebhooksQuery = ['webhooks']

type Open =
  | { what: 'form'; webhook: Webhook | null }
  | { what: 'log'; webhook: Webhook }
  | { what: 'secret'; name: string; secret: string }
  | { what: 'remove'; webhook: Webhook }
  | { what: 'renew'; webhook: Webhook }

function Row({ webhook, onOpen }: { webhook: Webhook; onOpen: (open: Open) => void }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const queries = useQueryClient()
  const [busy, setBusy] = useState(false)
  const test = () => {
    setBusy(true)
    testWebhook(http, webhook.id)
      .then(
        ({ state, status, error }) =>
          state === 'delivered' ? tell(`Delivered: the receiver answered ${status}.`, 'good') : tell(`Not delivered: ${error}`, 'danger'),
        (error: unknown) => tell(error instanceof Error ? error.message : String(error), 'danger'),
      )
      .finally(() => {
        setBusy(false)
        void queries.invalidateQueries({ queryKey: kWebhooksQuery })
      })
  }
  return (
    <li className="setting-row">
      <WebhookIcon size={18} aria-hidden />
      <div>
        <p>
          <strong>{webhook.name}</strong>
          {webhook.owner === 'everybody' && <span className="tag">everybody’s</span>}
          {!webhook.enabled && <span className="tag">off</span>}
          {webhook.private_addresses && <span className="tag">private addresses</span>}
        </p>
        <p className="hint clip" title={webhook.url}>
          {webhook.url}
        </p>
        <p className="hint">
          {webhook.format === 'json' ? 'JSON' : 'Text'}
          {webhook.last_ok_at !== null && (
            <>
              {' · last delivered '}
              <Ago micros={webhook.last_ok_at} />
            </>
          )}
        </p>
        {webhook.last_error !== '' && (
          <p className="row-fault">
            <ShieldAlert size={14} aria-hidden /> <span>{webhook.last_error}</span>
          </p>
        )}
        <p className="setting-buttons">
          <Button small busy={busy} icon={<Send size={16} aria-hidden />} onClick={test} aria-label={`Test ${webhook.name}`}>
            Test
          </Button>
          <Button small icon={<History size={16} aria-hidden />} onClick={() => onOpen({ what: 'log', webhook })} aria-label={`Log of ${webhook.name}`}>
            Log
          </Button>
          <IconButton small label={`Edit ${webhook.name}`} icon={<Pencil size={16} aria-hidden />} onClick={() => onOpen({ what: 'form', webhook })} />
          <IconButton small label={`New secret for ${webhook.name}`} icon={<KeyRound size={16} aria-hidden />} onClick={() => onOpen({ what: 'renew', webhook })} />
          <IconButton small label={`Remove ${webhook.name}`} icon={<Trash2 size={16} aria-hidden />} onClick={() => onOpen({ what: 'remove', webhook })} />
        </p>
      </div>
    </li>
  )
}

interface SureProps {
  webhook: Webhook
  what: 'remove' | 'renew'
  onDone: (secret: string | null) => void
  onClose: () => void
}

function Sure({ webhook, what, onDone, onClose }: SureProps) {
  const { http } = useServices()
  const { tell } = useTelling()
  const [busy, setBusy] = useState(false)
  const go = () => {
    setBusy(true)
    const acting = what === 'remove' ? removeWebhook(http, webhook.id).then(() => null) : renewSecret(http, webhook.id).then(({ secret }) => secret)
    acting.then(onDone, (error: unknown) => {
      tell(error instanceof Error ? error.message : String(error), 'danger')
      onClose()
    })
  }
  return (
    <Confirm
      title={what === 'remove' ? `Remove ${webhook.name}?` : `New secret for ${webhook.name}?`}
      confirm={what === 'remove' ? 'Remove' : 'Make a new secret'}
      kind="danger"
      busy={busy}
      onConfirm={go}
      onClose={onClose}
    >
      <p>
        {what === 'remove'
          ? 'What waits for it is not delivered any more, and its log goes.'
          : 'The receiver refuses what is sent until it knows the new one.'}
      </p>
    </Confirm>
  )
}

export function Webhooks({ user, privateAllowed }: { user: User; privateAllowed: boolean }) {
  const { http } = useServices()
  const queries = useQueryClient()
  const list = useQuery({ queryKey: kWebhooksQuery, queryFn: () => readWebhooks(http) })
  const [open, setOpen] = useState<Open | null>(null)
  const close = () => setOpen(null)
  const changed = (next: Open | null) => {
    setOpen(next)
    void queries.invalidateQueries({ queryKey: kWebhooksQuery })
  }
  return (
    <section aria-labelledby="webhooks">
      <div className="section-head">
        <h2 id="webhooks">Webhooks</h2>
        <Button small icon={<Plus size={16} aria-hidden />} onClick={() => setOpen({ what: 'form', webhook: null })}>
          Add a webhook
        </Button>
      </div>
      <p className="hint">
        The dashboard posts to an address of yours: Slack, ntfy, a program. Every request is signed, and tried again when it does not arrive.
      </p>
      {list.isPending && <Waiting what="the webhooks" />}
      {list.isError && <Notice tone="danger">{list.error.message}</Notice>}
      {list.data !== undefined && list.data.length > 0 && (
        <ul className="setting-rows" aria-label="Webhooks">
          {list.data.map((webhook) => (
            <Row key={webhook.id} webhook={webhook} onOpen={setOpen} />
          ))}
        </ul>
      )}
      {open?.what === 'form' && (
        <WebhookForm
          webhook={open.webhook}
          admin={user.role === 'admin'}
          privateAllowed={privateAllowed}
          onDone={(made) => changed(made === null ? null : { what: 'secret', ...made })}
          onClose={close}
        />
      )}
      {open?.what === 'log' && <WebhookLog webhook={open.webhook} onClose={close} />}
      {open?.what === 'secret' && <WebhookSecret name={open.name} secret={open.secret} onClose={close} />}
      {(open?.what === 'remove' || open?.what === 'renew') && (
        <Sure
          webhook={open.webhook}
          what={open.what}
          onDone={(secret) => changed(secret === null ? null : { what: 'secret', name: open.webhook.name, secret })}
          onClose={close}
        />
      )}
    </section>
  )
}
