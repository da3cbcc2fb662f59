// What each key of the key bar and the keyboard sends.
import { describe, expect, it } from 'vitest'
import { control, readable, softKey } from './keys.ts'
import { needsConfirmation, preparePaste } from './paste.ts'

describe('soft keys', () => {
  it('follow the cursor mode the program asked for', () => {
    expect(softKey('Up', false)).toBe('\x1b[A')
    expect(softKey('Left', true)).toBe('\x1bOD')
    expect(softKey('Right', true, true)).toBe('\x1b[1;5C')
    expect(['Escape', 'Tab', 'BackTab', 'Enter'].map((key) => softKey(key as 'Tab', true))).toEqual([
      '\x1b',
      '\t',
      '\x1b[Z',
      '\r',
    ])
  })

  it('make control characters of what has one', () => {
    expect([...'cC[@ ?_'].map(control)).toEqual(['\x03', '\x03', '\x1b', '\0', '\0', '\x7f', '\x1f'])
    expect(['é', '1', '', 'ab'].map(control)).toEqual([null, null, null, null])
  })

  it('are readable when they wait', () => {
    expect(readable(Buffer.from('ls -l\r\x03\t\x1b[A\x7f'))).toBe('ls -l⏎^C⇥␛[A⌫')
    expect(readable(Buffer.from('x'.repeat(100)), 10)).toBe(`${'x'.repeat(10)}…`)
  })
})

describe('paste', () => {
  it('carries no escape character and no other control', () => {
    const paste = preparePaste('a\x1b[201~rm\x07\x9b\r\nb\tc\x00')
    expect(paste).toEqual({ text: 'a[201~rm\nb\tc', lines: 2, dropped: 4 })
  })

  it('of several lines asks unless the program brackets it', () => {
    expect(needsConfirmation(preparePaste('a\nb'), false)).toBe(true)
    expect(needsConfirmation(preparePaste('a\nb'), true)).toBe(false)
    expect(needsConfirmation(preparePaste('a b'), false)).toBe(false)
  })
})
