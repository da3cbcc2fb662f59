// What the rows of a transcript share.
import { createContext, useContext } from 'react'
import type { Http } from '../wire/http.ts'
import type { Subagent, TranscriptName } from '../wire/transcript.ts'
import type { Transcripts } from '../wire/transcripts.ts'
import type { Micros } from '../wire/types.ts'

export interface TranscriptServices {
  http: Http
  transcripts: Transcripts
  name: TranscriptName
  // How many conversations this one is inside of.
  depth: number
  // The folder it works in: paths below it are shown by their shorter names.
  project: string
  // By the call that started them.
  subagents: ReadonlyMap<string, Subagent>
  // The conversation goes on: what was called last may still run.
  running: boolean
  // Shows the terminal as it was then; null where there is no record.
  onMoment: ((at: Micros) => void) | null
  // An address that leads to the line; null inside of a subagent's conversation.
  linkTo: ((offset: number) => string) | null
}

const Context = createContext<TranscriptServices | null>(null)
export const TranscriptProvider = Context

export function useTranscript(): TranscriptServices {
  const services = useContext(Context)
  if (services === null) throw new Error('useTranscript() outside of TranscriptProvider')
  return services
}
