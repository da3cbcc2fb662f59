// The working tree a session is in, and what stands in the way of removing it. Pure.
import type { Obstacle } from '../wire/lifecycle.ts'

// Those that the dashboard and Claude Code make; null for a project's own folder.
export function treeOf(project: string): string | null {
  return /^(.+\/\.claude\/worktrees\/[^/]+)(?:\/|$)/.exec(project)?.[1] ?? null
}

export interface Standing {
  // Work that would be lost: the tree stays, whatever is chosen.
  blocking: Obstacle[]
  // Files that git ignores: they go only when that is said.
  ignored: Obstacle | null
}

// `own`: the session that is to be ended; that it runs there is no obstacle.
export function standingOf(obstacles: readonly Obstacle[], own: string | null): Standing {
  const blocking: Obstacle[] = []
  let ignored: Obstacle | null = null
  for (const obstacle of obstacles) {
    if (obstacle.kind === 'ignored') ignored = obstacle
    else if (obstacle.kind === 'session') {
      const items = obstacle.items.filter((item) => item !== own)
      if (items.length + obstacle.more > 0) blocking.push({ ...obstacle, items })
      // Its commits are on a branch, which stays.
    } else if (obstacle.kind !== 'unmerged') blocking.push(obstacle)
  }
  return { blocking, ignored }
}

export function obstacleText({ text, items, more }: Obstacle): string {
  if (items.length === 0) return text
  return `${text}: ${items.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
