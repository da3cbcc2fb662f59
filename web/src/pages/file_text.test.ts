// What the file viewer shows of bytes: text, lines, limits.
import { describe, expect, it } from 'vitest'
import { kMaxLineChars, toLines, toText } from './file_text.ts'

describe('the text of a file', () => {
  it('is UTF-8 without NUL, else it is no text', () => {
    expect(toText(Buffer.from('grüße\n'), true)).toBe('grüße\n')
    expect(toText(Buffer.from([0x89, 0x50, 0x4e, 0x47]), true)).toBeNull()
    expect(toText(Buffer.from('a\0b'), true)).toBeNull()
    expect(toText(new Uint8Array(0), true)).toBe('')
  })

  it('may stop in the middle of a character when it is only a part', () => {
    const bytes = Buffer.from('aü').subarray(0, 2)
    expect(toText(bytes, false)).toBe('a')
    expect(toText(bytes, true)).toBeNull()
  })

  it('has lines without their ends, and cuts what is too long to draw', () => {
    expect(toLines('a\r\nb\n\nc\n')).toEqual({ lines: ['a', 'b', '', 'c'], cut: false })
    expect(toLines('')).toEqual({ lines: [''], cut: false })
    const long = toLines('x'.repeat(kMaxLineChars + 1))
    expect(long.cut).toBe(true)
    expect(long.lines[0]?.length).toBe(kMaxLineChars + 2)
  })
})
