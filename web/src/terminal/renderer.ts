// How a terminal is drawn: by WebGL while it is seen, by nothing while it is not, and by the DOM where WebGL does not
// work. Browsers give a page about sixteen WebGL contexts and take the oldest away when there are more.
import { WebglAddon } from '@xterm/addon-webgl'
import type { Terminal } from '@xterm/xterm'
import { withoutInlineStyles } from './inline_styles.ts'
import { testsForceWebgl } from './test_hook.ts'

// After this the renderer knows its pixels.
const kSettlesMs = 500
// A glance at another tab and back costs nothing.
const kDropAfterMs = 4_000

// xterm draws nothing until the browser tells it, a frame later, that it is seen again. There is no public way to be
// earlier; without it that frame would be empty.
function drawNow(terminal: Terminal): void {
  const { _core: core } = terminal as unknown as {
    _core: { _renderService?: { _handleIntersectionChange?: (entry: object) => void } }
  }
  core._renderService?._handleIntersectionChange?.({ isIntersecting: true, intersectionRatio: 1 })
  terminal.refresh(0, terminal.rows - 1)
}

// What browsers and drivers call drawing without a graphics processor.
const kSoftware = /swiftshader|llvmpipe|softpipe|software|basic render/i

let quick: boolean | null = null

// Whether WebGL is drawn by a graphics processor. Where the main processor does it, it takes ten times as long as the
// DOM renderer. Tests may force it, to see that it works.
function webglIsQuick(): boolean {
  if (testsForceWebgl()) return true
  if (quick === null) {
    const context = document.createElement('canvas').getContext('webgl2', { failIfMajorPerformanceCaveat: true })
    const info = context?.getExtension('WEBGL_debug_renderer_info') ?? null
    const name: unknown = context?.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER)
    quick = context !== null && !kSoftware.test(String(name))
    context?.getExtension('WEBGL_lose_context')?.loseContext()
  }
  return quick
}

export class Renderer {
  private webgl: WebglAddon | null = null
  // WebGL was tried and does not work here.
  private gaveUp = false
  private inView = true
  private dropTimer: ReturnType<typeof setTimeout> | null = null
  private checkTimer: ReturnType<typeof setTimeout> | null = null
  private readonly observer: IntersectionObserver
  private readonly onVisibility = () => this.follow()

  constructor(
    private readonly terminal: Terminal,
    private readonly element: HTMLElement,
  ) {
    this.observer = new IntersectionObserver((entries) => {
      this.inView = entries.at(-1)?.isIntersecting === true
      this.follow()
    })
    this.observer.observe(element)
    document.addEventListener('visibilitychange', this.onVisibility)
    this.load()
  }

  // The place the terminal is in becomes visible with the next frame.
  comesIntoView(): void {
    this.inView = true
    this.follow()
    drawNow(this.terminal)
  }

  dispose(): void {
    this.observer.disconnect()
    document.removeEventListener('visibilitychange', this.onVisibility)
    this.stopTimers()
  }

  private follow(): void {
    const seen = this.inView && document.visibilityState === 'visible'
    if (seen) {
      if (this.dropTimer !== null) clearTimeout(this.dropTimer)
      this.dropTimer = null
      if (this.webgl === null && !this.gaveUp) this.load()
    } else if (this.webgl !== null) {
      this.dropTimer ??= setTimeout(() => {
        this.dropTimer = null
        this.drop('none')
      }, kDropAfterMs)
    }
  }

  private load(): void {
    if (this.gaveUp) return
    if (!webglIsQuick()) return this.giveUp()
    const webgl = new WebglAddon()
    try {
      // The browser takes contexts away when there are too many or the GPU restarts: the DOM renderer goes on.
      webgl.onContextLoss(() => this.giveUp())
      withoutInlineStyles(() => this.terminal.loadAddon(webgl))
    } catch {
      withoutInlineStyles(() => webgl.dispose())
      return this.giveUp()
    }
    this.webgl = webgl
    this.element.dataset.renderer = 'webgl'
    this.checkTimer = setTimeout(() => !this.drawsWholePixels() && this.giveUp(), kSettlesMs)
  }

  private giveUp(): void {
    this.gaveUp = true
    this.drop('dom')
  }

  private drop(instead: 'none' | 'dom'): void {
    this.stopTimers()
    const { webgl } = this
    this.webgl = null
    this.element.dataset.renderer = instead
    if (webgl !== null) withoutInlineStyles(() => webgl.dispose())
  }

  private stopTimers(): void {
    for (const timer of [this.dropTimer, this.checkTimer]) if (timer !== null) clearTimeout(timer)
    this.dropTimer = null
    this.checkTimer = null
  }

  // Where a browser misreports its pixels (as when it plays a phone), the WebGL canvas gets the wrong size and stays
  // empty.
  private drawsWholePixels(): boolean {
    const canvas = this.element.querySelector<HTMLCanvasElement>('.xterm-screen > canvas:not([class])')
    if (canvas === null || canvas.offsetWidth === 0) return true
    return Math.abs(canvas.width / (canvas.offsetWidth * window.devicePixelRatio) - 1) < 0.02
  }
}
