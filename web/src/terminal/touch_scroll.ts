// Scrolling a terminal with a finger. xterm listens to wheels only; a moving finger becomes a wheel, so that scrollback,
// programs that take the mouse and full-screen programs each get what they would get from a mouse.

// Below this a touch is a tap, and sideways moves belong to the page.
const kSlopPixels = 8
const kFriction = 0.94
const kStopPixels = 0.4

export function scrollByTouch(element: HTMLElement): () => void {
  let last: { x: number; y: number } | null = null
  let mode: 'undecided' | 'scroll' | 'other' = 'undecided'
  let speed = 0
  let frame = 0

  const wheel = (deltaY: number, x: number, y: number) => {
    const target = element.querySelector('.xterm-screen')
    target?.dispatchEvent(
      new WheelEvent('wheel', { deltaY, clientX: x, clientY: y, deltaMode: 0, bubbles: true, cancelable: true }),
    )
  }
  const start = (event: TouchEvent) => {
    cancelAnimationFrame(frame)
    const touch = event.touches[0]
    mode = event.touches.length === 1 ? 'undecided' : 'other'
    last = touch === undefined ? null : { x: touch.clientX, y: touch.clientY }
    speed = 0
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
    wheel(-dy, touch.clientX, touch.clientY)
    speed = 0.6 * speed - 0.4 * dy
    last = { x: touch.clientX, y: touch.clientY }
  }
  const end = () => {
    if (mode !== 'scroll' || last === null || matchMedia('(prefers-reduced-motion: reduce)').matches) return
    const { x, y } = last
    const glide = () => {
      speed *= kFriction
      if (Math.abs(speed) < kStopPixels) return
      wheel(speed, x, y)
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
