// Sessions to look at while developing.
import { converse } from './stand_in_transcript.mjs'

const kHour = 3_600_000_000

// What the samples have printed.
const kClaude = (task) =>
  [
    '\x1b[38;5;174m╭──────────────────────────────────────────────────────────╮\x1b[0m',
    '\x1b[38;5;174m│\x1b[0m \x1b[1m✻ Welcome to Claude Code\x1b[0m                                  \x1b[38;5;174m│\x1b[0m',
    '\x1b[38;5;174m╰──────────────────────────────────────────────────────────╯\x1b[0m',
    '',
    `\x1b[2m>\x1b[0m ${task}`,
    '',
    '\x1b[32m⏺\x1b[0m I will read the route first, then the tests that cover it.',
    '',
    '\x1b[32m⏺\x1b[0m \x1b[1mRead\x1b[0m(src/routes/auth.ts)',
    '  \x1b[2m⎿  Read 214 lines\x1b[0m',
    '\x1b[32m⏺\x1b[0m \x1b[1mUpdate\x1b[0m(src/routes/auth.ts)',
    '\x1b[48;2;20;60;30m  + export async function refresh(request: Request) {\x1b[0m',
    '\x1b[48;2;80;25;25m  - export function refresh(request) {\x1b[0m',
    '',
    '\x1b[38;5;174m✽ Thinking… (34s · esc to interrupt)\x1b[0m',
    '',
    '\x1b[2m────────────────────────────────────────────────────────────\x1b[0m',
    '> ',
  ].join('\r\n')
const kTests = Array.from({ length: 40 }, (_, at) => ` \x1b[32m✓\x1b[0m tests/socket_${at}.test.ts \x1b[2m(${at + 3} tests)\x1b[0m ${at * 7}\x1b[33mms\x1b[0m`).join('\r\n')
const kShell = '\x1b[1;34m~/project\x1b[0m $ git log --oneline\r\n\x1b[33m1c70b5f\x1b[0m protocol: snapshots at an offset\r\n\x1b[33m7acc178\x1b[0m recording: keyframes 日本語 テスト\r\n\x1b[1;34m~/project\x1b[0m $ '

export function fill(server, root) {
  const now = Date.now() * 1000
  const samples = [
    { name: 'api-auth', kind: 'claude', command: ['claude'], state: 'working', title: '✳ Adding the refresh endpoint', viewers: 2, last_output_at: now, output: kClaude('Add a refresh endpoint to the auth routes') },
    { name: 'docs-rewrite', kind: 'claude', command: ['claude'], state: 'idle', title: '✳ Protocol chapter is ready', created_at: now - 3 * kHour, output: kClaude('Rewrite the protocol chapter') },
    { name: 'flaky-test', kind: 'claude', command: ['claude', '--model', 'opus'], state: 'working', title: 'Running the suite 50 times to find which test leaks its socket', output: kTests, created_at: now - 5 * kHour },
    { name: 'scratch', state: 'unknown', foreground: 'vim', adopted: true, output: kShell, created_at: now - 26 * kHour },
    { name: 'old-build', status: 'exited', state: 'exited', exit_status: 1, created_at: now - 50 * kHour, ended_at: now - 30 * kHour },
    { name: 'tidy-imports', kind: 'claude', command: ['claude'], status: 'exited', state: 'exited', exit_status: 0, created_at: now - 51 * kHour, ended_at: now - 49 * kHour },
    { name: 'night-run', kind: 'claude', command: ['claude'], status: 'lost', state: 'lost', created_at: now - 60 * kHour, ended_at: now - 40 * kHour },
  ]
  for (const sample of samples) {
    const fields = { project: root, cols: 110, rows: 32, last_output_at: now - 90_000_000, command: ['bash'], ...sample }
    const { output, ...info } = fields
    const session = server.addSession(info)
    if (output !== undefined) session.output(Buffer.from(output))
    if (fields.name === 'api-auth') converse(session.transcript)
    Object.assign(session.info, { last_output_at: fields.last_output_at })
  }
}
