// Lines at the terminal's edge: what is waiting, what was not taken, and what can be done about it. They lie over it:
// were they beside it, each would resize the pane.
import { CircleAlert, ClipboardCheck, ClipboardCopy, CloudOff, Flag, Hourglass, ImageUp, Undo2 } from 'lucide-react'
import { useEffect, useState, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { bytesText } from '../ui/text.ts'
import { Ago } from '../ui/time.tsx'
import type { Input } from '../wire/ledger.ts'
import type { Session } from '../wire/types.ts'
import type { TerminalController } from './controller.ts'
import { readable } from './keys.ts'
import type { TerminalState } from './state.ts'
import type { Upload } from './uploads.ts'

// Behind by less is a blink.
const kShowMissingBytes = 64 * 1024

interface StripProps {
  tone: 'plain' | 'warning' | 'danger'
  icon: ReactNode
  children: ReactNode
  actions?: ReactNode
}

function Strip({ tone, icon, children, actions }: StripProps) {
  return (
    <div className={`strip ${tone}`} role={tone === 'danger' ? 'alert' : undefined}>
      {icon}
      <p>{children}</p>
      {actions}
    </div>
  )
}

function joined(chunks: readonly Uint8Array[]): string {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return readable(all)
}

function Typed({ chunks }: { chunks: readonly Uint8Array[] }) {
  return <code className="strip-typed">{joined(chunks)}</code>
}

function Pending({ pending, sent, state, onDiscard }: {
  pending: readonly Input[]
  sent: number
  state: TerminalState
  onDiscard: () => void
}) {
  const never = pending.some((input) => input.number > sent)
  const connected = state.connection === 'live' || state.connection === 'catching up'
  return (
    <Strip
      tone="warning"
      icon={<Hourglass size={16} aria-hidden />}
      actions={
        never &&
        !connected && (
          <Button small kind="quiet" onClick={onDiscard}>
            Discard
          </Button>
        )
      }
    >
      <strong>Pending</strong> <Typed chunks={pending.map((input) => input.bytes)} />{' '}
      {connected ? 'is not yet in the pane.' : 'will be sent when the connection is back.'}
    </Strip>
  )
}

function Refused({ refused, controller }: { refused: readonly Uint8Array[]; controller: TerminalController }) {
  return (
    <Strip
      tone="warning"
      icon={<Undo2 size={16} aria-hidden />}
      actions={
        <>
          <Button small onClick={() => controller.sendAgain()}>
            Send again
          </Button>
          <Button small kind="quiet" onClick={() => controller.forgetRefused()}>
            Discard
          </Button>
        </>
      }
    >
      <strong>Perhaps not sent</strong> <Typed chunks={refused} /> Look at the screen before you send it again.
    </Strip>
  )
}

// Older lines mostly come at once: only what takes longer is told.
const kFetchingShownMs = 400

export function Fetching() {
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), kFetchingShownMs)
    return () => clearTimeout(timer)
  }, [])
  if (!shown) return null
  return (
    <Strip tone="plain" icon={<Hourglass size={16} aria-hidden />}>
      Fetching older lines.
    </Strip>
  )
}

export function Ended({ session }: { session: Session }) {
  const when = session.ended_at === null ? null : <Ago micros={session.ended_at} />
  if (session.status === 'lost') {
    return (
      <Strip tone="plain" icon={<Flag size={16} aria-hidden />}>
        <strong>Lost</strong> {when}: the terminal server this ran in is gone. What was printed until then is above.
      </Strip>
    )
  }
  const status = session.exit_status === null ? '' : ` with status ${session.exit_status}`
  return (
    <Strip tone="plain" icon={<Flag size={16} aria-hidden />}>
      <strong>Ended</strong> {when}
      {status}. What it printed is above.
    </Strip>
  )
}

// What a program wants on the clipboard is shown before it is allowed.
const kPreviewChars = 120

function Clipboard({ clipboard, controller }: {
  clipboard: NonNullable<TerminalState['clipboard']>
  controller: TerminalController
}) {
  const { kind, text } = clipboard
  const preview = <code className="strip-typed">{text.length > kPreviewChars ? `${text.slice(0, kPreviewChars)}…` : text}</code>
  if (kind === 'copied') {
    return (
      <Strip tone="plain" icon={<ClipboardCheck size={16} aria-hidden />}>
        The program copied {text.length} characters to your clipboard.
      </Strip>
    )
  }
  const ask = kind === 'ask'
  return (
    <Strip
      tone="plain"
      icon={<ClipboardCopy size={16} aria-hidden />}
      actions={
        <>
          <Button small onClick={() => (ask ? controller.allowClipboard(true) : void controller.copy(text))}>
            {ask ? 'Allow in this session' : 'Copy'}
          </Button>
          <Button small kind="quiet" onClick={() => (ask ? controller.allowClipboard(false) : controller.forgetClipboard())}>
            {ask ? 'Never' : 'Dismiss'}
          </Button>
        </>
      }
    >
      {ask ? 'A program wants to write your clipboard: ' : 'The program copies: '}
      {preview}
    </Strip>
  )
}

function Uploading({ upload, onStop }: { upload: Upload; onStop: () => void }) {
  const percent = Math.round(upload.done * 100)
  return (
    <Strip
      tone="plain"
      icon={<ImageUp size={16} aria-hidden />}
      actions={
        <Button small kind="quiet" onClick={onStop}>
          Cancel
        </Button>
      }
    >
      Uploading {upload.name}{' '}
      <progress aria-label={`Uploading ${upload.name}`} max={100} value={percent} /> {percent} %
    </Strip>
  )
}

export function Strips({ controller, state, active }: {
  controller: TerminalController
  state: TerminalState
  // The session runs.
  active: boolean
}) {
  const { channel, connection } = state
  const down = connection === 'reconnecting' || connection === 'offline'
  return (
    <>
      {state.trouble !== null && (
        <Strip
          tone="danger"
          icon={<CircleAlert size={16} aria-hidden />}
          actions={
            <Button small kind="quiet" onClick={() => controller.forgetTrouble()}>
              Dismiss
            </Button>
          }
        >
          {state.trouble}
        </Strip>
      )}
      {state.clipboard !== null && <Clipboard clipboard={state.clipboard} controller={controller} />}
      {state.uploads.map((upload) => (
        <Uploading key={upload.id} upload={upload} onStop={() => controller.stopUpload(upload.id)} />
      ))}
      {channel !== null && channel.refused.length > 0 && (
        <Refused refused={channel.refused} controller={controller} />
      )}
      {channel?.phase === 'failed' && active && (
        <Strip
          tone="danger"
          icon={<CircleAlert size={16} aria-hidden />}
          actions={
            <Button small onClick={() => controller.retry()}>
              Try again
            </Button>
          }
        >
          The terminal cannot be shown: {channel.reason}
        </Strip>
      )}
      {channel !== null && channel.pending.length > 0 && active && (state.slow || down) && (
        <Pending
          pending={channel.pending}
          sent={channel.sent}
          state={state}
          onDiscard={() => controller.discardUnsent()}
        />
      )}
      {connection === 'offline' && active && channel?.pending.length === 0 && (
        <Strip tone="warning" icon={<CloudOff size={16} aria-hidden />}>
          <strong>Offline.</strong> The session goes on without you; what you type is kept and sent later.
        </Strip>
      )}
      {state.missing > kShowMissingBytes && connection === 'catching up' && (
        <Strip tone="plain" icon={<Hourglass size={16} aria-hidden />}>
          Catching up: {bytesText(state.missing)} of output to go.
        </Strip>
      )}
    </>
  )
}
