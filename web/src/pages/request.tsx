// One thing that waits for a person: what is asked, exactly, and the answers that it takes.
import { Check, CheckCheck, CornerDownRight, Eye, X } from 'lucide-react'
import { useId, useState, type ReactNode } from 'react'
import { useServices, useWho } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { useTelling } from '../ui/feedback.tsx'
import { lastPart } from '../ui/text.ts'
import { Ago } from '../ui/time.tsx'
import { answerAttention, readAttention, type Decision } from '../wire/attention.ts'
import type { AttentionItem, Question } from '../wire/types.ts'
import { askWords, bodyOf, isRequest, suggestionWords, type DiffLine } from './request_words.ts'
import { addressOf, Link } from './router.tsx'
import './request.css'

const kFoldLines = 12

function useAnswer(item: AttentionItem) {
  const { http } = useServices()
  const { tell } = useTelling()
  const [sending, setSending] = useState<Decision['decision'] | null>(null)
  const answer = (decision: Decision) => {
    setSending(decision.decision)
    answerAttention(http, item.id, decision)
      // Somebody else was quicker, or it could not be sent: the server says which. The item itself goes by its own message.
      .catch((error: unknown) => tell(error instanceof Error ? error.message : String(error), 'danger'))
      .finally(() => setSending(null))
  }
  return { answer, sending }
}

function Folded({ lines, children }: { lines: number; children: (shown: number) => ReactNode }) {
  const [open, setOpen] = useState(false)
  const hidden = lines - kFoldLines
  return (
    <>
      {children(open ? lines : kFoldLines)}
      {hidden > 0 && (
        <Button small kind="quiet" onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? 'Show less' : `Show ${hidden} more ${hidden === 1 ? 'line' : 'lines'}`}
        </Button>
      )}
    </>
  )
}

function Text({ text, mono }: { text: string; mono: boolean }) {
  const lines = text.split('\n')
  return (
    <Folded lines={lines.length}>
      {(shown) => <pre className={mono ? 'request-text mono' : 'request-text'}>{lines.slice(0, shown).join('\n')}</pre>}
    </Folded>
  )
}

const kSigns: Record<DiffLine['kind'], string> = { same: ' ', added: '+', removed: '−', gap: '⋯' }

function Diff({ path, lines, cut }: { path: string; lines: readonly DiffLine[]; cut: number }) {
  return (
    <>
      <p className="request-path mono clip" title={path}>
        {path}
      </p>
      <Folded lines={lines.length}>
        {(shown) => (
          <pre className="request-diff mono" aria-label={`Changes to ${lastPart(path)}`}>
            {lines.slice(0, shown).map(({ kind, text }, index) => (
              // Lines have no names of their own, and the list does not change.
              <span key={index} className={`diff-line ${kind}`}>
                <span className="diff-sign">{kSigns[kind]}</span>
                {text}
                {'\n'}
              </span>
            ))}
          </pre>
        )}
      </Folded>
      {cut > 0 && <p className="request-cut">{cut} more lines are not shown here: the terminal has them.</p>}
    </>
  )
}

function Body({ item }: { item: AttentionItem }) {
  const { http } = useServices()
  const [whole, setWhole] = useState<AttentionItem | null>(null)
  const body = bodyOf(whole ?? item)
  const load = () => void readAttention(http, item.id).then(setWhole, () => undefined)
  switch (body.kind) {
    case 'command':
      return (
        <>
          <Text text={body.command} mono />
          {body.note !== '' && <p className="request-note">{body.note}</p>}
        </>
      )
    case 'diff':
      return <Diff path={body.path} lines={body.lines} cut={body.cut} />
    case 'text':
      return body.text === '' ? null : <Text text={body.text} mono={false} />
    case 'fields':
      return (
        <dl className="request-fields">
          {body.fields.map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Text text={value} mono />
              </dd>
            </div>
          ))}
        </dl>
      )
    case 'unknown':
      return (
        <p className="request-note">
          {item.input_bytes > 0 ? `Its input has ${item.input_bytes} bytes. ` : 'What it asks exactly is not known here. '}
          {item.input_bytes > 0 && (
            <Button small onClick={load}>
              Show it
            </Button>
          )}
        </p>
      )
  }
}

interface AnswersProps {
  item: AttentionItem
  answer: (decision: Decision) => void
  sending: Decision['decision'] | null
  keys: boolean
}

function Deny({ answer, sending, word }: { answer: AnswersProps['answer']; sending: AnswersProps['sending']; word: string }) {
  const [asking, setAsking] = useState(false)
  const [message, setMessage] = useState('')
  const id = useId()
  if (!asking) {
    return (
      <>
        <Button icon={<X size={16} aria-hidden />} busy={sending === 'deny'} onClick={() => answer({ decision: 'deny' })} data-answer="deny">
          {word}
        </Button>
        <Button kind="quiet" icon={<CornerDownRight size={16} aria-hidden />} onClick={() => setAsking(true)}>
          {word} and say why
        </Button>
      </>
    )
  }
  const send = () => answer({ decision: 'deny', message })
  return (
    <form
      className="request-why"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <label htmlFor={id} className="only-heard">
        What the agent is told
      </label>
      <input
        id={id}
        className="input"
        placeholder="What the agent is told"
        autoFocus
        value={message}
        onChange={(event) => setMessage(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && setAsking(false)}
      />
      <Button type="submit" busy={sending === 'deny'}>
        {word}
      </Button>
    </form>
  )
}

function PermissionAnswers({ item, answer, sending }: AnswersProps) {
  const plan = item.kind === 'plan'
  return (
    <div className="request-answers">
      <Button
        kind="primary"
        icon={<Check size={16} aria-hidden />}
        busy={sending === 'allow'}
        onClick={() => answer({ decision: 'allow' })}
        data-answer="allow"
      >
        {plan ? 'Approve' : 'Allow'}
      </Button>
      {item.suggestions.length > 0 && !plan && (
        <Button
          icon={<CheckCheck size={16} aria-hidden />}
          busy={sending === 'allow_always'}
          onClick={() => answer({ decision: 'allow_always' })}
          title={`From now on also: ${item.suggestions.map(suggestionWords).join('; ')}`}
          data-answer="always"
        >
          Always
        </Button>
      )}
      <Deny answer={answer} sending={sending} word={plan ? 'Keep planning' : 'Deny'} />
      {item.suggestions.length > 0 && !plan && (
        <p className="request-always">Always: {item.suggestions.map(suggestionWords).join('; ')}</p>
      )}
    </div>
  )
}

function Choices({ question, chosen, onChange }: { question: Question; chosen: string; onChange: (value: string) => void }) {
  const id = useId()
  const several = question.choice === 'several'
  const parts = chosen === '' ? [] : chosen.split(', ')
  const labels = question.options.map(({ label }) => label)
  const own = several ? '' : labels.includes(chosen) ? '' : chosen
  const toggle = (label: string) => {
    if (!several) return onChange(label)
    onChange(labels.filter((known) => (known === label ? !parts.includes(known) : parts.includes(known))).join(', '))
  }
  return (
    <fieldset className="request-question">
      <legend>{question.text}</legend>
      {question.options.map(({ label, description }) => (
        <label key={label} className="request-option">
          <input
            type={several ? 'checkbox' : 'radio'}
            name={id}
            checked={several ? parts.includes(label) : chosen === label}
            onChange={() => toggle(label)}
          />
          <span>
            {label}
            {description !== '' && <span className="request-note">{description}</span>}
          </span>
        </label>
      ))}
      {!several && (
        <input
          className="input"
          aria-label={`Another answer to: ${question.text}`}
          placeholder="Something else"
          value={own}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </fieldset>
  )
}

function QuestionAnswers({ item, answer, sending }: AnswersProps) {
  const [answers, setAnswers] = useState<Record<string, string>>({})
  const complete = item.questions.every(({ text }) => (answers[text] ?? '').trim() !== '')
  return (
    <form
      className="request-questions"
      onSubmit={(event) => {
        event.preventDefault()
        if (complete) answer({ decision: 'answer', answers })
      }}
    >
      {item.questions.map((question) => (
        <Choices
          key={question.text}
          question={question}
          chosen={answers[question.text] ?? ''}
          onChange={(value) => setAnswers((before) => ({ ...before, [question.text]: value }))}
        />
      ))}
      <div className="request-answers">
        <Button kind="primary" type="submit" disabled={!complete} busy={sending === 'answer'}>
          Answer
        </Button>
        <Deny answer={answer} sending={sending} word="Decline" />
      </div>
    </form>
  )
}

function Answers(props: AnswersProps) {
  const { item, answer, sending } = props
  const session = addressOf({ kind: 'session', name: item.session_name, tab: 'terminal', path: null })
  if (isRequest(item) && item.answerable === 'terminal') {
    return (
      <div className="request-answers">
        <Link className="button primary" href={session}>
          Answer in the terminal
        </Link>
        {item.why_terminal !== '' && <p className="request-note">{item.why_terminal}</p>}
      </div>
    )
  }
  if (item.kind === 'question') return <QuestionAnswers {...props} />
  if (isRequest(item)) return <PermissionAnswers {...props} />
  return (
    <div className="request-answers">
      <Link className="button" href={session}>
        Open
      </Link>
      <Button kind="quiet" icon={<Eye size={16} aria-hidden />} busy={sending === 'seen'} onClick={() => answer({ decision: 'seen' })} data-answer="seen">
        Seen
      </Button>
    </div>
  )
}

interface RequestProps {
  item: AttentionItem
  // Inside the session itself its name is known.
  inSession?: boolean
  chosen?: boolean
}

export function Request({ item, inSession = false, chosen = false }: RequestProps) {
  const who = useWho()
  const { answer, sending } = useAnswer(item)
  const mayAnswer = who.kind === 'somebody' && who.user.role !== 'viewer'
  const name = `${item.session_name} ${askWords(item)}`
  return (
    <article className={`request ${item.kind} ${chosen ? 'chosen' : ''}`} aria-label={name} data-request={item.id}>
      <header>
        <h3>
          {!inSession && (
            <Link className="request-session" href={addressOf({ kind: 'session', name: item.session_name, tab: 'terminal', path: null })}>
              {item.session_name}
            </Link>
          )}{' '}
          <span>{askWords(item)}</span>
        </h3>
        {item.agent_id !== '' && <span className="request-note">a subagent</span>}
        {!inSession && <span className="request-project clip">{lastPart(item.project)}</span>}
        <Ago micros={item.since} />
      </header>
      {item.kind !== 'question' && <Body item={item} />}
      {mayAnswer ? (
        <Answers item={item} answer={answer} sending={sending} keys={chosen} />
      ) : (
        <p className="request-note">You may look; a member answers.</p>
      )}
    </article>
  )
}
