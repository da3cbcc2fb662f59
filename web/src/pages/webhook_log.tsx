// A webhook's deliveries, and its secret, which is shown once.
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleX, Clock, Copy, RefreshCw } from 'lucide-react'
import { useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { Ago, exactTime } from '../ui/time.tsx'
import { readDeliveries, type Delivery, type Webhook } from '../wire/notify.ts'

const kIcons = { delivered: CircleCheck, failed: CircleX, waiting: Clock }
const kTypes: Record<string, string> = { 'attention.opened': 'opened', 'attention.closed': 'closed', test: 'test' }

function DeliveryRow({ delivery }: { delivery: Delivery }) {
  const Icon = kIcons[delivery.state]
  return (
    <li className="delivery" data-state={delivery.state}>
      <Icon size={16} aria-hidden />
      <div>
        <p>
          <strong>{delivery.state}</strong> · {kTypes[delivery.type] ?? delivery.type} · <Ago micros={delivery.created_at} />
          {delivery.attempts > 1 && ` · ${delivery.attempts} attempts`}
          {delivery.status !== null && ` · ${delivery.status}`}
        </p>
        {delivery.error !== '' && <p className="hint">{delivery.error}</p>}
        {delivery.next_at !== null && <p className="hint">next attempt {exactTime(delivery.next_at)}</p>}
      </div>
    </li>
  )
}

export function WebhookLog({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { http } = useServices()
  const log = useQuery({ queryKey: ['deliveries', webhook.id], queryFn: () => readDeliveries(http, webhook.id), staleTime: 0 })
  return (
    <Dialog
      title={`Log of ${webhook.name}`}
      wide
      onClose={onClose}
      footer={
        <>
          <Button icon={<RefreshCw size={16} aria-hidden />} busy={log.isFetching} onClick={() => void log.refetch()}>
            Read again
          </Button>
          <Button kind="primary" onClick={onClose} data-autofocus>
            Close
          </Button>
        </>
      }
    >
      {log.isPending && <Waiting what="the log" />}
      {log.isError && <Notice tone="danger">{log.error.message}</Notice>}
      {log.data !== undefined && log.data.length === 0 && <p className="hint">Nothing has been sent to it yet.</p>}
      {log.data !== undefined && log.data.length > 0 && (
        <ul className="deliveries" aria-label="Deliveries" tabIndex={0}>
          {log.data.map((delivery) => (
            <DeliveryRow key={delivery.id} delivery={delivery} />
          ))}
        </ul>
      )}
    </Dialog>
  )
}

export function WebhookSecret({ name, secret, onClose }: { name: string; secret: string; onClose: () => void }) {
  const { tell } = useTelling()
  const copy = () => {
    navigator.clipboard.writeText(secret).then(
      () => tell('Copied', 'good'),
      () => tell('The browser did not let it be copied: select it and copy by hand.', 'warning'),
    )
  }
  return (
    <Dialog
      title={`Secret of ${name}`}
      onClose={onClose}
      footer={
        <>
          <Button icon={<Copy size={16} aria-hidden />} onClick={copy} data-autofocus>
            Copy
          </Button>
          <Button kind="primary" onClick={onClose}>
            I have it
          </Button>
        </>
      }
    >
      <p>This is shown once. The receiver checks with it that a request is from here and not a repeat.</p>
      <code className="secret">{secret}</code>
      <p className="hint">
        The header <code>webhook-signature</code> holds <code>v1,</code> and the base64 of HMAC-SHA256 over{' '}
        <code>webhook-id</code>, a dot, <code>webhook-timestamp</code>, a dot and the body; refuse timestamps that are over five
        minutes away. It is the Standard Webhooks scheme, so its libraries take this secret.
      </p>
    </Dialog>
  )
}
