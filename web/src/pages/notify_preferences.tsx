// What somebody is told, when, and how much of it: saved at every change.
import { useQueryClient } from '@tanstack/react-query'
import { Volume2 } from 'lucide-react'
import { useId, useState, type ReactNode } from 'react'
import { useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Notice, useTelling } from '../ui/feedback.tsx'
import {
  kNotifyKinds,
  savePreferences,
  type LockScreen,
  type NotifyChannel,
  type NotifyKind,
  type NotifyOverview,
  type NotifyPreferences,
  type QuietHours,
} from '../wire/notify.ts'
import { kNotifyQuery } from './notification_signals.ts'
import { playSound } from './sound.ts'

const kKindWords: Record<NotifyKind, { label: string; hint: string }> = {
  permission: { label: 'Permission', hint: 'An agent asks whether it may do something.' },
  question: { label: 'Question', hint: 'An agent asks you to choose or explain.' },
  plan: { label: 'Plan', hint: 'An agent has a plan and waits for a yes.' },
  done: { label: 'Done', hint: 'An agent has finished and waits for the next task.' },
  failure: { label: 'Failure', hint: 'An agent has stopped with an error.' },
  limit: { label: 'Usage limit', hint: 'An agent has to pause until its limit is over.' },
}
const kChannels: readonly { channel: NotifyChannel; label: string }[] = [
  { channel: 'push', label: 'Devices' },
  { channel: 'sound', label: 'Sound' },
  { channel: 'webhook', label: 'Webhooks' },
]
const kDelays = [
  { seconds: 0, label: 'at once' },
  { seconds: 5, label: 'after 5 seconds' },
  { seconds: 15, label: 'after 15 seconds' },
  { seconds: 60, label: 'after a minute' },
  { seconds: 300, label: 'after 5 minutes' },
  { seconds: 900, label: 'after a quarter of an hour' },
]
const kLockScreens: readonly { rule: LockScreen; label: string; hint: string }[] = [
  { rule: 'whole', label: 'When all of it is shown', hint: 'A request too long for a notification can be denied there, or opened.' },
  { rule: 'always', label: 'Always', hint: 'Also when the end of a long command had to be cut off. The cut is marked.' },
  { rule: 'never', label: 'Never', hint: 'Notifications only open the dashboard.' },
]

const here = Intl.DateTimeFormat().resolvedOptions().timeZone
const zones = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : []

interface Saving {
  preferences: NotifyPreferences
  fault: string | null
  change: (part: Partial<NotifyPreferences>) => void
}

// What was chosen is shown at once; when it could not be saved it says so, and shows what holds.
function useSaving(overview: NotifyOverview): Saving {
  const { http } = useServices()
  const queries = useQueryClient()
  const { say } = useTelling()
  const [draft, setDraft] = useState<NotifyPreferences | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const preferences = draft ?? overview.preferences
  const change = (part: Partial<NotifyPreferences>) => {
    const wanted = { ...preferences, ...part }
    setDraft(wanted)
    setFault(null)
    savePreferences(http, wanted)
      .then((saved) => {
        queries.setQueryData<NotifyOverview>(kNotifyQuery, (known) => known && { ...known, preferences: saved })
        say('Saved')
      })
      .catch((error: unknown) => setFault(error instanceof Error ? error.message : String(error)))
      // Unless something was chosen meanwhile.
      .finally(() => setDraft((now) => (now === wanted ? null : now)))
  }
  return { preferences, fault, change }
}

function Check({ checked, onChange, children, hint }: {
  checked: boolean
  onChange: (checked: boolean) => void
  children: ReactNode
  hint?: string
}) {
  const id = useId()
  return (
    <div className="check">
      <input
        type="checkbox"
        id={id}
        checked={checked}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onChange={(event) => onChange(event.target.checked)}
      />
      <label htmlFor={id}>{children}</label>
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

const without = (kinds: readonly NotifyKind[], kind: NotifyKind) => kinds.filter((other) => other !== kind)
const toggled = (kinds: readonly NotifyKind[], kind: NotifyKind, on: boolean) =>
  kNotifyKinds.filter((known) => (known === kind ? on : without(kinds, kind).includes(known)))

function Matrix({ preferences, change }: Saving) {
  return (
    <table className="matrix">
      <thead>
        <tr>
          <th scope="col">
            <span className="only-heard">What</span>
          </th>
          {kChannels.map(({ channel, label }) => (
            <th key={channel} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {kNotifyKinds.map((kind) => (
          <tr key={kind}>
            <th scope="row">
              {kKindWords[kind].label}
              <span className="hint">{kKindWords[kind].hint}</span>
            </th>
            {kChannels.map(({ channel, label }) => (
              <td key={channel}>
                <label className="matrix-cell">
                  <input
                    type="checkbox"
                    aria-label={`${kKindWords[kind].label}: ${label}`}
                    checked={preferences[channel].includes(kind)}
                    onChange={(event) => change({ [channel]: toggled(preferences[channel], kind, event.target.checked) })}
                  />
                </label>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function SoundTest() {
  const { tell } = useTelling()
  const play = () => {
    playSound().then(
      (played) => !played && tell('The browser does not let this page make a sound.', 'warning'),
      () => tell('This browser cannot make the sound.', 'warning'),
    )
  }
  return (
    <Button small icon={<Volume2 size={16} aria-hidden />} onClick={play}>
      Play the sound
    </Button>
  )
}

function Quiet({ quiet, onChange }: { quiet: QuietHours; onChange: (quiet: QuietHours) => void }) {
  const id = useId()
  // A time field gives every step of typing, and an empty text in between.
  const time = (part: 'from' | 'to') => (value: string) => {
    const wanted = { ...quiet, [part]: value }
    if (/^\d\d:\d\d$/.test(value) && wanted.from !== wanted.to) onChange(wanted)
  }
  return (
    <>
      <Check
        checked={quiet.on}
        onChange={(on) => onChange({ ...quiet, on, zone: quiet.on || quiet.zone !== 'UTC' ? quiet.zone : here })}
        hint="No device rings and no page sounds. Agents that still wait when they end are told of then."
      >
        Quiet hours
      </Check>
      {quiet.on && (
        <div className="quiet-times">
          {(['from', 'to'] as const).map((part) => (
            <div className="field" key={part}>
              <label htmlFor={`${id}-${part}`}>{part === 'from' ? 'From' : 'Until'}</label>
              <input
                id={`${id}-${part}`}
                className="input"
                type="time"
                required
                defaultValue={quiet[part]}
                onChange={(event) => time(part)(event.target.value)}
              />
            </div>
          ))}
          <div className="field">
            <label htmlFor={`${id}-zone`}>Time zone</label>
            <select
              id={`${id}-zone`}
              className="input"
              value={quiet.zone}
              onChange={(event) => onChange({ ...quiet, zone: event.target.value })}
            >
              {[...new Set([quiet.zone, here, 'UTC', ...zones])].map((zone) => (
                <option key={zone}>{zone}</option>
              ))}
            </select>
          </div>
        </div>
      )}
    </>
  )
}

function When(saving: Saving) {
  const { preferences, change } = saving
  const id = useId()
  const known = kDelays.some(({ seconds }) => seconds === preferences.delay_seconds)
  const own = { seconds: preferences.delay_seconds, label: `after ${preferences.delay_seconds} seconds` }
  return (
    <section aria-labelledby="when">
      <h2 id="when">When</h2>
      <div className="field">
        <label htmlFor={id}>Tell my devices</label>
        <select
          id={id}
          className="input"
          value={preferences.delay_seconds}
          aria-describedby={`${id}-hint`}
          onChange={(event) => change({ delay_seconds: Number(event.target.value) })}
        >
          {(known ? kDelays : [...kDelays, own]).map(({ seconds, label }) => (
            <option key={seconds} value={seconds}>
              {label}
            </option>
          ))}
        </select>
        <p className="hint" id={`${id}-hint`}>
          What has been settled by then is not told.
        </p>
      </div>
      <Check
        checked={preferences.presence}
        onChange={(presence) => change({ presence })}
        hint="While one of your pages is on the screen and was used within the last minute, devices stay silent. Agents that still wait when you leave are told of then."
      >
        Not while I use the dashboard
      </Check>
      <Quiet quiet={preferences.quiet} onChange={(quiet) => change({ quiet })} />
    </section>
  )
}

function Contents({ preferences, change }: Saving) {
  const id = useId()
  return (
    <section aria-labelledby="contents">
      <h2 id="contents">On the lock screen</h2>
      <Check
        checked={!preferences.contents}
        onChange={(hide) => change({ contents: !hide })}
        hint="Then neither names nor commands leave the dashboard, and nothing can be answered from a notification. Messages are encrypted for your browser in any case."
      >
        Do not put contents in notifications
      </Check>
      <fieldset className="field" disabled={!preferences.contents}>
        <legend className="label">Offer to allow a request</legend>
        {kLockScreens.map(({ rule, label, hint }) => (
          <div className="check" key={rule}>
            <input
              type="radio"
              id={`${id}-${rule}`}
              name={id}
              checked={preferences.lock_screen === rule}
              aria-describedby={`${id}-${rule}-hint`}
              onChange={() => change({ lock_screen: rule })}
            />
            <label htmlFor={`${id}-${rule}`}>{label}</label>
            <p className="hint" id={`${id}-${rule}-hint`}>
              {hint}
            </p>
          </div>
        ))}
      </fieldset>
    </section>
  )
}

export function NotifyPreferencesForm({ overview }: { overview: NotifyOverview }) {
  const saving = useSaving(overview)
  return (
    <>
      {saving.fault !== null && <Notice tone="danger">Not saved: {saving.fault}</Notice>}
      <section aria-labelledby="what">
        <div className="section-head">
          <h2 id="what">What</h2>
          <SoundTest />
        </div>
        <Matrix {...saving} />
      </section>
      <When {...saving} />
      <Contents {...saving} />
    </>
  )
}
