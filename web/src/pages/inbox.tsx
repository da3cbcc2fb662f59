// Inbox: everything that waits for a person, over all sessions, oldest first; answered with the mouse, a thumb, or four keys.
import { Inbox as InboxIcon } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useAttention, useConnection } from '../services.tsx'
import { Empty, Waiting } from '../ui/feedback.tsx'
import { ConnectionLine } from '../ui/states.tsx'
import type { AttentionItem } from '../wire/types.ts'
import { isTyping, useTitle } from './hooks.ts'
import { Request } from './request.tsx'
import { isRequest } from './request_words.ts'

const kAnswers: Record<string, string> = { a: 'allow', d: 'deny', s: 'seen' }

// j and k choose, a, d and s press that item's own buttons, so that keys can do nothing that is not to be seen.
function useKeys(items: readonly AttentionItem[]) {
  const [chosen, setChosen] = useState<string | null>(null)
  const latest = useRef({ items, chosen })
  useEffect(() => {
    latest.current = { items, chosen }
  })
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || event.repeat) return
      const { items: all, chosen: at } = latest.current
      const index = all.findIndex(({ id }) => id === at)
      if (event.key === 'j' || event.key === 'k') {
        const next = all[Math.min(all.length - 1, Math.max(0, index + (event.key === 'j' ? 1 : -1)))]
        if (next === undefined) return
        event.preventDefault()
        setChosen(next.id)
        document.querySelector(`[data-request="${CSS.escape(next.id)}"]`)?.scrollIntoView({ block: 'nearest' })
        return
      }
      const answer = kAnswers[event.key]
      if (answer === undefined || index < 0 || at === null) return
      const button = document.querySelector<HTMLButtonElement>(`[data-request="${CSS.escape(at)}"] [data-answer="${answer}"]`)
      if (button === null) return
      event.preventDefault()
      button.click()
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [])
  return chosen
}

function List({ title, items, chosen }: { title: string; items: readonly AttentionItem[]; chosen: string | null }) {
  if (items.length === 0) return null
  return (
    <section aria-label={title}>
      <h2>
        {title} <span className="count">{items.length}</span>
      </h2>
      <div className="inbox-list">
        {items.map((item) => (
          <Request key={item.id} item={item} chosen={item.id === chosen} />
        ))}
      </div>
    </section>
  )
}

export function Inbox() {
  const connection = useConnection()
  const { items, loaded } = useAttention()
  const requests = items.filter(isRequest)
  const notices = items.filter((item) => !isRequest(item))
  const chosen = useKeys([...requests, ...notices])
  useTitle('Inbox')
  return (
    <>
      <header className="page-head">
        <h1>Inbox</h1>
        <ConnectionLine connection={connection.word} />
      </header>
      <div className="inbox">
        {!loaded && items.length === 0 && <Waiting what="what waits for you" />}
        {loaded && items.length === 0 && (
          <Empty icon={<InboxIcon size={28} aria-hidden />} title="Nothing waits for you">
            <p>When an agent needs a permission, asks something, has finished or failed, it appears here and you answer in place.</p>
          </Empty>
        )}
        {items.length > 0 && (
          <p className="inbox-keys" aria-hidden>
            <span>
              <kbd>j</kbd> <kbd>k</kbd> next, previous
            </span>
            <span>
              <kbd>a</kbd> allow
            </span>
            <span>
              <kbd>d</kbd> deny
            </span>
            <span>
              <kbd>s</kbd> seen
            </span>
          </p>
        )}
        <List title="Waits for you" items={requests} chosen={chosen} />
        <List title="News" items={notices} chosen={chosen} />
      </div>
    </>
  )
}
