// Prompts: one to many agents, by the clock, and the switch that stops everything that is sent without a person.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { CalendarClock, CirclePause, CirclePlay, Pencil, Plus, Send, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useConnection, useFleet, useServices } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { SelectField, TextAreaField } from '../ui/choice.tsx'
import { Confirm, Dialog } from '../ui/dialog.tsx'
import { Empty, Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { ConnectionLine, StateMark } from '../ui/states.tsx'
import { Ago, exactTime } from '../ui/time.tsx'
import { ApiError } from '../wire/http.ts'
import {
  addSchedule,
  broadcast,
  changeSchedule,
  readSchedule,
  readSchedules,
  removeSchedule,
  setSending,
  turnSchedule,
  type NewSchedule,
  type Schedule,
  type Sending,
} from '../wire/prompts.ts'
import type { Session, User } from '../wire/types.ts'
import { useTitle } from './hooks.ts'
import { oneLine } from './prompt_words.ts'
import { stateOf } from './session_words.ts'
import './prompts.css'

const kKey = ['schedules']
const kAgainMs = 20_000

const agentsOf = (sessions: readonly Session[]) => sessions.filter(({ status, agent }) => status === 'active' && agent !== null)

const faultOf = (error: Error | null, field: string) => (error instanceof ApiError && error.field === field ? error.message : null)

function ScheduleDialog({ schedule, sessions, onClose }: { schedule: Schedule | null; sessions: readonly Session[]; onClose: () => void }) {
  const { http } = useServices()
  const client = useQueryClient()
  const agents = agentsOf(sessions)
  const [draft, setDraft] = useState<NewSchedule>(
    schedule ?? { name: '', cron: '0 9 * * mon-fri', session: agents[0]?.id ?? '', text: '', enabled: true },
  )
  const ended = schedule !== null && !agents.some(({ id }) => id === schedule.session)
  const choices = [
    ...(ended ? [{ value: schedule.session, label: 'a session that has ended' }] : []),
    ...agents.map(({ id, name }) => ({ value: id, label: name })),
  ]
  const change = (part: Partial<NewSchedule>) => setDraft((before) => ({ ...before, ...part }))
  const save = useMutation({
    mutationFn: () => (schedule === null ? addSchedule(http, draft) : changeSchedule(http, schedule.id, draft)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: kKey })
      onClose()
    },
  })
  const known = ['name', 'cron', 'text'].some((field) => faultOf(save.error, field) !== null)
  return (
    <Dialog
      title={schedule === null ? 'New schedule' : `Change ${schedule.name}`}
      onClose={onClose}
      onSubmit={() => save.mutate()}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" type="submit" busy={save.isPending}>
            {schedule === null ? 'Add' : 'Save'}
          </Button>
        </>
      }
    >
      <Field label="Name" data-autofocus value={draft.name} fault={faultOf(save.error, 'name')} onChange={(event) => change({ name: event.target.value })} />
      <Field
        label="When"
        className="mono"
        value={draft.cron}
        hint="Minute, hour, day of the month, month, day of the week, as in cron: 0 9 * * mon-fri is every weekday at nine, */30 * * * * every half hour."
        fault={faultOf(save.error, 'cron')}
        onChange={(event) => change({ cron: event.target.value })}
      />
      <SelectField label="Session" value={draft.session} choices={choices} onChange={(session) => change({ session })} />
      <TextAreaField rows={4} label="Prompt" value={draft.text} fault={faultOf(save.error, 'text')} onChange={(text) => change({ text })} />
      {save.error !== null && !known && <Notice tone="danger">{save.error.message}</Notice>}
    </Dialog>
  )
}

// Only the whole text may be changed: a list has its beginning.
function ChangeDialog({ listed, sessions, onClose }: { listed: Schedule; sessions: readonly Session[]; onClose: () => void }) {
  const { http } = useServices()
  const read = useQuery({ queryKey: [...kKey, listed.id], queryFn: () => readSchedule(http, listed.id), enabled: listed.cut, gcTime: 0 })
  const whole = listed.cut ? read.data : listed
  if (whole !== undefined) return <ScheduleDialog schedule={whole} sessions={sessions} onClose={onClose} />
  return (
    <Dialog title={`Change ${listed.name}`} onClose={onClose} footer={<Button onClick={onClose}>Cancel</Button>}>
      {read.isError ? <Notice tone="danger">It could not be read. {read.error.message}</Notice> : <Waiting what="the schedule" />}
    </Dialog>
  )
}

function ScheduleRow({ schedule, sessions, mayChange }: { schedule: Schedule; sessions: readonly Session[]; mayChange: boolean }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const client = useQueryClient()
  const [dialog, setDialog] = useState<'none' | 'change' | 'remove'>('none')
  const settled = { onSettled: () => client.invalidateQueries({ queryKey: kKey }), onError: (error: Error) => tell(error.message, 'danger') }
  const toggle = useMutation({ mutationFn: () => turnSchedule(http, schedule, !schedule.enabled), ...settled })
  const remove = useMutation({ mutationFn: () => removeSchedule(http, schedule.id), ...settled })
  const session = sessions.find(({ id }) => id === schedule.session)
  return (
    <li className="schedule">
      <h3 className="clip">{schedule.name}</h3>
      {mayChange && (
        <div className="schedule-tools">
          <Button small onClick={() => toggle.mutate()} busy={toggle.isPending}>
            {schedule.enabled ? 'Turn off' : 'Turn on'}
          </Button>
          <IconButton small label={`Change ${schedule.name}`} icon={<Pencil size={16} aria-hidden />} onClick={() => setDialog('change')} />
          <IconButton small label={`Remove ${schedule.name}`} icon={<Trash2 size={16} aria-hidden />} onClick={() => setDialog('remove')} />
        </div>
      )}
      <p className="clip">
        <code>{schedule.cron}</code> to {session?.name ?? 'a session that has ended'}: {oneLine(schedule.text)}
      </p>
      <p className="prompt-note">
        {schedule.next_at !== null ? `Next ${exactTime(schedule.next_at)}` : 'Off'}
        {schedule.last_at !== null && (
          <>
            {' · '}last <Ago micros={schedule.last_at} />: {schedule.last_result}
          </>
        )}
        {` · by ${schedule.created_by}`}
      </p>
      {dialog === 'change' && <ChangeDialog listed={schedule} sessions={sessions} onClose={() => setDialog('none')} />}
      {dialog === 'remove' && (
        <Confirm
          title={`Remove ${schedule.name}?`}
          kind="danger"
          confirm="Remove"
          onConfirm={() => {
            remove.mutate()
            setDialog('none')
          }}
          onClose={() => setDialog('none')}
        >
          <p>It sends nothing any more. What it has sent stays with the session.</p>
        </Confirm>
      )}
    </li>
  )
}

function BroadcastForm({ sessions }: { sessions: readonly Session[] }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const client = useQueryClient()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const [text, setText] = useState('')
  const agents = agentsOf(sessions)
  const picked = agents.filter(({ id }) => chosen.has(id))
  const toggle = (id: string) => setChosen((before) => (before.has(id) ? new Set([...before].filter((other) => other !== id)) : new Set([...before, id])))
  const send = useMutation({
    mutationFn: () => broadcast(http, picked.map(({ id }) => id), text),
    onSuccess: async () => {
      tell(`Queued for ${picked.length} agents: each gets it as soon as it is idle.`, 'good')
      setText('')
      await client.invalidateQueries({ queryKey: ['prompts'] })
    },
    onError: (error) => tell(error.message, 'danger'),
  })
  if (agents.length === 0) return <p className="prompt-note">No agent runs.</p>
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        send.mutate()
      }}
    >
      <fieldset className="broadcast-sessions">
        <legend>Agents</legend>
        {agents.map((session) => (
          <label key={session.id}>
            <input type="checkbox" checked={chosen.has(session.id)} onChange={() => toggle(session.id)} />
            <span className="clip">{session.name}</span>
            <StateMark state={stateOf(session)} />
          </label>
        ))}
      </fieldset>
      <TextAreaField rows={4} label="Prompt for all of them" value={text} fault={null} onChange={setText} />
      <p>
        <Button kind="primary" type="submit" icon={<Send size={16} aria-hidden />} busy={send.isPending} disabled={picked.length === 0 || text.trim() === ''}>
          {picked.length === 0 ? 'Send' : `Send to ${picked.length}`}
        </Button>
      </p>
    </form>
  )
}

function Switch({ sending, mayChange }: { sending: Sending; mayChange: boolean }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const client = useQueryClient()
  const set = useMutation({
    mutationFn: (stopped: boolean) => setSending(http, stopped),
    onSettled: () => client.invalidateQueries({ queryKey: kKey }),
    onError: (error) => tell(error.message, 'danger'),
  })
  const { stopped } = sending
  return (
    <Notice
      tone={stopped ? 'warning' : 'plain'}
      actions={
        mayChange && (
          <Button
            small
            icon={stopped ? <CirclePlay size={16} aria-hidden /> : <CirclePause size={16} aria-hidden />}
            busy={set.isPending}
            onClick={() => set.mutate(!stopped)}
          >
            {stopped ? 'Go on' : 'Stop all sending'}
          </Button>
        )
      }
    >
      {stopped
        ? `Nothing is sent without a person: stopped by ${sending.by || 'somebody'}. Queues wait, schedules pass.`
        : 'Queues, schedules and what follows a usage limit are sent.'}
    </Notice>
  )
}

export function PromptsPage({ user }: { user: User }) {
  const { http } = useServices()
  const connection = useConnection()
  const { sessions } = useFleet()
  const [adding, setAdding] = useState(false)
  const { data, error, refetch } = useQuery({ queryKey: kKey, queryFn: () => readSchedules(http), refetchInterval: kAgainMs })
  const mayChange = user.role !== 'viewer'
  useTitle('Prompts')
  return (
    <>
      <header className="page-head">
        <h1>Prompts</h1>
        <ConnectionLine connection={connection.word} />
      </header>
      <div className="prompts-page">
        {error !== null && data === undefined && (
          <Notice tone="danger" actions={<Button small onClick={() => void refetch()}>Try again</Button>}>
            Schedules could not be read. {error.message}
          </Notice>
        )}
        {data === undefined && error === null && <Waiting what="schedules" />}
        {data !== undefined && <Switch sending={data.sending} mayChange={mayChange} />}
        {mayChange && (
          <section aria-label="To several agents">
            <div className="prompts-head">
              <h2>To several agents</h2>
            </div>
            <BroadcastForm sessions={sessions} />
          </section>
        )}
        {data !== undefined && (
          <section aria-label="Schedules">
            <div className="prompts-head">
              <h2>Schedules</h2>
              {mayChange && (
                <Button small icon={<Plus size={16} aria-hidden />} onClick={() => setAdding(true)}>
                  New schedule
                </Button>
              )}
            </div>
            {data.schedules.length === 0 ? (
              <Empty icon={<CalendarClock size={28} aria-hidden />} title="No schedule yet">
                <p>A schedule gives an agent a prompt at set times, when it is idle: a nightly review, a morning summary.</p>
              </Empty>
            ) : (
              <ul className="schedules">
                {data.schedules.map((schedule) => (
                  <ScheduleRow key={schedule.id} schedule={schedule} sessions={sessions} mayChange={mayChange} />
                ))}
              </ul>
            )}
          </section>
        )}
        {adding && <ScheduleDialog schedule={null} sessions={sessions} onClose={() => setAdding(false)} />}
      </div>
    </>
  )
}
