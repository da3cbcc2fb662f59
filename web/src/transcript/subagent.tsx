// The conversation of a subagent, folded below the call that started it.
import { Bot } from 'lucide-react'
import { useMemo } from 'react'
import { Button } from '../ui/button.tsx'
import { Notice, Waiting } from '../ui/feedback.tsx'
import { TranscriptProvider, useTranscript } from './context.ts'
import { EntryRow } from './entry_row.tsx'
import { Fold } from './pieces.tsx'
import { rowsOf } from './rows.ts'
import { useFeed } from './use_feed.ts'

// Conversations within conversations within conversations: deeper ones are not unfolded in place.
const kMaxDepth = 4

function Conversation({ agent }: { agent: string }) {
  const outer = useTranscript()
  const [feed, view] = useFeed(outer.http, outer.transcripts, outer.name.session, agent)
  const rows = useMemo(() => rowsOf(view?.runs ?? []), [view?.runs])
  const running = outer.running && view?.atTail === true
  const inner = useMemo(
    () => ({ ...outer, name: { session: outer.name.session, agent }, running, linkTo: null, depth: outer.depth + 1 }),
    [outer, agent, running],
  )
  if (view === null || view.phase === 'loading') return <Waiting what="the subagent’s conversation" />
  if (view.phase === 'none') return <p className="quiet">{view.reason}</p>
  if (view.phase === 'failed') {
    return (
      <Notice tone="danger" actions={<Button small onClick={() => feed?.again()}>Try again</Button>}>
        {view.error}
      </Notice>
    )
  }
  return (
    <TranscriptProvider value={inner}>
      {!view.atStart && (
        <Button small kind="quiet" busy={view.fetching === 'older'} onClick={() => feed?.older()}>
          Earlier messages
        </Button>
      )}
      {rows.length === 0 && <p className="quiet">Nothing has been said yet.</p>}
      {rows.map((row) => (
        <EntryRow key={row.key} row={row} />
      ))}
      {!view.atTail && (
        <Button small kind="quiet" busy={view.fetching === 'newer'} onClick={() => feed?.newer()}>
          Later messages
        </Button>
      )}
    </TranscriptProvider>
  )
}

export function SubagentFold({ id, agent }: { id: string; agent: string }) {
  const { depth } = useTranscript()
  if (depth >= kMaxDepth) return <p className="quiet">A conversation of its own, too deep to be shown here.</p>
  return (
    <Fold
      id={`${id}.agent`}
      className="subagent"
      line={
        <span className="thinking-line">
          <Bot size={14} aria-hidden />
          <span>What the subagent did</span>
        </span>
      }
    >
      {() => <Conversation agent={agent} />}
    </Fold>
  )
}
