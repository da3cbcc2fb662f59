// The states of a session and of the connection: each a shape, a word and a colour.
import {
  CircleDashed,
  CircleDot,
  CirclePause,
  CirclePlay,
  CloudOff,
  FastForward,
  RefreshCw,
  SquareCheck,
  SquareX,
  Unplug,
  type LucideIcon,
} from 'lucide-react'
import type { ReactNode } from 'react'

export type StateName = 'working' | 'idle' | 'unknown' | 'ended' | 'failed' | 'lost'

interface Look {
  icon: LucideIcon
  word: string
  meaning: string
}

const kStates: Record<StateName, Look> = {
  working: { icon: CirclePlay, word: 'working', meaning: 'The program is producing output.' },
  idle: { icon: CirclePause, word: 'idle', meaning: 'The program waits for input.' },
  unknown: { icon: CircleDashed, word: 'unknown', meaning: 'The program runs; what it does is not known.' },
  ended: { icon: SquareCheck, word: 'ended', meaning: 'The program ended by itself or was ended.' },
  failed: { icon: SquareX, word: 'failed', meaning: 'The program ended with an error.' },
  lost: { icon: Unplug, word: 'lost', meaning: 'The terminal server it ran in is gone. Its record is kept.' },
}

export const stateWord = (state: StateName): string => kStates[state].word

export function StateMark({ state, wordless = false }: { state: StateName; wordless?: boolean }) {
  const { icon: Icon, word, meaning } = kStates[state]
  return (
    <span className={`state ${state}`} title={meaning}>
      <Icon size={16} aria-hidden />
      <span className={wordless ? 'only-heard' : undefined}>{word}</span>
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
