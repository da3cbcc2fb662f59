// The states of a session and of the connection: each a shape, a word and a colour.
import {
  CircleAlert,
  CircleCheckBig,
  CircleDashed,
  CircleDot,
  CirclePause,
  CirclePlay,
  CircleQuestionMark,
  CloudOff,
  FastForward,
  Hand,
  Hourglass,
  LoaderCircle,
  RefreshCw,
  SquareCheck,
  Unplug,
  type LucideIcon,
} from 'lucide-react'
import type { ReactNode } from 'react'

export type StateName =
  | 'starting'
  | 'working'
  | 'permission'
  | 'question'
  | 'done'
  | 'idle'
  | 'limited'
  | 'unknown'
  | 'ended'
  | 'failed'
  | 'lost'

interface Look {
  icon: LucideIcon
  word: string
  meaning: string
}

const kStates: Record<StateName, Look> = {
  starting: { icon: LoaderCircle, word: 'starting', meaning: 'The agent has not said anything yet.' },
  working: { icon: CirclePlay, word: 'working', meaning: 'It works, and needs nobody.' },
  permission: { icon: Hand, word: 'needs permission', meaning: 'The agent waits until somebody allows or denies what it asks for.' },
  question: { icon: CircleQuestionMark, word: 'asks you', meaning: 'The agent waits for an answer.' },
  done: { icon: CircleCheckBig, word: 'done', meaning: 'The agent has finished, and nobody has looked since.' },
  limited: { icon: Hourglass, word: 'limited', meaning: 'The usage limit is reached.' },
  idle: { icon: CirclePause, word: 'idle', meaning: 'The program waits for input.' },
  unknown: { icon: CircleDashed, word: 'unknown', meaning: 'The program runs; what it does is not known.' },
  ended: { icon: SquareCheck, word: 'ended', meaning: 'The program ended by itself or was ended.' },
  failed: { icon: CircleAlert, word: 'failed', meaning: 'It ended, or its turn ended, with an error.' },
  lost: { icon: Unplug, word: 'lost', meaning: 'The terminal server it ran in is gone. Its record is kept.' },
}

export const stateWord = (state: StateName): string => kStates[state].word

interface StateMarkProps {
  state: StateName
  wordless?: boolean
  // Behind the word: "until 14:20".
  more?: string
  // In place of what the state means in general.
  meaning?: string
}

export function StateMark({ state, wordless = false, more, meaning: special }: StateMarkProps) {
  const { icon: Icon, word, meaning } = kStates[state]
  return (
    <span className={`state ${state}`} title={special ?? meaning}>
      <Icon size={16} aria-hidden />
      <span className={wordless ? 'only-heard' : undefined}>
        {word}
        {more !== undefined && ` ${more}`}
      </span>
    </span>
  )
}

export type ConnectionName = 'live' | 'catching up' | 'connecting' | 'reconnecting' | 'offline'

const kConnections: Record<ConnectionName, { icon: LucideIcon; meaning: string }> = {
  live: { icon: CircleDot, meaning: 'What you see is what is.' },
  'catching up': { icon: FastForward, meaning: 'Connected; output from the meantime is still arriving.' },
  connecting: { icon: RefreshCw, meaning: 'Connecting to the dashboard.' },
  reconnecting: { icon: RefreshCw, meaning: 'The connection was lost and is being made again.' },
  offline: { icon: CloudOff, meaning: 'There is no connection. What you see may be old.' },
}

export function ConnectionLine({ connection, children }: { connection: ConnectionName; children?: ReactNode }) {
  const { icon: Icon, meaning } = kConnections[connection]
  return (
    <span
      className={`connection ${connection.split(' ')[0]}`}
      role="status"
      aria-label="Connection"
      title={meaning}
      data-connection={connection}
    >
      <Icon size={14} aria-hidden />
      {connection}
      {children}
    </span>
  )
}
