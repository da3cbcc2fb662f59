// The values of the HTTP API and of the terminal socket's text messages, as docs/openapi.yaml and docs/protocol.md
// give them.

// Microseconds since the epoch.
export type Micros = number

export type SessionStatus = 'active' | 'exited' | 'lost' | 'archived'
export type SessionState = 'working' | 'idle' | 'unknown' | 'exited' | 'lost'
export type SessionKind = 'claude' | 'shell' | 'other'

export type AgentState =
  | 'starting'
  | 'working'
  | 'waiting_permission'
  | 'waiting_answer'
  | 'idle'
  | 'limited'
  | 'failed'
  | 'exited'
  | 'lost'

// What says that an agent is in a state.
export interface Evidence {
  source: string
  state: string
  what: string
  at: Micros
}

// What is known of the Claude Code in a session.
export interface Agent {
  state: AgentState
  since: Micros
  // What runs, or is asked for; empty: none.
  tool: string
  reason: string
  limited_until: Micros | null
  // Subagents and commands that go on beside the conversation.
  background: number
  // It is done, and nobody has looked since.
  unread: boolean
  evidence: Evidence | null
  disagreeing: readonly Evidence[]
  conversation: string | null
  hooks: 'live' | 'none'
  hooks_reason: string
  model: string
  permission_mode: string
  cost_usd: number
  context_percent: number | null
  lines_added: number
  lines_removed: number
  last_message: string
}

export type AttentionKind = 'permission' | 'plan' | 'question' | 'done' | 'failure' | 'limit'

export interface Question {
  text: string
  header: string
  choice: 'one' | 'several'
  options: readonly { label: string; description: string }[]
}

// Something that waits for a person.
export interface AttentionItem {
  id: string
  session: string
  session_name: string
  project: string
  kind: AttentionKind
  since: Micros
  tool: string
  // One line: the command, the file, the question.
  summary: string
  // Of the tool, as the agent wrote it; null where it is too large for a list, or not known.
  input: Readonly<Record<string, unknown>> | null
  input_bytes: number
  // What "allow always" would allow from then on.
  suggestions: readonly unknown[]
  questions: readonly Question[]
  text: string
  agent_id: string
  answerable: 'page' | 'terminal'
  why_terminal: string
  expires_at: Micros | null
}

export interface Session {
  id: string
  name: string
  status: SessionStatus
  state: SessionState
  host: string
  project: string
  command: string[]
  kind: SessionKind
  // Made by hand on the dashboard's tmux socket, not by the dashboard.
  adopted: boolean
  title: string
  foreground: string
  cols: number
  rows: number
  viewers: number
  created_at: Micros
  ended_at: Micros | null
  exit_status: number | null
  last_output_at: Micros | null
  // Null where no Claude Code runs.
  agent: Agent | null
}

export interface User {
  id: string
  name: string
  role: string
}

export interface AuthState {
  setup_required: boolean
  authenticated: boolean
  user: User | null
}

export interface Project {
  path: string
  name: string
  root: string
  is_git: boolean
}

export interface Projects {
  roots: string[]
  projects: Project[]
}

export type EntryKind = 'file' | 'folder' | 'link' | 'other'

export interface Entry {
  name: string
  kind: EntryKind
  // Bytes; what a folder's number means is up to its file system.
  size?: number
  modified?: Micros
  // False: the dashboard may not read it.
  readable?: boolean
  // False: the name shown is not the name's bytes, and cannot be asked for.
  name_is_utf8?: boolean
  // What a link leads to.
  target?: EntryKind
}

export interface Folder {
  kind: 'folder' | 'roots'
  // Absent for the roots, whose entries are named by their whole paths.
  path?: string
  entries: Entry[]
  truncated?: boolean
}

// What a viewer wants first: the screen as it is, or everything from an offset on.
export type From = 'screen' | number

// Who has a terminal open.
export interface Person {
  name: string
  you: boolean
  // Keys came from them a moment ago.
  typing: boolean
  // The pane has their size.
  holds: boolean
  // On so many pages.
  viewers: number
}

// Cells of one row that look alike. docs/protocol.md, "Thumbnails", says what the numbers mean.
export interface Run {
  text: string
  cols: number
  foreground: number
  background: number
  attributes: number
}

// A line of a session by its number; `wrapped`: the next one goes on with it.
export interface Line {
  n: number
  wrapped: boolean
  runs: readonly Run[]
}

export interface LinePage {
  numbering: number
  first: number
  top: number
  end: number
  lines: readonly Line[]
}

export interface ThumbRow {
  y: number
  runs: readonly Run[]
}

export type ToServer =
  | {
      type: 'open'
      channel: number
      session: string
      client: string
      cols: number
      rows: number
      from: From
      // This page takes ECHO frames.
      echo: true
    }
  | { type: 'close'; channel: number }
  | { type: 'resize'; channel: number; cols: number; rows: number }
  | { type: 'fit'; channel: number }
  // So many lines of scrollback in front of the screen.
  | { type: 'scrollback'; channel: number; lines: number }
  // The sessions whose screens are to be told; replaces the list before.
  | { type: 'thumbs'; sessions: readonly string[] }
  // Whether somebody looks at this page, and how long ago they used it.
  | { type: 'presence'; visible: boolean; idle_ms: number }
  // The transcripts whose growth is to be told; replaces the list before.
  | { type: 'watch_transcript'; transcripts: readonly { session: string; agent: string | null }[] }

export type FromServer =
  | { type: 'hello'; server: string; version: string }
  | {
      type: 'opened'
      channel: number
      session: string
      offset: number
      end: number
      cols: number
      rows: number
      // Null when the server does not say.
      yours: boolean | null
    }
  | { type: 'closed'; channel: number; reason: string }
  | { type: 'size'; channel: number; cols: number; rows: number; yours: boolean }
  // Behind a SNAPSHOT: it held `lines` lines of scrollback, `kept` are to be had.
  | { type: 'history'; channel: number; lines: number; kept: number }
  | { type: 'people'; channel: number; people: readonly Person[] }
  | {
      type: 'thumb'
      session: string
      cols: number
      rows: number
      cursor: readonly [x: number, y: number] | null
      // All rows are here; what is not listed is blank.
      all: boolean
      lines: readonly ThumbRow[]
    }
  // The transcript reaches to `end`; another `file` than before: it was replaced.
  | { type: 'transcript'; session: string; agent: string | null; file: string; end: number }
  | { type: 'session'; session: Session }
  | { type: 'session_removed'; id: string }
  | { type: 'attention'; item: AttentionItem }
  | { type: 'attention_closed'; id: string; how: string; by: string }
  | { type: 'sessions_complete' }
  | { type: 'input_reset'; channel: number }
  | { type: 'error'; channel: number | null; code: string; message: string }
