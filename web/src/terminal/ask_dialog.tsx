// Questions before something leaves or enters the terminal: a paste of several lines, a link, the text to copy from.
import { Copy, ExternalLink } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Button } from '../ui/button.tsx'
import { Confirm, Dialog } from '../ui/dialog.tsx'
import { useTelling } from '../ui/feedback.tsx'
import type { Ask } from './state.ts'
import type { Paste } from './paste.ts'

function AskPaste({ paste, onAnswer }: { paste: Paste; onAnswer: (yes: boolean) => void }) {
  return (
    <Confirm
      title={`Paste ${paste.lines} lines?`}
      confirm="Paste"
      onConfirm={() => onAnswer(true)}
      onClose={() => onAnswer(false)}
    >
      <p>The program takes every line end for Enter, so each line may run as a command at once.</p>
      <pre className="ask-text" tabIndex={0}>
        {paste.text}
      </pre>
    </Confirm>
  )
}

function AskLink({ address, onAnswer }: { address: string; onAnswer: (yes: boolean) => void }) {
  const host = URL.canParse(address) ? new URL(address).host : address
  return (
    <Dialog
      title="Open this link?"
      onClose={() => onAnswer(false)}
      footer={
        <>
          <Button onClick={() => onAnswer(false)}>Cancel</Button>
          <a
            className="button primary"
            href={address}
            target="_blank"
            rel="noopener noreferrer"
            data-autofocus
            onClick={() => onAnswer(true)}
          >
            <ExternalLink size={16} aria-hidden />
            Open
          </a>
        </>
      }
    >
      <p>
        A program printed it. It leads to <strong>{host}</strong>.
      </p>
      <pre className="ask-text">{address}</pre>
    </Dialog>
  )
}

function TextView({ text, onClose }: { text: string; onClose: () => void }) {
  const { tell } = useTelling()
  const end = useRef<HTMLPreElement>(null)
  useEffect(() => {
    if (end.current !== null) end.current.scrollTop = end.current.scrollHeight
  }, [])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      tell('Copied.', 'good')
    } catch {
      tell('The browser does not let this page write the clipboard. Select the text and copy it.', 'warning')
    }
  }
  return (
    <Dialog
      title="Text of the terminal"
      wide
      onClose={onClose}
      footer={
        <Button icon={<Copy size={16} aria-hidden />} onClick={() => void copy()}>
          Copy all
        </Button>
      }
    >
      <pre ref={end} className="ask-text tall" tabIndex={0} aria-label="Text of the terminal">
        {text}
      </pre>
    </Dialog>
  )
}

export function AskDialog({ ask, onAnswer }: { ask: Ask; onAnswer: (yes: boolean) => void }) {
  switch (ask.kind) {
    case 'paste':
      return <AskPaste paste={ask.paste} onAnswer={onAnswer} />
    case 'link':
      return <AskLink address={ask.address} onAnswer={onAnswer} />
    case 'text':
      return <TextView text={ask.text} onClose={() => onAnswer(false)} />
  }
}
