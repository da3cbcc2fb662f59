// Keys that have no character: what a program receives for them.

export type SoftKey = 'Escape' | 'Tab' | 'BackTab' | 'Up' | 'Down' | 'Left' | 'Right' | 'Enter'

const kCursor: Partial<Record<SoftKey, string>> = { Up: 'A', Down: 'B', Right: 'C', Left: 'D' }
const kFixed: Partial<Record<SoftKey, string>> = {
  Escape: '\x1b',
  Tab: '\t',
  BackTab: '\x1b[Z',
  Enter: '\r',
}

// `applicationCursor`: the program asked for the other form of the arrow keys (DECCKM).
export function softKey(key: SoftKey, applicationCursor: boolean, ctrl = false): string {
  const cursor = kCursor[key]
  if (cursor === undefined) return kFixed[key] ?? ''
  if (ctrl) return `\x1b[1;5${cursor}`
  return `\x1b${applicationCursor ? 'O' : '['}${cursor}`
}

// The control character of a typed one: c is 0x03. Null when there is none.
export function control(char: string): string | null {
  if (char.length !== 1) return null
  const code = char.toUpperCase().charCodeAt(0)
  if (char === ' ') return '\0'
  if (char === '?') return '\x7f'
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : null
}

// Input as a person reads it: ^C for control characters, ⏎ for Enter. Cut to a readable length.
export function readable(bytes: Uint8Array, limit = 60): string {
  const text = new TextDecoder().decode(bytes.subarray(0, limit * 4))
  let shown = ''
  for (const char of text) {
    const code = char.charCodeAt(0)
    if (char === '\r' || char === '\n') shown += '⏎'
    else if (char === '\t') shown += '⇥'
    else if (char === '\x1b') shown += '␛'
    else if (code === 0x7f) shown += '⌫'
    else if (code < 0x20) shown += `^${String.fromCharCode(code + 0x40)}`
    else shown += char
    if (shown.length >= limit) return `${shown}…`
  }
  return shown
}
