// Binary frames, byte by byte as docs/protocol.md says.
import { describe, expect, it } from 'vitest'
import { decodeFrame, encodeFrame, FrameType, kHeaderBytes, splitEcho } from './frames.ts'

describe('frames', () => {
  it('are laid out as u8, u32, u64 little-endian, payload', () => {
    const bytes = encodeFrame(FrameType.input, 0x01020304, 0x0a0b0c0d0e, Uint8Array.of(0xff, 0x00))
    expect([...bytes]).toEqual([3, 4, 3, 2, 1, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0, 0, 0, 0xff, 0x00])
  })

  it('survive the way there and back at the limits of their numbers', () => {
    for (const number of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      for (const channel of [0, 1, 0xffffffff]) {
        const payload = Uint8Array.of(1, 2, 3)
        const frame = decodeFrame(encodeFrame(FrameType.data, channel, number, payload).buffer)
        expect(frame).toEqual({ type: FrameType.data, channel, number, payload })
      }
    }
  })

  it('without a payload are their header', () => {
    expect(encodeFrame(FrameType.ackOutput, 1, 2).length).toBe(kHeaderBytes)
    expect(decodeFrame(encodeFrame(FrameType.ackOutput, 1, 2).buffer)?.payload.length).toBe(0)
  })

  it('of an echo are an input number and output', () => {
    const payload = Uint8Array.of(7, 1, 0, 0, 0, 0, 0, 0, 0x61, 0x62)
    const frame = decodeFrame(encodeFrame(FrameType.echo, 3, 500, payload).buffer)!
    const data = { type: FrameType.data, channel: 3, number: 500, payload: Uint8Array.of(0x61, 0x62) }
    expect(splitEcho(frame)).toEqual({ data, taken: 263 })
    expect(splitEcho({ ...frame, payload: payload.subarray(0, 7) })).toBeNull()
    expect(splitEcho({ ...frame, payload: payload.subarray(0, 8) })?.data.payload.length).toBe(0)
    expect(splitEcho({ ...frame, payload: new Uint8Array(8).fill(0xff) })).toBeNull()
  })

  it('are refused when too short, or when the number is not exact in a double', () => {
    for (let length = 0; length < kHeaderBytes; length += 1) expect(decodeFrame(new ArrayBuffer(length))).toBeNull()
    const huge = encodeFrame(FrameType.data, 1, 0)
    new DataView(huge.buffer).setBigUint64(5, 2n ** 53n, true)
    expect(decodeFrame(huge.buffer)).toBeNull()
  })
})
