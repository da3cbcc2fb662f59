// A message field for small screens: written in peace with the phone's own keyboard, then sent whole, followed by
// Enter.
import { ImageUp, SendHorizontal } from 'lucide-react'
import { useRef, useState, type ChangeEvent, type ClipboardEvent, type FormEvent, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/button.tsx'
import type { TerminalController } from './controller.ts'
import { kImageTypes } from './uploads.ts'

export function Composer({ controller, ctrl }: { controller: TerminalController; ctrl: boolean }) {
  const field = useRef<HTMLTextAreaElement>(null)
  const photos = useRef<HTMLInputElement>(null)
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
  const pick = (event: ChangeEvent<HTMLInputElement>) => {
    controller.upload([...(event.target.files ?? [])])
    // The same photo can be chosen again.
    event.target.value = ''
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files]
    if (files.length === 0) return
    event.preventDefault()
    controller.upload(files)
  }
  return (
    <form className="composer" onSubmit={send}>
      <input ref={photos} type="file" hidden multiple accept={kImageTypes.join(',')} aria-label="Images" onChange={pick} />
      <IconButton label="Add images" icon={<ImageUp size={18} aria-hidden />} onClick={() => photos.current?.click()} />
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
        onPaste={onPaste}
      />
      <IconButton label="Send" kind="primary" type="submit" icon={<SendHorizontal size={18} aria-hidden />} />
    </form>
  )
}
