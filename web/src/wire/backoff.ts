// How long to wait before the next attempt to connect.

export const kFirstDelayMs = 100
export const kLongestDelayMs = 5_000

// Doubles from 100 ms to 5 s; the upper half is random, so that pages do not come back in step after a restart.
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(kFirstDelayMs * 2 ** Math.min(attempt, 16), kLongestDelayMs)
  return Math.round(full * (0.5 + random / 2))
}
