// What waits for a person, over all sessions, kept current by the socket: the server tells all of it after each hello, then every change.
import type { Http } from './http.ts'
import { Listeners } from './listeners.ts'
import { parseAttention } from './agent_messages.ts'
import type { AttentionItem } from './types.ts'

export interface AttentionView {
  // Oldest first.
  items: readonly AttentionItem[]
  loaded: boolean
}

export interface AttentionEnd {
  id: string
  how: string
  by: string
}

const oldestFirst = (a: AttentionItem, b: AttentionItem) => a.since - b.since || (a.id < b.id ? -1 : 1)

export class Attention {
  private readonly byId = new Map<string, AttentionItem>()
  // What was told since the last hello; null when the list is complete.
  private told: Set<string> | null = new Set()
  private view: AttentionView = { items: [], loaded: false }
  private readonly listeners = new Listeners()
  private readonly openings = new Set<(item: AttentionItem) => void>()

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.add(listener)
  readonly current = (): AttentionView => this.view

  // Told of each item that opens while the page looks on; not of those that were open before.
  onOpened(listener: (item: AttentionItem) => void): () => void {
    this.openings.add(listener)
    return () => this.openings.delete(listener)
  }

  begin(): void {
    this.told = new Set()
  }

  upsert(item: AttentionItem): void {
    const isNew = !this.byId.has(item.id)
    this.byId.set(item.id, item)
    this.told?.add(item.id)
    this.changed(this.view.loaded)
    if (isNew && this.told === null) for (const listener of this.openings) listener(item)
  }

  close({ id }: AttentionEnd): void {
    this.told?.delete(id)
    if (this.byId.delete(id)) this.changed(this.view.loaded)
  }

  complete(): void {
    const { told } = this
    if (told !== null) for (const id of [...this.byId.keys()]) if (!told.has(id)) this.byId.delete(id)
    this.told = null
    this.changed(true)
  }

  clear(): void {
    this.byId.clear()
    this.told = new Set()
    this.changed(false)
  }

  private changed(loaded: boolean): void {
    this.view = { items: [...this.byId.values()].sort(oldestFirst), loaded }
    this.listeners.notify()
  }
}

export type Decision =
  | { decision: 'allow' }
  | { decision: 'allow_always'; suggestions?: number[] }
  | { decision: 'deny'; message?: string }
  | { decision: 'answer'; answers: Record<string, string> }
  | { decision: 'seen' }

export async function answerAttention(http: Http, id: string, decision: Decision): Promise<void> {
  await http.json('POST', `/api/attention/${encodeURIComponent(id)}`, { body: decision })
}

// With its input whole.
export async function readAttention(http: Http, id: string): Promise<AttentionItem | null> {
  return parseAttention(await http.json('GET', `/api/attention/${encodeURIComponent(id)}`))
}
