// The terminal with what belongs to it: search, notices about input and size, and on small screens keys and a composer.
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { Button } from '../ui/button.tsx'
import { useIsDark } from '../ui/theme.ts'
import type { Session } from '../wire/types.ts'
import { AskDialog } from './ask_dialog.tsx'
import { Composer } from './composer.tsx'
import type { TerminalController } from './controller.ts'
import { KeyBar } from './key_bar.tsx'
import { SearchBar } from './search_bar.tsx'
import { Strips } from './strips.tsx'
import './terminal.css'

// Steps of the page's type scale that leave about 50 columns on a phone and 150 on a desk.
export const kFontDesk = 13
export const kFontPhone = 12

interface TerminalViewProps {
  controller: TerminalController
  session: Session
  // Narrow screens type in the composer and get a bar of keys.
  phone: boolean
  screenReader: boolean
  hidden: boolean
}

export function TerminalView({ controller, session, phone, screenReader, hidden }: TerminalViewProps) {
  const root = useRef<HTMLElement>(null)
  const element = useRef<HTMLDivElement>(null)
  const state = useSyncExternalStore(controller.subscribe, controller.current)
  const dark = useIsDark()
  const look = { dark, font: phone ? kFontPhone : kFontDesk, screenReader }
  const firstLook = useRef(look)

  useEffect(() => {
    if (root.current !== null && element.current !== null) {
      void controller.start(root.current, element.current, firstLook.current)
    }
  }, [controller])
  useEffect(() => controller.setLook({ dark, font: look.font, screenReader }), [controller, dark, look.font, screenReader])
  useEffect(() => controller.setActive(session.status === 'active'), [controller, session.status])

  return (
    <section
      ref={root}
      className="terminal"
      aria-label="Terminal"
      data-terminal
      data-yours={state.yours}
      hidden={hidden}
    >
      {state.finding && <SearchBar controller={controller} found={state.found} />}
      <div className="terminal-room">
        <div ref={element} className="terminal-screen" />
        {!state.yours && (
          <div className="terminal-foreign">
            <span>
              Shown at {state.pane.cols}×{state.pane.rows}, the size of somebody else’s screen
            </span>
            <Button small onClick={() => controller.fit()}>
              Fit to me
            </Button>
          </div>
        )}
      </div>
      <Strips controller={controller} state={state} session={session} />
      {phone && session.status === 'active' && (
        <div className="terminal-thumb">
          <KeyBar controller={controller} ctrl={state.ctrl} />
          <Composer controller={controller} ctrl={state.ctrl} />
        </div>
      )}
      {state.ask !== null && <AskDialog ask={state.ask} onAnswer={(yes) => controller.answer(yes)} />}
    </section>
  )
}
