// Past conversations in words, and the way on from each. Pure.
import type { Conversation } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'

export type Way =
  | { kind: 'open'; session: Session } // it runs in a session of the dashboard
  | { kind: 'elsewhere'; where: string } // it runs outside of it: only a copy can be made
  | { kind: 'again'; session: Session } // its session has ended, and goes on in its record
  | { kind: 'start' } // a new session takes it up
  | { kind: 'not'; why: string }

export function wayOf(conversation: Conversation, sessions: readonly Session[]): Way {
  const session = sessions.find(({ id }) => id === conversation.session)
  if (session?.status === 'active') return { kind: 'open', session }
  if (!conversation.startable) return { kind: 'not', why: conversation.why_not ?? 'It cannot be gone on with.' }
  if (conversation.live_in !== null) return { kind: 'elsewhere', where: conversation.live_in }
  return session === undefined ? { kind: 'start' } : { kind: 'again', session }
}

export function titleOf({ title, first_prompt: prompt }: Conversation): string {
  return title ?? prompt ?? 'Nothing was said'
}

export function matchesConversation(conversation: Conversation, filter: string): boolean {
  const { title, first_prompt: prompt, project, branch, id } = conversation
  const text = [title, prompt, project, branch, id].join(' ').toLowerCase()
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word))
}
