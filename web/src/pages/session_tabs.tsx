// The tabs of a session. They are links: each has an address that can be shared.
import { Columns2, FolderTree, Maximize2, MessagesSquare, ScanText, Search, SquareTerminal, TextInitial, type LucideIcon } from 'lucide-react'
import type { KeyboardEvent, ReactNode } from 'react'
import type { TerminalController } from '../terminal/controller.ts'
import { Button, IconButton } from '../ui/button.tsx'
import type { Session } from '../wire/types.ts'
import { kModifier } from './keyboard_help.tsx'
import type { Reading } from './preferences.ts'
import { addressOf, Link, type SessionTab } from './router.tsx'

const kTabs: readonly { tab: SessionTab; label: string; icon: LucideIcon }[] = [
  { tab: 'terminal', label: 'Terminal', icon: SquareTerminal },
  { tab: 'transcript', label: 'Transcript', icon: MessagesSquare },
  { tab: 'files', label: 'Files', icon: FolderTree },
]

// Only an agent has a transcript.
export const tabsOf = (session: Session): readonly SessionTab[] =>
  kTabs.map(({ tab }) => tab).filter((tab) => tab !== 'transcript' || session.kind === 'claude')

export const tabId = (tab: SessionTab) => `session-tab-${tab}`

interface ToolsProps {
  controller: TerminalController
  yours: boolean
  phone: boolean
  reading: Reading
  onReading: (reading: Reading) => void
}

// Either the terminal, or its text at the page's own width.
function ReadingSwitch({ reading, onReading }: Pick<ToolsProps, 'reading' | 'onReading'>) {
  const choice = (value: Reading, label: string, icon: ReactNode) => (
    <button
      type="button"
      className="switch-choice"
      aria-label={label}
      title={value === 'reading' ? 'Reading: text that can be selected, at this window’s width' : 'Terminal: as the program draws it'}
      aria-pressed={reading === value}
      onClick={() => onReading(value)}
    >
      {icon}
    </button>
  )
  return (
    <div className="switch" role="group" aria-label="Show as">
      {choice('terminal', 'Terminal', <SquareTerminal size={16} aria-hidden />)}
      {choice('reading', 'Reading', <TextInitial size={16} aria-hidden />)}
    </div>
  )
}

// A pane has one size. While it is another viewer's, the way to make it this one's is in sight.
function FitButton({ controller }: { controller: TerminalController }) {
  return (
    <Button
      small
      icon={<Maximize2 size={14} aria-hidden />}
      title="The terminal has the size of another screen. Typing, too, makes it fit this one."
      onClick={() => controller.fit()}
    >
      Fit to me
    </Button>
  )
}

export function TerminalTools({ controller, yours, phone, reading, onReading }: ToolsProps) {
  const choose = <ReadingSwitch reading={reading} onReading={onReading} />
  if (phone) {
    return (
      <>
        {!yours && <FitButton controller={controller} />}
        {choose}
      </>
    )
  }
  return (
    <>
      {!yours && <FitButton controller={controller} />}
      {choose}
      <IconButton
        label="Search the terminal"
        keys={`${kModifier} Shift F`}
        small
        icon={<Search size={16} aria-hidden />}
        onClick={() => controller.startFind()}
      />
      <IconButton
        label="Text of the terminal"
        small
        icon={<ScanText size={16} aria-hidden />}
        onClick={() => controller.showText()}
      />
    </>
  )
}

function onArrow(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
  const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>('[role="tab"]')]
  const at = tabs.indexOf(document.activeElement as HTMLElement)
  const next = tabs[(at + (event.key === 'ArrowRight' ? 1 : tabs.length - 1)) % tabs.length]
  next?.focus()
  event.preventDefault()
}

// The transcript beside the terminal, where both fit.
export function SplitSwitch({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  return (
    <IconButton
      label="Transcript beside the terminal"
      small
      aria-pressed={on}
      icon={<Columns2 size={16} aria-hidden />}
      onClick={() => onChange(!on)}
    />
  )
}

export function SessionTabs({ session, tab, tools }: { session: Session; tab: SessionTab; tools: ReactNode }) {
  const tabs = tabsOf(session)
  return (
    <div className="session-tabs">
      <div role="tablist" aria-label="Views of this session" onKeyDown={onArrow}>
        {kTabs.filter((one) => tabs.includes(one.tab)).map(({ tab: name, label, icon: Icon }) => (
          <Link
            key={name}
            id={tabId(name)}
            role="tab"
            className="tab"
            aria-selected={name === tab}
            tabIndex={name === tab ? 0 : -1}
            href={addressOf({ kind: 'session', name: session.name, tab: name, path: null })}
          >
            <Icon size={16} aria-hidden />
            {label}
          </Link>
        ))}
      </div>
      <div className="session-tools">{tools}</div>
    </div>
  )
}
