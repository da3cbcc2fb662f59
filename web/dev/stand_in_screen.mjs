// The stand-in's model of a session's screen: snapshots, rows and lines as docs/protocol.md gives them, from xterm
// without a browser. For developers only.
import xterm from '@xterm/headless'

const kScrollback = 50_000
const kBits = [
  ['isBold', 1],
  ['isDim', 2],
  ['isItalic', 4],
  ['isBlink', 8],
  ['isInverse', 16],
  ['isInvisible', 32],
  ['isStrikethrough', 64],
  ['isOverline', 128],
]

const colour = (isDefault, isRgb, value) => (isDefault ? 0 : isRgb ? (3 << 24) | value : ((value < 16 ? 1 : 2) << 24) | value)

function look(cell) {
  let attributes = 0
  for (const [name, bit] of kBits) if (cell[name]()) attributes |= bit
  if (cell.isUnderline()) attributes |= 1 << 9
  return [
    colour(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
    colour(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
    attributes,
  ]
}

function sgrColour(value, base) {
  if (value === 0) return ''
  const low = value & 0xffffff
  return value >>> 24 === 3 ? `;${base};2;${low >> 16};${(low >> 8) & 255};${low & 255}` : `;${base};5;${low}`
}

function sgr([, , foreground, background, attributes]) {
  const codes = [1, 2, 3, 5, 7, 8, 9, 53].filter((_, bit) => attributes & (1 << bit)).map((code) => `;${code}`)
  const under = (attributes >> 9) & 7 ? ';4' : ''
  return `\x1b[0${codes.join('')}${under}${sgrColour(foreground, 38)}${sgrColour(background, 48)}m`
}

export class StandInScreen {
  // The log up to here is on the screen.
  at = 0

  constructor(cols, rows) {
    this.terminal = new xterm.Terminal({ cols, rows, scrollback: kScrollback, allowProposedApi: true })
    this.numbering = 1
  }

  write(bytes, parsed) {
    this.terminal.write(bytes, () => {
      this.at += bytes.length
      parsed()
    })
  }

  resize(cols, rows) {
    if (cols === this.terminal.cols && rows === this.terminal.rows) return
    this.terminal.resize(cols, rows)
    this.numbering += 1
  }

  get base() {
    return this.terminal.buffer.active.baseY
  }

  runs(y, buffer = this.terminal.buffer.active) {
    const line = buffer.getLine(y)
    const runs = []
    for (let x = 0; line !== undefined && x < line.length; x += 1) {
      const cell = line.getCell(x)
      const width = cell.getWidth()
      if (width === 0) continue
      const text = cell.getChars() || ' '
      const same = look(cell)
      const last = runs.at(-1)
      if (last !== undefined && same.every((value, at) => value === last[at + 2])) {
        last[0] += text
        last[1] += width
      } else runs.push([text, width, ...same])
    }
    const last = runs.at(-1)
    if (last !== undefined && last[3] === 0 && (last[4] & (16 | 64)) === 0) {
      const kept = last[0].trimEnd()
      last[1] -= last[0].length - kept.length
      last[0] = kept
      if (kept === '') runs.pop()
    }
    return runs
  }

  rows() {
    return Array.from({ length: this.terminal.rows }, (_, y) => this.runs(this.base + y))
  }

  cursor() {
    const { cursorX, cursorY } = this.terminal.buffer.active
    return [cursorX, cursorY]
  }

  // Escape sequences that rebuild the screen with so many lines in front.
  snapshot(lines) {
    const { buffer, modes } = this.terminal
    const { normal, active } = buffer
    const part = (from, of) => {
      let text = ''
      for (let y = from; y < of.length; y += 1) {
        const wraps = of.getLine(y + 1)?.isWrapped === true
        for (const run of this.runs(y, of)) text += sgr(run) + run[0]
        text += '\x1b[0m'
        if (!wraps && y < of.length - 1) text += '\r\n'
      }
      return text
    }
    const from = Math.max(0, normal.baseY - lines)
    let text = `\x1bc${part(from, normal)}`
    if (active.type === 'alternate') text += `\x1b[?1049h\x1b[H${part(0, active)}`
    if (modes.bracketedPasteMode) text += '\x1b[?2004h'
    if (modes.applicationCursorKeysMode) text += '\x1b[?1h'
    text += `\x1b[${active.cursorY + 1};${active.cursorX + 1}H`
    return { bytes: Buffer.from(text), lines: normal.baseY - from, kept: normal.baseY }
  }

  lines(from, count) {
    const { normal } = this.terminal.buffer
    const end = normal.length
    const first = from === null ? Math.max(0, end - count) : Math.min(from, end)
    const lines = []
    for (let n = first; n < Math.min(end, first + count); n += 1) {
      lines.push({ n, wrapped: normal.getLine(n + 1)?.isWrapped === true, runs: this.runs(n, normal) })
    }
    return { numbering: this.numbering, first: 0, top: normal.baseY, end, lines }
  }
}
