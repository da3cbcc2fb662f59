// Who has a terminal open, in words. Pure.
import type { Person } from '../wire/types.ts'

// Nobody wants to hear of every pause in somebody's typing.
export const kSayTypingEveryMs = 20_000

export function initials(name: string): string {
  const words = name.split(/[\s._-]+/u).filter((word) => word !== '')
  const [first = '?', last] = [words[0], words.length > 1 ? words.at(-1) : undefined]
  return ([...first][0] ?? '?').concat(last === undefined ? '' : ([...last][0] ?? '')).toUpperCase()
}

export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? ''
  if (names.length > 3) return `${names.slice(0, 2).join(', ')} and ${names.length - 2} others`
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

// Null while nobody else types.
export function typingLine(people: readonly Person[]): string | null {
  const names = people.filter((person) => person.typing && !person.you).map((person) => person.name)
  if (names.length === 0) return null
  return `${listed(names)} ${names.length === 1 ? 'is' : 'are'} typing`
}

// Everything there is to say about one.
export function personLine({ name, you, typing, holds, viewers }: Person): string {
  const said = [you ? `${name} (you)` : name]
  if (viewers > 1) said.push(`on ${viewers} pages`)
  if (holds) said.push(you ? 'the terminal has your size' : 'the terminal has their size')
  if (typing && !you) said.push('typing')
  return said.join(', ')
}

// Others first: one knows oneself.
export const inOrder = (people: readonly Person[]): Person[] =>
  [...people].sort((a, b) => Number(a.you) - Number(b.you) || a.name.localeCompare(b.name))

export interface Spoken {
  readonly line: string
  readonly at: number
}

// What to say now, given what was said last: a new line, and not more often than people can bear.
export function toSay(line: string | null, before: Spoken | null, now: number): string | null {
  if (line === null) return null
  return before === null || now - before.at >= kSayTypingEveryMs ? line : null
}
