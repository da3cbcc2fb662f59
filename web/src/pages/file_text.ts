// Whether bytes are text, and its lines. Pure.

// Where a binary file shows itself.
const kProbeBytes = 8 * 1024
// Longer lines are data, not text; drawing them would stop the page.
export const kMaxLineChars = 2_000

export interface FileText {
  lines: string[]
  // Some lines were too long to show whole.
  cut: boolean
}

// Null for what is not UTF-8 text. The end of a part of a file may be in the middle of a character.
export function toText(bytes: Uint8Array, whole: boolean): string | null {
  if (bytes.subarray(0, kProbeBytes).includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !whole })
  } catch {
    return null
  }
}

export function toLines(text: string): FileText {
  let cut = false
  const lines = text.split('\n').map((line) => {
    const plain = line.endsWith('\r') ? line.slice(0, -1) : line
    if (plain.length <= kMaxLineChars) return plain
    cut = true
    return `${plain.slice(0, kMaxLineChars)} …`
  })
  // A line end at the end begins no line.
  if (lines.length > 1 && lines.at(-1) === '') lines.pop()
  return { lines, cut }
}
