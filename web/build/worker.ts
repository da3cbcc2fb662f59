// Builds the service worker, src/worker/worker.ts, into one file of its own: /worker.js, whose address never changes.
import { resolve } from 'node:path'
import { build, type Plugin } from 'vite'

const kFile = 'worker.js'

async function bundled(root: string): Promise<string> {
  const made = await build({
    configFile: false,
    root,
    logLevel: 'warn',
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: resolve(root, 'src/worker/worker.ts'), formats: ['iife'], name: 'worker', fileName: () => kFile },
    },
  })
  const outputs = (Array.isArray(made) ? made : [made]).flatMap((one) => ('output' in one ? one.output : []))
  const chunk = outputs.find((output) => output.type === 'chunk')
  if (chunk === undefined || chunk.type !== 'chunk' || outputs.length !== 1) throw new Error('the service worker must be one file')
  return chunk.code
}

export function worker(): Plugin {
  let root = ''
  return {
    name: 'worker',
    configResolved(config) {
      root = config.root
    },
    async generateBundle() {
      this.emitFile({ type: 'asset', fileName: kFile, source: await bundled(root) })
    },
    configureServer(server) {
      server.middlewares.use(`/${kFile}`, (_request, response, next) => {
        bundled(root).then((code) => {
          response.setHeader('content-type', 'text/javascript')
          response.end(code)
        }, next)
      })
    },
  }
}
