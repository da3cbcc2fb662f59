// One xterm in one element: shows what a channel receives, hands out what a person types, and nothing else.
import { SearchAddon, type ISearchOptions } from '@xterm/addon-search'
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { Terminal } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'
import type { Sink, Size } from '../wire/channel.ts'
import { asTmux } from './as_tmux.ts'
import { withoutInlineStyles } from './inline_styles.ts'
import { Echo } from './echo.ts'
import { Feed } from './feed.ts'
import { control } from './keys.ts'
import { filling, fontFor, type Cell } from './layout.ts'
import { kMaxPasteChars, needsConfirmation, preparePaste, type Paste } from './paste.ts'
import { Renderer } from './renderer.ts'
import { isFocusReport, silenceReplies } from './replies.ts'
import { kDark, kFoundDark, kFoundLight, kLight } from './theme.ts'
import { takePastes } from './take_pastes.ts'
import { scrollByTouch } from './touch_scroll.ts'

const kFontFamily = "'JetBrains Mono', ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', monospace"
const kFontWithinMs = 1_500
const kScrollbackLines = 10_000
// The scrollbar with the marks of a search in it.
const kScrollbarPixels = 10
// xterm draws no cursor before it first had the focus, or left an alternate screen: this leaves one it is not in.
const kShowCursor = '\x1b[?47l'

export interface ScreenEvents {
  input(bytes: Uint8Array): void
  // The size that would fill the element changed.
  wanted(size: Size): void
  // The pane's size or whose it is changed.
  pane(size: Size, yours: boolean): void
  link(address: string): void
  // A paste the program would take for several commands.
  confirmPaste(paste: Paste): void
  pasteTooLong(chars: number): void
  // A program took the whole screen, or gave it back.
  fullScreen(is: boolean): void
  // Files that were pasted or dropped.
  files(files: readonly File[]): void
  // Files are dragged over the terminal, or no longer.
  dragging(is: boolean): void
  // A program wants this on the clipboard.
  copy(text: string): void
  // The armed Ctrl went into a character.
  ctrlUsed(): void
  // There is output below what is in view, or none any longer.
  below(is: boolean): void
  // Older lines are on their way.
  fetching(is: boolean): void
  // Asks for so many lines of scrollback; false when nobody can be asked.
  askScrollback(lines: number): boolean
  // Which of how many places the search is at; -1 when that is not known.
  found(index: number, count: number): void
  // A key of the page's own, pressed in the terminal: true when it was one.
  shortcut(event: KeyboardEvent): boolean
}

export interface ScreenLook {
  dark: boolean
  font: number
  screenReader: boolean
}

// xterm measures its letters once: they have to be there by then.
export async function fontsReady(font: number): Promise<void> {
  const load = (weight: number) => document.fonts.load(`${weight} ${font}px 'JetBrains Mono'`, 'Az')
  const patience = new Promise((done) => setTimeout(done, kFontWithinMs))
  await Promise.race([Promise.allSettled([load(400), load(700)]), patience])
}

// xterm has no public way to ask for this; its own addon-fit reads the same place. Null before it has measured its
// font.
function cellOf(terminal: Terminal): Cell | null {
  const { _core: core } = terminal as unknown as {
    _core: { _renderService?: { dimensions?: { css?: { cell?: Cell } } } }
  }
  const cell = core._renderService?.dimensions?.css?.cell
  return cell !== undefined && cell.width > 0 && cell.height > 0 ? cell : null
}

export class Screen implements Sink {
  readonly terminal: Terminal
  // What was typed and is not echoed yet.
  readonly echo: Echo
  private readonly feed: Feed
  private readonly renderer: Renderer
  private readonly search = new SearchAddon()
  private readonly encoder = new TextEncoder()
  private readonly resizes: ResizeObserver
  private readonly cleanups: (() => void)[] = []
  private dark: boolean
  private pane: Size = { cols: 80, rows: 24 }
  private yours = true
  // The cell at the page's own font size.
  private cell: Cell = { width: 8, height: 16 }
  private font: number
  private ctrlArmed = false
  // Claude Code takes a line break from Meta-Enter; Shift-Enter is what people press for it.
  shiftEnterBreaksLine = false

  constructor(
    private readonly element: HTMLElement,
    private readonly events: ScreenEvents,
    look: ScreenLook,
    private readonly recorder?: (bytes: Uint8Array, offset: number) => void,
  ) {
    this.font = look.font
    this.dark = look.dark
    this.terminal = new Terminal({
      allowProposedApi: true,
      fontFamily: kFontFamily,
      fontSize: look.font,
      lineHeight: 1.1,
      fontWeightBold: 650,
      scrollback: kScrollbackLines,
      minimumContrastRatio: 4.5,
      rescaleOverlappingGlyphs: true,
      overviewRuler: { width: kScrollbarPixels },
      screenReaderMode: look.screenReader,
      theme: look.dark ? kDark : kLight,
      linkHandler: { activate: (_event, address) => events.link(address), allowNonHttpProtocols: false },
    })
    silenceReplies(this.terminal.parser, events.copy)
    asTmux(this.terminal)
    this.terminal.loadAddon(new UnicodeGraphemesAddon())
    this.terminal.loadAddon(this.search)
    this.terminal.loadAddon(new WebLinksAddon((_event, address) => events.link(address)))
    withoutInlineStyles(() => this.terminal.open(element))
    this.terminal.write(kShowCursor)
    this.renderer = new Renderer(this.terminal, element)
    this.echo = new Echo(this.terminal, {
      cell: () => cellOf(this.terminal),
      layer: () => element.querySelector('.xterm-screen'),
    })
    this.feed = new Feed(this.terminal, element, {
      resized: (size, yours) => this.resized(size, yours),
      below: events.below,
      fetching: events.fetching,
      ask: events.askScrollback,
      parsed: () => this.echo.settle(),
      replaced: () => this.echo.reset(),
    })
    this.terminal.buffer.onBufferChange(({ type }) => events.fullScreen(type === 'alternate'))
    this.connectInput()
    this.search.onDidChangeResults(({ resultIndex, resultCount }) => events.found(resultIndex, resultCount))
    this.measure()
    this.resizes = new ResizeObserver(() => this.layout())
    this.resizes.observe(element)
    this.cleanups.push(scrollByTouch(element, this.terminal, () => this.feed.fetchOlder()))
  }

  dispose(): void {
    this.resizes.disconnect()
    this.feed.dispose()
    this.echo.dispose()
    this.renderer.dispose()
    for (const cleanup of this.cleanups.splice(0)) cleanup()
    withoutInlineStyles(() => this.terminal.dispose())
  }

  // Sink
  write(bytes: Uint8Array, shown: () => void): void {
    this.feed.output.write(bytes, shown)
  }
  snapshot(bytes: Uint8Array, shown: () => void): void {
    this.feed.output.snapshot(bytes, shown)
  }
  history(lines: number, kept: number): void {
    this.feed.output.history(lines, kept)
  }
  restart(): void {
    this.feed.output.reset()
  }
  size(pane: Size, yours: boolean | null): void {
    this.feed.output.size(pane, yours)
  }
  received(bytes: Uint8Array, offset: number): void {
    this.recorder?.(bytes, offset)
  }

  // The terminal is on no socket, or on a new one.
  reopened(): void {
    this.feed.reopened()
    this.echo.restart()
  }

  // It is seen again with the next frame.
  comesIntoView(): void {
    this.renderer.comesIntoView()
  }

  toBottom(): void {
    this.feed.toBottom()
    this.terminal.focus()
  }

  // The size the element would hold at the page's own font size.
  wanted(): Size | null {
    const { clientWidth: width, clientHeight: height } = this.element
    if (width === 0 || height === 0) return null
    return filling({ width: width - kScrollbarPixels, height }, this.cell)
  }

  setLook(look: ScreenLook): void {
    this.dark = look.dark
    this.terminal.options.theme = look.dark ? kDark : kLight
    this.terminal.options.screenReaderMode = look.screenReader
    if (look.font !== this.font) {
      this.font = look.font
      this.terminal.options.fontSize = look.font
      this.measure()
      this.layout()
    }
  }

  focus(): void {
    this.terminal.focus()
  }

  // The next typed character is sent with Ctrl.
  armCtrl(armed: boolean): void {
    this.ctrlArmed = armed
  }

  typeText(text: string): void {
    this.events.input(this.encoder.encode(text))
    this.terminal.scrollToBottom()
  }

  paste(raw: string): void {
    const paste = preparePaste(raw)
    if (paste.text.length > kMaxPasteChars) this.events.pasteTooLong(paste.text.length)
    else if (needsConfirmation(paste, this.terminal.modes.bracketedPasteMode)) this.events.confirmPaste(paste)
    else this.pasteNow(paste)
  }

  pasteNow(paste: Paste): void {
    this.terminal.paste(paste.text)
  }

  // A message from the composer, and Enter on its own: inside the brackets Enter would only be a line break.
  submit(text: string): void {
    const paste = preparePaste(text)
    if (paste.text !== '') this.terminal.paste(paste.text)
    this.typeText('\r')
  }

  find(words: string, backwards: boolean, incremental: boolean): void {
    const options: ISearchOptions = { incremental, decorations: this.dark ? kFoundDark : kFoundLight }
    if (words === '') this.search.clearDecorations()
    else if (backwards) this.search.findPrevious(words, options)
    else this.search.findNext(words, options)
  }

  endFind(): void {
    this.search.clearDecorations()
    this.terminal.clearSelection()
  }

  // The text of the screen, or of everything that can be scrolled to; lines the width broke are whole again.
  text(all: boolean): string {
    const buffer = this.terminal.buffer.active
    const lines: string[] = []
    for (let row = all ? 0 : buffer.baseY; row < buffer.baseY + this.terminal.rows; row += 1) {
      const line = buffer.getLine(row)
      if (line === undefined) break
      const wraps = buffer.getLine(row + 1)?.isWrapped === true
      const text = line.translateToString(!wraps)
      if (line.isWrapped && lines.length > 0) lines[lines.length - 1] += text
      else lines.push(text)
    }
    return lines.join('\n').trimEnd()
  }

  // The rows in view.
  rows(): string[] {
    const { active } = this.terminal.buffer
    return Array.from(
      { length: this.terminal.rows },
      (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '',
    )
  }

  private resized(pane: Size, yours: boolean | null): void {
    this.pane = pane
    if (yours !== null) this.yours = yours
    if (this.terminal.cols !== pane.cols || this.terminal.rows !== pane.rows) {
      this.terminal.resize(pane.cols, pane.rows)
      this.echo.reset()
    }
    this.layout()
    this.events.pane(pane, this.yours)
  }

  private connectInput(): void {
    const { terminal, element } = this
    terminal.onData((data) => {
      if (!isFocusReport(data)) this.events.input(this.encoder.encode(this.withCtrl(data)))
    })
    // Old mouse protocols: one byte per UTF-16 unit.
    terminal.onBinary((data) => {
      this.events.input(Uint8Array.from(data, (char) => char.charCodeAt(0)))
    })
    terminal.attachCustomKeyEventHandler((event) => this.key(event))
    this.cleanups.push(
      takePastes(element, {
        text: (text) => this.paste(text),
        files: this.events.files,
        dragging: this.events.dragging,
        takes: () => terminal.options.disableStdin !== true,
      }),
    )
  }

  private withCtrl(data: string): string {
    if (!this.ctrlArmed) return data
    this.ctrlArmed = false
    this.events.ctrlUsed()
    return control(data) ?? data
  }

  private key(event: KeyboardEvent): boolean {
    if (event.type === 'keydown' && this.events.shortcut(event)) {
      event.preventDefault()
      return false
    }
    // Also where there is nothing to scroll in yet.
    if (event.type === 'keyup' && event.key === 'PageUp' && event.shiftKey) this.feed.fetchOlder()
    const shiftEnter = event.key === 'Enter' && event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey
    if (this.shiftEnterBreaksLine && shiftEnter) {
      if (event.type === 'keydown') this.typeText('\x1b\r')
      event.preventDefault()
      return false
    }
    return true
  }

  // Only at the page's own font size; a scaled terminal has other cells.
  private measure(): void {
    const cell = this.terminal.options.fontSize === this.font ? cellOf(this.terminal) : null
    if (cell !== null) this.cell = { ...cell }
  }

  private layout(): void {
    const { clientWidth: width, clientHeight: height } = this.element
    if (width === 0 || height === 0) return
    const room = { width: width - kScrollbarPixels, height }
    const font = this.yours ? this.font : fontFor(this.pane, room, this.cell, this.font)
    if (this.terminal.options.fontSize !== font) this.terminal.options.fontSize = font
    this.measure()
    const wanted = this.wanted()
    if (wanted !== null) this.events.wanted(wanted)
  }
}
