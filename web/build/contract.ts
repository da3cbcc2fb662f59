// Puts the HTTP API's contract, docs/openapi.yaml, beside the page as openapi.json: the server serves it under
// /api/openapi.json.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Plugin } from 'vite'
import { parse } from 'yaml'

export function contract(): Plugin {
  const source = resolve(import.meta.dirname, '../../docs/openapi.yaml')
  return {
    name: 'contract',
    apply: 'build',
    generateBundle() {
      this.addWatchFile(source)
      this.emitFile({ type: 'asset', fileName: 'openapi.json', source: JSON.stringify(parse(readFileSync(source, 'utf8'))) })
    },
  }
}
