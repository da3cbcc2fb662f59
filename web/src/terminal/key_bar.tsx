// Keys a phone's keyboard does not have.
import {
  ArrowDown,
  ArrowLeft,
  ArrowRight,
  ArrowUp,
  ClipboardPaste,
  CornerDownLeft,
} from 'lucide-react'
import type { PointerEvent, ReactNode } from 'react'
import { useTelling } from '../ui/feedback.tsx'
import type { TerminalController } from './controller.ts'
import type { SoftKey } from './keys.ts'

const kKeys: readonly { key: SoftKey; label: string; face: ReactNode }[] = [
  { key: 'Escape', label: 'Esc', face: 'Esc' },
  { key: 'Tab', label: 'Tab', face: 'Tab' },
  { key: 'BackTab', label: '⇧Tab, Shift Tab', face: '⇧Tab' },
  { key: 'Up', label: 'Up', face: <ArrowUp size={18} aria-hidden /> },
  { key: 'Down', label: 'Down', face: <ArrowDown size={18} aria-hidden /> },
  { key: 'Left', label: 'Left', face: <ArrowLeft size={18} aria-hidden /> },
  { key: 'Right', label: 'Right', face: <ArrowRight size={18} aria-hidden /> },
  { key: 'Enter', label: 'Enter', face: <CornerDownLeft size={18} aria-hidden /> },
]

// The keyboard on the screen stays as it is: a key of this bar takes no focus.
const keepFocus = (event: PointerEvent) => event.preventDefault()

export function KeyBar({ controller, ctrl }: { controller: TerminalController; ctrl: boolean }) {
  const { tell } = useTelling()
  const paste = async () => {
    try {
      controller.paste(await navigator.clipboard.readText())
    } catch {
      tell('The browser does not let this page read the clipboard. Paste into the message field instead.', 'warning')
    }
  }
  const key = ({ key: name, label, face }: (typeof kKeys)[number]) => (
    <button
      key={name}
      type="button"
      className="key"
      aria-label={label}
      onPointerDown={keepFocus}
      onClick={() => controller.press(name)}
    >
      {face}
    </button>
  )
  return (
    <div className="key-bar" role="toolbar" aria-label="Keys">
      {kKeys.slice(0, 3).map(key)}
      <button
        type="button"
        className="key"
        aria-pressed={ctrl}
        onPointerDown={keepFocus}
        onClick={() => controller.setCtrl(!ctrl)}
      >
        Ctrl
      </button>
      {kKeys.slice(3).map(key)}
      <button
        type="button"
        className="key"
        aria-label="Paste"
        onPointerDown={keepFocus}
        onClick={() => void paste()}
      >
        <ClipboardPaste size={18} aria-hidden />
      </button>
    </div>
  )
}
