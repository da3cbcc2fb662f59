// After tmux or the machine has gone down: one button brings every lost agent back, shows how far it is, and says what became of each.
import { History, X } from 'lucide-react'
import { useState } from 'react'
import { useServices } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Notice, useTelling } from '../ui/feedback.tsx'
import { counted } from '../ui/text.ts'
import { resumeFleet, type FleetResult, type Unseen } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'
import { leftOver, lostAgents, progressOf, unseenIn } from './bring_back_words.ts'
import { leaveAlone, readLeftAlone } from './preferences.ts'
import { ReviewDialog } from './settings_review.tsx'
import './bring_back.css'

function Failures({ results }: { results: readonly FleetResult[] }) {
  return (
    <ul className="bring-back-failures" aria-label="Not back">
      {results.map(({ session, name, error }) => (
        <li key={session}>
          <strong>{name}</strong>: {error?.message ?? 'It did not start.'}
        </li>
      ))}
    </ul>
  )
}

function useBringBack(lost: readonly Session[]) {
  const { http } = useServices()
  const { tell } = useTelling()
  // The ids that are on their way; null: nothing is.
  const [asked, setAsked] = useState<readonly string[] | null>(null)
  const [failed, setFailed] = useState<readonly FleetResult[]>([])
  const [accepted, setAccepted] = useState<readonly string[]>([])
  const [reviewing, setReviewing] = useState<Unseen | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const bring = async (digests: readonly string[]) => {
    const ids = lost.map(({ id }) => id)
    if (asked !== null || ids.length === 0) return
    setAsked(ids)
    setFault(null)
    setFailed([])
    try {
      const results = await resumeFleet(http, ids, digests)
      const back = results.length - leftOver(results).length
      setFailed(leftOver(results))
      setReviewing(unseenIn(results))
      tell(`${back} of ${counted(results.length, 'agent')} ${back === 1 ? 'is' : 'are'} back.`, back === results.length ? 'good' : 'warning')
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error))
    }
    setAsked(null)
  }
  const accept = () => {
    if (reviewing === null) return
    const all = [...accepted, reviewing.digest]
    setAccepted(all)
    setReviewing(null)
    void bring(all)
  }
  return { asked, failed, reviewing, fault, bring: () => void bring(accepted), accept, back: () => setReviewing(null) }
}

export function BringBack({ sessions }: { sessions: readonly Session[] }) {
  const [left, setLeft] = useState(readLeftAlone)
  const lost = lostAgents(sessions, left)
  const { asked, failed, reviewing, fault, bring, accept, back } = useBringBack(lost)
  if (lost.length === 0 && asked === null) return null
  const progress = asked === null ? null : progressOf(asked, sessions)
  const one = lost.length === 1
  return (
    <div className="bring-back">
      <Notice
        tone="warning"
        actions={
          <>
          <Button kind="primary" busy={asked !== null} icon={<History size={16} aria-hidden />} onClick={bring}>
            {one ? 'Bring it back' : `Bring ${asked?.length ?? lost.length} back`}
          </Button>
          {asked === null && (
            <IconButton
              label={one ? 'Leave it as it is' : 'Leave them as they are'}
              icon={<X size={16} aria-hidden />}
              onClick={() => setLeft(leaveAlone(lost.map(({ id }) => id)))}
            />
          )}
          </>
        }
      >
        {progress === null ? (
          <p>
            <strong>
              {counted(lost.length, 'agent')} went down with tmux or the machine.
            </strong>{' '}
            Nothing was deleted: {one ? 'it goes' : 'each goes'} on with its own conversation, in its folder.
          </p>
        ) : (
          <p className="bring-back-progress" role="status">
            <span>
              Back: {progress.back} of {progress.all}
            </span>
            <progress max={progress.all} value={progress.back} aria-label="Agents that are back" />
          </p>
        )}
        {failed.length > 0 && <Failures results={failed} />}
        {fault !== null && <p role="alert">They could not be brought back. {fault}</p>}
      </Notice>
      {reviewing !== null && (
        <ReviewDialog unseen={reviewing} busy={asked !== null} verb="Accept and bring back" onAccept={accept} onBack={back} onClose={back} />
      )}
    </div>
  )
}
