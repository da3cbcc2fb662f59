// Times as people say them, with the exact one on hover.
import { useEffect, useState } from 'react'

const kSecond = 1_000
const kMinute = 60 * kSecond
const kHour = 60 * kMinute
const kDay = 24 * kHour
// A minute is the smallest unit that is shown as a number beyond the first.
const kTickMs = 10 * kSecond

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })

// "now", "40 s", "5 min", "3 h", "2 d", then the date.
export function ago(atMs: number, nowMs: number): string {
  const passed = Math.max(0, nowMs - atMs)
  if (passed < 5 * kSecond) return 'now'
  if (passed < kMinute) return `${Math.floor(passed / kSecond / 10) * 10 || 5} s ago`
  if (passed < kHour) return `${Math.floor(passed / kMinute)} min ago`
  if (passed < kDay) return `${Math.floor(passed / kHour)} h ago`
  if (passed < 30 * kDay) return `${Math.floor(passed / kDay)} d ago`
  return date.format(atMs)
}

export function exactTime(micros: number): string {
  return exact.format(micros / 1_000)
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

// Of today the time alone.
export function clockTime(micros: number): string {
  const at = new Date(micros / 1_000)
  return at.toDateString() === new Date().toDateString() ? clock.format(at) : exact.format(at)
}

let now = Date.now()
const listeners = new Set<(now: number) => void>()
let ticker: ReturnType<typeof setInterval> | null = null

// One clock for all times on the page.
function useNow(): number {
  const [value, setValue] = useState(() => Date.now())
  useEffect(() => {
    listeners.add(setValue)
    ticker ??= setInterval(() => {
      now = Date.now()
      for (const listener of listeners) listener(now)
    }, kTickMs)
    return () => {
      listeners.delete(setValue)
      if (listeners.size === 0 && ticker !== null) {
        clearInterval(ticker)
        ticker = null
      }
    }
  }, [])
  return value
}

export function Ago({ micros }: { micros: number }) {
  const current = useNow()
  const ms = micros / 1_000
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact.format(ms)}>
      {ago(ms, Math.max(current, Date.now()))}
    </time>
  )
}
