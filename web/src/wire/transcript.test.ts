// Transcripts from untrusted JSON, the addresses that are asked, and which are watched.
import { describe, expect, it } from 'vitest'
import { ApiError, Http } from './http.ts'
import { parseMessage } from './messages.ts'
import { mediaAddress, parseEntry, parseTranscriptPage, readFacts, readLine, readMoment, readSubagents, readTranscript, searchTranscript, type Entry } from './transcript.ts'
import { kMaxWatched, Transcripts, type WatchedTranscript } from './transcripts.ts'

const kOdd = [null, undefined, 7, 'x', true, [], [null], {}, { offset: -1 }, { offset: 'x' }, { entries: 7 }]

function answering(answer: unknown) {
  const asked: string[] = []
  const fetched = (path: string) => {
    asked.push(path)
    return Promise.resolve(new Response(JSON.stringify(answer), { status: 200 }))
  }
  return { asked, http: new Http({ fetch: fetched as typeof fetch, renew: () => Promise.resolve(false), now: () => 0 }) }
}

describe('entries', () => {
  it('are read whatever they are: what is unknown is raw, not lost', () => {
    for (const odd of kOdd) expect(parseEntry(odd)).toBeNull()
    const odd = parseEntry({ offset: 3, kind: 'never-heard', blocks: [7, { kind: 'new' }, { kind: 'text', text: 5, bytes: -1 }], usage: 'x', at: 'x' }) as Entry
    expect(odd).toMatchObject({ offset: 3, n: 0, kind: 'raw', at: null, usage: null })
    expect(odd.blocks.map(({ kind }) => kind)).toEqual(['unknown', 'text'])
    const whole = parseEntry({ offset: 0, kind: 'reply', usage: { input: 1, output: 2, cache_read: 3, cache_write_5m: 4, cache_write_1h: 5 }, result: [1] })
    expect(whole).toMatchObject({ usage: { input: 1, output: 2, cacheRead: 3, cacheWrite: 9 }, result: [1] })
  })

  it('come in pages, or there is no transcript', () => {
    for (const odd of kOdd) expect(() => parseTranscriptPage(odd)).toThrow(ApiError)
    expect(parseTranscriptPage({ state: 'none', reason: 'Not yet.' })).toEqual({ reason: 'Not yet.' })
    expect(parseTranscriptPage({ state: 'ready', file: 'f', begin: 1, end: 9, bytes: 10, entries: [null, { offset: 1, kind: 'raw' }] })).toMatchObject({
      file: 'f',
      entries: [{ offset: 1 }],
    })
  })
})

describe('routes', () => {
  const name = { session: 'a/b', agent: null }

  it('are asked with what is wanted', async () => {
    const { http, asked } = answering({ state: 'ready', entries: [] })
    await readTranscript(http, name, { kind: 'newest' }, 200)
    await readTranscript(http, name, { kind: 'before', offset: 10 }, 5)
    await readTranscript(http, { session: 's', agent: 'a1' }, { kind: 'from', offset: 0 }, 5)
    await readTranscript(http, name, { kind: 'at', at: 77 }, 5)
    await searchTranscript(http, name, 'a & b', 0, new AbortController().signal)
    await readLine(http, name, 12)
    expect(asked).toEqual([
      '/api/sessions/a%2Fb/transcript?limit=200',
      '/api/sessions/a%2Fb/transcript?before=10&limit=5',
      '/api/sessions/s/transcript?from=0&limit=5&agent=a1',
      '/api/sessions/a%2Fb/transcript?at=77&limit=5',
      '/api/sessions/a%2Fb/transcript/search?q=a+%26+b&from=0',
      '/api/sessions/a%2Fb/transcript/line?offset=12',
    ])
    const entry = parseEntry({ offset: 12, n: 1, kind: 'prompt' }) as Entry
    expect(mediaAddress(name, entry, 2)).toBe('/api/sessions/a%2Fb/transcript/line?offset=12&entry=1&block=2')
  })

  it('give values whatever they answer', async () => {
    for (const odd of [{}, { hits: 7, agents: 'x', usage: [null, 7, {}], lines: [[9, []], ['x'], [0, [['ab', 2, 0, 0, 0]]]], rows: 2, entries: {} }, []]) {
      const { http } = answering(odd)
      const { signal } = new AbortController()
      expect((await searchTranscript(http, name, 'x', 0, signal)).hits).toEqual([])
      expect(await readSubagents(http, 's')).toEqual([])
      expect(await readLine(http, name, 0)).toEqual([])
      await readFacts(http, name)
      const moment = await readMoment(http, 's', 5, signal)
      expect(moment.lines).toHaveLength(moment.rows)
    }
    expect(await readFacts(answering({ state: 'none', reason: 'No.' }).http, name)).toEqual({ reason: 'No.' })
  })
})

describe('watched transcripts', () => {
  it('are told as one list, again on a new socket, and once for many who look', () => {
    const sent: (readonly WatchedTranscript[])[] = []
    const all = new Transcripts((list) => sent.push(list))
    const got: string[] = []
    const one = all.watch({ session: 's', agent: null }, ({ end }) => got.push(`one ${end}`))
    expect(sent).toEqual([])
    all.attach()
    const two = all.watch({ session: 's', agent: null }, ({ file }) => got.push(`two ${file}`))
    const sub = all.watch({ session: 's', agent: 'a' }, () => got.push('sub'))
    expect(sent).toEqual([[{ session: 's', agent: null }], [{ session: 's', agent: null }, { session: 's', agent: 'a' }]])
    all.message({ session: 's', agent: null, file: 'f', end: 5 })
    all.message({ session: 'other', agent: null, file: 'f', end: 5 })
    expect(got).toEqual(['one 5', 'two f'])
    one()
    one()
    sub()
    all.detach()
    two()
    all.attach()
    expect(sent.slice(2)).toEqual([[{ session: 's', agent: null }]])
  })

  it('are at most as many as the server takes, the newest ones', () => {
    let last: readonly WatchedTranscript[] = []
    const all = new Transcripts((list) => (last = list))
    all.attach()
    for (let i = 0; i < kMaxWatched + 5; i += 1) all.watch({ session: `s${i}`, agent: null }, () => undefined)
    expect(last).toHaveLength(kMaxWatched)
    expect(last.at(-1)?.session).toBe(`s${kMaxWatched + 4}`)
  })

  it('are told by the socket', () => {
    expect(parseMessage('{"type":"transcript","session":"s","agent":null,"file":"f","end":7}')).toEqual({ type: 'transcript', session: 's', agent: null, file: 'f', end: 7 })
    expect(parseMessage('{"type":"transcript","session":"s","end":-7}')).toBeNull()
  })
})
