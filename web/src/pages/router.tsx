// Which place an address means, and going from one to another. Back works because the browser's history is the only
// state.
import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent, type Ref } from 'react'

export type SessionTab = 'terminal' | 'transcript' | 'files'

// `line`: of the transcript, the offset of a line to show.
export type Place =
  | { kind: 'fleet' }
  | { kind: 'session'; name: string; tab: SessionTab; path: string | null; line?: number | null }
  | { kind: 'files'; path: string | null }
  | { kind: 'notifications' }
  | { kind: 'usage' }
  | { kind: 'inbox' }
  | { kind: 'prompts' }
  | { kind: 'conversations' }
  | { kind: 'nowhere' }

function decoded(part: string): string | null {
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}

function lineOf(search: string): number | null {
  const line = new URLSearchParams(search).get('line')
  return line !== null && /^\d{1,15}$/.test(line) ? Number(line) : null
}

export function placeOf(pathname: string, search: string): Place {
  const path = new URLSearchParams(search).get('path')
  const parts = pathname.split('/').filter(Boolean)
  if (parts.length === 0) return { kind: 'fleet' }
  if (parts[0] === 'files' && parts.length === 1) return { kind: 'files', path }
  if (parts[0] === 'conversations' && parts.length === 1) return { kind: 'conversations' }
  if (parts.length === 2 && parts[0] === 'settings' && parts[1] === 'notifications') return { kind: 'notifications' }
  if (parts[0] === 'usage' && parts.length === 1) return { kind: 'usage' }
  if (parts[0] === 'inbox' && parts.length === 1) return { kind: 'inbox' }
  if (parts[0] === 'prompts' && parts.length === 1) return { kind: 'prompts' }
  const name = decoded(parts[1] ?? '')
  if (parts[0] !== 's' || name === null || name === '') return { kind: 'nowhere' }
  if (parts.length === 2) return { kind: 'session', name, tab: 'terminal', path: null }
  if (parts.length === 3 && parts[2] === 'transcript') return { kind: 'session', name, tab: 'transcript', path: null, line: lineOf(search) }
  if (parts.length === 3 && parts[2] === 'files') return { kind: 'session', name, tab: 'files', path }
  return { kind: 'nowhere' }
}

const withPath = (address: string, path: string | null) =>
  path === null ? address : `${address}?path=${encodeURIComponent(path).replaceAll('%2F', '/')}`

export function addressOf(place: Exclude<Place, { kind: 'nowhere' }>): string {
  switch (place.kind) {
    case 'fleet':
      return '/'
    case 'files':
      return withPath('/files', place.path)
    case 'conversations':
      return '/conversations'
    case 'notifications':
      return '/settings/notifications'
    case 'usage':
      return '/usage'
    case 'inbox':
      return '/inbox'
    case 'prompts':
      return '/prompts'
    case 'session': {
      const base = `/s/${encodeURIComponent(place.name)}`
      if (place.tab === 'terminal') return base
      if (place.tab === 'files') return withPath(`${base}/files`, place.path)
      return typeof place.line === 'number' ? `${base}/transcript?line=${place.line}` : `${base}/transcript`
    }
  }
}

const listeners = new Set<() => void>()
const notify = () => listeners.forEach((listener) => listener())

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  window.addEventListener('popstate', listener)
  return () => {
    listeners.delete(listener)
    window.removeEventListener('popstate', listener)
  }
}

const here = () => location.pathname + location.search

export function go(address: string, replace = false): void {
  if (address === here()) return
  if (replace) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
  notify()
}

export function usePlace(): Place {
  const address = useSyncExternalStore(subscribe, here)
  const at = address.indexOf('?')
  return at < 0 ? placeOf(address, '') : placeOf(address.slice(0, at), address.slice(at))
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  href: string
  ref?: Ref<HTMLAnchorElement>
}

// A link that stays within the page, unless it is opened elsewhere on purpose.
export function Link({ href, onClick, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0
    if (event.defaultPrevented || elsewhere) return
    event.preventDefault()
    go(href)
  }
  return <a {...rest} href={href} onClick={follow} />
}
