// What programs may put on the clipboard.
import { describe, expect, it } from 'vitest'
import { chooseClipboard, clipboardChoice, clipboardText, kMaxClipboardBytes } from './clipboard.ts'

const coded = (text: string) => Buffer.from(text).toString('base64')

describe('clipboard', () => {
  it.each([
    ['text', `c;${coded('hello')}`, 'hello'],
    ['text of all kinds', `;${coded('日本 🎉\n')}`, '日本 🎉\n'],
    ['several clipboards', `cps0;${coded('x')}`, 'x'],
    ['a question', 'c;?', null],
    ['nothing', 'c;', null],
    ['no base64', 'c;***', null],
    ['no text', `c;${Buffer.from([0xff, 0xfe]).toString('base64')}`, null],
    ['no semicolon', coded('x'), null],
    ['as much as is allowed', `c;${coded('x'.repeat(kMaxClipboardBytes))}`, 'x'.repeat(kMaxClipboardBytes)],
    ['too much', `c;${coded('x'.repeat(kMaxClipboardBytes + 3))}`, null],
  ])('takes %s for what it is', (_, data, text) => expect(clipboardText(data)).toBe(text))

  it('is decided for each session', () => {
    const map = new Map<string, string>()
    const shelf = { getItem: (key: string) => map.get(key) ?? null, setItem: (key: string, value: string) => void map.set(key, value) }
    chooseClipboard(shelf, 'a', 'allow')
    expect([clipboardChoice(shelf, 'a'), clipboardChoice(shelf, 'b')]).toEqual(['allow', null])
    map.set('ccd.clipboard.b', 'always')
    expect(clipboardChoice(shelf, 'b')).toBeNull()
  })
})
