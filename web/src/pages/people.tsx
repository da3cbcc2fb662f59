// Who has a session open: their initials in the header, and a quiet word while somebody types.
import { Keyboard, Users } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { initials, inOrder, personLine, toSay, typingLine, type Spoken } from '../terminal/people_words.ts'
import { useTelling } from '../ui/feedback.tsx'
import { counted } from '../ui/text.ts'
import type { Person, Session } from '../wire/types.ts'

// More become a number.
const kShown = 3

export function People({ session, people }: { session: Session; people: readonly Person[] }) {
  const all = inOrder(people)
  const others = all.filter((person) => !person.you)
  // As long as nobody is known by name, the number is.
  if (all.length === 0) {
    if (session.viewers < 2) return null
    return (
      <span className="fact" title={`${counted(session.viewers, 'page')} shows this session`}>
        <Users size={14} aria-hidden />
        <span>{session.viewers} here</span>
      </span>
    )
  }
  if (others.length === 0) return null
  const shown = others.slice(0, kShown)
  return (
    <span className="people" title={all.map(personLine).join('\n')}>
      <span className="only-heard">Here: {all.map(personLine).join('; ')}</span>
      {shown.map((person) => (
        <span key={person.name} className="person" data-typing={person.typing} aria-hidden>
          {initials(person.name)}
        </span>
      ))}
      {others.length > kShown && (
        <span className="person more" aria-hidden>
          +{others.length - kShown}
        </span>
      )}
    </span>
  )
}

export function Typing({ people }: { people: readonly Person[] }) {
  const { say } = useTelling()
  const line = typingLine(people)
  const spoken = useRef<Spoken | null>(null)
  useEffect(() => {
    const now = performance.now()
    const text = toSay(line, spoken.current, now)
    if (text === null) return
    spoken.current = { line: text, at: now }
    say(text)
  }, [line, say])
  if (line === null) return null
  return (
    <span className="typing" aria-hidden>
      <Keyboard size={14} aria-hidden />
      <span className="clip">{line}</span>
    </span>
  )
}
