// Past conversations of Claude Code on this machine: found, gone on with, or copied into a new session.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { CirclePlay, Folder, GitBranch, GitFork, MessageSquareText, MessagesSquare, Search } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { useFleet, useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Empty, Notice, Waiting } from '../ui/feedback.tsx'
import { counted, lastPart } from '../ui/text.ts'
import { Ago, exactTime } from '../ui/time.tsx'
import { listConversations, resumeSession, startSession, type Conversation, type Unseen } from '../wire/lifecycle.ts'
import type { Session, User } from '../wire/types.ts'
import { useAttempt } from './attempt.ts'
import { matchesConversation, titleOf, wayOf, type Way } from './conversation_words.ts'
import { useTitle } from './hooks.ts'
import { openSession, paneSize } from './new_session.tsx'
import { addressOf, Link } from './router.tsx'
import { nameFor } from './session_words.ts'
import { ReviewDialog } from './settings_review.tsx'
import './conversations.css'

// As many as are read at once; most people look for one of the last days.
const kFirst = 100
const kMost = 1000

function Facts({ conversation }: { conversation: Conversation }) {
  const { project, branch, messages, messages_estimated: about, last_activity: at } = conversation
  return (
    <div className="conversation-facts">
      {project !== null && (
        <span className="fact clip" title={project}>
          <Folder size={14} aria-hidden />
          <span className="clip">{lastPart(project)}</span>
        </span>
      )}
      {branch !== null && branch !== '' && (
        <span className="fact clip" title={`Branch ${branch}`}>
          <GitBranch size={14} aria-hidden />
          <span className="clip">{branch}</span>
        </span>
      )}
      <span className="fact">
        <MessageSquareText size={14} aria-hidden />
        {about && 'about '}
        {counted(messages, 'message')}
      </span>
      <span className="fact" title={`Last activity ${exactTime(at)}`}>
        <Ago micros={at} />
      </span>
    </div>
  )
}

function WayLine({ way }: { way: Way }) {
  if (way.kind === 'not') return <p className="conversation-way">{way.why}</p>
  if (way.kind === 'elsewhere') return <p className="conversation-way">Open outside of the dashboard: {way.where}.</p>
  if (way.kind === 'again') return <p className="conversation-way">Last in the session {way.session.name}.</p>
  return null
}

interface RowProps {
  conversation: Conversation
  sessions: readonly Session[]
  onChanged: () => void
}

function useActs({ conversation, sessions, onChanged }: RowProps, way: Way) {
  const { http } = useServices()
  const taken = new Set(sessions.filter(({ status }) => status === 'active').map(({ name }) => name))
  const started = (session: Session) => {
    onChanged()
    openSession(session)
  }
  const wish = (accepted: Unseen | null) => ({
    name: nameFor(conversation.project ?? 'session', taken),
    conversation: conversation.id,
    ...paneSize(),
    ...(accepted === null ? {} : { accept_settings: accepted.digest }),
  })
  const resume = useAttempt(
    (accepted) => (way.kind === 'again' ? resumeSession(http, way.session.id, accepted?.digest) : startSession(http, wish(accepted))),
    started,
  )
  const fork = useAttempt((accepted) => startSession(http, { ...wish(accepted), fork: true }), started)
  return { resume, fork }
}

function Row(props: RowProps) {
  const { conversation, sessions } = props
  const way = wayOf(conversation, sessions)
  const { resume, fork } = useActs(props, way)
  const title = titleOf(conversation)
  const asked = resume.unseen !== null ? resume : fork.unseen !== null ? fork : null
  const failed = resume.fault !== null ? resume : fork.fault !== null ? fork : null
  return (
    <li className="conversation">
      <div className="conversation-words">
        <h2 className="clip" title={title}>
          {title}
        </h2>
        <Facts conversation={conversation} />
        <WayLine way={way} />
      </div>
      <div className="conversation-acts">
        {way.kind === 'open' && (
          <Link
            className="button small"
            href={addressOf({ kind: 'session', name: way.session.name, tab: 'terminal', path: null })}
            aria-label={`Open ${way.session.name}`}
          >
            Open {way.session.name}
          </Link>
        )}
        {(way.kind === 'again' || way.kind === 'start') && (
          <Button small busy={resume.busy} icon={<CirclePlay size={16} aria-hidden />} aria-label={`Resume: ${title}`} onClick={resume.start}>
            Resume
          </Button>
        )}
        {way.kind !== 'not' && (
          <Button small kind="quiet" busy={fork.busy} icon={<GitFork size={16} aria-hidden />} aria-label={`Fork: ${title}`} onClick={fork.start}>
            Fork
          </Button>
        )}
      </div>
      {failed !== null && (
        <Dialog title="It did not start" onClose={failed.back} footer={<Button onClick={failed.back}>Close</Button>}>
          <Notice tone="danger">{failed.fault}</Notice>
        </Dialog>
      )}
      {asked?.unseen && (
        <ReviewDialog unseen={asked.unseen} busy={asked.busy} verb="Accept and start" onAccept={asked.accept} onBack={asked.back} onClose={asked.back} />
      )}
    </li>
  )
}

export function ConversationsPage({ user }: { user: User }) {
  useTitle('Past conversations')
  const { http } = useServices()
  const { sessions } = useFleet()
  const [limit, setLimit] = useState(kFirst)
  const [filter, setFilter] = useState('')
  const words = useDeferredValue(filter.trim())
  const mayStart = user.role !== 'viewer'
  const read = useQuery({
    queryKey: ['conversations', limit],
    queryFn: () => listConversations(http, limit),
    placeholderData: keepPreviousData,
    staleTime: 0,
    enabled: mayStart,
  })
  const all = read.data?.conversations ?? []
  const shown = all.filter((conversation) => matchesConversation(conversation, words))
  return (
    <>
      <header className="page-head">
        <h1>Past conversations</h1>
        {all.length > 0 && (
          <div className="with-icon conversations-filter push">
            <Search size={16} aria-hidden />
            <input
              className="input"
              type="search"
              aria-label="Filter conversations"
              placeholder="Filter"
              spellCheck={false}
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
          </div>
        )}
      </header>
      <div className="conversations">
        {!mayStart && <Notice>Who may only watch sees no conversations here: they can be started again from this list.</Notice>}
        {read.isError && (
          <Notice tone="danger" actions={<Button small onClick={() => void read.refetch()}>Try again</Button>}>
            The conversations could not be read. {read.error.message}
          </Notice>
        )}
        {mayStart && read.isPending && <Waiting what="the conversations on this machine" />}
        {read.isSuccess && all.length === 0 && (
          <Empty icon={<MessagesSquare size={28} aria-hidden />} title="No conversations yet">
            <p>Every conversation of Claude Code on this machine appears here, also those that were begun without the dashboard.</p>
            <Link className="button" href="/">
              To the fleet
            </Link>
          </Empty>
        )}
        {all.length > 0 && shown.length === 0 && (
          <Empty icon={<Search size={28} aria-hidden />} title="Nothing matches">
            <Button onClick={() => setFilter('')}>Clear the filter</Button>
          </Empty>
        )}
        {shown.length > 0 && (
          <ul className="conversation-list">
            {shown.map((conversation) => (
              <Row key={conversation.id} conversation={conversation} sessions={sessions} onChanged={() => void read.refetch()} />
            ))}
          </ul>
        )}
        {read.data?.truncated === true && limit < kMost && (
          <Button busy={read.isFetching} onClick={() => setLimit(Math.min(limit * 3, kMost))}>
            Show older ones
          </Button>
        )}
        {read.data?.truncated === true && limit >= kMost && <p className="conversation-way">The newest {kMost} are shown.</p>}
      </div>
    </>
  )
}
