// Agents that went down with tmux, and what came of bringing them back. Pure.
import type { FleetResult, Unseen } from '../wire/lifecycle.ts'
import type { Session } from '../wire/types.ts'

// `left`: the ids that are not asked about again.
export const lostAgents = (sessions: readonly Session[], left: readonly string[]): Session[] =>
  sessions.filter(({ id, status, kind }) => status === 'lost' && kind === 'claude' && !left.includes(id))

// The socket tells each one that runs again, long before the answer for all of them.
export function progressOf(asked: readonly string[], sessions: readonly Session[]): { back: number; all: number } {
  const running = new Set(sessions.filter(({ status }) => status === 'active').map(({ id }) => id))
  return { back: asked.filter((id) => running.has(id)).length, all: asked.length }
}

export const leftOver = (results: readonly FleetResult[]): FleetResult[] =>
  results.filter(({ outcome }) => outcome !== 'resumed' && outcome !== 'running')

// The next project whose settings somebody has to see first.
export function unseenIn(results: readonly FleetResult[]): Unseen | null {
  for (const { outcome, error } of results) {
    const { folder, digest } = error ?? {}
    if (outcome === 'settings_unseen' && folder !== undefined && digest !== undefined) return { folder, digest }
  }
  return null
}
