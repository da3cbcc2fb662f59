// Scrolling a terminal with a finger, for which xterm does nothing. It moves through the scrollback line by line;
// programs that take the mouse, and full-screen programs, get what a mouse's wheel would give them.
import type { Terminal } from '@xterm/xterm'

// Below this a touch is a tap, and sideways moves belong to the page.
const kSlopPixels = 8
const kFriction = 0.94
const kStopPixels = 0.4

// `pulled` is called when a finger pulls at what is above the first line.
export function scrollByTouch(element: HTMLElement, terminal: Terminal, pulled: () => void): () => void {
  let last: { x: number; y: number } | null = null
  let mode: 'undecided' | 'scroll' | 'other' = 'undecided'
  let speed = 0
  let frame = 0
  // Pixels that did not make a line yet.
  let rest = 0

  const scroll = (deltaY: number, x: number, y: number) => {
    const screen = element.querySelector<HTMLElement>('.xterm-screen')
    if (screen === null) return
    if (terminal.modes.mouseTrackingMode !== 'none' || terminal.buffer.active.type === 'alternate') {
      const where = { clientX: x, clientY: y, bubbles: true, cancelable: true }
      screen.dispatchEvent(new WheelEvent('wheel', { deltaY, deltaMode: WheelEvent.DOM_DELTA_PIXEL, ...where }))
      return
    }
    const line = screen.offsetHeight / terminal.rows
    rest += deltaY
    const lines = Math.trunc(rest / line)
    rest -= lines * line
    if (lines !== 0) terminal.scrollLines(lines)
    if (lines < 0) pulled()
  }
  const start = (event: TouchEvent) => {
    cancelAnimationFrame(frame)
    const touch = event.touches[0]
    mode = event.touches.length === 1 ? 'undecided' : 'other'
    last = touch === undefined ? null : { x: touch.clientX, y: touch.clientY }
    speed = 0
    rest = 0
  }
  const move = (event: TouchEvent) => {
    const touch = event.touches[0]
    if (touch === undefined || last === null || mode === 'other') return
    const dx = touch.clientX - last.x
    const dy = touch.clientY - last.y
    if (mode === 'undecided') {
      if (Math.max(Math.abs(dx), Math.abs(dy)) < kSlopPixels) return
      mode = Math.abs(dy) >= Math.abs(dx) ? 'scroll' : 'other'
      if (mode === 'other') return
    }
    event.preventDefault()
    scroll(-dy, touch.clientX, touch.clientY)
    speed = 0.6 * speed - 0.4 * dy
    last = { x: touch.clientX, y: touch.clientY }
  }
  const end = () => {
    if (mode !== 'scroll' || last === null || matchMedia('(prefers-reduced-motion: reduce)').matches) return
    const { x, y } = last
    const glide = () => {
      speed *= kFriction
      if (Math.abs(speed) < kStopPixels) return
      scroll(speed, x, y)
      frame = requestAnimationFrame(glide)
    }
    glide()
  }

  element.addEventListener('touchstart', start, { passive: true })
  element.addEventListener('touchmove', move, { passive: false })
  element.addEventListener('touchend', end, { passive: true })
  return () => {
    cancelAnimationFrame(frame)
    element.removeEventListener('touchstart', start)
    element.removeEventListener('touchmove', move)
    element.removeEventListener('touchend', end)
  }
}
