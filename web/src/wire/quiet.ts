// Whether it is quiet: by the clock of the place that the quiet hours name.
import type { QuietHours } from './notify.ts'

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5))

function minuteOfDay(at: Date, zone: string): number | null {
  try {
    const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    return minutes(parts.format(at))
  } catch {
    // A zone that this browser does not know.
    return null
  }
}

export function isQuiet(quiet: QuietHours, at: Date): boolean {
  if (!quiet.on) return false
  const now = minuteOfDay(at, quiet.zone)
  if (now === null) return false
  const from = minutes(quiet.from)
  const to = minutes(quiet.to)
  return from < to ? now >= from && now < to : now >= from || now < to
}
