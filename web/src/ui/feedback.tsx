// What the page tells: notices, waiting, empty places, and short messages that are also spoken.
import { CircleAlert, CircleCheck, Info, TriangleAlert, X } from 'lucide-react'
import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { IconButton } from './button.tsx'

type Tone = 'plain' | 'warning' | 'danger' | 'good'

const kIcons = { plain: Info, warning: TriangleAlert, danger: CircleAlert, good: CircleCheck }

interface NoticeProps {
  tone?: Tone
  children: ReactNode
  actions?: ReactNode
}

export function Notice({ tone = 'plain', children, actions }: NoticeProps) {
  const Icon = kIcons[tone]
  return (
    <div className={`notice ${tone}`} role={tone === 'danger' ? 'alert' : undefined}>
      <Icon size={16} aria-hidden />
      <div>{children}</div>
      {actions}
    </div>
  )
}

// Silent for what is quick, then a bar, then words for what takes long.
const kShowAfterMs = 300
const kExplainAfterMs = 3_000

export function Waiting({ what }: { what: string }) {
  const [step, setStep] = useState(0)
  useEffect(() => {
    const timers = [setTimeout(() => setStep(1), kShowAfterMs), setTimeout(() => setStep(2), kExplainAfterMs)]
    return () => timers.forEach(clearTimeout)
  }, [])
  if (step === 0) return <div className="waiting" aria-busy="true" />
  return (
    <div className="waiting" role="status">
      <span className="bar" aria-hidden />
      <span>{step === 1 ? 'One moment…' : `Still waiting for ${what}.`}</span>
    </div>
  )
}

interface EmptyProps {
  icon: ReactNode
  title: string
  // The title is the page's own.
  whole?: boolean
  children: ReactNode
}

export function Empty({ icon, title, whole = false, children }: EmptyProps) {
  return (
    <div className="empty">
      {icon}
      {whole ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children}
    </div>
  )
}

interface Toast {
  id: number
  tone: Tone
  text: string
}

interface Telling {
  // Shown for a moment and spoken.
  tell: (text: string, tone?: Tone) => void
  // Only spoken: for what is already visible.
  say: (text: string) => void
}

const kToastMs = 5_000
const TellingContext = createContext<Telling>({ tell: () => undefined, say: () => undefined })

export const useTelling = () => useContext(TellingContext)

export function TellingProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const [spoken, setSpoken] = useState('')
  const last = useRef(0)
  const dismiss = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), [])
  const telling = useMemo<Telling>(
    () => ({
      say: setSpoken,
      tell: (text, tone = 'plain') => {
        const id = (last.current += 1)
        setSpoken(text)
        setToasts((all) => [...all.slice(-2), { id, tone, text }])
        // What went wrong stays until it is read.
        if (tone !== 'danger') setTimeout(() => dismiss(id), kToastMs)
      },
    }),
    [dismiss],
  )
  return (
    <TellingContext value={telling}>
      {children}
      <div className="only-heard" aria-live="polite">
        {spoken}
      </div>
      <div className="toasts" {...(toasts.length > 0 ? { role: 'region', 'aria-label': 'Messages' } : {})}>
        {toasts.map((toast) => (
          <Notice
            key={toast.id}
            tone={toast.tone}
            actions={
              <IconButton
                label="Dismiss"
                small
                icon={<X size={16} aria-hidden />}
                onClick={() => dismiss(toast.id)}
              />
            }
          >
            {toast.text}
          </Notice>
        ))}
      </div>
    </TellingContext>
  )
}
