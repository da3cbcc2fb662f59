// Serves the built page with the stand-in and a few sessions: node web/dev/serve.mjs [port]. Log in with any name and
// the password "secret".
import { join } from 'node:path'
import { fill } from './samples.mjs'
import { StandIn } from './stand_in.mjs'

const root = join(import.meta.dirname, '../..')
const server = await new StandIn({ dist: join(root, 'web/dist'), root }).listen(Number(process.argv[2] ?? 3999))
fill(server, root)
server.addSession({ name: 'shell', project: root, command: ['bash', '--norc'], cols: 110, rows: 32 }, true)
console.log(`http://127.0.0.1:${server.port}`)
