// Requests against a real HTTP server on loopback.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kViewBytes, read } from './api.ts'
import { ApiError, Http } from './http.ts'

let server: Server
let origin: string
let answer: (request: IncomingMessage, response: ServerResponse) => void
let renewals: number
let renewable: boolean

const http = () =>
  new Http({
    fetch: (path, init) => fetch(`${origin}${String(path)}`, init),
    renew: async () => {
      renewals += 1
      return renewable
    },
    now: () => 0,
  })

const failure = (work: Promise<unknown>) => work.then(() => null, (error: unknown) => error as ApiError)

function fail(response: ServerResponse, status: number, error: object, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify({ error }))
}

beforeEach(async () => {
  renewals = 0
  renewable = true
  server = createServer((request, response) => answer(request, response))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

describe('a request', () => {
  it('carries JSON and gives JSON', async () => {
    answer = (request, response) => {
      let body = ''
      request.on('data', (piece) => (body += piece))
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ method: request.method, type: request.headers['content-type'], body }))
      })
    }
    const given = await http().json('POST', '/api/x', { body: { a: 1 } })
    expect(given).toEqual({ method: 'POST', type: 'application/json', body: '{"a":1}' })
  })

  it('that is refused says what, which field and when to try again', async () => {
    answer = (_request, response) =>
      fail(response, 429, { code: 'too_many', message: 'Slowly.', field: 'name', retry_after: 7 })
    const error = await failure(http().json('GET', '/api/x'))
    expect(error).toMatchObject({ status: 429, code: 'too_many', message: 'Slowly.', field: 'name', retryAfter: 7 })
  })

  it('that is answered by something else than the dashboard still fails in words', async () => {
    answer = (_request, response) => response.writeHead(502, { 'retry-after': '3' }).end('<html>Bad Gateway')
    const error = await failure(http().json('GET', '/api/x'))
    expect(error).toMatchObject({ status: 502, code: 'unknown', retryAfter: 3 })
  })

  it('with an expired login is made again once, after a renewal', async () => {
    let asked = 0
    answer = (_request, response) => {
      asked += 1
      if (renewals === 0) return fail(response, 401, { code: 'unauthorized', message: 'Log in.' })
      response.writeHead(204).end()
    }
    await http().json('DELETE', '/api/sessions/1')
    expect([asked, renewals]).toEqual([2, 1])
  })

  it('fails when the login cannot be renewed, or is refused again', async () => {
    answer = (_request, response) => fail(response, 401, { code: 'unauthorized', message: 'Log in.' })
    expect(await failure(http().json('GET', '/api/x'))).toMatchObject({ status: 401 })
    renewable = false
    expect(await failure(http().json('GET', '/api/x'))).toMatchObject({ status: 401 })
    expect(renewals).toBe(2)
  })

  it('of the login itself is never renewed: a wrong password is an answer', async () => {
    answer = (_request, response) => fail(response, 401, { code: 'unauthorized', message: 'Wrong.' })
    expect(await failure(http().json('POST', '/api/auth/login', { body: {} }))).toMatchObject({ message: 'Wrong.' })
    expect(renewals).toBe(0)
  })

  it('without an answer fails as unreachable', async () => {
    const before = origin
    origin = 'http://127.0.0.1:1'
    expect(await failure(http().json('GET', '/api/x'))).toMatchObject({ status: 0, code: 'unreachable' })
    origin = before
  })
})

describe('reading a path', () => {
  it('asks for as much as is shown, and knows how much there is', async () => {
    answer = (request, response) => {
      expect(request.headers.range).toBe(`bytes=0-${kViewBytes - 1}`)
      expect(request.url).toBe('/api/files?path=%2Fa%20b%2Fc')
      response.writeHead(206, { 'content-range': 'bytes 0-2/9000000', 'x-file-modified': '1700000000000000' })
      response.end('abc')
    }
    const file = await read(http(), '/a b/c')
    expect(file).toMatchObject({ kind: 'file', size: 9_000_000, modified: 1_700_000_000_000_000 })
  })

  it('takes the lack of any byte for an empty file', async () => {
    answer = (_request, response) => fail(response, 416, { code: 'invalid', message: 'Behind the end.' })
    expect(await read(http(), '/empty')).toMatchObject({ kind: 'file', size: 0 })
  })

  it('tells a folder from a file that holds JSON', async () => {
    answer = (request, response) => {
      const folder = request.url?.endsWith('folder') === true
      response.writeHead(200, { 'content-type': folder ? 'application/json' : 'application/octet-stream' })
      response.end(JSON.stringify({ kind: 'folder', entries: [] }))
    }
    expect((await read(http(), '/folder')).kind).toBe('folder')
    expect((await read(http(), '/a.json')).kind).toBe('file')
  })
})
