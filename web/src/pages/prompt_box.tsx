// Where prompts for an agent are written: sent and confirmed at once, or queued until it is idle; with history, commands, files and images.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { ChevronDown, ChevronUp, ImageUp, SendHorizontal, Trash2 } from 'lucide-react'
import { useEffect, useId, useRef, useState, type ChangeEvent, type ClipboardEvent, type KeyboardEvent } from 'react'
import { useServices } from '../services.tsx'
import { Button, IconButton } from '../ui/button.tsx'
import { Notice, useTelling } from '../ui/feedback.tsx'
import { Ago } from '../ui/time.tsx'
import { readFolder } from '../wire/api.ts'
import { cancelPrompt, readHistory, readPrompt, readPrompts, sendPrompt, setAfterLimit, type Prompt, type SessionPrompts } from '../wire/prompts.ts'
import { uploadImage } from '../wire/upload.ts'
import type { Agent, Session } from '../wire/types.ts'
import { useIsPhone } from './hooks.ts'
import { completed, completionAt, folderOf, kCommands, kPromptSources, kPromptStates, oneLine, takesPrompts, type Completion } from './prompt_words.ts'
import './prompts.css'

const kImageTypes = 'image/png,image/jpeg,image/gif,image/webp'
// While something waits its row changes without a message.
const kAgainMs = 3_000
const kShownSuggestions = 8
const kDefaultAfterLimit = 'Continue where you stopped.'

const promptsKey = (session: string) => ['prompts', session]

function usePrompts(session: Session, open: boolean) {
  const { http } = useServices()
  return useQuery({
    queryKey: promptsKey(session.id),
    queryFn: () => readPrompts(http, session.id),
    enabled: open,
    refetchInterval: ({ state }) => (state.data?.prompts.some((prompt) => prompt.state === 'queued' || prompt.state === 'sending') ? kAgainMs : false),
  })
}

interface Suggestion {
  value: string
  note: string
}

function useSuggestions(session: Session, at: Completion | null): readonly Suggestion[] {
  const { http } = useServices()
  const { folder, begins } = folderOf(at?.kind === 'file' ? at.typed : '')
  const path = `${session.project}/${folder}`.replace(/\/+$/, '')
  const listing = useQuery({
    queryKey: ['folder', path],
    queryFn: ({ signal }) => readFolder(http, path, signal),
    enabled: at?.kind === 'file' && !folder.split('/').includes('..'),
    staleTime: 10_000,
    retry: false,
  })
  if (at === null) return []
  if (at.kind === 'command') {
    return kCommands.filter(({ name }) => name.startsWith(at.typed) && name !== at.typed).map(({ name, meaning }) => ({ value: name, note: meaning }))
  }
  return (listing.data?.entries ?? [])
    .filter(({ name, name_is_utf8 }) => name_is_utf8 !== false && name.toLowerCase().startsWith(begins.toLowerCase()) && (begins !== '' || !name.startsWith('.')))
    .slice(0, kShownSuggestions)
    .map(({ name, kind }) => ({ value: `${folder}${name}${kind === 'folder' ? '/' : ''}`, note: kind === 'folder' ? 'folder' : '' }))
}

interface EditorProps {
  session: Session
  agent: Agent
  onSent: () => void
}

function Editor({ session, agent, onSent }: EditorProps) {
  const { http } = useServices()
  const { tell } = useTelling()
  const phone = useIsPhone()
  const client = useQueryClient()
  const field = useRef<HTMLTextAreaElement>(null)
  const images = useRef<HTMLInputElement>(null)
  const [text, setText] = useState('')
  const [cursor, setCursor] = useState(0)
  const [active, setActive] = useState(0)
  const [dismissed, setDismissed] = useState(false)
  const [uploading, setUploading] = useState<number | null>(null)
  const [back, setBack] = useState(-1)
  const wanted = useRef<string | null>(null)
  const listId = useId()
  const at = dismissed ? null : completionAt(text, cursor)
  const suggestions = useSuggestions(session, at)
  const history = useQuery({ queryKey: ['prompt-history', session.project], queryFn: () => readHistory(http, session.project), staleTime: 60_000 })
  const now = takesPrompts(agent)

  const put = (next: string, place = next.length) => {
    setText(next)
    setCursor(place)
    setActive(0)
    requestAnimationFrame(() => field.current?.setSelectionRange(place, place))
  }
  const send = useMutation({
    mutationFn: (what: string) => sendPrompt(http, session.id, what, now ? 'now' : 'idle'),
    onSuccess: async (prompt) => {
      if (prompt.state === 'failed' || prompt.state === 'uncertain') tell(`${kPromptStates[prompt.state]}: ${prompt.detail}`, 'danger')
      else put('')
      setBack(-1)
      onSent()
      await client.invalidateQueries({ queryKey: ['prompt-history'] })
    },
    // What was written stays.
    onError: (error) => tell(error.message, 'danger'),
    onSettled: () => client.invalidateQueries({ queryKey: promptsKey(session.id) }),
  })
  const submit = () => {
    if (text.trim() !== '' && !send.isPending) send.mutate(text)
  }
  const choose = (suggestion: Suggestion) => {
    if (at === null) return
    const next = completed(text, cursor, at, suggestion.value)
    put(next.text, next.cursor)
    field.current?.focus()
  }
  const recall = (step: 1 | -1): boolean => {
    const texts = history.data ?? []
    const next = back + step
    if (next < -1 || next >= texts.length) return false
    setBack(next)
    const past = texts[next]
    wanted.current = past?.cut === true ? past.id : null
    put(past === undefined || past.cut ? '' : past.text)
    if (past?.cut === true) void recallWhole(past.id)
    return true
  }
  // Never its beginning alone, which would be sent as it stands. Who goes on or types meanwhile wants it no more.
  const recallWhole = async (id: string) => {
    try {
      const whole = await client.fetchQuery({ queryKey: ['prompt', id], queryFn: () => readPrompt(http, id), staleTime: Infinity })
      if (wanted.current === id) put(whole.text)
    } catch (error) {
      if (wanted.current === id) tell(error instanceof Error ? error.message : String(error), 'danger')
    }
  }
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return
    if (suggestions.length > 0 && !event.shiftKey) {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
      const chosen = suggestions[active]
      if (step !== 0) setActive((active + step + suggestions.length) % suggestions.length)
      else if ((event.key === 'Tab' || event.key === 'Enter') && chosen !== undefined) choose(chosen)
      else if (event.key === 'Escape') setDismissed(true)
      else return
      return event.preventDefault()
    }
    const browsing = back >= 0 || text === ''
    if (event.key === 'ArrowUp' && browsing && recall(1)) return event.preventDefault()
    if (event.key === 'ArrowDown' && back >= 0 && recall(-1)) return event.preventDefault()
    // On a phone Enter is a new line: the button sends.
    if (event.key === 'Enter' && ((!event.shiftKey && !phone) || event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      submit()
    }
  }
  const upload = async (files: readonly File[]) => {
    for (const file of files) {
      setUploading(0)
      try {
        const path = await uploadImage(http, { session: session.id, file, name: file.name, onProgress: setUploading, signal: new AbortController().signal })
        wanted.current = null
        setText((before) => `${before}${before === '' || before.endsWith(' ') ? '' : ' '}${path} `)
      } catch (error) {
        tell(error instanceof Error ? error.message : String(error), 'danger')
      }
    }
    setUploading(null)
    field.current?.focus()
  }
  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files]
    if (files.length === 0) return
    event.preventDefault()
    void upload(files)
  }
  const pick = (event: ChangeEvent<HTMLInputElement>) => {
    void upload([...(event.target.files ?? [])])
    event.target.value = ''
  }
  useEffect(() => {
    const element = field.current
    if (element === null) return
    element.style.height = 'auto'
    element.style.height = `${Math.min(element.scrollHeight + 2, window.innerHeight * 0.4)}px`
  }, [text])

  return (
    <form
      className="prompt-editor"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <input ref={images} type="file" hidden multiple accept={kImageTypes} aria-label="Images for the prompt" onChange={pick} />
      <IconButton label="Add images to the prompt" icon={<ImageUp size={18} aria-hidden />} onClick={() => images.current?.click()} />
      <div className="prompt-field">
        {suggestions.length > 0 && (
          <ul className="prompt-suggestions" id={listId} role="listbox" aria-label="Completions">
            {suggestions.map((suggestion, index) => (
              <li
                key={suggestion.value}
                role="option"
                id={`${listId}-${index}`}
                aria-selected={index === active}
                onMouseDown={(event) => {
                  event.preventDefault()
                  choose(suggestion)
                }}
              >
                <span className="mono">{suggestion.value}</span> <span className="prompt-note">{suggestion.note}</span>
              </li>
            ))}
          </ul>
        )}
        <textarea
          ref={field}
          className="input"
          aria-label="Prompt"
          placeholder={now ? 'Prompt' : 'Queue a prompt'}
          rows={1}
          aria-haspopup="listbox"
          aria-controls={listId}
          aria-autocomplete="list"
          {...(suggestions.length > 0 && { 'aria-activedescendant': `${listId}-${active}` })}
          value={text}
          onChange={(event) => {
            wanted.current = null
            setText(event.target.value)
            setCursor(event.target.selectionStart)
            setActive(0)
            setDismissed(false)
            setBack(-1)
          }}
          onSelect={(event) => setCursor(event.currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        {uploading !== null && <progress value={uploading} max={1} aria-label="Uploading an image" />}
      </div>
      <Button kind="primary" type="submit" busy={send.isPending} disabled={text.trim() === ''} icon={<SendHorizontal size={16} aria-hidden />}>
        {send.isPending ? 'Sending…' : now ? 'Send' : 'Queue'}
      </Button>
    </form>
  )
}

function Row({ prompt, onCancel }: { prompt: Prompt; onCancel: () => void }) {
  const source = kPromptSources[prompt.source]
  return (
    <li className={`prompt-row ${prompt.state}`}>
      <span className="prompt-state">{kPromptStates[prompt.state]}</span>
      <span className="prompt-text" title={prompt.text}>
        {oneLine(prompt.text)}
      </span>
      <span className="prompt-note">
        {[source, prompt.state === 'sent' ? '' : prompt.detail, prompt.created_by].filter(Boolean).join(' · ')}
      </span>
      <Ago micros={prompt.done_at ?? prompt.created_at} />
      {prompt.state === 'queued' && (
        <IconButton small label={`Take back: ${oneLine(prompt.text, 40)}`} icon={<Trash2 size={14} aria-hidden />} onClick={onCancel} />
      )}
    </li>
  )
}

function AfterLimit({ session, data }: { session: Session; data: SessionPrompts }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: (text: string) => setAfterLimit(http, session.id, text),
    onSettled: () => client.invalidateQueries({ queryKey: promptsKey(session.id) }),
    onError: (error) => tell(error.message, 'danger'),
  })
  return (
    <label className="prompt-limit">
      <input type="checkbox" checked={data.after_limit !== null} onChange={(event) => change.mutate(event.target.checked ? kDefaultAfterLimit : '')} />
      <span>
        Go on by itself when a usage limit is over
        {data.after_limit !== null && <span className="prompt-note"> with “{oneLine(data.after_limit, 60)}”</span>}
      </span>
    </label>
  )
}

function Sent({ session, data }: { session: Session; data: SessionPrompts }) {
  const { http } = useServices()
  const { tell } = useTelling()
  const client = useQueryClient()
  const cancel = useMutation({
    mutationFn: (id: string) => cancelPrompt(http, id),
    onSettled: () => client.invalidateQueries({ queryKey: promptsKey(session.id) }),
    onError: (error) => tell(error.message, 'danger'),
  })
  return (
    <div className="prompt-sent">
      {data.sending.stopped && <Notice tone="warning">Sending is stopped by {data.sending.by || 'somebody'}: what waits goes on waiting.</Notice>}
      <AfterLimit session={session} data={data} />
      {data.prompts.length === 0 ? (
        <p className="prompt-note">Nothing was sent from here yet. ↑ in the empty field brings back what was sent in this project.</p>
      ) : (
        <ul className="prompt-rows" aria-label="Prompts of this session">
          {data.prompts.map((prompt) => (
            <Row key={prompt.id} prompt={prompt} onCancel={() => cancel.mutate(prompt.id)} />
          ))}
        </ul>
      )}
    </div>
  )
}

export function PromptBox({ session, agent }: { session: Session; agent: Agent }) {
  const [open, setOpen] = useState(false)
  const client = useQueryClient()
  const { data } = usePrompts(session, true)
  const waiting = data?.waiting ?? 0
  // What waited may have gone with the agent's state.
  useEffect(() => void client.invalidateQueries({ queryKey: promptsKey(session.id) }), [client, session.id, agent.state])
  return (
    <section className="prompt-box" aria-label="Prompts">
      {open && data !== undefined && <Sent session={session} data={data} />}
      <div className="prompt-line">
        <IconButton
          label={open ? 'Hide what was sent' : 'What was sent and what waits'}
          icon={open ? <ChevronDown size={18} aria-hidden /> : <ChevronUp size={18} aria-hidden />}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        />
        {waiting > 0 && <span className="prompt-waiting">{waiting} waiting</span>}
        <Editor session={session} agent={agent} onSent={() => undefined} />
      </div>
    </section>
  )
}
