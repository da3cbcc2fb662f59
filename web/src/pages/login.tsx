// Logging in, and making the first account.
import { KeyRound, LogIn } from 'lucide-react'
import { useState, type FormEvent, type ReactNode } from 'react'
import { useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Notice } from '../ui/feedback.tsx'
import { Field } from '../ui/field.tsx'
import { ApiError } from '../wire/http.ts'
import { Mark } from './mark.tsx'
import './login.css'

const kShortestPassword = 12

function Frame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="login">
      <div className="login-card">
        <Mark size={40} />
        <div className="login-title">
          <p>Claude Code Dashboard</p>
          <h1>{title}</h1>
        </div>
        {children}
      </div>
    </main>
  )
}

// What went wrong with the whole form, and with one field of it.
interface Fault {
  field: string | null
  text: string
}

function faultOf(error: unknown): Fault {
  if (!(error instanceof ApiError)) return { field: null, text: String(error) }
  const wait = error.retryAfter === null ? '' : ` Try again in ${Math.ceil(error.retryAfter)} s.`
  return { field: error.field, text: error.message + wait }
}

function useForm(send: () => Promise<void>) {
  const [busy, setBusy] = useState(false)
  const [fault, setFault] = useState<Fault | null>(null)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    setFault(null)
    try {
      await send()
    } catch (error) {
      setFault(faultOf(error))
    } finally {
      setBusy(false)
    }
  }
  const of = (field: string) => (fault?.field === field ? fault.text : null)
  return { busy, fault, setFault, submit: (event: FormEvent) => void submit(event), of }
}

export function Login({ expired }: { expired: boolean }) {
  const { auth } = useServices()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const form = useForm(() => auth.login(name, password))
  return (
    <Frame title="Log in">
      {expired && <Notice tone="warning">You are no longer logged in. Log in to go on where you were.</Notice>}
      <form className="login-form" onSubmit={form.submit}>
        <Field
          label="Name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={name}
          fault={form.of('name')}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          fault={form.of('password')}
          onChange={(event) => setPassword(event.target.value)}
        />
        {form.fault !== null && form.fault.field === null && <Notice tone="danger">{form.fault.text}</Notice>}
        <Button type="submit" kind="primary" busy={form.busy} icon={<LogIn size={16} aria-hidden />}>
          Log in
        </Button>
      </form>
    </Frame>
  )
}

export function Setup() {
  const { auth } = useServices()
  const [code, setCode] = useState('')
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const form = useForm(() => auth.setup(code.trim(), name, password))
  return (
    <Frame title="Create the first account">
      <p className="login-words">
        Nobody has an account yet. The setup code was printed where the dashboard was started; it proves that this
        machine is yours.
      </p>
      <form className="login-form" onSubmit={form.submit}>
        <Field
          label="Setup code"
          className="mono"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          required
          value={code}
          fault={form.of('code')}
          onChange={(event) => setCode(event.target.value)}
        />
        <Field
          label="Name"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          value={name}
          fault={form.of('name')}
          onChange={(event) => setName(event.target.value)}
        />
        <Field
          label="Password"
          type="password"
          autoComplete="new-password"
          required
          hint={`At least ${kShortestPassword} characters; a few words are good.`}
          value={password}
          fault={form.of('password')}
          onChange={(event) => setPassword(event.target.value)}
        />
        {form.fault !== null && form.fault.field === null && <Notice tone="danger">{form.fault.text}</Notice>}
        <Button type="submit" kind="primary" busy={form.busy} icon={<KeyRound size={16} aria-hidden />}>
          Create account
        </Button>
      </form>
    </Frame>
  )
}

export function Unreachable({ message }: { message: string }) {
  const { auth } = useServices()
  return (
    <Frame title="No answer">
      <Notice tone="danger">{message}</Notice>
      <Button onClick={() => void auth.load()}>Try again</Button>
    </Frame>
  )
}
