// The terminal as it was at a time, read from its record. Nothing can be typed into the past.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ChevronLeft, ChevronRight, MessageSquareText } from 'lucide-react'
import { useState, type CSSProperties } from 'react'
import { Piece } from '../terminal/reading_view.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/feedback.tsx'
import { useIsDark } from '../ui/theme.ts'
import { exactTime } from '../ui/time.tsx'
import type { Http } from '../wire/http.ts'
import { readMoment, type Moment } from '../wire/transcript.ts'
import type { Micros } from '../wire/types.ts'
import { WaitingOrFailed } from './pieces.tsx'

const kSecond = 1_000_000
const kSteps = [
  { by: -60 * kSecond, label: 'One minute earlier', words: '−1 min' },
  { by: -5 * kSecond, label: 'Five seconds earlier', words: '−5 s' },
  { by: 5 * kSecond, label: 'Five seconds later', words: '+5 s' },
  { by: 60 * kSecond, label: 'One minute later', words: '+1 min' },
]

function Screen({ moment }: { moment: Moment }) {
  const dark = useIsDark()
  // As many columns as the dialog is wide, within what can be read.
  const style = { '--cols': moment.cols } as CSSProperties
  return (
    <div className="moment-screen" role="region" aria-label="Screen of that moment" tabIndex={0}>
      <div className="moment-rows mono" style={style}>
        {moment.lines.map((runs, y) => (
          <div key={y}>{runs.length === 0 ? '\u00a0' : runs.map((run, at) => <Piece key={at} run={run} dark={dark} />)}</div>
        ))}
      </div>
    </div>
  )
}

interface MomentDialogProps {
  http: Http
  session: string
  at: Micros
  // To the message of the time that is shown.
  onMessage: (at: Micros) => void
  onClose: () => void
}

export function MomentDialog({ http, session, at: first, onMessage, onClose }: MomentDialogProps) {
  const [at, setAt] = useState(first)
  const found = useQuery({
    queryKey: ['moment', session, at],
    queryFn: ({ signal }) => readMoment(http, session, at, signal),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })
  const moment = found.data
  const within = (time: Micros) => (moment === undefined ? time : Math.min(Math.max(time, moment.firstAt), moment.lastAt))
  return (
    <Dialog
      title="The terminal at this moment"
      wide
      onClose={onClose}
      footer={
        <>
          <Button icon={<MessageSquareText size={16} aria-hidden />} onClick={() => onMessage(at)}>
            Message of this moment
          </Button>
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <div className="moment-steps">
        {kSteps.map(({ by, label, words }, index) => (
          <Button
            key={by}
            small
            title={label}
            icon={index < 2 ? <ChevronLeft size={14} aria-hidden /> : undefined}
            disabled={moment === undefined || within(at + by) === at}
            onClick={() => setAt(within(at + by))}
          >
            {words}
            {index >= 2 && <ChevronRight size={14} aria-hidden />}
          </Button>
        ))}
        <time className="moment-time" dateTime={new Date(at / 1_000).toISOString()} aria-live="polite">
          {exactTime(at)}
        </time>
      </div>
      {found.isError ? (
        <WaitingOrFailed what="" error={found.error} onAgain={() => void found.refetch()} />
      ) : moment === undefined ? (
        <WaitingOrFailed what="the terminal’s record to be replayed" error={null} onAgain={() => undefined} />
      ) : (
        <>
          {!moment.exact && <Notice tone="warning">What came long before this moment is no longer kept: parts of the screen may be missing.</Notice>}
          <Screen moment={moment} />
        </>
      )}
    </Dialog>
  )
}

