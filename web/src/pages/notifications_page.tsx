// Where somebody says what they want to be told, how and when, and sees which devices are told.
import { useQueryClient } from '@tanstack/react-query'
import { BellOff, BellRing, MonitorSmartphone, Send, ShieldAlert, Trash2 } from 'lucide-react'
import { useCallback, useEffect, useState } from 'react'
import { useConnection, useServices } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Confirm } from '../ui/dialog.tsx'
import { Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { ConnectionLine } from '../ui/states.tsx'
import { Ago } from '../ui/time.tsx'
import { removeDevice, testDevice, type NotifyDevice, type NotifyOverview } from '../wire/notify.ts'
import type { User } from '../wire/types.ts'
import { useTitle } from './hooks.ts'
import { NotifyPreferencesForm } from './notify_preferences.tsx'
import { kNotifyQuery, useNotifyOverview } from './notification_signals.ts'
import { isSubscribed, pushEnvironment, turnOff, turnOn } from './push_browser.ts'
import { kSupportWords, pushSupport } from './push_support.ts'
import { Webhooks } from './webhooks.tsx'
import './notifications.css'

const words = (error: unknown) => (error instanceof Error ? error.message : String(error))

interface Push {
  // Null until the browser has said it.
  on: boolean | null
  busy: boolean
  fault: string | null
  turn: (on: boolean) => void
}

// Whether this browser is pushed to: it must have a subscription, and the dashboard must know of it.
function usePush(user: User, overview: NotifyOverview): Push {
  const { http } = useServices()
  const queries = useQueryClient()
  const { say } = useTelling()
  const [subscribed, setSubscribed] = useState<boolean | null>(null)
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const mine = overview.devices.find(({ current }) => current)
  useEffect(() => {
    isSubscribed(user.id).then(setSubscribed, () => setSubscribed(false))
  }, [user.id, overview.devices])
  const turn = useCallback(
    (on: boolean) => {
      setBusy(true)
      setFault(null)
      const change = async () => {
        if (on) await turnOn(http, user.id, overview.application_server_key)
        else {
          await turnOff()
          if (mine !== undefined) await removeDevice(http, mine.id)
        }
        setSubscribed(on)
        say(on ? 'Notifications are on for this device.' : 'Notifications are off for this device.')
      }
      change()
        .catch((error: unknown) => setFault(words(error)))
        .finally(() => {
          setBusy(false)
          void queries.invalidateQueries({ queryKey: kNotifyQuery })
        })
    },
    [http, user.id, overview.application_server_key, mine, queries, say],
  )
  return { on: subscribed === null ? null : subscribed && mine !== undefined, busy, fault, turn }
}

function ThisDevice({ user, overview }: { user: User; overview: NotifyOverview }) {
  const push = usePush(user, overview)
  const support = pushSupport(pushEnvironment())
  const mine = overview.devices.find(({ current }) => current)
  if (support !== 'ready') {
    const { title, words: explained } = kSupportWords[support]
    return (
      <Notice tone="warning">
        <strong>{title}</strong>
        <p>{explained}</p>
      </Notice>
    )
  }
  return (
    <>
      <div className="setting-line">
        {push.on === true ? <BellRing size={20} aria-hidden /> : <BellOff size={20} aria-hidden />}
        <p>
          {push.on === true
            ? 'On. Agents that need you are shown here, also when no page is open.'
            : 'Off. The browser will ask whether this page may show notifications.'}
        </p>
        <span className="setting-actions">
          {push.on === true && mine !== undefined && <TestButton device={mine} />}
          <Button
            kind={push.on === true ? 'plain' : 'primary'}
            busy={push.busy || push.on === null}
            onClick={() => push.turn(push.on !== true)}
          >
            {push.on === true ? 'Turn off' : 'Turn on'}
          </Button>
        </span>
      </div>
      {push.fault !== null && <Notice tone="danger">{push.fault}</Notice>}
    </>
  )
}

function TestButton({ device }: { device: NotifyDevice }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const queries = useQueryClient()
  const [busy, setBusy] = useState(false)
  const test = () => {
    setBusy(true)
    testDevice(http, device.id)
      .then(
        () => tell('Sent. The notification should appear within a few seconds.', 'good'),
        (error: unknown) => tell(words(error), 'danger'),
      )
      .finally(() => {
        setBusy(false)
        void queries.invalidateQueries({ queryKey: kNotifyQuery })
      })
  }
  return (
    <Button busy={busy} icon={<Send size={16} aria-hidden />} onClick={test}>
      Send a test
    </Button>
  )
}

function DeviceRow({ device, onRemove }: { device: NotifyDevice; onRemove: () => void }) {
  return (
    <li className="setting-row">
      <MonitorSmartphone size={18} aria-hidden />
      <div>
        <p>
          <strong>{device.name}</strong>
          {device.current && <span className="tag">this login</span>}
        </p>
        <p className="hint">
          since <Ago micros={device.created_at} />
          {device.last_ok_at !== null && (
            <>
              {' · last reached '}
              <Ago micros={device.last_ok_at} />
            </>
          )}
          {` · ${device.service}`}
        </p>
        {device.last_error !== '' && (
          <p className="row-fault">
            <ShieldAlert size={14} aria-hidden /> {device.last_error}
          </p>
        )}
      </div>
      <IconButton
        label={`Remove ${device.name}`}
        icon={<Trash2 size={16} aria-hidden />}
        onClick={onRemove}
      />
    </li>
  )
}

function Devices({ devices }: { devices: readonly NotifyDevice[] }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const queries = useQueryClient()
  const [removing, setRemoving] = useState<NotifyDevice | null>(null)
  const [busy, setBusy] = useState(false)
  const remove = (device: NotifyDevice) => {
    setBusy(true)
    removeDevice(http, device.id)
      .catch((error: unknown) => tell(words(error), 'danger'))
      .finally(() => {
        setBusy(false)
        setRemoving(null)
        void queries.invalidateQueries({ queryKey: kNotifyQuery })
      })
  }
  if (devices.length === 0) {
    return <p className="hint">None yet. Turn notifications on here, and on your phone: log in there and come to this place.</p>
  }
  return (
    <>
      <ul className="setting-rows" aria-label="Devices">
        {devices.map((device) => (
          <DeviceRow key={device.id} device={device} onRemove={() => setRemoving(device)} />
        ))}
      </ul>
      <p className="hint">
        A device belongs to its login and goes with it. If one is lost, remove it here: nothing that was sent to it can answer any
        more.
      </p>
      {removing !== null && (
        <Confirm
          title={`Remove ${removing.name}?`}
          confirm="Remove"
          kind="danger"
          busy={busy}
          onConfirm={() => remove(removing)}
          onClose={() => setRemoving(null)}
        >
          <p>It is told nothing more, and its notifications can answer nothing any more. Its login stays.</p>
        </Confirm>
      )}
    </>
  )
}

function Places({ user, overview }: { user: User; overview: NotifyOverview }) {
  return (
    <div className="settings">
      <section aria-labelledby="this-device">
        <h2 id="this-device">This device</h2>
        <ThisDevice user={user} overview={overview} />
      </section>
      <NotifyPreferencesForm overview={overview} />
      <section aria-labelledby="devices">
        <h2 id="devices">Devices</h2>
        <Devices devices={overview.devices} />
      </section>
      {user.role !== 'viewer' && <Webhooks user={user} privateAllowed={overview.private_addresses} />}
    </div>
  )
}

export function NotificationsPage({ user }: { user: User }) {
  useTitle('Notifications')
  const connection = useConnection()
  const overview = useNotifyOverview()
  return (
    <>
      <header className="page-head">
        <h1>Notifications</h1>
        <ConnectionLine connection={connection.word} />
      </header>
      {overview.isError && (
        <div className="settings">
          <Notice
            tone="danger"
            actions={
              <Button small onClick={() => void overview.refetch()}>
                Try again
              </Button>
            }
          >
            {words(overview.error)}
          </Notice>
        </div>
      )}
      {overview.isPending && <Waiting what="your settings" />}
      {overview.data !== undefined && <Places user={user} overview={overview.data} />}
    </>
  )
}
