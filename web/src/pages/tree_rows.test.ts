// The file tree flattened to rows, and where keys lead in it.
import { describe, expect, it } from 'vitest'
import type { Entry, Folder } from '../wire/types.ts'
import { ancestors, flatten, inOrder, join } from './tree_rows.ts'

const entry = (name: string, kind: Entry['kind'] = 'file'): Entry => ({ name, kind, size: 1, modified: 0 })
const folder = (path: string, entries: Entry[], truncated = false): { data: Folder; error: null } => ({
  data: { kind: 'folder', path, entries, truncated },
  error: null,
})

describe('the tree of files', () => {
  it('has folders first, then names as people count', () => {
    const names = inOrder([entry('b10'), entry('b9'), entry('z', 'folder'), entry('A')]).map(({ name }) => name)
    expect(names).toEqual(['z', 'A', 'b9', 'b10'])
  })

  it('shows what is expanded, at its level, and says what is still to come', () => {
    const folders = new Map<string, ReturnType<typeof folder> | { data: undefined; error: Error | null }>([
      ['/r', folder('/r', [entry('a', 'folder'), entry('b', 'folder'), entry('c', 'folder'), entry('f')], true)],
      ['/r/a', folder('/r/a', [entry('x')])],
      ['/r/b', { data: undefined, error: null }],
      ['/r/c', { data: undefined, error: new Error('Not allowed.') }],
    ])
    const rows = flatten('/r', folders, new Set(['/r', '/r/a', '/r/b', '/r/c']))
    expect(rows.map((row) => `${row.level} ${row.kind === 'entry' ? row.path : row.text}`)).toEqual([
      '0 /r/a',
      '1 /r/a/x',
      '0 /r/b',
      '1 Reading…',
      '0 /r/c',
      '1 Not allowed.',
      '0 /r/f',
      '0 There are more entries than can be listed.',
    ])
  })

  it('opens the folders on the way to a file', () => {
    expect(ancestors('/srv/p', '/srv/p/a/b/c.txt')).toEqual(['/srv/p', '/srv/p/a', '/srv/p/a/b'])
    expect(ancestors(null, '/srv/c.txt')).toEqual(['/srv'])
    expect(ancestors('/srv/p', '/etc/passwd')).toEqual([])
    expect(ancestors('/srv/p', '/srv/p2/a')).toEqual([])
    expect(ancestors('/srv/p', null)).toEqual([])
  })

  it('joins names to folders, and takes roots as they are', () => {
    expect(join('/a', 'b')).toBe('/a/b')
    expect(join('/', 'b')).toBe('/b')
    expect(join('', '/srv')).toBe('/srv')
  })
})
