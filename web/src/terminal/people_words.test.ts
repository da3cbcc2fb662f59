// Who is here, in words.
import { describe, expect, it } from 'vitest'
import type { Person } from '../wire/types.ts'
import { initials, inOrder, kSayTypingEveryMs, listed, personLine, toSay, typingLine } from './people_words.ts'

const person = (name: string, more: Partial<Person> = {}): Person => ({
  name,
  you: false,
  typing: false,
  holds: false,
  viewers: 1,
  ...more,
})

describe('people', () => {
  it.each([
    ['anna', 'A'],
    ['Anna Lind', 'AL'],
    ['anna.b.lind', 'AL'],
    ['日本', '日'],
    ['', '?'],
  ])('%s has the initials %s', (name, expected) => expect(initials(name)).toBe(expected))

  it.each([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
    [['a', 'b', 'c', 'd'], 'a, b and 2 others'],
  ])('%j are listed', (names, expected) => expect(listed(names)).toBe(expected))

  it('are said to type unless it is you', () => {
    expect(typingLine([person('ada', { you: true, typing: true })])).toBeNull()
    expect(typingLine([person('anna', { typing: true }), person('bo')])).toBe('anna is typing')
    expect(typingLine([person('anna', { typing: true }), person('bo', { typing: true })])).toBe('anna and bo are typing')
  })

  it('are described whole, the others first', () => {
    const you = person('ada', { you: true, viewers: 2, holds: true })
    const anna = person('anna', { typing: true, holds: true })
    expect(inOrder([you, anna]).map(personLine)).toEqual([
      'anna, the terminal has their size, typing',
      'ada (you), on 2 pages, the terminal has your size',
    ])
  })

  it('are spoken of now and then', () => {
    expect(toSay(null, null, 0)).toBeNull()
    expect(toSay('anna is typing', null, 0)).toBe('anna is typing')
    const said = { line: 'anna is typing', at: 0 }
    expect(toSay('anna is typing', said, kSayTypingEveryMs - 1)).toBeNull()
    expect(toSay('bo is typing', said, kSayTypingEveryMs)).toBe('bo is typing')
  })
})
