// Home: every session, what it does, and the way to a new one.
import { Folder, LayoutGrid, List, Plus, Search, SquareTerminal, TerminalSquare, Users } from 'lucide-react'
import { useDeferredValue, useState, type ReactNode } from 'react'
import { useConnection, useFleet, useServices, useWho } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Empty, Notice, Waiting } from '../ui/feedback.tsx'
import { ConnectionLine, StateMark, stateWord, type StateName } from '../ui/states.tsx'
import { counted, lastPart } from '../ui/text.ts'
import { Ago, exactTime } from '../ui/time.tsx'
import type { Session } from '../wire/types.ts'
import { AttentionStrip } from './attention.tsx'
import { BudgetNotice } from './budgets.tsx'
import { BringBack } from './bring_back.tsx'
import { useTitle } from './hooks.ts'
import { NewSession } from './new_session.tsx'
import { useFleetLook, type FleetLook } from './preferences.ts'
import { addressOf, Link } from './router.tsx'
import { commandText, doing, matches, stateEvidence, stateMore, stateOf } from './session_words.ts'
import { Thumb } from './thumb.tsx'
import { dollars } from './usage_series.ts'
import './fleet.css'

const kStateOrder: readonly StateName[] = ['permission', 'question', 'done', 'failed', 'limited', 'working', 'idle']

function SessionLink({ session }: { session: Session }) {
  const address = addressOf({ kind: 'session', name: session.name, tab: 'terminal', path: null })
  return (
    <Link className="session-link" href={address}>
      {session.name}
    </Link>
  )
}

function Watching({ session }: { session: Session }) {
  if (session.viewers === 0) return null
  return (
    <span className="fact" title={`${counted(session.viewers, 'page')} shows this session`}>
      <Users size={14} aria-hidden />
      <span>
        {session.viewers}
        <span className="only-heard"> watching</span>
      </span>
    </span>
  )
}

function LastOutput({ session }: { session: Session }) {
  if (session.last_output_at === null) return null
  return (
    <span className="card-age" title={`Last output ${exactTime(session.last_output_at)}`}>
      <Ago micros={session.last_output_at} />
    </span>
  )
}

function Project({ session }: { session: Session }) {
  return (
    <span className="fact clip" title={session.project}>
      <Folder size={14} aria-hidden />
      <span className="clip">{lastPart(session.project) || 'no project'}</span>
    </span>
  )
}

// What an agent is on, how full its context is, what it has cost.
export function AgentFacts({ session }: { session: Session }) {
  const { agent } = session
  if (agent === null) return null
  const { model, context_percent: context, cost_usd: cost } = agent
  return (
    <>
      {model !== '' && (
        <span className="fact clip" title={`Model: ${model}`}>
          {model}
        </span>
      )}
      {context !== null && (
        <span className="fact" title={`${Math.round(context)} % of the context window is used`}>
          <meter className="context-meter" min={0} max={100} high={80} value={context} aria-label="Context used" />
          {Math.round(context)} %
        </span>
      )}
      {cost > 0 && (
        <span className="fact" title="What this conversation has cost so far, by Claude Code’s own figure">
          {dollars(cost)}
        </span>
      )}
    </>
  )
}

function SessionState({ session }: { session: Session }) {
  const meaning = stateEvidence(session)
  const more = stateMore(session)
  return <StateMark state={stateOf(session)} {...(more !== undefined && { more })} {...(meaning !== undefined && { meaning })} />
}

// Since when it is in its state, where that is known; else when it last printed.
function StateAge({ session }: { session: Session }) {
  if (session.agent === null || session.status !== 'active') return <LastOutput session={session} />
  return (
    <span className="card-age" title={`Since ${exactTime(session.agent.since)}`}>
      <Ago micros={session.agent.since} />
    </span>
  )
}

function Card({ session }: { session: Session }) {
  const said = doing(session)
  return (
    <li className={`card state-${stateOf(session)}`}>
      <div className="card-top">
        <SessionState session={session} />
        <StateAge session={session} />
      </div>
      <h3 className="clip">
        <SessionLink session={session} />
      </h3>
      <p className="card-doing clip">{said || ' '}</p>
      <Thumb session={session} />
      <div className="card-foot">
        <Project session={session} />
        {session.agent === null ? (
          <span className="fact clip" title={commandText(session)}>
            <TerminalSquare size={14} aria-hidden />
            <span className="clip mono">{commandText(session)}</span>
          </span>
        ) : (
          <AgentFacts session={session} />
        )}
        <Watching session={session} />
      </div>
    </li>
  )
}

function RunningRow({ session }: { session: Session }) {
  return (
    <li className="row running">
      <SessionState session={session} />
      <span className="row-name clip">
        <SessionLink session={session} />
      </span>
      <span className="row-doing clip">{doing(session)}</span>
      <Project session={session} />
      <span className="row-status">
        <Watching session={session} />
      </span>
      <span className="row-age">
        <StateAge session={session} />
      </span>
    </li>
  )
}

function EndedRow({ session }: { session: Session }) {
  const failed = session.exit_status !== null && session.exit_status !== 0
  return (
    <li className="row">
      <StateMark state={stateOf(session)} />
      <span className="row-name clip">
        <SessionLink session={session} />
      </span>
      <span className="fact clip" title={session.project}>
        <Folder size={14} aria-hidden />
        <span className="clip">{lastPart(session.project)}</span>
      </span>
      <span className="row-status">{failed ? `status ${session.exit_status}` : ''}</span>
      <span className="row-age">{session.ended_at !== null && <Ago micros={session.ended_at} />}</span>
    </li>
  )
}

function Section({ title, count, children }: { title: string; count: number; children: ReactNode }) {
  return (
    <section className="fleet-section" aria-label={title}>
      <h2>
        {title} <span className="count">{count}</span>
      </h2>
      {children}
    </section>
  )
}

function summary(sessions: readonly Session[]): string {
  const active = sessions.filter((session) => session.status === 'active')
  return kStateOrder
    .map((state) => ({ state, count: active.filter((session) => stateOf(session) === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${stateWord(state)}`)
    .join(' · ')
}

interface ListsProps {
  sessions: readonly Session[]
  look: FleetLook
  filter: string
  onClear: () => void
}

function Lists({ sessions, look, filter, onClear }: ListsProps) {
  const shown = sessions.filter((session) => matches(session, filter))
  const active = shown.filter((session) => session.status === 'active')
  const ended = shown
    .filter((session) => session.status !== 'active')
    .sort((a, b) => (b.ended_at ?? b.created_at) - (a.ended_at ?? a.created_at))
  if (shown.length === 0) {
    return (
      <Empty icon={<Search size={28} aria-hidden />} title="Nothing matches">
        <p>No session has all of these words in its name, project, command or state.</p>
        <Button onClick={onClear}>Clear the filter</Button>
      </Empty>
    )
  }
  return (
    <>
      {active.length > 0 && (
        <Section title="Running" count={active.length}>
          <ul className={look === 'cards' ? 'cards' : 'rows'}>
            {active.map((session) =>
              look === 'cards' ? (
                <Card key={session.id} session={session} />
              ) : (
                <RunningRow key={session.id} session={session} />
              ),
            )}
          </ul>
        </Section>
      )}
      {ended.length > 0 && (
        <Section title="Ended" count={ended.length}>
          <ul className="rows">
            {ended.map((session) => (
              <EndedRow key={session.id} session={session} />
            ))}
          </ul>
        </Section>
      )}
    </>
  )
}

function LookButton({ look, onChange }: { look: FleetLook; onChange: (look: FleetLook) => void }) {
  const cards = look === 'cards'
  return (
    <IconButton
      kind="plain"
      label={cards ? 'Show as a list' : 'Show as cards'}
      icon={cards ? <List size={16} aria-hidden /> : <LayoutGrid size={16} aria-hidden />}
      onClick={() => onChange(cards ? 'list' : 'cards')}
    />
  )
}

export function Fleet() {
  const { wire } = useServices()
  const { sessions, loaded, error } = useFleet()
  const connection = useConnection()
  const who = useWho()
  const mayStart = who.kind === 'somebody' && who.user.role !== 'viewer'
  const [look, setLook] = useFleetLook()
  const [filter, setFilter] = useState('')
  const [creating, setCreating] = useState(false)
  const deferred = useDeferredValue(filter.trim())
  const running = sessions.filter((session) => session.status === 'active').length
  useTitle(loaded ? `Fleet, ${running} running` : 'Fleet')

  return (
    <>
      <header className="page-head">
        <h1>Fleet</h1>
        <span className="fleet-summary">{summary(sessions)}</span>
        <ConnectionLine connection={connection.word} />
        <div className="fleet-tools push">
          {sessions.length > 0 && (
            <div className="with-icon fleet-filter">
              <Search size={16} aria-hidden />
              <input
                className="input"
                type="search"
                aria-label="Filter sessions"
                placeholder="Filter"
                spellCheck={false}
                value={filter}
                onChange={(event) => setFilter(event.target.value)}
              />
            </div>
          )}
          {sessions.length > 0 && <LookButton look={look} onChange={setLook} />}
          {mayStart && (
            <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
              New session
            </Button>
          )}
        </div>
      </header>
      <div className="fleet">
        {error !== null && (
          <Notice
            tone="danger"
            actions={
              <Button small onClick={() => void wire.readFleet()}>
                Try again
              </Button>
            }
          >
            The list of sessions could not be read. {error}
          </Notice>
        )}
        <BudgetNotice />
        <AttentionStrip />
        {mayStart && <BringBack sessions={sessions} />}
        {!loaded && error === null && sessions.length === 0 && <Waiting what="the list of sessions" />}
        {loaded && sessions.length === 0 && (
          <Empty icon={<SquareTerminal size={32} aria-hidden />} title="No sessions yet">
            <p>
              A session is a program in a terminal, usually Claude Code, that runs in one of your project folders and
              goes on when you close this page.
            </p>
            {mayStart && (
              <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
                Start the first one
              </Button>
            )}
          </Empty>
        )}
        {sessions.length > 0 && <Lists sessions={sessions} look={look} filter={deferred} onClear={() => setFilter('')} />}
      </div>
      {creating && <NewSession sessions={sessions} onClose={() => setCreating(false)} />}
    </>
  )
}
