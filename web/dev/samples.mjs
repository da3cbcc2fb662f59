// Sessions to look at while developing.
const kHour = 3_600_000_000

export function fill(server, root) {
  const now = Date.now() * 1000
  const samples = [
    { name: 'api-auth', kind: 'claude', command: ['claude'], state: 'working', title: '✳ Adding the refresh endpoint', viewers: 2, last_output_at: now },
    { name: 'docs-rewrite', kind: 'claude', command: ['claude'], state: 'idle', title: '✳ Protocol chapter is ready', created_at: now - 3 * kHour },
    { name: 'flaky-test', kind: 'claude', command: ['claude', '--model', 'opus'], state: 'working', title: 'Running the suite 50 times to find which test leaks its socket', created_at: now - 5 * kHour },
    { name: 'scratch', state: 'unknown', foreground: 'vim', adopted: true, created_at: now - 26 * kHour },
    { name: 'old-build', status: 'exited', state: 'exited', exit_status: 1, created_at: now - 50 * kHour, ended_at: now - 30 * kHour },
    { name: 'tidy-imports', kind: 'claude', command: ['claude'], status: 'exited', state: 'exited', exit_status: 0, created_at: now - 51 * kHour, ended_at: now - 49 * kHour },
    { name: 'night-run', kind: 'claude', command: ['claude'], status: 'lost', state: 'lost', created_at: now - 60 * kHour, ended_at: now - 40 * kHour },
  ]
  for (const sample of samples) {
    const fields = { project: root, cols: 110, rows: 32, last_output_at: now - 90_000_000, command: ['bash'], ...sample }
    server.addSession(fields)
  }
}
