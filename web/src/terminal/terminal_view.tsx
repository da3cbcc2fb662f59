// The terminal with what belongs to it: search, notices about input and size, and on small screens keys and a composer.
import { ArrowDown, ImageUp } from 'lucide-react'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { useIsDark } from '../ui/theme.ts'
import type { Session } from '../wire/types.ts'
import { AskDialog } from './ask_dialog.tsx'
import { Composer } from './composer.tsx'
import type { TerminalController } from './controller.ts'
import { KeyBar } from './key_bar.tsx'
import { ReadingView, type ReadingSource } from './reading_view.tsx'
import { SearchBar } from './search_bar.tsx'
import { Ended, Fetching, Strips } from './strips.tsx'
import './terminal.css'

// JetBrains Mono is 0.6 of its size wide and a cell is whole device pixels, rounded down: at these sizes that is 8 px
// on a desk's screen and 7.5 px on a phone's, with nothing cut off the letters. About 150 columns on a desk, 50 on a
// phone.
const kFontDesk = 13.4
const kFontPhone = 12.5

interface TerminalViewProps {
  controller: TerminalController
  session: Session
  // Narrow screens type in the composer and get a bar of keys.
  phone: boolean
  screenReader: boolean
  // Whether what is typed is shown before the program echoes it.
  echo: boolean
  // Shown as text to read instead of as a terminal.
  reading: ReadingSource | null
  // Not for who may only watch.
  mayType: boolean
}

export function TerminalView({ controller, session, phone, screenReader, echo, reading, mayType }: TerminalViewProps) {
  const root = useRef<HTMLElement>(null)
  const element = useRef<HTMLDivElement>(null)
  const state = useSyncExternalStore(controller.subscribe, controller.current)
  const dark = useIsDark()
  const takesKeys = mayType && session.status === 'active'
  const font = phone ? kFontPhone : kFontDesk
  const look = { dark, font, screenReader }
  const firstLook = useRef(look)

  useEffect(() => {
    if (root.current !== null && element.current !== null) {
      void controller.start(root.current, element.current, firstLook.current)
    }
  }, [controller])
  useEffect(() => controller.setLook({ dark, font, screenReader }), [controller, dark, font, screenReader])
  useEffect(() => controller.setEcho(echo), [controller, echo])
  useEffect(() => controller.setTakesKeys(takesKeys), [controller, takesKeys])

  return (
    <section
      ref={root}
      className="terminal"
      aria-label="Terminal"
      data-terminal
      data-yours={state.yours}
    >
      <div className="terminal-room">
        <div ref={element} className="terminal-screen" hidden={reading !== null} />
        {reading !== null && (
          <ReadingView source={reading} cols={state.pane.cols} fullScreen={state.fullScreen} dark={dark} font={font} />
        )}
        <div className="terminal-over">
          <Strips controller={controller} state={state} active={session.status === 'active'} />
          {state.fetching && <Fetching />}
          {state.finding && <SearchBar controller={controller} found={state.found} />}
        </div>
        {state.dragging && (
          <p className="drop-here" aria-hidden>
            <ImageUp size={20} aria-hidden />
            Drop images: each becomes a file, and its path is typed
          </p>
        )}
        {state.below && reading === null && (
          <button type="button" className="below" onClick={() => controller.toBottom()}>
            <ArrowDown size={14} aria-hidden />
            New output below
          </button>
        )}
      </div>
      {session.status !== 'active' && <Ended session={session} />}
      {(phone || reading !== null) && takesKeys && (
        <div className="terminal-thumb">
          {phone && <KeyBar controller={controller} ctrl={state.ctrl} />}
          <Composer controller={controller} ctrl={state.ctrl} />
        </div>
      )}
      {state.ask !== null && <AskDialog ask={state.ask} onAnswer={(yes) => controller.answer(yes)} />}
    </section>
  )
}
