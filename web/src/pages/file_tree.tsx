// Folders as a tree: read when they are opened, drawn only where they are seen.
import { useQueries, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronDown, ChevronRight, File, FileSymlink, Folder as FolderIcon, FolderOpen } from 'lucide-react'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { useServices } from '../services.tsx'
import { Notice, Waiting } from '../ui/feedback.tsx'
import { Button } from '../ui/button.tsx'
import { bytesText } from '../ui/text.ts'
import { readFolder } from '../wire/api.ts'
import type { Entry, Folder } from '../wire/types.ts'
import type { Http } from '../wire/http.ts'
import { ancestors, canOpen, flatten, isFolder, within, type TreeRow } from './tree_rows.ts'

const kRowPixels = 30

// The key of the listing of all roots.
const kRoots = ''

interface FileTreeProps {
  root: string | null
  open: string | null
  onOpen: (path: string) => void
}

function listing(http: Http, path: string) {
  return {
    queryKey: ['folder', path],
    queryFn: ({ signal }: { signal: AbortSignal }) => readFolder(http, path === kRoots ? null : path, signal),
  }
}

// The listings of the expanded folders. An address may name a file anywhere: folders above the roots are not asked for.
function useFolders(top: string, expanded: ReadonlySet<string>): ReadonlyMap<string, UseQueryResult<Folder>> {
  const { http } = useServices()
  const first = useQuery(listing(http, top))
  const roots = top === kRoots ? (first.data?.entries.map(({ name }) => name) ?? []) : [top]
  const below = [...expanded].filter((path) => path !== top && roots.some((root) => within(root, path)))
  const others = useQueries({ queries: below.map((path) => listing(http, path)) })
  return new Map([[top, first], ...below.map((path, index) => [path, others[index]] as const)] as [
    string,
    UseQueryResult<Folder>,
  ][])
}

function EntryIcon({ entry, expanded }: { entry: Entry; expanded: boolean }) {
  if (isFolder(entry)) {
    return expanded ? <FolderOpen size={16} aria-hidden /> : <FolderIcon size={16} aria-hidden />
  }
  return entry.kind === 'link' ? <FileSymlink size={16} aria-hidden /> : <File size={16} aria-hidden />
}

export function FileTree({ root, open, onOpen }: FileTreeProps) {
  const top = root ?? kRoots
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(() => new Set([top, ...ancestors(root, open)]))
  const [focused, setFocused] = useState<string | null>(open)
  const scroller = useRef<HTMLDivElement>(null)
  const folders = useFolders(top, expanded)
  const rows = useMemo(() => flatten(top, folders, expanded), [top, folders, expanded])
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => kRowPixels,
    overscan: 12,
  })
  // A file opened by its address is shown in its place.
  useEffect(() => {
    if (open !== null) setExpanded((before) => new Set([...before, ...ancestors(root, open)]))
  }, [open, root])

  const first = folders.get(top)
  if (first?.isError) {
    return (
      <div className="files-note">
        <Notice tone="danger" actions={<Button small onClick={() => void first.refetch()}>Try again</Button>}>
          {first.error.message}
        </Notice>
      </div>
    )
  }
  if (first?.data === undefined) return <Waiting what="the folder" />
  if (rows.length === 0) return <p className="files-note quiet">This folder is empty.</p>

  const toggle = (path: string, want = !expanded.has(path)) =>
    setExpanded((before) => {
      const next = new Set(before)
      if (want) next.add(path)
      else next.delete(path)
      return next
    })
  const act = (row: TreeRow) => {
    if (row.kind !== 'entry') return
    setFocused(row.path)
    if (!canOpen(row.entry)) return
    if (isFolder(row.entry)) toggle(row.path)
    else onOpen(row.path)
  }
  const focusAt = (index: number) => {
    const row = rows[index]
    if (row?.kind !== 'entry') return
    setFocused(row.path)
    virtual.scrollToIndex(index)
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus())
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const at = rows.findIndex((row) => row.path === focused)
    const row = rows[Math.max(at, 0)]
    if (row?.kind !== 'entry') return
    const folds = isFolder(row.entry)
    const parent = () => rows.findIndex((other) => other.kind === 'entry' && other.path === row.parent)
    const moves: Partial<Record<string, () => void>> = {
      ArrowDown: () => focusAt(Math.min(at + 1, rows.length - 1)),
      ArrowUp: () => focusAt(Math.max(at - 1, 0)),
      Home: () => focusAt(0),
      End: () => focusAt(rows.length - 1),
      ArrowRight: () => (folds && !expanded.has(row.path) ? toggle(row.path, true) : focusAt(at + 1)),
      ArrowLeft: () => (folds && expanded.has(row.path) ? toggle(row.path, false) : focusAt(parent())),
      Enter: () => act(row),
      ' ': () => act(row),
    }
    const move = moves[event.key]
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    move()
  }

  const tabStop = rows.some((row) => row.path === focused) ? focused : rows[0]?.path
  return (
    <div className="tree-scroller" ref={scroller}>
      <div
        className="tree"
        role="tree"
        aria-label="Files"
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={onKeyDown}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index] as TreeRow
          const style = { transform: `translateY(${start}px)`, paddingLeft: 8 + row.level * 16 }
          if (row.kind === 'note') {
            return (
              <div key={row.path} role="none" className="tree-row note" style={style}>
                {row.text}
              </div>
            )
          }
          const folds = isFolder(row.entry)
          const isOpen = expanded.has(row.path)
          return (
            <div
              key={row.path}
              role="treeitem"
              className="tree-row"
              data-index={index}
              data-hidden={row.entry.name.startsWith('.') || undefined}
              aria-level={row.level + 1}
              aria-setsize={row.siblings}
              aria-posinset={row.position}
              aria-expanded={folds ? isOpen : undefined}
              aria-disabled={!canOpen(row.entry) || undefined}
              aria-selected={row.path === open}
              tabIndex={row.path === tabStop ? 0 : -1}
              style={style}
              onClick={() => act(row)}
              onFocus={() => setFocused(row.path)}
            >
              <span className="tree-arrow">
                {folds && (isOpen ? <ChevronDown size={14} aria-hidden /> : <ChevronRight size={14} aria-hidden />)}
              </span>
              <EntryIcon entry={row.entry} expanded={isOpen} />
              <span className="clip">{row.entry.name}</span>
              {row.entry.kind === 'file' && row.entry.size !== undefined && <span className="tree-size">{bytesText(row.entry.size)}</span>}
            </div>
          )
        })}
      </div>
    </div>
  )
}
