// One terminal over the socket: opening, resuming, typing, refusals.
import { describe, expect, it } from 'vitest'
import { Channel, kMaxHoles, type Link, type Sink } from './channel.ts'
import { decodeFrame, encodeFrame, FrameType, type Frame } from './frames.ts'
import { parseLedger, serialise } from './ledger.ts'
import type { ToServer } from './types.ts'

// A link that keeps what was posted, a screen that keeps what was shown, and a clock that moves when told.
class Bench implements Link, Sink {
  texts: ToServer[] = []
  frames: Frame[] = []
  shown = ''
  restarts = 0
  draws: (() => void)[] = []
  timers: (() => void)[] = []
  saved = ''
  troubles: string[] = []
  histories: number[][] = []
  channels = 0
  clients = 0
  readonly channel: Channel

  constructor() {
    this.channel = new Channel({
      session: 's',
      size: { cols: 80, rows: 24 },
      pane: { cols: 0, rows: 0 },
      sink: this,
      store: {
        load: () => parseLedger(this.saved),
        save: (ledger) => {
          this.saved = serialise(ledger)
        },
      },
      timers: {
        set: (callback) => {
          this.timers.push(callback)
          return () => {
            this.timers = this.timers.filter((timer) => timer !== callback)
          }
        },
      },
      newClient: () => (this.clients += 1).toString(16).padStart(32, '0'),
      onChange: () => undefined,
      onTrouble: (message) => this.troubles.push(message),
    })
  }
  text(message: ToServer) {
    this.texts.push(message)
  }
  binary(frame: Uint8Array<ArrayBuffer>) {
    this.frames.push(decodeFrame(frame.buffer)!)
  }
  nextChannel() {
    return (this.channels += 1)
  }
  write(bytes: Uint8Array, done: () => void) {
    this.shown += Buffer.from(bytes).toString()
    this.draws.push(done)
  }
  snapshot(bytes: Uint8Array, done: () => void) {
    this.restart()
    this.write(bytes, done)
  }
  history(lines: number, kept: number) {
    this.histories.push([lines, kept])
  }
  restart() {
    this.restarts += 1
    this.shown = ''
  }
  size() {}

  opened(offset: number, end = offset) {
    const channel = this.channel.number()
    this.channel.message({ type: 'opened', channel, session: 's', offset, end, cols: 80, rows: 24, yours: null })
  }
  data(offset: number, text: string, type: number = FrameType.data) {
    const bytes = encodeFrame(type, this.channel.number(), offset, Buffer.from(text))
    this.channel.frame(decodeFrame(bytes.buffer)!)
  }
  draw() {
    for (const done of this.draws.splice(0)) done()
  }
  inputs() {
    return this.frames
      .filter((frame) => frame.type === FrameType.input)
      .map((frame) => `${frame.number}:${Buffer.from(frame.payload).toString()}`)
  }
}

function opened(offset = 0): Bench {
  const bench = new Bench()
  bench.channel.attach(bench)
  bench.opened(offset)
  return bench
}

describe('channel', () => {
  it('asks for the screen first and for where it is after a reconnect', () => {
    const bench = opened(100)
    bench.data(100, 'hello')
    bench.channel.detach()
    bench.channel.attach(bench)
    const opens = bench.texts.filter((text) => text.type === 'open')
    expect(opens.map((open) => open.from)).toEqual(['screen', 105])
    expect(new Set(opens.map((open) => open.channel)).size).toBe(2)
  })

  it('saves an input before it sends it', () => {
    const bench = opened()
    let savedWhenSent = ''
    bench.binary = () => {
      savedWhenSent = bench.saved
    }
    bench.channel.type(Buffer.from('x'))
    expect(parseLedger(savedWhenSent)?.pending.length).toBe(1)
  })

  it('keeps what is typed without a link and sends it in order once open', () => {
    const bench = new Bench()
    bench.channel.type(Buffer.from('a'))
    bench.channel.attach(bench)
    bench.channel.type(Buffer.from('b'))
    expect(bench.inputs()).toEqual([])
    bench.opened(0)
    bench.channel.type(Buffer.from('c'))
    expect(bench.inputs()).toEqual(['1:a', '2:b', '3:c'])
  })

  it('sends everything unacknowledged again on input_reset', () => {
    const bench = opened()
    for (const key of 'abc') bench.channel.type(Buffer.from(key))
    bench.data(1, '', FrameType.ackInput)
    bench.frames = []
    bench.channel.message({ type: 'input_reset', channel: bench.channel.number() })
    expect(bench.inputs()).toEqual(['2:b', '3:c'])
  })

  it('takes an echo as output and as an acknowledgement', () => {
    const bench = opened(10)
    expect(bench.texts.filter((text) => text.type === 'open').map((open) => open.echo)).toEqual([true])
    for (const key of 'ab') bench.channel.type(Buffer.from(key))
    bench.data(10, '\x01\0\0\0\0\0\0\0a', FrameType.echo)
    expect(bench.shown).toBe('a')
    expect(bench.channel.view().received).toBe(11)
    expect(bench.channel.view().pending.map((input) => input.number)).toEqual([2])
    bench.data(11, 'b')
    expect(bench.shown).toBe('ab')
  })

  it('refused as a client, takes a new id and lets the person decide', () => {
    const bench = opened()
    bench.channel.type(Buffer.from('rm'))
    const { client } = bench.channel.view()
    bench.frames = []
    const channel = bench.channel.number()
    bench.channel.message({ type: 'error', channel, code: 'input_refused', message: '' })
    expect(bench.channel.view().client).not.toBe(client)
    bench.opened(0)
    expect(bench.inputs()).toEqual([])
    expect(bench.channel.view().refused.length).toBe(1)
    bench.channel.sendAgain()
    expect(bench.inputs()).toEqual(['1:rm'])
    expect(bench.channel.view().refused).toEqual([])
  })

  it('not allowed to type keeps what was typed for the person, says why, and goes on showing', () => {
    const bench = opened()
    bench.channel.type(Buffer.from('x'))
    bench.channel.message({ type: 'error', channel: bench.channel.number(), code: 'no_input', message: 'It ended.' })
    bench.opened(0)
    bench.data(0, 'still here')
    expect(bench.troubles).toEqual(['It ended.'])
    expect(bench.channel.view()).toMatchObject({ phase: 'open', pending: [] })
    expect(bench.channel.view().refused.length).toBe(1)
    expect(bench.shown).toBe('still here')
  })

  it('fails when it cannot be opened, and takes any other error for a remark', () => {
    const bench = new Bench()
    bench.channel.attach(bench)
    const error = { type: 'error', code: 'unknown_session', message: 'Gone.' } as const
    bench.channel.message({ ...error, channel: bench.channel.number() })
    expect(bench.channel.view()).toMatchObject({ phase: 'failed', reason: 'Gone.' })
    bench.channel.retry()
    bench.opened(0)
    bench.channel.message({ ...error, code: 'bad_message', channel: bench.channel.number() })
    expect(bench.channel.view().phase).toBe('open')
    expect(bench.troubles).toEqual(['Gone.'])
  })

  it('trims repeats and asks again at a hole', () => {
    const bench = opened()
    bench.data(0, 'abc')
    bench.data(1, 'bcd')
    bench.data(9, 'later')
    expect(bench.shown).toBe('abcd')
    expect(bench.texts.at(-2)).toMatchObject({ type: 'close' })
    expect(bench.texts.at(-1)).toMatchObject({ type: 'open', from: 4 })
  })

  it('gives up on a server that leaves the same hole each time', () => {
    const bench = opened()
    for (let round = 0; round <= kMaxHoles; round += 1) {
      bench.data(9, 'later')
      if (round < kMaxHoles) bench.opened(0)
    }
    expect(bench.channel.view().phase).toBe('failed')
    bench.channel.retry()
    expect(bench.channel.view().phase).toBe('opening')
  })

  it('replaces the screen by a snapshot and goes on behind it', () => {
    const bench = opened()
    bench.data(0, 'old')
    bench.data(50, 'SCREEN', FrameType.snapshot)
    bench.data(50, '+new')
    expect(bench.restarts).toBe(1)
    expect(bench.shown).toBe('SCREEN+new')
    bench.draw()
    expect(bench.channel.view()).toMatchObject({ received: 54, rendered: 54 })
  })

  it('acknowledges a snapshot at once, by its number, also when there was nothing new in it', () => {
    const bench = opened(50)
    bench.data(50, 'SCREEN', FrameType.snapshot)
    bench.draw()
    bench.data(50, 'SCREEN with lines above', FrameType.snapshot)
    bench.draw()
    expect(bench.frames.map((frame) => [frame.type, frame.number])).toEqual([
      [FrameType.ackOutput, 50],
      [FrameType.ackOutput, 50],
      [FrameType.ackOutput, 50],
    ])
  })

  it('keeps what is on the screen until something comes for the other side of a gap', () => {
    const bench = opened()
    bench.data(0, 'old')
    bench.channel.detach()
    bench.channel.attach(bench)
    bench.opened(1000)
    expect([bench.restarts, bench.shown]).toEqual([0, 'old'])
    bench.data(1000, 'SCREEN', FrameType.snapshot)
    bench.data(1000, '+new')
    expect([bench.restarts, bench.shown]).toEqual([1, 'SCREEN+new'])
  })

  it('asks for scrollback, and passes on how much there is', () => {
    const bench = new Bench()
    expect(bench.channel.scrollback(200)).toBe(false)
    bench.channel.attach(bench)
    bench.opened(0)
    expect(bench.channel.scrollback(200)).toBe(true)
    const channel = bench.channel.number()
    expect(bench.texts.at(-1)).toEqual({ type: 'scrollback', channel, lines: 200 })
    bench.channel.message({ type: 'history', channel, lines: 200, kept: 900 })
    expect(bench.histories).toEqual([[200, 900]])
  })

  it('knows who is here while it is connected', () => {
    const bench = opened()
    const ada = { name: 'ada', you: true, typing: false, holds: true, viewers: 2 }
    bench.channel.message({ type: 'people', channel: bench.channel.number(), people: [ada] })
    expect(bench.channel.view().people).toEqual([ada])
    bench.channel.detach()
    expect(bench.channel.view().people).toEqual([])
  })

  it('clears the screen when the log begins after where it was', () => {
    const bench = opened()
    bench.data(0, 'old')
    bench.channel.detach()
    bench.channel.attach(bench)
    bench.opened(1000)
    bench.data(1000, 'new')
    expect(bench.restarts).toBe(1)
    expect(bench.shown).toBe('new')
  })

  it('acknowledges what was drawn, at once when it is much, soon when it is little', () => {
    const bench = opened()
    bench.data(0, 'x'.repeat(70_000))
    bench.draw()
    bench.data(70_000, 'y')
    bench.draw()
    expect(bench.frames.map((frame) => frame.number)).toEqual([70_000])
    for (const timer of bench.timers.splice(0)) timer()
    expect(bench.frames.map((frame) => frame.number)).toEqual([70_000, 70_001])
  })

  it('does not count what was drawn before a restart', () => {
    const bench = opened()
    bench.data(0, 'x'.repeat(100))
    bench.data(50, 'S', FrameType.snapshot)
    bench.draws.shift()!()
    expect(bench.channel.view().rendered).toBe(0)
    bench.draw()
    expect(bench.channel.view().rendered).toBe(50)
  })

  it('takes nothing once it ended, and says so', () => {
    const bench = opened()
    bench.channel.message({ type: 'closed', channel: bench.channel.number(), reason: 'ended' })
    expect(bench.channel.type(Buffer.from('x'))).toBe(false)
    expect(bench.channel.view()).toMatchObject({ phase: 'ended', reason: 'ended', pending: [] })
  })
})
