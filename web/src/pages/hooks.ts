// Small things several screens need from the browser.
import { useEffect, useRef, useState, useSyncExternalStore, type RefObject } from 'react'

const kProduct = 'Claude Code Dashboard'

// What waits for a person stands in front of every title and as a mark on the page's icon, where a tab shows no more than that.
let pageTitle: string | null = null
let waiting = 0

function showTitle(): void {
  const count = waiting > 0 ? `(${waiting}) ` : ''
  document.title = `${count}${pageTitle === null ? kProduct : `${pageTitle} · ${kProduct}`}`
}

export function setWaiting(count: number): void {
  waiting = count
  showTitle()
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
  const wanted = count > 0 ? '/icon-waiting.svg' : '/icon.svg'
  if (icon !== null && icon.getAttribute('href') !== wanted) icon.href = wanted
}

export function useTitle(title: string | null): void {
  useEffect(() => {
    pageTitle = title
    showTitle()
  }, [title])
}

export function useMedia(query: string): boolean {
  const [media] = useState(() => window.matchMedia(query))
  return useSyncExternalStore(
    (listener) => {
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    () => media.matches,
  )
}

// Whether the page is in front of somebody.
export function useVisible(): boolean {
  return useSyncExternalStore(
    (listener) => {
      document.addEventListener('visibilitychange', listener)
      return () => document.removeEventListener('visibilitychange', listener)
    },
    () => document.visibilityState === 'visible',
  )
}

const kInViewMargin = '64px'

// Whether an element is on the screen, or nearly, in a page that is.
export function useInView(element: RefObject<HTMLElement | null>): boolean {
  const [within, setWithin] = useState(false)
  const pageVisible = useVisible()
  useEffect(() => {
    const at = element.current
    if (at === null) return
    const observer = new IntersectionObserver((entries) => setWithin(entries.at(-1)?.isIntersecting === true), {
      rootMargin: kInViewMargin,
    })
    observer.observe(at)
    return () => observer.disconnect()
  }, [element])
  return within && pageVisible
}

// Narrow enough that one thing is shown at a time.
export const useIsPhone = () => useMedia('(max-width: 640px)')

// Wide enough for a terminal with something to read beside it.
export const useHasRoomForTwo = () => useMedia('(min-width: 1100px)')

// True for keys pressed where text is typed.
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

const kSwipePixels = 64
const kSwipeWithinMs = 600

// Swipes over an element: 1 for towards the next tab (leftwards), -1 for back. A swipe that scrolled something is none.
export function useSwipe(element: RefObject<HTMLElement | null>, onSwipe: (step: 1 | -1) => void): void {
  const latest = useRef(onSwipe)
  useEffect(() => {
    latest.current = onSwipe
  })
  useEffect(() => {
    const at = element.current
    if (at === null) return
    let from: { x: number; y: number; at: number } | null = null
    const start = (event: TouchEvent) => {
      const touch = event.touches[0]
      const single = touch !== undefined && event.touches.length === 1 && !scrollsSideways(event.target, at)
      from = single ? { x: touch.clientX, y: touch.clientY, at: event.timeStamp } : null
    }
    const end = (event: TouchEvent) => {
      const touch = event.changedTouches[0]
      if (from === null || touch === undefined) return
      const dx = touch.clientX - from.x
      const dy = touch.clientY - from.y
      const quick = event.timeStamp - from.at < kSwipeWithinMs
      from = null
      if (quick && Math.abs(dx) > kSwipePixels && Math.abs(dx) > 2 * Math.abs(dy)) latest.current(dx < 0 ? 1 : -1)
    }
    at.addEventListener('touchstart', start, { passive: true })
    at.addEventListener('touchend', end, { passive: true })
    return () => {
      at.removeEventListener('touchstart', start)
      at.removeEventListener('touchend', end)
    }
  }, [element])
}

function scrollsSideways(target: EventTarget | null, within: HTMLElement): boolean {
  for (let element = target instanceof Element ? target : null; element !== null; element = element.parentElement) {
    const overflow = getComputedStyle(element).overflowX
    if (element.scrollWidth > element.clientWidth + 1 && (overflow === 'auto' || overflow === 'scroll')) return true
    if (element === within) return false
  }
  return false
}
