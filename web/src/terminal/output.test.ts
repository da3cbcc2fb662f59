// Bytes, sizes and snapshots reach the terminal in order; what a snapshot replaces is not parsed any more.
import { describe, expect, it } from 'vitest'
import { kWindowBytes, Output, type Port } from './output.ts'

class FakePort implements Port {
  did: string[] = []
  parsing: (() => void)[] = []
  reading = false
  answers: number | null = null
  held: boolean[] = []
  readonly output = new Output(this)
  shown: string[] = []
  write(bytes: Uint8Array, parsed: () => void) {
    this.did.push(`write ${Buffer.from(bytes).toString()}`)
    this.parsing.push(parsed)
  }
  replace(bytes: Uint8Array, parsed: () => void) {
    this.did.push(`replace ${Buffer.from(bytes).toString()}`)
    this.parsing.push(parsed)
  }
  reset() {
    this.did.push('reset')
  }
  resize({ cols }: { cols: number }, yours: boolean | null) {
    this.did.push(`resize ${cols} ${yours}`)
  }
  history(lines: number, kept: number) {
    this.did.push(`history ${lines} ${kept}`)
  }
  mayReplace(lines: number | null) {
    return !this.reading || (this.answers !== null && lines === this.answers)
  }
  expects = false
  expectsMore() {
    return this.expects
  }
  holding(holds: boolean) {
    this.held.push(holds)
  }
  // Parses everything that was handed over.
  parse() {
    while (this.parsing.length > 0) this.parsing.shift()!()
  }
  in(text: string) {
    this.output.write(Buffer.from(text), () => this.shown.push(text))
  }
  snapshot(text: string) {
    this.output.snapshot(Buffer.from(text), () => this.shown.push(text))
  }
}

describe('output', () => {
  it('changes the size only after all that came before was parsed, and holds what came after', () => {
    const port = new FakePort()
    port.in('before')
    port.output.size({ cols: 100, rows: 30 }, true)
    port.in('after')
    expect(port.did).toEqual(['write before'])
    port.parse()
    expect(port.did).toEqual(['write before', 'resize 100 true', 'write after'])
  })

  it('hands over so much at a time', () => {
    const port = new FakePort()
    const piece = 'x'.repeat(kWindowBytes / 2)
    for (let count = 0; count < 4; count += 1) port.in(piece)
    expect(port.did.length).toBe(2)
    port.parsing.shift()!()
    expect(port.did.length).toBe(3)
    port.parse()
    expect(port.shown.length).toBe(4)
  })

  it('does not parse what a snapshot replaces, but keeps the sizes before it', () => {
    const port = new FakePort()
    port.in('parsed')
    port.output.size({ cols: 90, rows: 30 }, false)
    port.in('pointless')
    port.output.size({ cols: 100, rows: 30 }, null)
    port.snapshot('older')
    port.snapshot('newer')
    port.in('+')
    port.parse()
    expect(port.did).toEqual(['write parsed', 'resize 100 false', 'replace newer', 'write +'])
    expect(port.shown).toEqual(['parsed', 'newer', '+'])
  })

  it('keeps the newest snapshot and what follows it while somebody reads', () => {
    const port = new FakePort()
    port.reading = true
    port.snapshot('one')
    port.output.history(0, 900)
    port.snapshot('two')
    port.output.history(0, 950)
    port.in('+')
    expect(port.did).toEqual([])
    expect(port.held).toEqual([true])
    port.reading = false
    port.output.resume()
    port.parse()
    expect(port.did).toEqual(['replace two', 'history 0 950', 'write +'])
    expect(port.held).toEqual([true, false])
  })

  it('takes the snapshot that a reader asked for, once it is known which it is', () => {
    const port = new FakePort()
    Object.assign(port, { reading: true, answers: 200 })
    port.snapshot('with lines')
    expect(port.did).toEqual([])
    port.output.history(200, 900)
    port.parse()
    expect(port.did).toEqual(['replace with lines', 'history 200 900'])
  })

  it('counts a snapshot that waits as shown when another was asked for, once', () => {
    const port = new FakePort()
    port.reading = true
    port.snapshot('skimmed')
    port.output.passOver()
    port.output.passOver()
    expect(port.shown).toEqual(['skimmed'])
    port.reading = false
    port.output.resume()
    port.parse()
    expect(port.shown).toEqual(['skimmed'])
  })

  it('counts those that follow as shown, too, until what was asked for comes', () => {
    const port = new FakePort()
    Object.assign(port, { reading: true, answers: 2_000, expects: true })
    port.snapshot('skimmed')
    port.output.history(200, 9_000)
    port.snapshot('skimmed again')
    port.output.history(200, 9_100)
    expect(port.shown).toEqual(['skimmed', 'skimmed again'])
    port.snapshot('with lines')
    port.output.history(2_000, 9_200)
    port.parse()
    expect(port.did).toEqual(['replace with lines', 'history 2000 9200'])
  })

  it('goes on when the terminal parses at once', () => {
    const port = new FakePort()
    port.write = (bytes, parsed) => {
      port.did.push(Buffer.from(bytes).toString())
      parsed()
    }
    port.in('a')
    port.output.size({ cols: 80, rows: 24 }, null)
    port.in('b')
    expect(port.did).toEqual(['a', 'resize 80 null', 'b'])
    expect(port.shown).toEqual(['a', 'b'])
  })
})
