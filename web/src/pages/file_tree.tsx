// Folders as a tree: read when they are opened, drawn only where they are seen.
import { useQueries, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { ChevronDown, ChevronRight, File, FileSymlink, Folder as FolderIcon, FolderOpen } from 'lucide-react'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { useServices } from '../services.tsx'
import { Button } from '../ui/button.tsx'
import { Notice, Waiting } from '../ui/feedback.tsx'
import { bytesText } from '../ui/text.ts'
import { readFolder } from '../wire/api.ts'
import type { Http } from '../wire/http.ts'
import type { Entry, Folder } from '../wire/types.ts'
import { ancestors, canOpen, flatten, isFolder, within, type TreeRow } from './tree_rows.ts'

const kRowPixels = 30
const kIndentPixels = 16

// The key of the listing of all roots.
const kRoots = ''

type EntryRow = Extract<TreeRow, { kind: 'entry' }>

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
  const pairs = [[top, first], ...below.map((path, index) => [path, others[index]])]
  return new Map(pairs as [string, UseQueryResult<Folder>][])
}

// Which folders are open; the way to the open file always is.
function useExpanded(top: string, root: string | null, open: string | null) {
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(() => new Set([top, ...ancestors(root, open)]))
  useEffect(() => {
    if (open !== null) setExpanded((before) => new Set([...before, ...ancestors(root, open)]))
  }, [open, root])
  const toggle = (path: string) =>
    setExpanded((before) => {
      const next = new Set(before)
      if (!next.delete(path)) next.add(path)
      return next
    })
  return [expanded, toggle] as const
}

function EntryIcon({ entry, expanded }: { entry: Entry; expanded: boolean }) {
  if (isFolder(entry)) return expanded ? <FolderOpen size={16} aria-hidden /> : <FolderIcon size={16} aria-hidden />
  return entry.kind === 'link' ? <FileSymlink size={16} aria-hidden /> : <File size={16} aria-hidden />
}

interface TreeItemProps {
  row: EntryRow
  index: number
  top: number
  expanded: boolean
  selected: boolean
  tabStop: boolean
  onAct: () => void
  onFocus: () => void
}

const place = (top: number, level: number) => ({
  transform: `translateY(${top}px)`,
  paddingLeft: 8 + level * kIndentPixels,
})

function TreeItem({ row, index, top, expanded, selected, tabStop, onAct, onFocus }: TreeItemProps) {
  const { entry } = row
  const folds = isFolder(entry)
  return (
    <div
      role="treeitem"
      className="tree-row"
      data-index={index}
      data-hidden={entry.name.startsWith('.') || undefined}
      aria-level={row.level + 1}
      aria-setsize={row.siblings}
      aria-posinset={row.position}
      aria-expanded={folds ? expanded : undefined}
      aria-disabled={!canOpen(entry) || undefined}
      aria-selected={selected}
      tabIndex={tabStop ? 0 : -1}
      style={place(top, row.level)}
      onClick={onAct}
      onFocus={onFocus}
    >
      <span className="tree-arrow">
        {folds && (expanded ? <ChevronDown size={14} aria-hidden /> : <ChevronRight size={14} aria-hidden />)}
      </span>
      <EntryIcon entry={entry} expanded={expanded} />
      <span className="clip">{entry.name}</span>
      {entry.kind === 'file' && entry.size !== undefined && <span className="tree-size">{bytesText(entry.size)}</span>}
    </div>
  )
}

interface Keys {
  rows: readonly TreeRow[]
  focused: string | null
  isExpanded: (path: string) => boolean
  focusAt: (index: number) => void
  toggle: (path: string) => void
  act: (row: TreeRow) => void
}

// The keys of a tree, as the ARIA practices give them.
function onTreeKey(event: KeyboardEvent, { rows, focused, isExpanded, focusAt, toggle, act }: Keys): void {
  const at = Math.max(0, rows.findIndex((row) => row.path === focused))
  const row = rows[at]
  if (row?.kind !== 'entry' || event.ctrlKey || event.metaKey || event.altKey) return
  const opened = isFolder(row.entry) && isExpanded(row.path)
  const parent = () => rows.findIndex((other) => other.path === row.parent)
  const moves: Partial<Record<string, () => void>> = {
    ArrowDown: () => focusAt(at + 1),
    ArrowUp: () => focusAt(at - 1),
    Home: () => focusAt(0),
    End: () => focusAt(rows.length - 1),
    ArrowRight: () => (isFolder(row.entry) && !opened ? toggle(row.path) : focusAt(at + 1)),
    ArrowLeft: () => (opened ? toggle(row.path) : focusAt(parent())),
    Enter: () => act(row),
    ' ': () => act(row),
  }
  const move = moves[event.key]
  if (move === undefined) return
  event.preventDefault()
  move()
}

interface RowsProps {
  rows: readonly TreeRow[]
  open: string | null
  isExpanded: (path: string) => boolean
  toggle: (path: string) => void
  onOpen: (path: string) => void
}

function Rows({ rows, open, isExpanded, toggle, onOpen }: RowsProps) {
  const [focused, setFocused] = useState<string | null>(open)
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => kRowPixels,
    overscan: 12,
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
  const keys = { rows, focused, isExpanded, focusAt, toggle, act }
  const tabStop = rows.some((row) => row.path === focused) ? focused : rows[0]?.path
  return (
    <div className="tree-scroller" ref={scroller}>
      <div
        className="tree"
        role="tree"
        aria-label="Files"
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={(event) => onTreeKey(event, keys)}
      >
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index] as TreeRow
          return row.kind === 'note' ? (
            <div key={row.path} role="none" className="tree-row note" style={place(start, row.level)}>
              {row.text}
            </div>
          ) : (
            <TreeItem
              key={row.path}
              row={row}
              index={index}
              top={start}
              expanded={isExpanded(row.path)}
              selected={row.path === open}
              tabStop={row.path === tabStop}
              onAct={() => act(row)}
              onFocus={() => setFocused(row.path)}
            />
          )
        })}
      </div>
    </div>
  )
}

export function FileTree({ root, open, onOpen }: FileTreeProps) {
  const top = root ?? kRoots
  const [expanded, toggle] = useExpanded(top, root, open)
  const folders = useFolders(top, expanded)
  const rows = useMemo(() => flatten(top, folders, expanded), [top, folders, expanded])
  const first = folders.get(top)
  if (first?.isError) {
    return (
      <div className="files-note">
        <Notice
          tone="danger"
          actions={
            <Button small onClick={() => void first.refetch()}>
              Try again
            </Button>
          }
        >
          {first.error.message}
        </Notice>
      </div>
    )
  }
  if (first?.data === undefined) return <Waiting what="the folder" />
  if (rows.length === 0) return <p className="files-note quiet">This folder is empty.</p>
  return <Rows rows={rows} open={open} isExpanded={(path) => expanded.has(path)} toggle={toggle} onOpen={onOpen} />
}
