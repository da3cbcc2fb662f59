// A session's screen on its card: drawn while it is in view, and asked for only then.
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useServices } from '../services.tsx'
import { kDark, kLight } from '../terminal/theme.ts'
import { ThumbPicture } from '../terminal/thumb_picture.ts'
import { useIsDark } from '../ui/theme.ts'
import { lastLine } from '../wire/thumbs.ts'
import type { Session } from '../wire/types.ts'
import { useInView } from './hooks.ts'

export function Thumb({ session }: { session: Session }) {
  const { thumbs } = useServices().wire
  const canvas = useRef<HTMLCanvasElement>(null)
  const picture = useRef<ThumbPicture | null>(null)
  const visible = useInView(canvas)
  const dark = useIsDark()
  const [room, setRoom] = useState({ width: 0, height: 0, ratio: 1 })
  const { id } = session
  const thumb = useSyncExternalStore(
    useCallback((listener: () => void) => thumbs.subscribe(id, listener), [thumbs, id]),
    () => thumbs.current(id),
  )

  useEffect(() => (visible ? thumbs.watch(id) : undefined), [thumbs, id, visible])
  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return
      const { width, height } = entry.contentRect
      setRoom({ width, height, ratio: window.devicePixelRatio })
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    if (canvas.current === null || thumb === null || !visible) return
    picture.current ??= new ThumbPicture(canvas.current)
    picture.current.draw(thumb, dark ? kDark : kLight, room.width, room.height, room.ratio)
  }, [thumb, dark, room, visible])

  const words = thumb === null ? '' : lastLine(thumb)
  return (
    <canvas
      ref={canvas}
      className="thumb"
      role="img"
      aria-label={words === '' ? `Screen of ${session.name}` : `Screen of ${session.name}: ${words}`}
      data-loaded={thumb !== null}
    />
  )
}
