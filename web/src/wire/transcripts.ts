// Which transcripts somebody looks at, so that the server tells when they grow.
import type { TranscriptName } from './transcript.ts'

// The server takes so many at once; a page shows one, with some of its subagents open.
export const kMaxWatched = 16

// How far a transcript reaches. `file` is another one when the file was replaced.
export interface Growth {
  file: string
  end: number
}

export interface WatchedTranscript {
  session: string
  agent: string | null
}

const keyOf = (name: TranscriptName) => (name.agent === null ? name.session : `${name.session}/${name.agent}`)

export class Transcripts {
  private readonly watched = new Map<string, { name: TranscriptName; callbacks: Set<(growth: Growth) => void> }>()
  private connected = false

  constructor(private readonly send: (transcripts: readonly WatchedTranscript[]) => void) {}

  // Calls back with every growth, and once soon, until the function that is given back is called.
  watch(name: TranscriptName, callback: (growth: Growth) => void): () => void {
    const key = keyOf(name)
    let entry = this.watched.get(key)
    const isNew = entry === undefined
    if (entry === undefined) this.watched.set(key, (entry = { name, callbacks: new Set() }))
    entry.callbacks.add(callback)
    if (isNew) this.tell()
    return () => {
      const now = this.watched.get(key)
      now?.callbacks.delete(callback)
      if (now === undefined || now.callbacks.size > 0) return
      this.watched.delete(key)
      this.tell()
    }
  }

  // A new socket knows of no list, and tells at once how far each reaches: what grew meanwhile is not missed.
  attach(): void {
    this.connected = true
    if (this.watched.size > 0) this.tell()
  }

  detach(): void {
    this.connected = false
  }

  message(message: { session: string; agent: string | null; file: string; end: number }): void {
    const found = this.watched.get(keyOf(message))
    for (const callback of [...(found?.callbacks ?? [])]) callback({ file: message.file, end: message.end })
  }

  private tell(): void {
    if (!this.connected) return
    // The newest: what was opened last is what is looked at.
    this.send([...this.watched.values()].slice(-kMaxWatched).map(({ name }) => ({ session: name.session, agent: name.agent })))
  }
}
