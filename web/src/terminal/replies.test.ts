// The terminal answers no query: tmux does.
import headless from '@xterm/headless'
import { describe, expect, it } from 'vitest'
import { isFocusReport, silenceReplies } from './replies.ts'

const { Terminal } = headless

function newTerminal() {
  const terminal = new Terminal({ cols: 40, rows: 5, allowProposedApi: true })
  const answers: string[] = []
  terminal.onData((data) => answers.push(data))
  terminal.onBinary((data) => answers.push(data))
  return { terminal, answers }
}

const write = (terminal: InstanceType<typeof Terminal>, data: string) =>
  new Promise<void>((done) => terminal.write(data, done))

const kQuestions = {
  DA1: '\x1b[c',
  'DA1 with a zero': '\x1b[0c',
  DA2: '\x1b[>c',
  'DA2 with a zero': '\x1b[>0c',
  DA3: '\x1b[=c',
  DSR: '\x1b[5n',
  CPR: '\x1b[6n',
  DECXCPR: '\x1b[?6n',
  'colour scheme': '\x1b[?996n',
  'DECRQM ansi': '\x1b[4$p',
  'DECRQM private': '\x1b[?2026$p',
  'DECRQSS SGR': '\x1bP$qm\x1b\\',
  'DECRQSS cursor': '\x1bP$q q\x1b\\',
  'DECRQSS invalid': '\x1bP$qzz\x1b\\',
  XTGETTCAP: '\x1bP+q544e\x1b\\',
  XTVERSION: '\x1b[>q',
  'kitty keyboard': '\x1b[?u',
  DECREQTPARM: '\x1b[x',
  'window size in cells': '\x1b[18t',
  'window size in pixels': '\x1b[14t',
  'window title': '\x1b[21t',
  'OSC 4': '\x1b]4;1;?\x07',
  'OSC 10': '\x1b]10;?\x07',
  'OSC 11': '\x1b]11;?\x1b\\',
  'OSC 12': '\x1b]12;?\x07',
  'OSC 10 set and ask': '\x1b]10;#ffffff;?\x07',
  'OSC 52 read': '\x1b]52;c;?\x07',
  'OSC 52 write': '\x1b]52;c;aGk=\x07',
  ENQ: '\x05',
  'focus mode': '\x1b[?1004h',
  'focus mode with others': '\x1b[?1004;2004h',
}

describe('terminal replies', () => {
  it.each(Object.entries(kQuestions))('%s is not answered', async (_name, question) => {
    const { terminal, answers } = newTerminal()
    silenceReplies(terminal.parser)
    await write(terminal, question)
    // In pieces too: a question may arrive over several frames.
    for (const char of question) await write(terminal, char)
    expect(answers).toEqual([])
  })

  it('would be given without the filter', async () => {
    const { terminal, answers } = newTerminal()
    await write(terminal, kQuestions.DA1 + kQuestions.CPR + kQuestions['DECRQSS SGR'] + kQuestions['DECRQM private'])
    expect(answers.length).toBe(4)
  })

  it('leave ordinary output and modes alone', async () => {
    const { terminal } = newTerminal()
    silenceReplies(terminal.parser)
    await write(terminal, 'a\x1b[cb\x1b[?1004;2004h\x1b[?1h\x1b[6nc')
    expect(terminal.buffer.active.getLine(0)?.translateToString(true)).toBe('abc')
    expect(terminal.modes.bracketedPasteMode).toBe(true)
    expect(terminal.modes.applicationCursorKeysMode).toBe(true)
    await write(terminal, '\x1b[?2004l')
    expect(terminal.modes.bracketedPasteMode).toBe(false)
  })

  it('of the focus kind are told from keys', () => {
    expect(['\x1b[I', '\x1b[O'].every(isFocusReport)).toBe(true)
    expect(['\x1b[A', '\x1bOA', '\x1b', '\x1b[Z', 'I'].some(isFocusReport)).toBe(false)
  })
})
