// Draws what was typed before the program echoes it, over the terminal: where predict.ts is certain enough. The
// terminal's own buffer is never touched.
import type { Terminal } from '@xterm/xterm'
import type { Cell as CellSize } from './layout.ts'
import { Predictor, type Shown, type View } from './predict.ts'

const kHideCursor = 25

export interface EchoLook {
  cell(): CellSize | null
  // The element the rows are drawn in.
  layer(): HTMLElement | null
}

export class Echo {
  private readonly predictor = new Predictor()
  private readonly decoder = new TextDecoder()
  private readonly box = document.createElement('div')
  private readonly cleanups: (() => void)[] = []
  private timer: ReturnType<typeof setTimeout> | null = null
  private on = true
  private cursorHidden = false
  // What is drawn now, to draw nothing twice.
  private drawn = ''

  constructor(
    private readonly terminal: Terminal,
    private readonly look: EchoLook,
  ) {
    this.box.className = 'predicted'
    this.box.setAttribute('aria-hidden', 'true')
    for (const final of ['h', 'l']) {
      const handler = terminal.parser.registerCsiHandler({ prefix: '?', final }, (params) => {
        if (params.includes(kHideCursor)) this.cursorHidden = final === 'l'
        return false
      })
      this.cleanups.push(() => handler.dispose())
    }
    const scrolled = terminal.onScroll(() => this.draw())
    this.cleanups.push(() => scrolled.dispose())
  }

  dispose(): void {
    for (const cleanup of this.cleanups.splice(0)) cleanup()
    if (this.timer !== null) clearTimeout(this.timer)
    this.box.remove()
  }

  setOn(on: boolean): void {
    this.on = on
    this.draw()
  }

  typed(bytes: Uint8Array, input: number): void {
    this.predictor.typed(this.decoder.decode(bytes), input, this.view(), performance.now())
    this.draw()
  }

  sent(input: number): void {
    this.predictor.sent(input, performance.now())
  }

  taken(input: number): void {
    this.predictor.taken(input, performance.now())
    this.settle()
  }

  // Output was parsed.
  settle(): void {
    this.predictor.settle(this.view(), performance.now())
    this.draw()
  }

  // The screen is another one.
  reset(): void {
    this.predictor.reset()
    this.draw()
  }

  restart(): void {
    this.predictor.restart()
    this.draw()
  }

  // For tests.
  all(): { row: number; col: number; text: string; shown: boolean }[] {
    const { cells } = this.predictor.shown()
    const top = this.terminal.buffer.active.viewportY
    return this.predictor.all().map(({ x, y, text }) => ({
      row: y - top,
      col: x,
      text,
      shown: this.on && cells.some((cell) => cell.x === x && cell.y === y),
    }))
  }

  private view(): View {
    const { active } = this.terminal.buffer
    return {
      cols: this.terminal.cols,
      x: active.cursorX,
      y: active.baseY + active.cursorY,
      opaque: active.type === 'alternate' || this.cursorHidden,
      cell: (x, y) => {
        const cell = active.getLine(y)?.getCell(x)
        const width = cell?.getWidth() ?? 1
        return { text: cell?.getChars() || (width === 0 ? '' : ' '), width }
      },
    }
  }

  private draw(): void {
    this.watchTime()
    const { cells, cursor } = this.on ? this.predictor.shown() : { cells: [], cursor: null }
    const nothing = cells.length === 0 && cursor === null
    if (nothing && this.drawn === '') return
    const { active } = this.terminal.buffer
    const size = this.look.cell()
    const layer = this.look.layer()
    if (nothing || size === null || layer === null) return this.clear()
    const top = active.viewportY
    const real = { x: active.cursorX, y: active.baseY + active.cursorY }
    const key = JSON.stringify([cells, cursor, top, size, real])
    if (key === this.drawn) return
    this.drawn = key
    const pieces = cells.map((cell) => this.piece(cell, top, size, 'cell'))
    const moved = cursor !== null && (cursor.x !== real.x || cursor.y !== real.y)
    if (moved) {
      // The terminal's cursor is somewhere else: it is covered, by a letter or by what stands there.
      const covered = cells.some((cell) => cell.y === real.y && cell.x <= real.x && real.x < cell.x + cell.width)
      const under = this.view().cell(real.x, real.y)
      if (!covered) pieces.push(this.piece({ ...real, text: under.text, width: Math.max(1, under.width) }, top, size, 'under'))
      pieces.push(this.piece({ ...cursor, text: '', width: 1 }, top, size, 'cursor'))
    }
    this.box.replaceChildren(...pieces)
    const { fontFamily = '', fontSize = 0 } = this.terminal.options
    this.box.style.font = `${fontSize}px/${size.height}px ${fontFamily}`
    if (this.box.parentElement !== layer) layer.append(this.box)
  }

  private clear(): void {
    this.drawn = ''
    this.box.remove()
  }

  private piece({ x, y, text, width }: Shown, top: number, size: CellSize, kind: string): HTMLElement {
    const piece = document.createElement('span')
    piece.className = kind
    piece.textContent = text
    Object.assign(piece.style, {
      left: `${x * size.width}px`,
      top: `${(y - top) * size.height}px`,
      width: `${width * size.width}px`,
      height: `${size.height}px`,
    })
    return piece
  }

  // What does not come true disappears though nothing arrives.
  private watchTime(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    const due = this.predictor.dueAt()
    if (due === null) return
    this.timer = setTimeout(() => this.settle(), Math.max(1, due - performance.now()))
  }
}
