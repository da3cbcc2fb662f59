// Serves the built page with the stand-in and a few sessions: node web/dev/serve.mjs [port]. Log in with any name and
// the password "secret".
import { join } from 'node:path'
import { StandIn } from './stand_in.mjs'

const hour = 3_600_000_000
const now = Date.now() * 1000
const dist = join(import.meta.dirname, '../dist')
const root = process.env.STAND_IN_ROOT ?? join(import.meta.dirname, '../..')
const options = { dist, root, setup: process.env.STAND_IN_SETUP === '1', foreignSize: process.env.STAND_IN_SIZE === '1' }
const server = await new StandIn(options).listen(Number(process.argv[2] ?? 3999))

const samples = [
  { name: 'api-auth', kind: 'claude', command: ['claude'], state: 'working', title: 'Adding the refresh endpoint', viewers: 2 },
  { name: 'docs-rewrite', kind: 'claude', command: ['claude'], state: 'idle', title: 'Protocol chapter is ready', created_at: now - 3 * hour },
  { name: 'flaky-test', kind: 'claude', command: ['claude', '--model', 'opus'], state: 'working', title: 'Running the suite 50 times', created_at: now - 5 * hour },
  { name: 'scratch', state: 'idle', foreground: 'vim', adopted: true, created_at: now - 26 * hour },
  { name: 'old-build', status: 'exited', state: 'exited', exit_status: 1, created_at: now - 50 * hour, ended_at: now - 30 * hour },
  { name: 'night-run', kind: 'claude', command: ['claude'], status: 'lost', state: 'lost', created_at: now - 60 * hour, ended_at: now - 40 * hour },
]
for (const sample of samples) {
  const running = sample.status === undefined
  const fields = { project: root, cols: 110, rows: 32, last_output_at: now - 90_000_000, ...sample, command: sample.command ?? ['bash'] }
  server.addSession(running ? { ...fields } : fields, false)
}
server.addSession({ name: 'shell', project: root, command: ['bash', '--norc'], cols: 110, rows: 32 }, true)
console.log(`http://127.0.0.1:${server.port}`)
