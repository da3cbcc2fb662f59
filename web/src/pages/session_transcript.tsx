// The transcript of one session, with the way to the terminal as it was at a message.
import { useCallback, useState } from 'react'
import { useServices } from '../services.tsx'
import { MomentDialog } from '../transcript/moment_dialog.tsx'
import { TranscriptView } from '../transcript/transcript_view.tsx'
import type { Micros, Session } from '../wire/types.ts'
import { addressOf } from './router.tsx'

export function SessionTranscript({ session, line }: { session: Session; line: number | null }) {
  const { http, wire } = useServices()
  const [moment, setMoment] = useState<Micros | null>(null)
  const [wanted, setWanted] = useState<{ at: Micros; number: number } | null>(null)
  const linkTo = useCallback(
    (offset: number) => addressOf({ kind: 'session', name: session.name, tab: 'transcript', path: null, line: offset }),
    [session.name],
  )
  return (
    <>
      <TranscriptView
        http={http}
        transcripts={wire.transcripts}
        session={session.id}
        project={session.project}
        active={session.status === 'active'}
        line={line}
        linkTo={linkTo}
        onMoment={setMoment}
        wanted={wanted}
      />
      {moment !== null && (
        <MomentDialog
          http={http}
          session={session.id}
          at={moment}
          onMessage={(at) => {
            setMoment(null)
            setWanted((before) => ({ at, number: (before?.number ?? 0) + 1 }))
          }}
          onClose={() => setMoment(null)}
        />
      )}
    </>
  )
}
