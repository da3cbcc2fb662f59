// What waits, where it is seen without looking for it: the strip on the fleet, the banner in a session, the page's title and icon, a sound.
import { ChevronDown, ChevronUp } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useAttention, useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { useTelling } from '../ui/feedback.tsx'
import { answerAttention } from '../wire/attention.ts'
import type { AttentionItem, Session, User } from '../wire/types.ts'
import { isQuiet } from '../wire/quiet.ts'
import { setWaiting, useVisible } from './hooks.ts'
import { useNotifyOverview } from './notification_signals.ts'
import { tidyNotifications } from './push_browser.ts'
import { Request } from './request.tsx'
import { askWords, isRequest } from './request_words.ts'
import { addressOf, Link } from './router.tsx'
import { playSound } from './sound.ts'

const kShown = 3

export function AttentionStrip() {
  const { items } = useAttention()
  const requests = items.filter(isRequest)
  const rest = requests.length - kShown
  if (requests.length === 0) return null
  return (
    <section className="attention-strip" aria-label="Waits for you">
      <h2>
        Waits for you <span className="count">{requests.length}</span>
      </h2>
      {requests.slice(0, kShown).map((item) => (
        <Request key={item.id} item={item} />
      ))}
      {rest > 0 && (
        <p className="attention-more">
          <Link href={addressOf({ kind: 'inbox' })}>
            {rest} more in the inbox
          </Link>
        </p>
      )}
    </section>
  )
}

// Over the terminal, which keeps its size: what this agent asks. Folded, the screen under it is to be seen.
export function SessionRequests({ session }: { session: Session }) {
  const { items } = useAttention()
  const [folded, setFolded] = useState(false)
  const requests = items.filter((item) => item.session === session.id && isRequest(item))
  const none = requests.length === 0
  // What comes next is shown.
  if (none && folded) setFolded(false)
  if (none) return null
  return (
    <section className={`session-requests ${folded ? 'folded' : ''}`} aria-label="Waits for you">
      <header>
        <h2>
          Waits for you <span className="count">{requests.length}</span>
        </h2>
        <Button
          small
          kind="quiet"
          icon={folded ? <ChevronDown size={16} aria-hidden /> : <ChevronUp size={16} aria-hidden />}
          aria-expanded={!folded}
          onClick={() => setFolded(!folded)}
        >
          {folded ? 'Show' : 'Fold'}
        </Button>
      </header>
      {!folded && requests.map((item) => <Request key={item.id} item={item} inSession />)}
    </section>
  )
}

// Who looks at a session has seen what it has to tell.
const kSeenAfterMs = 800

export function useSeen(session: Session, user: User): void {
  const { http } = useServices()
  const { items } = useAttention()
  const visible = useVisible()
  const news = items.filter((item) => item.session === session.id && !isRequest(item)).map(({ id }) => id).join(' ')
  useEffect(() => {
    if (!visible || news === '' || user.role === 'viewer') return
    const timer = setTimeout(() => {
      // It may have gone by itself meanwhile.
      for (const id of news.split(' ')) answerAttention(http, id, { decision: 'seen' }).catch(() => undefined)
    }, kSeenAfterMs)
    return () => clearTimeout(timer)
  }, [http, news, visible, user.role])
}

export const useWaitingCount = (): number => useAttention().items.filter(isRequest).length

const spoken = (item: AttentionItem) => `${item.session_name} ${askWords(item)}${item.summary === '' ? '' : `: ${item.summary}`}`

// Of all tabs of a browser one sounds, and many things at once are one sound.
const kSoundLock = 'ccd.sound'
const kSoundPauseMs = 1_500

async function soundOnce(): Promise<void> {
  // Absent outside secure contexts.
  if (!('locks' in navigator)) return void (await playSound())
  await navigator.locks.request(kSoundLock, { ifAvailable: true }, async (lock) => {
    if (lock !== null && (await playSound())) await new Promise((resolve) => setTimeout(resolve, kSoundPauseMs))
  })
}

// The installed page's icon says how many agents wait; what stands on the screen as a notification and is over goes.
function useBadge(): void {
  const { items, loaded } = useAttention()
  useEffect(() => {
    if (!loaded) return
    const count = items.filter(isRequest).length
    if ('setAppBadge' in navigator) {
      // Where the page is not installed there is nothing to carry it.
      const shown = count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()
      shown.catch(() => undefined)
    }
    tidyNotifications(new Set(items.map(({ id }) => id))).catch(() => undefined)
  }, [items, loaded])
}

// Joins the inbox with what is around the page: its title and icon, speech, and a sound for who wants one.
export function useAttentionSignals(): void {
  const { attention } = useServices().wire
  const { say } = useTelling()
  const waiting = useWaitingCount()
  const wanted = useNotifyOverview().data?.preferences
  useBadge()
  useEffect(() => setWaiting(waiting), [waiting])
  useEffect(
    () =>
      attention.onOpened((item) => {
        if (isRequest(item)) say(spoken(item))
        if (wanted?.sound.includes(item.kind) === true && !isQuiet(wanted.quiet, new Date())) soundOnce().catch(() => undefined)
      }),
    [attention, say, wanted],
  )
}
