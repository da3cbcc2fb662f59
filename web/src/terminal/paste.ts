// Text that is about to be pasted into a program.

// Everything a keyboard's text may hold: printable characters, tab and line ends. An escape character in pasted text
// could end the bracket around it, or press keys nobody pressed.
const kForbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

// One INPUT's worth of patience: more is a file, and belongs into one.
export const kMaxPasteChars = 200_000

export interface Paste {
  text: string
  lines: number
  // Characters that were left out.
  dropped: number
}

export function preparePaste(raw: string): Paste {
  const text = raw.replace(/\r\n?/g, '\n').replace(kForbidden, '')
  const dropped = (raw.match(kForbidden) ?? []).length
  return { text, lines: text.split('\n').length, dropped }
}

// A program that did not ask for bracketed paste takes every line end for Enter.
export function needsConfirmation(paste: Paste, bracketed: boolean): boolean {
  return !bracketed && paste.lines > 1
}
