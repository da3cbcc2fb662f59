// One terminal on the page: joins its screen with its channel, and keeps what the view around it shows.
import type { ConnectionName } from '../ui/states.tsx'
import type { Channel, ChannelView, Size } from '../wire/channel.ts'
import { claimStore, type ClaimedStore, type Locks, type Shelf } from '../wire/ledger_store.ts'
import { Listeners } from '../wire/listeners.ts'
import type { Wire } from '../wire/socket.ts'
import type { Session } from '../wire/types.ts'
import { chooseClipboard, clipboardChoice } from './clipboard.ts'
import { ImageUploads, type SendImage } from './image_uploads.ts'
import { control, softKey, type SoftKey } from './keys.ts'
import { fontsReady, Screen, type ScreenLook } from './screen.ts'
import type { Paste } from './paste.ts'
import { kNothing, type TerminalState } from './state.ts'
import { Recorder, testsWatch } from './test_hook.ts'

// Input that takes longer than this to reach the pane is shown as pending; quicker, it would only flicker.
const kPendingShownMs = 1_000
// Frames arrive faster than anybody reads the status line.
const kRefreshMs = 60
const kCopiedShownMs = 2_500
// While the window is being dragged.
const kResizeSettlesMs = 80

export interface TerminalEnv {
  wire: Wire
  session: Session
  // Whose input this is: another person logging in on this tab must not send it.
  user: string
  shelf: Shelf
  locks: Locks | undefined
  shortcut: (event: KeyboardEvent) => boolean
  sendImage: SendImage
}

function newClient(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

export class TerminalController {
  private state = kNothing
  private readonly listeners = new Listeners()
  private screen: Screen | null = null
  private channel: Channel | null = null
  private store: ClaimedStore | null = null
  private root: HTMLElement | null = null
  private disposed = false
  private refreshTimer: ReturnType<typeof setTimeout> | null = null
  private resizeTimer: ReturnType<typeof setTimeout> | null = null
  private pendingSince: number | null = null
  private wantsFocus = false
  private takesKeys = true
  private echoes = true
  private copiedTimer: ReturnType<typeof setTimeout> | null = null
  private readonly images: ImageUploads
  private readonly stopWatching: () => void
  private readonly recorder = testsWatch() ? new Recorder() : null

  constructor(private readonly env: TerminalEnv) {
    this.images = new ImageUploads(env.sendImage, {
      changed: (uploads) => this.set({ uploads }),
      trouble: (trouble) => this.set({ trouble }),
      type: (text) => this.screen?.pasteNow({ text, lines: 1, dropped: 0 }),
    })
    this.stopWatching = env.wire.subscribe(() => this.refresh())
  }

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.add(listener)
  readonly current = (): TerminalState => this.state

  // `root` carries what tests and styles look at; the terminal is drawn into `element`.
  async start(root: HTMLElement, element: HTMLElement, look: ScreenLook): Promise<void> {
    const { env } = this
    this.root = root
    const key = `ccd.input.${env.user}.${env.session.id}`
    const [store] = await Promise.all([claimStore(key, env.shelf, env.locks, newClient), fontsReady(look.font)])
    if (this.disposed) return store.release()
    this.store = store
    const screen = new Screen(element, this.screenEvents(), look, this.recorder?.record)
    this.screen = screen
    screen.shiftEnterBreaksLine = env.session.kind === 'claude'
    screen.echo.setOn(this.echoes)
    screen.terminal.options.disableStdin = !this.takesKeys
    // Who only reads the text leaves the pane as it is.
    const { cols, rows } = env.session
    const size = screen.wanted() ?? (cols > 0 && rows > 0 ? { cols, rows } : { cols: 80, rows: 24 })
    this.channel = env.wire.openTerminal({
      session: env.session.id,
      size,
      pane: { cols: env.session.cols, rows: env.session.rows },
      sink: screen,
      store,
      newClient,
      onChange: () => {
        if (this.channel?.view().phase !== 'open') screen.reopened()
        this.mark()
        this.refreshSoon()
      },
      onTrouble: (trouble) => this.set({ trouble }),
      onSent: (input) => screen.echo.sent(input),
      onTaken: (input) => screen.echo.taken(input),
    })
    if (this.recorder !== null) this.exposeToTests(this.recorder)
    if (this.wantsFocus) screen.focus()
    this.refresh()
  }

  dispose(): void {
    this.disposed = true
    this.stopWatching()
    this.images.dispose()
    for (const timer of [this.refreshTimer, this.resizeTimer, this.copiedTimer]) if (timer !== null) clearTimeout(timer)
    if (this.channel !== null) this.env.wire.closeTerminal(this.channel)
    this.screen?.dispose()
    this.store?.release()
    delete window.ccdTest
  }

  // Whether what is typed is shown before the program echoes it.
  setEcho(on: boolean): void {
    this.echoes = on
    this.screen?.echo.setOn(on)
  }

  setLook(look: ScreenLook): void {
    this.screen?.setLook(look)
  }

  // Keys go nowhere once the session has ended, or for who may only watch; what is on the screen stays.
  setTakesKeys(takes: boolean): void {
    this.takesKeys = takes
    if (this.screen !== null) this.screen.terminal.options.disableStdin = !takes
  }

  focus(): void {
    this.wantsFocus = true
    this.screen?.focus()
  }

  comesIntoView(): void {
    this.screen?.comesIntoView()
  }

  toBottom(): void {
    this.screen?.toBottom()
  }

  fit(): void {
    this.channel?.fit()
    this.screen?.focus()
  }

  retry(): void {
    this.channel?.retry()
  }

  press(key: SoftKey): void {
    const { screen } = this
    if (screen === null) return
    const arrow = softKey(key, screen.terminal.modes.applicationCursorKeysMode, this.state.ctrl)
    this.setCtrl(false)
    screen.typeText(arrow)
  }

  // A character typed elsewhere while Ctrl is armed; false when there is no control character for it.
  pressControl(char: string): boolean {
    const code = control(char)
    if (code === null) return false
    this.setCtrl(false)
    this.screen?.typeText(code)
    return true
  }

  setCtrl(armed: boolean): void {
    this.screen?.armCtrl(armed)
    this.set({ ctrl: armed })
  }

  submit(text: string): void {
    this.screen?.submit(text)
  }

  paste(text: string): void {
    this.screen?.paste(text)
  }

  // Images become files, and their paths are typed.
  upload(files: readonly File[]): void {
    this.images.add(files)
  }

  stopUpload(id: number): void {
    this.images.stop(id)
  }

  // The answer to whether programs of this session may write the clipboard.
  allowClipboard(allowed: boolean): void {
    const { clipboard } = this.state
    chooseClipboard(this.env.shelf, this.env.session.id, allowed ? 'allow' : 'never')
    this.set({ clipboard: null })
    if (allowed && clipboard !== null) void this.copy(clipboard.text)
  }

  async copy(text: string): Promise<void> {
    if (this.copiedTimer !== null) clearTimeout(this.copiedTimer)
    try {
      await navigator.clipboard.writeText(text)
      this.set({ clipboard: { kind: 'copied', text } })
      this.copiedTimer = setTimeout(() => this.set({ clipboard: null }), kCopiedShownMs)
    } catch {
      this.set({ clipboard: { kind: 'by hand', text } })
    }
  }

  forgetClipboard(): void {
    this.set({ clipboard: null })
  }

  answer(yes: boolean): void {
    const { ask } = this.state
    this.set({ ask: null })
    if (yes && ask?.kind === 'paste') this.screen?.pasteNow(ask.paste)
  }

  showText(): void {
    this.set({ ask: { kind: 'text', text: this.screen?.text(true) ?? '' } })
  }

  startFind(): void {
    this.set({ finding: true })
  }

  find(words: string, backwards = false, incremental = false): void {
    this.screen?.find(words, backwards, incremental)
    if (words === '') this.set({ found: { index: -1, count: 0 } })
  }

  endFind(): void {
    this.screen?.endFind()
    this.set({ finding: false, found: { index: -1, count: 0 } })
    this.screen?.focus()
  }

  sendAgain(): void {
    this.channel?.sendAgain()
  }

  forgetRefused(): void {
    this.channel?.forgetRefused()
  }

  discardUnsent(): void {
    this.channel?.discardUnsent()
  }

  forgetTrouble(): void {
    this.set({ trouble: null })
  }

  private screenEvents() {
    return {
      input: (bytes: Uint8Array) => this.input(bytes),
      wanted: (size: Size) => {
        if (this.resizeTimer !== null) clearTimeout(this.resizeTimer)
        this.resizeTimer = setTimeout(() => this.channel?.resize(size), kResizeSettlesMs)
      },
      pane: (pane: Size, yours: boolean) => this.set({ pane, yours }),
      link: (address: string) => {
        if (/^https?:\/\//i.test(address)) this.set({ ask: { kind: 'link', address } })
      },
      confirmPaste: (paste: Paste) => this.set({ ask: { kind: 'paste', paste } }),
      pasteTooLong: (chars: number) => {
        const size = `${Math.round(chars / 1000)} thousand characters`
        this.set({ trouble: `Not pasted: ${size} are too much for a terminal. Save them as a file instead.` })
      },
      fullScreen: (fullScreen: boolean) => this.set({ fullScreen }),
      files: (files: readonly File[]) => this.images.add(files),
      dragging: (dragging: boolean) => dragging !== this.state.dragging && this.set({ dragging }),
      copy: (text: string) => this.programCopies(text),
      ctrlUsed: () => this.set({ ctrl: false }),
      below: (below: boolean) => this.set({ below }),
      fetching: (fetching: boolean) => this.set({ fetching }),
      askScrollback: (lines: number) => this.channel?.scrollback(lines) ?? false,
      found: (index: number, count: number) => this.set({ found: { index, count } }),
      shortcut: (event: KeyboardEvent) => this.env.shortcut(event),
    }
  }

  private programCopies(text: string): void {
    const choice = clipboardChoice(this.env.shelf, this.env.session.id)
    if (choice === 'allow') void this.copy(text)
    else if (choice === null) this.set({ clipboard: { kind: 'ask', text } })
  }

  private input(bytes: Uint8Array): void {
    const { channel } = this
    if (channel === null) return
    if (channel.type(bytes)) {
      if (channel.view().phase === 'open') this.screen?.echo.typed(bytes, channel.lastInput())
      if (this.state.trouble !== null) this.set({ trouble: null })
      return
    }
    const ended = channel.view().phase === 'ended'
    this.set({
      trouble: ended
        ? 'Not sent: this session has ended.'
        : 'Not sent: too much is waiting for the pane already. It was left out; type it again later.',
    })
  }

  private exposeToTests(recorder: Recorder): void {
    window.ccdTest = {
      screenText: (all = false) => this.screen?.text(all) ?? '',
      screenRows: () => this.screen?.rows() ?? [],
      predictions: () => this.screen?.echo.all() ?? [],
      received: () => recorder.received(),
    }
  }

  private refreshSoon(): void {
    this.refreshTimer ??= setTimeout(() => {
      this.refreshTimer = null
      this.refresh()
    }, kRefreshMs)
  }

  private refresh(): void {
    if (this.disposed) return
    const channel = this.channel?.view() ?? null
    const waits = channel !== null && channel.pending.length > 0
    this.pendingSince = waits ? (this.pendingSince ?? performance.now()) : null
    const slow = this.pendingSince !== null && performance.now() - this.pendingSince > kPendingShownMs
    // Nothing may happen while input waits, and yet it becomes slow.
    if (waits && !slow) this.refreshSoon()
    const missing = channel === null ? 0 : Math.max(0, channel.end - channel.received)
    this.set({ channel, slow, missing, connection: this.connection(channel) })
    this.mark()
  }

  private connection(channel: ChannelView | null): ConnectionName {
    const { word } = this.env.wire.current()
    if (word !== 'live') return word
    if (channel === null) return 'connecting'
    if (channel.phase === 'opening' || channel.phase === 'closed' || channel.behind) return 'catching up'
    return 'live'
  }

  // Without delay, unlike what people read: tests wait for these.
  private mark(): void {
    const channel = this.channel?.view() ?? null
    const marks = {
      connection: this.connection(channel),
      offset: String(channel?.received ?? 0),
      rendered: String(channel?.rendered ?? 0),
      pending: String(channel?.pending.length ?? 0),
      phase: channel?.phase ?? 'closed',
    }
    for (const [name, value] of Object.entries(marks)) {
      if (this.root !== null && this.root.dataset[name] !== value) this.root.dataset[name] = value
    }
  }

  private set(change: Partial<TerminalState>): void {
    this.state = { ...this.state, ...change }
    this.listeners.notify()
  }
}
