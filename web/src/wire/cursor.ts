// Where a viewer is in a session's log, and what a frame means for it. Pure. Offsets are bytes from the log's start.

export interface Cursor {
  // The offset of the next byte wanted: everything from the first one shown up to here was received without a hole.
  // Null before anything was received.
  readonly next: number | null
}

export const kStart: Cursor = { next: null }

// What to do with an `opened`, DATA or SNAPSHOT.
export type Step =
  // Show the payload from `skip` on.
  | { kind: 'show'; cursor: Cursor; skip: number }
  // All of it was shown before.
  | { kind: 'ignore'; cursor: Cursor }
  // Bytes between are missing: ask again from where this viewer is.
  | { kind: 'hole'; cursor: Cursor }
  // What is on the screen does not go on here: clear it first.
  | { kind: 'restart'; cursor: Cursor }

// The server says where its data begins. It may begin below what is here (the rest is trimmed), or above, when the log
// no longer holds the bytes between.
export function opened(cursor: Cursor, offset: number): Step {
  if (cursor.next === null) return { kind: 'show', cursor: { next: offset }, skip: 0 }
  if (offset > cursor.next) return { kind: 'restart', cursor: { next: offset } }
  return { kind: 'ignore', cursor }
}

export function data(cursor: Cursor, offset: number, length: number): Step {
  if (cursor.next === null || offset > cursor.next) return { kind: 'hole', cursor }
  const skip = cursor.next - offset
  if (skip >= length) return { kind: 'ignore', cursor }
  return { kind: 'show', cursor: { next: offset + length }, skip }
}

// A snapshot replaces the screen, also when it is older than what is here: the data after it starts at its offset.
export function snapshot(offset: number): Step {
  return { kind: 'restart', cursor: { next: offset } }
}
