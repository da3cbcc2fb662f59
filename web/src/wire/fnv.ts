// FNV-1a, 64 bits, in two halves: what a test compares to know that it received exactly the log's bytes.

export class Fnv1a64 {
  private high = 0xcbf29ce4
  private low = 0x84222325

  update(bytes: Uint8Array): void {
    let { high, low } = this
    for (const byte of bytes) {
      low = (low ^ byte) >>> 0
      // Times 0x100000001b3 = 2^40 + 0x1b3, modulo 2^64.
      const product = low * 0x1b3
      high = (Math.imul(high, 0x1b3) + Math.floor(product / 0x1_0000_0000) + (low << 8)) >>> 0
      low = product >>> 0
    }
    this.high = high
    this.low = low
  }

  hex(): string {
    return this.high.toString(16).padStart(8, '0') + this.low.toString(16).padStart(8, '0')
  }
}
