// All sessions, kept current by the socket's messages and by reading the whole list after every reconnect.
import { Listeners } from './listeners.ts'
import type { Session } from './types.ts'

export interface FleetView {
  // Newest first; the order depends on nothing that changes, so nothing moves under the pointer.
  sessions: readonly Session[]
  loaded: boolean
  // Why the list could not be read, in words for the person; null when the last reading worked.
  error: string | null
}

const newestFirst = (a: Session, b: Session) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)

export class Fleet {
  private readonly byId = new Map<string, Session>()
  // What the socket told while a reading was under way is newer than the reading.
  private touched = new Set<string>()
  private view: FleetView = { sessions: [], loaded: false, error: null }
  private readonly listeners = new Listeners()

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.add(listener)
  readonly current = (): FleetView => this.view

  upsert(session: Session): void {
    this.byId.set(session.id, session)
    this.touched.add(session.id)
    this.changed(this.view.loaded, this.view.error)
  }

  remove(id: string): void {
    this.byId.delete(id)
    this.touched.add(id)
    this.changed(this.view.loaded, this.view.error)
  }

  // Before the list is asked for.
  readingStarts(): void {
    this.touched = new Set()
  }

  readingEnds(sessions: readonly Session[]): void {
    const listed = new Set(sessions.map((session) => session.id))
    for (const id of [...this.byId.keys()]) {
      if (!listed.has(id) && !this.touched.has(id)) this.byId.delete(id)
    }
    for (const session of sessions) {
      if (!this.touched.has(session.id)) this.byId.set(session.id, session)
    }
    this.changed(true, null)
  }

  readingFailed(message: string): void {
    this.changed(this.view.loaded, message)
  }

  clear(): void {
    this.byId.clear()
    this.changed(false, null)
  }

  private changed(loaded: boolean, error: string | null): void {
    this.view = { sessions: [...this.byId.values()].sort(newestFirst), loaded, error }
    this.listeners.notify()
  }
}

// The session a name in an address means: names are unique among what runs, and may recur among what ended.
export function sessionByName(sessions: readonly Session[], name: string): Session | null {
  const named = sessions.filter((session) => session.name === name)
  return named.find((session) => session.status === 'active') ?? named[0] ?? null
}
