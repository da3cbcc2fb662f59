// What is unfolded. It outlives the rows, which come and go as the list scrolls.
import { createContext, useContext, useSyncExternalStore } from 'react'

// More than anybody unfolds; the oldest go back to what they were by themselves.
const kMaxFolds = 2_000

export class Folds {
  private readonly open = new Map<string, boolean>()
  private readonly listeners = new Set<() => void>()

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  isOpen(key: string, otherwise: boolean): boolean {
    return this.open.get(key) ?? otherwise
  }

  set(key: string, open: boolean): void {
    this.open.delete(key)
    this.open.set(key, open)
    for (const oldest of this.open.keys()) {
      if (this.open.size <= kMaxFolds) break
      this.open.delete(oldest)
    }
    for (const listener of [...this.listeners]) listener()
  }
}

export const FoldsContext = createContext(new Folds())

export function useFold(key: string, otherwise = false): [boolean, (open: boolean) => void] {
  const folds = useContext(FoldsContext)
  const open = useSyncExternalStore(folds.subscribe, () => folds.isOpen(key, otherwise))
  return [open, (next) => folds.set(key, next)]
}
