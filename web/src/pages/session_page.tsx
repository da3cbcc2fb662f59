// One session: its header, its terminal and its files.
import { Ghost } from 'lucide-react'
import { lazy, Suspense, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { locks, useFleet, useServices } from '../services.tsx'
import { TerminalController } from '../terminal/controller.ts'
import type { ReadingSource } from '../terminal/reading_view.tsx'
import { TerminalView } from '../terminal/terminal_view.tsx'
import { Empty, Notice, useTelling, Waiting } from '../ui/feedback.tsx'
import { stateWord } from '../ui/states.tsx'
import { readLines } from '../wire/api.ts'
import { sessionByName } from '../wire/fleet.ts'
import { uploadImage } from '../wire/upload.ts'
import type { Person, Session, User } from '../wire/types.ts'
import { SessionRequests, useSeen } from './attention.tsx'
import { FilesView } from './files_view.tsx'
import { useHasRoomForTwo, useIsPhone, useSwipe, useTitle } from './hooks.ts'
import { useEcho, useReading, useScreenReader, useSplit } from './preferences.ts'
import { addressOf, go, Link, type Place, type SessionTab } from './router.tsx'
import { Typing } from './people.tsx'
import { PromptBox } from './prompt_box.tsx'
import { SessionHead } from './session_head.tsx'
import { stateOf } from './session_words.ts'
import { SessionTabs, SplitSwitch, tabId, tabsOf, TerminalTools } from './session_tabs.tsx'
import './session.css'

// Not needed for the terminal, which comes first.
const SessionTranscript = lazy(() => import('./session_transcript.tsx').then((module) => ({ default: module.SessionTranscript })))

type SessionPlace = Extract<Place, { kind: 'session' }>

export function SessionPage({ place, user }: { place: SessionPlace; user: User }) {
  const { sessions, loaded, error } = useFleet()
  const found = sessionByName(sessions, place.name)
  // Renamed while it is open: the address follows.
  const open = useRef<string | null>(null)
  const known = sessions.find((session) => session.id === open.current) ?? null
  const session = found ?? known
  const { tab, path, line = null } = place
  useEffect(() => {
    open.current = session?.id ?? null
    if (found === null && known !== null) go(addressOf({ kind: 'session', name: known.name, tab, path, line }), true)
  }, [session, found, known, tab, path, line])

  if (session !== null) return <OneSession key={session.id} session={session} place={place} user={user} />
  if (!loaded && error === null) return <Waiting what="the list of sessions" />
  if (!loaded) return <Notice tone="danger">{error}</Notice>
  return <NoSession name={place.name} />
}

function NoSession({ name }: { name: string }) {
  useTitle('No such session')
  return (
    <Empty whole icon={<Ghost size={28} aria-hidden />} title={`There is no session “${name}”`}>
      <p>It may have been renamed, or the address was mistyped.</p>
      <Link className="button" href="/">
        To the fleet
      </Link>
    </Empty>
  )
}

// The page's keys inside the terminal, which otherwise gets every key.
function shortcutOf(controller: () => TerminalController | null) {
  return (event: KeyboardEvent): boolean => {
    if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.altKey) return false
    switch (event.code) {
      case 'KeyF':
        controller()?.startFind()
        return true
      case 'KeyC':
        document.execCommand('copy')
        return true
      case 'ArrowUp':
        document.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus()
        return true
      default:
        return false
    }
  }
}

function useController(session: Session, user: User): TerminalController | null {
  const { wire, http } = useServices()
  const [controller, setController] = useState<TerminalController | null>(null)
  // A controller lives as long as its session is on the page; later news about the session reach it otherwise.
  const first = useRef(session)
  useEffect(() => {
    let mine: TerminalController | null = null
    const shortcut = shortcutOf(() => mine)
    mine = new TerminalController({
      wire,
      session: first.current,
      user: user.id,
      shelf: sessionStorage,
      locks,
      shortcut,
      sendImage: (file, onProgress, signal) =>
        uploadImage(http, { session: first.current.id, file, name: file.name, onProgress, signal }),
    })
    setController(mine)
    return () => mine?.dispose()
  }, [wire, http, user.id])
  return controller
}

function useReadingSource(id: string): ReadingSource {
  const { wire, http } = useServices()
  return useMemo(
    () => ({
      lines: (from, count) => readLines(http, id, from, count),
      watch: (changed) => {
        const leave = wire.thumbs.watch(id)
        const stop = wire.thumbs.subscribe(id, changed)
        return () => {
          leave()
          stop()
        }
      },
      screen: () => wire.thumbs.current(id),
    }),
    [wire, http, id],
  )
}

function useAnnouncedState(session: Session): void {
  const { say } = useTelling()
  const state = stateOf(session)
  const before = useRef(state)
  useEffect(() => {
    if (before.current !== state) say(`${session.name}: ${stateWord(state)}`)
    before.current = state
  }, [state, session.name, say])
}

function OneSession({ session, place, user }: { session: Session; place: SessionPlace; user: User }) {
  const controller = useController(session, user)
  useTitle(`${session.name}, ${stateWord(stateOf(session))}`)
  useAnnouncedState(session)
  useSeen(session, user)
  if (controller === null) return null
  return <WithTerminal session={session} place={place} controller={controller} mayType={user.role !== 'viewer'} />
}

const kNobody: readonly Person[] = []

interface WithTerminalProps {
  session: Session
  place: SessionPlace
  controller: TerminalController
  mayType: boolean
}

function WithTerminal({ session, place, controller, mayType }: WithTerminalProps) {
  const phone = useIsPhone()
  const [screenReader] = useScreenReader()
  const [echo] = useEcho()
  const [reading, setReading] = useReading()
  const source = useReadingSource(session.id)
  const isText = reading === 'reading'
  const body = useRef<HTMLDivElement>(null)
  const state = useSyncExternalStore(controller.subscribe, controller.current)
  const people = state.channel?.people ?? kNobody
  const tabs = tabsOf(session)
  const tab = tabs.includes(place.tab) ? place.tab : 'terminal'
  const onTerminal = tab === 'terminal'
  const [split, setSplit] = useSplit()
  const maySplit = useHasRoomForTwo() && tabs.includes('transcript')
  const beside = maySplit && split === 'beside' && onTerminal
  const show = (to: SessionTab, path: string | null = null) => go(addressOf({ kind: 'session', name: session.name, tab: to, path }))

  useSwipe(body, (step) => {
    const next = tabs[tabs.indexOf(tab) + step]
    if (next !== undefined) show(next)
  })
  // Before the browser paints: there is no empty frame.
  useLayoutEffect(() => {
    if (onTerminal && !isText) controller.comesIntoView()
  }, [controller, onTerminal, isText])
  // On a desk the keys go to the terminal at once; on a phone that would bring up the keyboard.
  useEffect(() => {
    if (onTerminal && !phone && !isText) controller.focus()
  }, [controller, onTerminal, phone, isText])
  // The search key works wherever the focus is on this page.
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const wanted = event.code === 'KeyF' && event.shiftKey && (event.ctrlKey || event.metaKey) && !event.altKey
      if (!wanted || event.defaultPrevented || !onTerminal) return
      event.preventDefault()
      controller.startFind()
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [controller, onTerminal])

  return (
    <div className="session">
      <SessionHead
        session={session}
        pane={state.pane}
        connection={state.connection}
        controller={controller}
        phone={phone}
        people={people}
        mayType={mayType}
      />
      <SessionTabs
        session={session}
        tab={tab}
        tools={
          onTerminal && (
            <>
              {!phone && <Typing people={people} />}
              <TerminalTools
                controller={controller}
                yours={state.yours || !mayType || isText}
                phone={phone}
                reading={reading}
                onReading={setReading}
              />
              {maySplit && <SplitSwitch on={beside} onChange={(on) => setSplit(on ? 'beside' : 'alone')} />}
            </>
          )
        }
      />
      <div className="session-body" ref={body}>
        <SessionRequests session={session} />
        {phone && onTerminal && <Typing people={people} />}
        <div
          className="session-panel"
          role="tabpanel"
          aria-labelledby={tabId('terminal')}
          hidden={!onTerminal}
        >
          <TerminalView
            controller={controller}
            session={session}
            phone={phone}
            screenReader={screenReader}
            echo={echo === 'automatic'}
            reading={isText && onTerminal ? source : null}
            mayType={mayType}
          />
        </div>
        {(tab === 'transcript' || beside) && (
          <div
            className={`session-panel ${beside ? 'beside' : ''}`}
            {...(beside ? {} : { role: 'tabpanel', 'aria-labelledby': tabId('transcript') })}
          >
            <Suspense fallback={<Waiting what="the transcript" />}>
              <SessionTranscript session={session} line={place.line ?? null} />
            </Suspense>
          </div>
        )}
        {tab === 'files' && (
          <div className="session-panel" role="tabpanel" aria-labelledby={tabId('files')}>
            <FilesView root={session.project} path={place.path} onOpen={(path) => show('files', path)} />
          </div>
        )}
      </div>
      {session.agent !== null && session.status === 'active' && mayType && !(phone && onTerminal) && (
        <PromptBox session={session} agent={session.agent} />
      )}
    </div>
  )
}
