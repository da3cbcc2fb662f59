// A stand-in for the dashboard's server: enough of the HTTP API and the terminal socket to develop and test the page
// without building the C++ server. For developers only; it guards nothing, so it listens on loopback and is never
// shipped.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { WebSocketServer } from 'ws'
import { StandInNotify } from './stand_in_notify.mjs'
import { StandInScreen } from './stand_in_screen.mjs'
import { StandInTranscript, TranscriptList } from './stand_in_transcript.mjs'

// What docs/security.md asks of the real server: the page must work under exactly this.
export const kPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types service-worker',
].join('; ')

const kTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}
const kResumeBytes = 256 * 1024
const kFirstLines = 200
const kSkimMs = 66
const kThumbMs = 500
const kTypingMs = 5_000
const kMaxUploadBytes = 10 * 1024 * 1024
const kImageTypes = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/gif': 'gif', 'image/webp': 'webp' }
const kPieceBytes = 32 * 1024
const kHeader = 13

const micros = () => Date.now() * 1000

function frame(type, channel, number, payload = Buffer.alloc(0)) {
  const bytes = Buffer.alloc(kHeader + payload.length)
  bytes.writeUInt8(type, 0)
  bytes.writeUInt32LE(channel, 1)
  bytes.writeBigUInt64LE(BigInt(number), 5)
  payload.copy(bytes, kHeader)
  return bytes
}

// A session's program: `run(input => void)` gives write and end; output goes to the log.
function startPty(session, output, ended) {
  const quoted = session.command.map((item) => `'${item.replaceAll("'", "'\\''")}'`).join(' ')
  const line = `stty cols ${session.cols} rows ${session.rows}; exec ${quoted}`
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd: session.project,
    env: { ...process.env, TERM: 'xterm-256color' },
  })
  child.stdout.on('data', output)
  child.on('exit', (code) => ended(code ?? 0))
  return { write: (bytes) => child.stdin.write(bytes), end: () => child.kill('SIGKILL') }
}

class StandInSession {
  constructor(server, fields) {
    this.server = server
    this.log = Buffer.alloc(0)
    // Highest input number taken per client, as pane-tap keeps it.
    this.taken = new Map()
    this.input = Buffer.alloc(0)
    this.viewers = new Set()
    this.info = {
      id: randomBytes(8).toString('hex'),
      name: 'session',
      status: 'active',
      state: 'idle',
      host: 'local',
      project: '/tmp',
      command: ['bash'],
      kind: 'shell',
      adopted: false,
      title: '',
      foreground: '',
      cols: 100,
      rows: 30,
      viewers: 0,
      created_at: micros(),
      ended_at: null,
      exit_status: null,
      last_output_at: null,
      ...fields,
    }
    this.screen = new StandInScreen(this.info.cols, this.info.rows)
    this.transcript = new StandInTranscript()
    // People who are made up: [{name, typing, holds, viewers}].
    this.others = []
  }

  output(bytes) {
    this.log = Buffer.concat([this.log, bytes])
    this.info.last_output_at = micros()
    this.screen.write(bytes, () => {
      for (const viewer of this.viewers) viewer.pump()
    })
  }

  resize(cols, rows) {
    Object.assign(this.info, { cols, rows })
    this.screen.resize(cols, rows)
  }

  tellPeople() {
    for (const viewer of this.viewers) viewer.tellPeople()
  }

  // Whatever the time: what there is now.
  moment(at) {
    const lines = this.screen.rows().map((runs, y) => [y, runs])
    const first_at = this.info.created_at - 7_200_000_000
    return { at, offset: 0, first_at, last_at: micros(), exact: true, cols: this.info.cols, rows: this.info.rows, cursor: null, lines }
  }

  // Exactly-once, as pane-tap does it: repeats are dropped, and acknowledged again.
  take(client, number, bytes) {
    const highest = this.taken.get(client) ?? 0
    if (number > highest) {
      this.taken.set(client, number)
      this.input = Buffer.concat([this.input, bytes])
      this.program?.write(bytes)
    }
    return Math.max(number, highest)
  }

  ended(status) {
    Object.assign(this.info, { status: 'exited', state: 'exited', ended_at: micros(), exit_status: status })
    this.server.announce(this)
  }
}

// One channel of one socket.
class Viewer {
  constructor(socket, session, message, skims) {
    this.socket = socket
    this.session = session
    this.channel = message.channel
    this.client = message.client
    // Snapshots instead of bytes, one on the way.
    this.skims = skims
    this.unacknowledged = false
    this.at = message.from
    const { length } = session.log
    if (message.from === 'screen' || length - message.from > kResumeBytes || message.from > length) this.at = null
    session.viewers.add(this)
  }

  text(message) {
    if (this.socket.readyState === 1) this.socket.send(JSON.stringify({ channel: this.channel, ...message }))
  }

  sendSnapshot(lines) {
    const { screen } = this.session
    const { bytes, ...history } = screen.snapshot(lines)
    this.at = screen.at
    this.unacknowledged = true
    this.socket.send(frame(2, this.channel, this.at, bytes))
    this.text({ type: 'history', ...history })
  }

  pump() {
    const { screen } = this.session
    if (this.socket.readyState !== 1) return
    if (this.at === null) return this.sendSnapshot(kFirstLines)
    if (this.skims()) return this.skim()
    while (this.at < screen.at) {
      const piece = this.session.log.subarray(this.at, Math.min(screen.at, this.at + kPieceBytes))
      this.socket.send(frame(1, this.channel, this.at, piece))
      this.at += piece.length
    }
  }

  skim() {
    if (this.timer !== undefined || this.unacknowledged || this.at >= this.session.screen.at) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      if (this.socket.readyState === 1 && !this.unacknowledged) this.sendSnapshot(this.lines ?? kFirstLines)
      this.lines = undefined
    }, kSkimMs)
  }

  acknowledged(offset) {
    if (offset >= this.at) this.unacknowledged = false
    this.pump()
  }

  tellPeople() {
    const { session } = this
    const typing = (viewer) => Date.now() - (viewer.typedAt ?? 0) < kTypingMs
    const mine = [...session.viewers]
    const you = { name: 'ada', you: true, typing: mine.some(typing), holds: session.others.every(({ holds }) => !holds), viewers: mine.length }
    this.text({ type: 'people', people: [you, ...session.others.map((other) => ({ ...other, you: false }))] })
  }

  close() {
    clearTimeout(this.timer)
    this.session.viewers.delete(this)
  }
}

// The screens that one socket looks at without opening them.
class ThumbList {
  constructor(socket, sessions, lists) {
    this.lists = lists
    this.socket = socket
    this.sessions = sessions
    this.sent = new Map()
    this.wanted = []
    this.timer = setInterval(() => this.tell(), kThumbMs)
  }

  want(ids) {
    this.wanted = ids
    this.lists.push(ids)
    for (const id of this.sent.keys()) if (!ids.includes(id)) this.sent.delete(id)
    this.tell()
  }

  tell() {
    for (const id of this.wanted) {
      const session = this.sessions.get(id)
      if (session === undefined || this.socket.readyState !== 1) continue
      const { cols, rows } = session.info
      const now = session.screen.rows().map((runs) => JSON.stringify(runs))
      const before = this.sent.get(id)
      const all = before === undefined || before.length !== now.length
      const changed = now.flatMap((runs, y) => (all || before[y] !== runs ? [[y, JSON.parse(runs)]] : []))
      this.sent.set(id, now)
      if (!all && changed.length === 0) continue
      const lines = all ? changed.filter(([, runs]) => runs.length > 0) : changed
      this.socket.send(JSON.stringify({ type: 'thumb', session: id, cols, rows, cursor: session.screen.cursor(), all, lines }))
    }
  }

  close() {
    clearInterval(this.timer)
  }
}

export class StandIn {
  constructor(options = {}) {
    this.options = { dist: null, root: process.cwd(), startProgram: startPty, setup: false, ...options }
    this.sessions = new Map()
    this.tickets = new Set()
    this.sockets = new Set()
    this.boot = randomBytes(4).toString('hex')
    this.loggedIn = this.options.loggedIn ?? false
    this.setupRequired = this.options.setup
    this.refreshes = 0
    this.accessValid = true
    // While true no socket is let in.
    this.refuse = false
    // While true viewers get snapshots instead of bytes.
    this.skim = false
    this.role = this.options.role ?? 'admin'
    this.uploads = []
    // Every list of `thumbs` that came.
    this.thumbLists = []
    // Every `presence` that came.
    this.presences = []
    this.notify = new StandInNotify()
    // Milliseconds that every frame of input waits, and every request.
    this.delay = 0
  }

  async listen(port = 0) {
    this.http = createServer((request, response) => {
      this.answer(request, response).catch((error) => {
        response.writeHead(500).end(String(error))
      })
    })
    this.ws = new WebSocketServer({ noServer: true, handleProtocols: (offered) => offered.has('ccd.v1') && 'ccd.v1' })
    this.http.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head))
    await new Promise((done) => this.http.listen(port, '127.0.0.1', done))
    this.port = this.http.address().port
    return this
  }

  async close() {
    for (const session of this.sessions.values()) session.program?.end()
    this.cut()
    this.http.closeAllConnections()
    await new Promise((done) => this.http.close(done))
  }

  // Drops every socket without a goodbye, as a lost network does.
  cut() {
    for (const socket of this.sockets) socket.terminate()
  }

  closeSockets(code) {
    for (const socket of this.sockets) socket.close(code)
  }

  addSession(fields, withProgram = false) {
    const session = new StandInSession(this, fields)
    this.sessions.set(session.info.id, session)
    if (withProgram) {
      session.program = this.options.startProgram(
        session.info,
        (bytes) => session.output(bytes),
        (status) => session.ended(status),
      )
    }
    this.announce(session)
    return session
  }

  announce(session) {
    const message = JSON.stringify({ type: 'session', session: session.info })
    for (const socket of this.sockets) socket.send(message)
  }

  upgrade(request, socket, head) {
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((item) => item.trim())
    const ticket = offered.find((item) => item.startsWith('ticket.'))?.slice('ticket.'.length)
    if (this.refuse || request.url !== '/ws' || !this.tickets.delete(ticket)) return socket.destroy()
    this.ws.handleUpgrade(request, socket, head, (opened) => this.serve(opened))
  }

  serve(socket) {
    const channels = new Map()
    channels.thumbs = new ThumbList(socket, this.sessions, this.thumbLists)
    channels.transcripts = new TranscriptList(socket, this.sessions)
    this.sockets.add(socket)
    socket.on('close', () => {
      this.sockets.delete(socket)
      channels.thumbs.close()
      channels.transcripts.close()
      for (const viewer of channels.values()) viewer.close()
    })
    socket.on('error', () => socket.terminate())
    socket.on('message', (data, isBinary) => {
      if (isBinary && this.delay > 0) setTimeout(() => this.binary(channels, socket, data), this.delay)
      else if (isBinary) this.binary(channels, socket, data)
      else this.text(channels, socket, JSON.parse(data.toString()))
    })
    socket.send(JSON.stringify({ type: 'hello', server: this.boot, version: 'stand-in' }))
    for (const session of this.sessions.values()) {
      socket.send(JSON.stringify({ type: 'session', session: session.info }))
    }
  }

  text(channels, socket, message) {
    const { channel } = message
    if (message.type === 'thumbs') return channels.thumbs.want(message.sessions)
    if (message.type === 'presence') return this.presences.push(message)
    if (message.type === 'watch_transcript') return channels.transcripts.want(message.transcripts)
    if (message.type === 'open') {
      const session = this.sessions.get(message.session)
      if (session === undefined) {
        const error = { type: 'error', channel, code: 'unknown_session', message: 'There is no such session.' }
        return socket.send(JSON.stringify(error))
      }
      const viewer = new Viewer(socket, session, message, () => this.skim)
      channels.get(channel)?.close()
      channels.set(channel, viewer)
      const { cols, rows } = session.info
      const offset = viewer.at ?? session.screen.at
      const opened = { channel, session: session.info.id, offset, end: session.log.length, cols, rows }
      socket.send(JSON.stringify({ type: 'opened', ...opened, credit: 1 << 20 }))
      const yours = !(this.options.foreignSize ?? false)
      socket.send(JSON.stringify({ type: 'size', channel, cols, rows, yours }))
      viewer.pump()
      return session.tellPeople()
    }
    const viewer = channels.get(channel)
    if (viewer === undefined) return
    if (message.type === 'close') {
      viewer.close()
      channels.delete(channel)
    } else if (message.type === 'scrollback') {
      // As the server does it: one snapshot on the way.
      if (this.skim && viewer.unacknowledged) viewer.lines = message.lines
      else viewer.sendSnapshot(message.lines)
    } else if (message.type === 'resize' || message.type === 'fit') {
      if (message.type === 'resize') viewer.wanted = message
      this.options.foreignSize = this.options.foreignSize && message.type === 'resize'
      const { cols, rows } = viewer.wanted ?? viewer.session.info
      const yours = !this.options.foreignSize
      if (yours) viewer.session.resize(cols, rows)
      socket.send(JSON.stringify({ type: 'size', channel, cols, rows, yours }))
    }
  }

  binary(channels, socket, data) {
    const viewer = channels.get(data.readUInt32LE(1))
    if (viewer === undefined) return
    const number = Number(data.readBigUInt64LE(5))
    if (data.readUInt8(0) === 4) return viewer.acknowledged(number)
    if (data.readUInt8(0) !== 3) return
    const highest = viewer.session.take(viewer.client, number, data.subarray(kHeader))
    if (socket.readyState === 1) socket.send(frame(5, viewer.channel, highest))
    viewer.typedAt = Date.now()
    viewer.session.tellPeople()
  }

  async answer(request, response) {
    const url = new URL(request.url, 'http://stand.in')
    const pieces = []
    for await (const piece of request) pieces.push(piece)
    const body = Buffer.concat(pieces)
    const send = (status, value, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers })
      response.end(value === undefined ? '' : JSON.stringify(value))
    }
    const fail = (status, code, message, field) => send(status, { error: { code, message, field } })
    if (!url.pathname.startsWith('/api/')) return this.file(url.pathname, response)
    const isJson = (request.headers['content-type'] ?? '').startsWith('application/json')
    const fields = isJson ? JSON.parse(body.toString()) : {}
    if (url.pathname.startsWith('/api/auth/')) return this.auth(url.pathname, fields, send, fail)
    if (!this.loggedIn || !this.accessValid) return fail(401, 'unauthorized', 'Log in first.')
    if (url.pathname.endsWith('/uploads')) return this.upload(request, url, body, send, fail)
    return this.api(request.method, url, fields, send, fail, response)
  }

  auth(path, fields, send, fail) {
    const user = { id: '1', name: 'ada', role: this.role }
    switch (path) {
      case '/api/auth/state':
        return send(200, {
          setup_required: this.setupRequired,
          authenticated: this.loggedIn && this.accessValid,
          user: this.loggedIn && this.accessValid ? user : null,
        })
      case '/api/auth/setup':
        if (fields.code !== 'CODE') return fail(403, 'wrong_code', 'The setup code is not right.', 'code')
        this.setupRequired = false
        this.loggedIn = true
        return send(200, { user })
      case '/api/auth/login':
        if (fields.password !== 'secret') return fail(401, 'wrong_login', 'Name or password is not right.')
        this.loggedIn = true
        this.accessValid = true
        return send(200, { user })
      case '/api/auth/refresh':
        this.refreshes += 1
        if (!this.loggedIn) return fail(401, 'unauthorized', 'Log in first.')
        this.accessValid = true
        return send(200, {})
      default:
        this.loggedIn = false
        return send(204)
    }
  }

  async api(method, url, fields, send, fail, response) {
    const path = url.pathname
    if (path === '/api/ws-ticket') {
      const ticket = randomBytes(32).toString('hex')
      this.tickets.add(ticket)
      return send(200, { ticket, expires_in: 30 })
    }
    if (path === '/api/notify' || path.startsWith('/api/notify/')) return this.notify.answer(method, path, fields, send, fail)
    if (path === '/api/projects') return send(200, await this.projects())
    if (path === '/api/files') return this.files(url.searchParams.get('path'), send, fail, response)
    if (path === '/api/sessions' && method === 'GET') {
      return send(200, { sessions: [...this.sessions.values()].map((session) => session.info) })
    }
    if (path === '/api/sessions') {
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(fields.name)) {
        return fail(400, 'bad_name', 'A name has 1 to 64 letters, digits, - or _.', 'name')
      }
      const kind = fields.command === undefined ? 'claude' : 'shell'
      const session = this.addSession({ ...fields, command: fields.command ?? ['bash'], kind }, true)
      return send(201, session.info)
    }
    if (path.endsWith('/lines')) {
      const session = this.sessions.get(path.split('/').at(-2))
      if (session === undefined) return fail(404, 'not_found', 'There is no such session.')
      const from = url.searchParams.get('from')
      const count = Number(url.searchParams.get('count') ?? 200)
      return send(200, session.screen.lines(from === null ? null : Number(from), count))
    }
    const [, ofSession, what] = /^\/api\/sessions\/([^/]+)\/(?:transcript\/)?(transcript|line|search|facts|agents|moment)$/.exec(path) ?? []
    if (what !== undefined) {
      const session = this.sessions.get(ofSession)
      if (session === undefined) return fail(404, 'not_found', 'There is no such session.')
      if (what === 'moment') return send(200, session.moment(Number(url.searchParams.get('at'))))
      return session.transcript.answerRoute(what, url.searchParams, send, response)
    }
    const session = this.sessions.get(basename(path))
    if (session === undefined) return fail(404, 'not_found', 'There is no such session.')
    if (method === 'PATCH') Object.assign(session.info, fields)
    if (method === 'DELETE') {
      session.program?.end()
      session.ended(0)
    }
    this.announce(session)
    return method === 'DELETE' ? send(204) : send(200, session.info)
  }

  async upload(request, url, body, send, fail) {
    const session = this.sessions.get(url.pathname.split('/').at(-2))
    const ending = kImageTypes[request.headers['content-type']]
    if (session === undefined) return fail(404, 'not_found', 'There is no such session.')
    if (ending === undefined) return fail(415, 'unsupported_type', 'Only PNG, JPEG, GIF and WebP images can be uploaded.')
    if (body.length > kMaxUploadBytes) return fail(413, 'too_large', 'An image may have 10 MiB.')
    const named = decodeURIComponent(request.headers['x-file-name'] ?? `image.${ending}`)
    this.uploads.push({ named, bytes: body })
    await new Promise((done) => setTimeout(done, this.delay))
    return send(201, { path: join(session.info.project, '.uploads', named) })
  }

  async projects() {
    const { root } = this.options
    const names = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory())
    const projects = names.map(({ name }) => ({ path: join(root, name), name, root, is_git: name === '.git' }))
    return { roots: [root], projects: [{ path: root, name: basename(root), root, is_git: true }, ...projects] }
  }

  async files(path, send, fail, response) {
    const entry = async (folder, name) => {
      const info = await stat(join(folder, name)).catch(() => null)
      const kind = info?.isDirectory() ? 'folder' : info?.isFile() ? 'file' : 'other'
      return { name, kind, size: info?.size ?? 0, modified: Math.round((info?.mtimeMs ?? 0) * 1000) }
    }
    if (path === null) {
      const root = { ...(await entry(dirname(this.options.root), basename(this.options.root))), name: this.options.root }
      return send(200, { kind: 'roots', path: '', entries: [root], truncated: false })
    }
    if (!resolve(path).startsWith(this.options.root)) return fail(403, 'outside', 'That path is outside the roots.')
    const info = await stat(path).catch(() => null)
    if (info === null) return fail(404, 'not_found', 'There is nothing at that path.')
    if (info.isDirectory()) {
      const entries = await Promise.all((await readdir(path)).map((name) => entry(path, name)))
      return send(200, { kind: 'folder', path, entries, truncated: false })
    }
    const bytes = await readFile(path)
    const first = bytes.subarray(0, 1 << 20)
    response.writeHead(206, {
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment',
      'content-range': `bytes 0-${first.length - 1}/${bytes.length}`,
      'x-file-modified': String(Math.round(info.mtimeMs * 1000)),
    })
    response.end(first)
  }

  async file(path, response) {
    const { dist } = this.options
    const wanted = join(dist ?? '', path)
    const found = dist !== null && extname(wanted) !== '' ? await readFile(wanted).catch(() => null) : null
    const bytes = found ?? (await readFile(join(dist, 'index.html')))
    response.writeHead(200, {
      'content-type': kTypes[found === null ? '.html' : extname(wanted)] ?? 'application/octet-stream',
      'content-security-policy': kPolicy,
    })
    response.end(bytes)
  }
}
