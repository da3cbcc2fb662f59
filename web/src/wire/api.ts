// The routes the page uses, as functions.
import { ApiError, type Http } from './http.ts'
import { parseRuns } from './runs.ts'
import type { Folder, Line, LinePage, Micros, Projects } from './types.ts'

// Enough to read; the rest of a longer file is a download.
export const kViewBytes = 1024 * 1024

export interface FileHead {
  kind: 'file'
  bytes: Uint8Array
  // Bytes in the whole file.
  size: number
  // Null when the server does not say.
  modified: Micros | null
}

export async function renameSession(http: Http, id: string, name: string): Promise<void> {
  await http.json('PATCH', `/api/sessions/${encodeURIComponent(id)}`, { body: { name } })
}

export async function endSession(http: Http, id: string): Promise<void> {
  await http.json('DELETE', `/api/sessions/${encodeURIComponent(id)}`)
}

export function listProjects(http: Http): Promise<Projects> {
  return http.json('GET', '/api/projects')
}

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

// Lines of a session from a number on, or its last ones.
export async function readLines(http: Http, id: string, from: number | null, count: number): Promise<LinePage> {
  const query = from === null ? `count=${count}` : `from=${from}&count=${count}`
  const page = await http.json<Record<string, unknown>>('GET', `/api/sessions/${encodeURIComponent(id)}/lines?${query}`)
  const { numbering, first, top, end, lines } = page
  if (!isNumber(numbering) || !isNumber(first) || !isNumber(top) || !isNumber(end) || !Array.isArray(lines)) {
    throw new ApiError(200, 'malformed', 'The dashboard’s answer holds no lines.')
  }
  const parsed: Line[] = lines
    .filter((line) => isNumber(line?.n))
    .map((line) => ({ n: line.n, wrapped: line.wrapped === true, runs: parseRuns(line.runs) }))
  return { numbering, first, top, end, lines: parsed }
}

export function fileAddress(path: string): string {
  return `/api/files?path=${encodeURIComponent(path)}`
}

// The listing of a folder, or of the roots when there is no path.
export async function readFolder(http: Http, path: string | null, signal?: AbortSignal): Promise<Folder> {
  const found = await read(http, path, signal)
  if (found.kind === 'file') throw new ApiError(200, 'not_a_folder', 'This is a file, not a folder.')
  return found
}

// What is at a path: a folder's listing, or the beginning of a file.
export async function read(http: Http, path: string | null, signal?: AbortSignal): Promise<Folder | FileHead> {
  const headers = { accept: 'application/json, application/octet-stream', range: `bytes=0-${kViewBytes - 1}` }
  const address = path === null ? '/api/files' : fileAddress(path)
  let response: Response
  try {
    response = await http.raw('GET', address, signal === undefined ? { headers } : { headers, signal })
  } catch (error) {
    // No byte of an empty file can be had.
    if (error instanceof ApiError && error.status === 416) {
      return { kind: 'file', bytes: new Uint8Array(0), size: 0, modified: null }
    }
    throw error
  }
  if ((response.headers.get('content-type') ?? '').startsWith('application/json')) {
    return (await response.json()) as Folder
  }
  const bytes = new Uint8Array(await response.arrayBuffer())
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]
  const modified = Number(response.headers.get('x-file-modified') ?? Number.NaN)
  return {
    kind: 'file',
    bytes,
    size: total === undefined ? bytes.length : Number(total),
    modified: Number.isFinite(modified) ? modified : null,
  }
}
