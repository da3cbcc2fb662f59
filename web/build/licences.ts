// Writes licenses.txt: the licence of every package whose code or font is in the built page.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

interface Manifest {
  name: string
  version: string
  license?: string
}

// The folder of the package that a module's file belongs to, or null for the page's own files.
function packageFolder(module: string): string | null {
  const path = module.replace(/^\0/, '').split('?')[0] ?? ''
  const at = path.lastIndexOf('/node_modules/')
  if (at < 0) return null
  const parts = path.slice(at + '/node_modules/'.length).split('/')
  const name = parts[0]?.startsWith('@') ? parts.slice(0, 2) : parts.slice(0, 1)
  return join(path.slice(0, at), 'node_modules', ...name)
}

function licenceText(folder: string): string {
  const file = readdirSync(folder).find((name) => /^(licen[cs]e|copying)(\.\w+)?$/i.test(name))
  return file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()
}

function entry(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  return `${manifest.name} ${manifest.version} (${manifest.license ?? 'see below'})\n\n${licenceText(folder)}\n`
}

export function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle(_options, bundle) {
      const folders = new Set<string>()
      const add = (module: string) => {
        const folder = packageFolder(module)
        if (folder !== null && existsSync(join(folder, 'package.json'))) folders.add(folder)
      }
      for (const item of Object.values(bundle)) {
        if (item.type === 'chunk') item.moduleIds.forEach(add)
        else item.originalFileNames.forEach((name) => add(join(dirname(import.meta.dirname), name)))
      }
      // Stylesheets are merged before this step and leave no module behind.
      add(join(import.meta.dirname, '../../node_modules/@fontsource-variable/jetbrains-mono/index.css'))
      add(join(import.meta.dirname, '../../node_modules/@xterm/xterm/css/xterm.css'))
      const source = [...folders].sort().map(entry).join(`\n${'-'.repeat(80)}\n\n`)
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source })
    },
  }
}
