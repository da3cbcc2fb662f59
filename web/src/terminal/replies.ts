// Keeps the browser's terminal from answering questions that programs ask. tmux answers them; a second answer, or one
// per viewer, would arrive at the program as if somebody had typed it. The questions are swallowed where they are
// parsed, so no answer is ever made. What the terminal emits afterwards is what a person did.
import type { IDisposable, IParser } from '@xterm/xterm'
import { clipboardText } from './clipboard.ts'

const kFocusMode = 1004
const kSwallow = () => true
const kColourQuestions = [4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]

// CSI sequences whose only purpose is an answer.
const kQuestions = [
  { final: 'c' }, // DA1
  { prefix: '>', final: 'c' }, // DA2
  { prefix: '=', final: 'c' }, // DA3
  { final: 'n' }, // DSR, CPR
  { prefix: '?', final: 'n' }, // DECDSR, DECXCPR, colour scheme
  { intermediates: '$', final: 'p' }, // DECRQM
  { prefix: '?', intermediates: '$', final: 'p' }, // DECRQM, private
  { prefix: '>', final: 'q' }, // XTVERSION
  { prefix: '?', final: 'u' }, // kitty keyboard
  { final: 'x' }, // DECREQTPARM
  { final: 't' }, // window reports and manipulation
  { intermediates: '*', final: 'y' }, // DECRQCRA
  { intermediates: '&', final: 'u' }, // DECRQUPSS
  { intermediates: '$', final: 'w' }, // DECRQPSR
  { prefix: '?', final: 'S' }, // XTSMGRAPHICS
] as const

export function silenceReplies(parser: IParser, onCopy: (text: string) => void = () => undefined): IDisposable {
  const handlers: IDisposable[] = kQuestions.map((id) => parser.registerCsiHandler(id, kSwallow))
  // DECRQSS, XTGETTCAP.
  handlers.push(parser.registerDcsHandler({ intermediates: '$', final: 'q' }, kSwallow))
  handlers.push(parser.registerDcsHandler({ intermediates: '+', final: 'q' }, kSwallow))
  // Colours may be set, not asked for. One sequence can do both; then neither happens.
  for (const code of kColourQuestions) {
    handlers.push(parser.registerOscHandler(code, (data) => data.includes('?')))
  }
  // The clipboard belongs to the person: what is on it is not told, and what is to be written is for them to allow.
  handlers.push(
    parser.registerOscHandler(52, (data) => {
      const text = clipboardText(data)
      if (text !== null) onCopy(text)
      return true
    }),
  )
  // With several viewers focus means nothing to a program. Turned on together with other modes, the report itself is
  // dropped by isFocusReport().
  for (const final of ['h', 'l']) {
    const id = { prefix: '?', final }
    handlers.push(parser.registerCsiHandler(id, (params) => params.every((mode) => mode === kFocusMode)))
  }
  return { dispose: () => handlers.forEach((handler) => handler.dispose()) }
}

// No key produces these two, and pasted text never carries an escape character (see paste.ts).
export function isFocusReport(data: string): boolean {
  return data === '\x1b[I' || data === '\x1b[O'
}
