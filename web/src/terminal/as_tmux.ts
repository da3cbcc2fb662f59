// Makes xterm do what tmux does where the two disagree about ordinary output, so that live output shows what a snapshot of it would.
// xterm has no public way to these; its version is pinned, and as_tmux.test.ts says when a new one has them elsewhere.
import type { IDisposable, Terminal } from '@xterm/xterm'

interface Core {
  // The one that is shown. x is the width when the next character wraps.
  buffer: { x: number; y: number; scrollTop: number; scrollBottom: number }
  _inputHandler: {
    insertLines(params: { params: number[] }): boolean
    deleteLines(params: { params: number[] }): boolean
    _parser: { _transitions: { add(code: number, state: number, action: number, next: number): void } }
  }
}

// What the parser's table calls all characters that are not ASCII, its state in SOS, PM and APC, and doing nothing.
const kNotAscii = 0xa0
const kInString = 7
const kIgnore = 0

export function asTmux(terminal: Pick<Terminal, 'parser' | 'rows'>): IDisposable {
  const { _core: core } = terminal as unknown as { _core: Core }
  const input = core._inputHandler
  // Otherwise such a string ends at its first character that is not ASCII, and the rest is printed.
  input._parser._transitions.add(kNotAscii, kInString, kIgnore, kInString)
  // Lines are inserted and deleted without a step to the first column, and outside of the scroll region down to the end of the screen.
  const edit = (act: (params: { params: number[] }) => boolean) => (params: (number | number[])[]) => {
    const [count = 1] = params
    if (Array.isArray(count) || Array.isArray(params[1])) return true
    const { buffer } = core
    const { x, y, scrollTop, scrollBottom } = buffer
    if (y < scrollTop || y > scrollBottom) Object.assign(buffer, { scrollTop: 0, scrollBottom: terminal.rows - 1 })
    act.call(input, { params: [Math.min(Math.max(count, 1), terminal.rows)] })
    Object.assign(buffer, { x, scrollTop, scrollBottom })
    return true
  }
  const handlers = [
    terminal.parser.registerCsiHandler({ final: 'L' }, edit(input.insertLines)),
    terminal.parser.registerCsiHandler({ final: 'M' }, edit(input.deleteLines)),
  ]
  return { dispose: () => handlers.forEach((handler) => handler.dispose()) }
}
