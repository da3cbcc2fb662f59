// What the view around a terminal shows of it.
import type { ConnectionName } from '../ui/states.tsx'
import type { ChannelView, Size } from '../wire/channel.ts'
import type { Paste } from './paste.ts'
import type { Upload } from './uploads.ts'

export type Ask =
  | { kind: 'paste'; paste: Paste }
  | { kind: 'link'; address: string }
  | { kind: 'text'; text: string }

export interface TerminalState {
  connection: ConnectionName
  channel: ChannelView | null
  pane: Size
  yours: boolean
  // Input has been waiting for longer than a moment.
  slow: boolean
  ctrl: boolean
  finding: boolean
  found: { index: number; count: number }
  ask: Ask | null
  // Something that was typed was not taken, and why.
  trouble: string | null
  // Bytes of this terminal that the server's log is ahead by.
  missing: number
  // Output came below what is in view.
  below: boolean
  // Older lines are on their way.
  fetching: boolean
  // A program has the whole screen.
  fullScreen: boolean
  uploads: readonly Upload[]
  // Files are held over the terminal.
  dragging: boolean
  // What a program wants on the clipboard: to be asked about, or to be copied by hand because the browser wants a click
  // for it, or done a moment ago.
  clipboard: { kind: 'ask' | 'by hand' | 'copied'; text: string } | null
}

export const kNothing: TerminalState = {
  connection: 'connecting',
  channel: null,
  pane: { cols: 80, rows: 24 },
  yours: true,
  slow: false,
  ctrl: false,
  finding: false,
  found: { index: -1, count: 0 },
  ask: null,
  trouble: null,
  missing: 0,
  below: false,
  fetching: false,
  fullScreen: false,
  uploads: [],
  dragging: false,
  clipboard: null,
}
