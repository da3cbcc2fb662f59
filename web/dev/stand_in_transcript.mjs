// Transcripts of the stand-in: entries in memory, paged, searched and told as the server does it.
import { crc32, deflateSync } from 'node:zlib'

const kMaxPage = 500

// A picture to look at: stripes, 96 by 64.
function picture() {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data])
    const frame = Buffer.alloc(8 + body.length)
    frame.writeUInt32BE(data.length, 0)
    body.copy(frame, 4)
    frame.writeUInt32BE(crc32(body), 4 + body.length)
    return frame
  }
  const [width, height] = [96, 64]
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const rows = Buffer.concat(
    Array.from({ length: height }, (_, y) => Buffer.from([0, ...Array.from({ length: width }, (_, x) => [(x * 2) & 255, 120, (y * 4) & 255]).flat()])),
  )
  const parts = [chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts])
}
const kPicture = picture()

const utf8 = (value) => Buffer.byteLength(JSON.stringify(value))

export class StandInTranscript {
  constructor() {
    this.entries = []
    this.bytes = 0
    this.file = 'one'
    this.calls = 0
    this.clock = Date.now() * 1000 - 3_600_000_000
    this.listeners = new Set()
    // Milliseconds that every page waits.
    this.delay = 0
  }

  add(entry) {
    const line = { kind: 'note', type: 'user', blocks: [], at: (this.clock += 1_500_000), ...entry }
    const bytes = utf8(line)
    this.entries.push({ ...line, offset: this.bytes, bytes })
    this.bytes += bytes + 1
    for (const listener of this.listeners) listener()
    return this.entries.at(-1)
  }

  // Another file in its place.
  replace() {
    Object.assign(this, { entries: [], bytes: 0, file: `${this.file}+` })
  }

  prompt(text, more = []) {
    return this.add({ kind: 'prompt', origin: 'human', blocks: [{ kind: 'text', text, bytes: utf8(text) }, ...more] })
  }
  say(text, kind = 'text') {
    return this.add({ kind: 'reply', type: 'assistant', model: 'claude-opus-4-5-20251101', blocks: [{ kind, text, bytes: utf8(text) }] })
  }
  call(tool, input) {
    const tool_id = `t${(this.calls += 1)}`
    this.add({ kind: 'reply', type: 'assistant', model: 'claude-opus-4-5-20251101', blocks: [{ kind: 'tool_use', tool_id, tool, input }] })
    return tool_id
  }
  answer(tool_id, text, { failed = false, result = null, picture = false } = {}) {
    const blocks = [{ kind: 'tool_result', tool_id, text, bytes: utf8(text), failed }]
    if (picture) blocks.push({ kind: 'image', tool_id, source: 'base64', media_type: 'image/png', bytes: 100 })
    return this.add({ kind: 'result', blocks, result })
  }
  state(type) {
    return this.add({ kind: 'state', type, detail: type, raw: JSON.stringify({ type, sessionId: 'made-up' }) })
  }

  page(query) {
    const limit = Math.min(Number(query.get('limit') ?? 100), kMaxPage)
    const at = query.get('at')
    const from = at === null ? query.get('from') : (this.entries.find((entry) => entry.at >= Number(at))?.offset ?? this.bytes)
    let shown
    if (from !== null) shown = this.entries.filter(({ offset }) => offset >= Number(from)).slice(0, limit)
    else {
      const before = Number(query.get('before') ?? this.bytes)
      shown = this.entries.filter(({ offset, bytes }) => offset + bytes + 1 <= before).slice(-limit)
    }
    const last = shown.at(-1)
    const begin = shown[0]?.offset ?? Math.min(Number(from ?? 0), this.bytes)
    return { state: 'ready', file: this.file, begin, end: last === undefined ? begin : last.offset + last.bytes + 1, bytes: this.bytes, entries: shown }
  }

  search(query) {
    const words = query.get('q').toLowerCase()
    const hits = []
    for (const entry of this.entries) {
      const text = entry.blocks.map((block) => `${block.text ?? ''} ${JSON.stringify(block.input ?? '')}`).join(' ')
      const at = text.toLowerCase().indexOf(words)
      if (at < 0 || entry.offset < Number(query.get('from') ?? 0)) continue
      const [before, match, after] = [text.slice(Math.max(0, at - 40), at), text.slice(at, at + words.length), text.slice(at + words.length).slice(0, 80)]
      hits.push({ offset: entry.offset, kind: entry.kind, side: false, at: entry.at, before, match, after })
    }
    return { hits, next: this.bytes, done: true }
  }

  facts() {
    const count = (kind) => this.entries.filter((entry) => entry.kind === kind).length
    const usage = { model: 'claude-opus-4-5', messages: count('reply'), input: 12_034, output: 48_211, cache_read: 1_204_332, cache_write_5m: 90_120, cache_write_1h: 0 }
    return {
      state: 'ready', file: this.file, bytes: this.bytes, read: this.bytes, lines: this.entries.length, raw_lines: count('raw'), prompts: count('prompt'),
      compactions: count('compaction'), cost_usd: 1.84, first_at: this.entries[0]?.at ?? null, last_at: this.entries.at(-1)?.at ?? null, usage: [usage],
    }
  }

  line(query, send, response) {
    const entry = this.entries.find(({ offset }) => offset === Number(query.get('offset')))
    if (entry === undefined) return send(404, { error: { code: 'not_found', message: 'No line begins there.' } })
    if (query.get('block') === null) return send(200, { entries: [entry] })
    response.writeHead(200, { 'content-type': 'image/png', 'content-security-policy': "default-src 'none'; sandbox" })
    response.end(kPicture)
  }

  async answerRoute(what, query, send, response) {
    await new Promise((done) => setTimeout(done, this.delay))
    if (what === 'transcript') return send(200, this.entries.length === 0 ? { state: 'none', reason: 'Its first prompt has not been sent yet.' } : this.page(query))
    if (what === 'line') return this.line(query, send, response)
    if (what === 'search') return send(200, this.search(query))
    if (what === 'facts') return send(200, this.facts())
    return send(200, { agents: [] })
  }
}

// The transcripts that one socket is told of.
export class TranscriptList {
  constructor(socket, sessions) {
    Object.assign(this, { socket, sessions, stops: [] })
  }

  want(transcripts) {
    this.close()
    for (const { session, agent } of transcripts) {
      const found = this.sessions.get(session)?.transcript
      if (found === undefined || agent !== null) continue
      const tell = () => {
        if (this.socket.readyState === 1) this.socket.send(JSON.stringify({ type: 'transcript', session, agent: null, file: found.file, end: found.bytes }))
      }
      found.listeners.add(tell)
      this.stops.push(() => found.listeners.delete(tell))
      tell()
    }
  }

  close() {
    for (const stop of this.stops.splice(0)) stop()
  }
}

// A conversation with everything in it that a page can show.
export function converse(transcript) {
  const t = transcript
  t.state('mode')
  t.state('permission-mode')
  t.prompt('Add a refresh endpoint to the auth routes.\n\nKeep the old one working, and look at the screenshot.', [
    { kind: 'image', source: 'base64', media_type: 'image/png', bytes: 4_000 },
  ])
  t.add({ kind: 'attachment', type: 'attachment', detail: 'environment', raw: '{"type":"attachment"}' })
  t.say('The person wants a refresh endpoint. The routes are in src/routes; I should read them before I change anything.', 'thinking')
  t.say('I will read the route first, then the tests that cover it.')
  const read = t.call('Read', { file_path: '/srv/project/src/routes/auth.ts' })
  t.answer(read, Array.from({ length: 214 }, (_, at) => `${at + 1}\texport const line${at} = ${at}`).join('\n'))
  const edit = t.call('Edit', { file_path: '/srv/project/src/routes/auth.ts', old_string: 'export function refresh(request) {', new_string: 'export async function refresh(request: Request) {' })
  t.answer(edit, 'The file has been updated.', {
    result: {
      filePath: '/srv/project/src/routes/auth.ts',
      structuredPatch: [
        {
          oldStart: 41, oldLines: 5, newStart: 41, newLines: 7,
          lines: [' ', '-export function refresh(request) {', '-  return renew(request.token)', '+export async function refresh(request: Request) {', '+  const token = await tokenOf(request)', "+  if (token === null) throw new Refused('no token')", '+  return renew(token)', ' }', ' '],
        },
      ],
    },
  })
  const fails = t.call('Bash', { command: 'npm test -- auth', description: 'Run the tests of auth' })
  t.answer(fails, 'Exit code 1\n\n  FAIL  tests/auth.test.ts > refresh\n  AssertionError: expected 401 to be 200', { failed: true })
  t.say(
    [
      'One test fails: it sends no token. Three things follow.', '', '## What I found', '', '1. **The helper** `tokenOf` reads the cookie, not the header.', '2. The old route answered *401* for that.', '3. See [RFC 6750](https://www.rfc-editor.org/rfc/rfc6750) and [this](javascript:alert(1)).', '',
      '| route | before | after |', '|---|---|---:|', '| `/refresh` | 401 | 200 |', '| `/login` | 200 | 200 |', '', '```ts', "export const tokenOf = (request: Request) => request.headers.get('authorization')", '```', '', '> Nothing else uses it.', '', '- [x] route', '- [ ] tests', '', '<b>HTML stays text</b>',
    ].join('\n'),
  )
  t.call('TodoWrite', { todos: [{ content: 'Read the routes', status: 'completed' }, { content: 'Fix tokenOf', status: 'in_progress' }, { content: 'Run all tests', status: 'pending' }] })
  const ask = t.call('AskUserQuestion', { questions: [{ question: 'Which status should a missing token give?', header: 'Status', options: [{ label: '401', description: 'as before' }, { label: '400', description: 'a bad request' }] }] })
  t.answer(ask, 'answered', { result: { answers: { 'Which status should a missing token give?': '401' } } })
  const shot = t.call('Read', { file_path: '/srv/project/shot.png' })
  t.answer(shot, '', { picture: true })
  t.call('mcp__github__create_issue', { title: 'tokenOf reads the cookie' })
  t.add({ kind: 'interruption', blocks: [{ kind: 'text', text: '[Request interrupted by user]' }] })
  t.add({ kind: 'raw', type: 'quantum-state', raw: '{"type":"quantum-state","spin":"up"}', bytes: 36 })
  t.add({ kind: 'compaction', type: 'system', detail: 'compact_boundary', blocks: [{ kind: 'text', text: 'Conversation compacted' }] })
  t.add({ kind: 'summary', blocks: [{ kind: 'text', text: '1. A refresh endpoint was added.\n2. Its tests fail without a token.' }] })
  t.prompt('Go on, and use plan mode')
  t.call('ExitPlanMode', { plan: '# Plan\n\n1. Change `tokenOf`\n2. Run **all** tests' })
  t.add({ kind: 'failure', type: 'assistant', detail: 'rate_limit', blocks: [{ kind: 'text', text: 'API Error: Request rejected (429) · This request would exceed your account’s rate limit.' }] })
  t.prompt('And now?')
  t.call('Bash', { command: 'sleep 60 && npm run build', description: 'Build' })
}
