// What a program asks the terminal to put on the clipboard (OSC 52). Pure. Asking what is on it is never answered.

// More than this was not written to be pasted.
export const kMaxClipboardBytes = 1024 * 1024

// `data` is what stands between the sequence's number and its end: the clipboards meant, a semicolon, base64. Null for a
// question, for what is too long, and for what is no text.
export function clipboardText(data: string): string | null {
  const at = data.indexOf(';')
  const coded = data.slice(at + 1)
  if (at < 0 || coded === '' || coded === '?' || coded.length > Math.ceil(kMaxClipboardBytes / 3) * 4) return null
  try {
    const bytes = Uint8Array.from(atob(coded), (char) => char.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

// Allowed, forbidden, or not yet decided, for one session in this tab.
export type ClipboardChoice = 'allow' | 'never' | null

interface Shelf {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

const keyOf = (session: string) => `ccd.clipboard.${session}`

export function clipboardChoice(shelf: Shelf, session: string): ClipboardChoice {
  try {
    const stored = shelf.getItem(keyOf(session))
    return stored === 'allow' || stored === 'never' ? stored : null
  } catch {
    return null
  }
}

export function chooseClipboard(shelf: Shelf, session: string, choice: 'allow' | 'never'): void {
  try {
    shelf.setItem(keyOf(session), choice)
  } catch {
    // It is asked again after a reload.
  }
}
