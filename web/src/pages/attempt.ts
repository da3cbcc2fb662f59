// Starting something of a session that may have to be looked at first: under way, refused, or its settings to be seen.
import { useState } from 'react'
import { useServices } from '../services.tsx'
import { unseenOf, type Unseen } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'

export function useAttempt(run: (accepted: Unseen | null) => Promise<Session>, done: (session: Session) => void) {
  const { wire } = useServices()
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<string | null>(null)
  const [unseen, setUnseen] = useState<Unseen | null>(null)
  const attempt = async (accepted: Unseen | null) => {
    if (busy) return
    setBusy(true)
    setFault(null)
    try {
      const session = await run(accepted)
      wire.fleet.upsert(session)
      setUnseen(null)
      done(session)
    } catch (error) {
      const asked = unseenOf(error)
      setUnseen(asked)
      if (asked === null) setFault(error instanceof Error ? error.message : String(error))
    }
    setBusy(false)
  }
  return {
    busy,
    fault,
    unseen,
    start: () => void attempt(null),
    accept: () => void attempt(unseen),
    back: () => setUnseen(null),
  }
}
