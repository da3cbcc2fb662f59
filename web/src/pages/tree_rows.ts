// The rows a tree of folders shows, from the listings that have arrived. Pure.
import type { Entry, Folder } from '../wire/types.ts'

export type TreeRow =
  | {
      kind: 'entry'
      path: string
      parent: string
      entry: Entry
      level: number
      position: number
      siblings: number
    }
  | { kind: 'note'; path: string; level: number; text: string }

interface Listing {
  data: Folder | undefined
  error: Error | null
}

const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

export function isFolder(entry: Entry): boolean {
  return entry.kind === 'folder' || (entry.kind === 'link' && entry.target === 'folder')
}

// Whether there is any sense in asking for it.
export function canOpen(entry: Entry): boolean {
  return entry.readable !== false && entry.name_is_utf8 !== false && entry.kind !== 'other'
}

export function inOrder(entries: readonly Entry[]): Entry[] {
  const rank = (entry: Entry) => (isFolder(entry) ? 0 : 1)
  return [...entries].sort((a, b) => rank(a) - rank(b) || byName.compare(a.name, b.name))
}

// Entries of the roots are named by their whole path.
export function join(folder: string, name: string): string {
  if (name.startsWith('/')) return name
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`
}

// The folders between a root and a path below it, the root included. With no root: from the top of the path.
export function ancestors(root: string | null, path: string | null): string[] {
  if (path === null || (root !== null && !within(root, path))) return []
  const parts = path.split('/').slice(1, -1)
  const all = parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
  return root === null ? all : all.filter((folder) => within(root, folder))
}

export function within(folder: string, path: string): boolean {
  return path === folder || path.startsWith(join(folder, ''))
}

export function flatten(
  top: string,
  folders: ReadonlyMap<string, Listing>,
  expanded: ReadonlySet<string>,
): TreeRow[] {
  const rows: TreeRow[] = []
  const visit = (folder: string, level: number) => {
    const listing = folders.get(folder)
    const note = (text: string) => rows.push({ kind: 'note', path: `${folder}\0${text}`, level, text })
    if (listing?.error) return note(listing.error.message)
    if (listing?.data === undefined) return note('Reading…')
    const entries = inOrder(listing.data.entries)
    if (entries.length === 0 && level > 0) note('Empty')
    entries.forEach((entry, index) => {
      const path = join(folder, entry.name)
      rows.push({
        kind: 'entry',
        path,
        parent: folder,
        entry,
        level,
        position: index + 1,
        siblings: entries.length,
      })
      if (isFolder(entry) && expanded.has(path)) visit(path, level + 1)
    })
    if (listing.data.truncated === true) note('There are more entries than can be listed.')
  }
  visit(top, 0)
  return rows
}
