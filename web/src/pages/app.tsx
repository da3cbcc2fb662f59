// The page: who is not logged in logs in; who is sees the place the address means.
import { Suspense, lazy, useEffect, useRef, useState } from 'react'
import { useFleet, useWho } from '../services.tsx'
import { Empty, useTelling, Waiting } from '../ui/feedback.tsx'
import { stateWord } from '../ui/states.tsx'
import type { User } from '../wire/types.ts'
import { MapPinOff } from 'lucide-react'
import { useAttentionSignals } from './attention.tsx'
import { Fleet } from './fleet.tsx'
import { isTyping, useTitle } from './hooks.ts'
import { Inbox } from './inbox.tsx'
import { KeyboardHelp } from './keyboard_help.tsx'
import { Login, Setup, Unreachable } from './login.tsx'
import { useNotifications } from './notification_signals.ts'
import { Rail } from './rail.tsx'
import { Link, usePlace } from './router.tsx'
import { stateOf } from './session_words.ts'
import './app.css'

// The terminal is most of the page's weight; logging in does not wait for it.
const loadSession = () => import('./session_page.tsx')
const SessionPage = lazy(() => loadSession().then((module) => ({ default: module.SessionPage })))
const NotificationsPage = lazy(() =>
  import('./notifications_page.tsx').then((module) => ({ default: module.NotificationsPage })),
)
const PromptsPage = lazy(() => import('./prompts_page.tsx').then((module) => ({ default: module.PromptsPage })))
const UsagePage = lazy(() => import('./usage_page.tsx').then((module) => ({ default: module.UsagePage })))
const ConversationsPage = lazy(() =>
  import('./conversations_page.tsx').then((module) => ({ default: module.ConversationsPage })),
)
const FilesPage = lazy(() => import('./files_page.tsx').then((module) => ({ default: module.FilesPage })))

export function App() {
  const who = useWho()
  switch (who.kind) {
    case 'loading':
      return <Waiting what="the dashboard" />
    case 'unreachable':
      return <Unreachable message={who.message} />
    case 'setup':
      return <Setup />
    case 'nobody':
      return <Login expired={who.expired} />
    case 'somebody':
      return <Inside key={who.user.id} user={who.user} />
  }
}

// Sessions that stop running are announced wherever one is on the page.
function useAnnouncedEnds(): void {
  const { sessions } = useFleet()
  const { say } = useTelling()
  const known = useRef(new Map<string, string>())
  useEffect(() => {
    for (const session of sessions) {
      const before = known.current.get(session.id)
      if (before === 'active' && session.status !== 'active') say(`${session.name}: ${stateWord(stateOf(session))}`)
      known.current.set(session.id, session.status)
    }
  }, [sessions, say])
}

function Nowhere() {
  useTitle('Nothing here')
  return (
    <Empty whole icon={<MapPinOff size={28} aria-hidden />} title="There is nothing at this address">
      <Link className="button" href="/">
        To the fleet
      </Link>
    </Empty>
  )
}

function Inside({ user }: { user: User }) {
  const place = usePlace()
  const [help, setHelp] = useState(false)
  useAnnouncedEnds()
  useAttentionSignals()
  useNotifications(user)
  useEffect(() => void loadSession(), [])
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== '?' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      event.preventDefault()
      setHelp(true)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [])
  return (
    <div className="shell" data-place={place.kind}>
      <Rail place={place} user={user} onHelp={() => setHelp(true)} />
      <main className="place">
        <Suspense fallback={<Waiting what="the rest of the page" />}>
          {place.kind === 'fleet' && <Fleet />}
          {place.kind === 'session' && <SessionPage place={place} user={user} />}
          {place.kind === 'files' && <FilesPage path={place.path} />}
          {place.kind === 'conversations' && <ConversationsPage user={user} />}
          {place.kind === 'notifications' && <NotificationsPage user={user} />}
          {place.kind === 'inbox' && <Inbox />}
          {place.kind === 'prompts' && <PromptsPage user={user} />}
          {place.kind === 'usage' && <UsagePage user={user} />}
          {place.kind === 'nowhere' && <Nowhere />}
        </Suspense>
      </main>
      {help && <KeyboardHelp onClose={() => setHelp(false)} />}
    </div>
  )
}
