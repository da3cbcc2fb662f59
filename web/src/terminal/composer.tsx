// A message field for small screens: written in peace with the phone's own keyboard, then sent whole, followed by
// Enter.
import { SendHorizontal } from 'lucide-react'
import { useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/button.tsx'
import type { TerminalController } from './controller.ts'

export function Composer({ controller, ctrl }: { controller: TerminalController; ctrl: boolean }) {
  const field = useRef<HTMLTextAreaElement>(null)
  const [text, setText] = useState('')
  const send = (event?: FormEvent) => {
    event?.preventDefault()
    controller.submit(text)
    setText('')
    field.current?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
    event.preventDefault()
    send()
  }
  // Ctrl of the key bar, then a letter of the phone's keyboard.
  const onBeforeInput = (event: FormEvent<HTMLTextAreaElement>) => {
    const { data } = event.nativeEvent as InputEvent
    if (ctrl && data !== null && controller.pressControl(data)) event.preventDefault()
  }
  return (
    <form className="composer" onSubmit={send}>
      <textarea
        ref={field}
        className="input"
        aria-label="Message"
        placeholder="Message"
        rows={1}
        enterKeyHint="send"
        autoComplete="off"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
        onBeforeInput={onBeforeInput}
      />
      <IconButton label="Send" kind="primary" type="submit" icon={<SendHorizontal size={18} aria-hidden />} />
    </form>
  )
}
