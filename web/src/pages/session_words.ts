// A session in words: its state, what it runs, where.
import type { StateName } from '../ui/states.tsx'
import { lastPart } from '../ui/text.ts'
import type { AgentState, Session } from '../wire/types.ts'

export const kNamePattern = /^[A-Za-z0-9_-]{1,64}$/
export const kNameRule = 'Letters, digits, - and _, at most 64.'

const kAgentStates: Record<AgentState, StateName> = {
  starting: 'starting',
  working: 'working',
  waiting_permission: 'permission',
  waiting_answer: 'question',
  idle: 'idle',
  limited: 'limited',
  failed: 'failed',
  exited: 'ended',
  lost: 'lost',
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })

export function stateOf(session: Session): StateName {
  if (session.status === 'lost') return 'lost'
  if (session.status !== 'active') return (session.exit_status ?? 0) === 0 ? 'ended' : 'failed'
  if (session.state === 'exited' || session.state === 'lost') return session.state === 'lost' ? 'lost' : 'ended'
  const { agent } = session
  if (agent !== null) return agent.state === 'idle' && agent.unread ? 'done' : kAgentStates[agent.state]
  return session.state
}

// Its agent was started by hand: it can be started again so that it reports what it does. One with settings of its own cannot.
export function mayHaveHooks(session: Session): boolean {
  if (session.status !== 'active' || session.agent === null || session.agent.hooks === 'live') return false
  return session.adopted || session.kind !== 'claude'
}

// Behind the state's word: until when a limit holds.
export function stateMore(session: Session): string | undefined {
  const until = session.agent?.state === 'limited' ? session.agent.limited_until : null
  return until === null || until === undefined ? undefined : `until ${clock.format(until / 1000)}`
}

// What says so, and what says otherwise.
export function stateEvidence(session: Session): string | undefined {
  const { agent } = session
  if (agent === null || agent.evidence === null) return undefined
  const disagreeing = agent.disagreeing.map(({ source, what }) => `\nThe ${source} says otherwise: ${what}`).join('')
  return `${agent.evidence.what} (${agent.evidence.source})${disagreeing}`
}

export function commandText(session: Session): string {
  if (session.command.length === 0) return session.adopted ? (session.foreground || 'started by hand') : 'claude'
  const quoted = (item: string) => (/^[\w@%+=:,./-]+$/.test(item) ? item : `'${item.replaceAll("'", "'\\''")}'`)
  return session.command.map(quoted).join(' ')
}

// What it is doing, as the program itself says: its title, else the program in front.
export function doing(session: Session): string {
  const { agent } = session
  if (agent !== null && session.status === 'active') {
    if (agent.state === 'working' && agent.tool !== '') return agent.tool
    if (agent.state === 'failed' || agent.state === 'limited') return agent.reason
  }
  // Claude Code's titles begin with a symbol for working or idle; the state already says that.
  const title = session.title.replace(/^[\p{So}\s]+/u, '').trim()
  if (title !== '' && title !== session.name) return title
  return session.foreground
}

export function nameFor(project: string, taken: ReadonlySet<string>): string {
  const base = lastPart(project).replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 56) || 'session'
  if (!taken.has(base)) return base
  for (let number = 2; ; number += 1) if (!taken.has(`${base}-${number}`)) return `${base}-${number}`
}

export function matches(session: Session, filter: string): boolean {
  const { name, project, title, foreground } = session
  const text = [name, project, commandText(session), title, foreground, stateOf(session)].join(' ').toLowerCase()
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}
