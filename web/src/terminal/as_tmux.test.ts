// What tmux 3.3a shows after the same bytes, found by trying it; tests/terminal holds the same against the screen model.
import headless from '@xterm/headless'
import type { Terminal } from '@xterm/xterm'
import { describe, expect, it } from 'vitest'
import { asTmux } from './as_tmux.ts'

async function shown(bytes: string) {
  const terminal = new headless.Terminal({ cols: 10, rows: 5, allowProposedApi: true })
  asTmux(terminal as unknown as Terminal)
  await new Promise<void>((done) => terminal.write(bytes, done))
  const { active } = terminal.buffer
  const rows = Array.from({ length: 5 }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true))
  return { rows, cursor: [active.cursorX, active.cursorY] }
}

const kLines = 'a\r\nb\r\nc\r\nd\r\ne'

describe('xterm as tmux', () => {
  it('keeps the column where a line is inserted', async () => {
    expect(await shown(`${kLines}\x1b[2;4H\x1b[L`)).toEqual({ rows: ['a', '', 'b', 'c', 'd'], cursor: [3, 1] })
  })
  it('keeps the column where lines are deleted', async () => {
    expect(await shown(`${kLines}\x1b[2;4H\x1b[2M`)).toEqual({ rows: ['a', 'd', 'e', '', ''], cursor: [3, 1] })
  })
  it('wraps behind the last column all the same', async () => {
    expect(await shown('\x1b[2;1H0123456789\x1b[Mx')).toEqual({ rows: ['', '', 'x', '', ''], cursor: [1, 2] })
  })
  it('edits outside of the scroll region down to the end of the screen, and leaves the region', async () => {
    const { rows } = await shown(`${kLines}\x1b[1;3r\x1b[4;2H\x1b[M\x1b[3;1H\n`)
    expect(rows).toEqual(['b', 'c', '', 'e', ''])
  })
  it('takes more than there are, and does nothing for sub-parameters', async () => {
    expect((await shown(`${kLines}\x1b[2H\x1b[99999999M`)).rows).toEqual(['a', '', '', '', ''])
    expect((await shown(`${kLines}\x1b[2H\x1b[1:2M`)).rows).toEqual(['a', 'b', 'c', 'd', 'e'])
  })
  it.each(['\x1b_', '\x1bX', '\x1b^'])('shows nothing of a string that begins with %j', async (begin) => {
    expect((await shown(`1${begin}größer 日本 text\x1b\\2`)).rows[0]).toBe('12')
  })
})
