// Binary frames of the terminal socket: u8 type, u32 channel, u64 number, payload; little-endian.

export const FrameType = {
  data: 1,
  snapshot: 2,
  input: 3,
  ackOutput: 4,
  ackInput: 5,
  echo: 6,
} as const

export const kHeaderBytes = 13
// The number of an ECHO's input, before its bytes.
const kTakenBytes = 8
// The server refuses longer INPUT payloads.
export const kMaxInputBytes = 16 * 1024

export interface Frame {
  type: number
  channel: number
  number: number
  payload: Uint8Array
}

const kNothing = new Uint8Array(0)

export function encodeFrame(
  type: number,
  channel: number,
  number: number,
  payload: Uint8Array = kNothing,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(kHeaderBytes + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, type)
  view.setUint32(1, channel, true)
  view.setBigUint64(5, BigInt(number), true)
  bytes.set(payload, kHeaderBytes)
  return bytes
}

// Null when the bytes are no frame, or when its number is beyond what a double holds exactly (8 PiB of output).
export function decodeFrame(buffer: ArrayBuffer): Frame | null {
  if (buffer.byteLength < kHeaderBytes) return null
  const view = new DataView(buffer)
  const number = view.getBigUint64(5, true)
  if (number > BigInt(Number.MAX_SAFE_INTEGER)) return null
  return {
    type: view.getUint8(0),
    channel: view.getUint32(1, true),
    number: Number(number),
    payload: new Uint8Array(buffer, kHeaderBytes),
  }
}

// An ECHO is two frames in one: the output that the acknowledged input has led to. Null when it is too short.
export function splitEcho(frame: Frame): { data: Frame; taken: number } | null {
  if (frame.payload.length < kTakenBytes) return null
  const view = new DataView(frame.payload.buffer, frame.payload.byteOffset)
  const taken = view.getBigUint64(0, true)
  if (taken > BigInt(Number.MAX_SAFE_INTEGER)) return null
  const data = { ...frame, type: FrameType.data, payload: frame.payload.subarray(kTakenBytes) }
  return { data, taken: Number(taken) }
}
