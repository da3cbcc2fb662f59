// What a channel shows its output through.

export interface Size {
  cols: number
  rows: number
}

// The screen. Calls come in order.
export interface Sink {
  // `shown` is called once the bytes are on the screen.
  write(bytes: Uint8Array, shown: () => void): void
  // What is on the screen from now on, instead of everything before: escape sequences that begin with a reset.
  snapshot(bytes: Uint8Array, shown: () => void): void
  // Behind a snapshot: it held `lines` lines of scrollback, the server keeps `kept`.
  history(lines: number, kept: number): void
  // Everything shown so far no longer holds.
  restart(): void
  // The pane's size; whether it follows this viewer, or null when that was not said.
  size(size: Size, yours: boolean | null): void
  // Bytes of the log, each exactly once, from `offset` on: for whoever compares them with the log.
  received?(bytes: Uint8Array, offset: number): void
}
