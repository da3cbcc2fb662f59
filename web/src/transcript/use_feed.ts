// A transcript's feed while a component is on the page.
import { useEffect, useState } from 'react'
import type { Http } from '../wire/http.ts'
import { readTranscript, type TranscriptName } from '../wire/transcript.ts'
import type { Transcripts } from '../wire/transcripts.ts'
import { TranscriptFeed, type FeedView } from './feed.ts'

// `begin` says what is loaded first; the end when it does not.
export function useFeed(
  http: Http,
  transcripts: Transcripts,
  session: string,
  agent: string | null,
  begin?: (feed: TranscriptFeed) => void,
): [TranscriptFeed | null, FeedView | null] {
  const [feed, setFeed] = useState<TranscriptFeed | null>(null)
  const [view, setView] = useState<FeedView | null>(null)
  useEffect(() => {
    const name: TranscriptName = { session, agent }
    const mine = new TranscriptFeed({ read: (place, limit) => readTranscript(http, name, place, limit), onChange: setView })
    setFeed(mine)
    setView(mine.current())
    if (begin === undefined) mine.toEnd()
    else begin(mine)
    const stop = transcripts.watch(name, (growth) => mine.grown(growth))
    return () => {
      stop()
      mine.dispose()
    }
    // What is loaded first is asked once.
  }, [http, transcripts, session, agent])
  return [feed, view]
}
