// The page's rooms and what each may know: wire below terminal below pages; ui beside them.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = import.meta.dirname

const kMayImport: Record<string, readonly string[]> = {
  wire: ['wire'],
  worker: ['worker', 'wire'],
  ui: ['ui'],
  terminal: ['terminal', 'ui', 'wire'],
  transcript: ['transcript', 'terminal', 'ui', 'wire'],
  pages: ['pages', 'terminal', 'transcript', 'ui', 'wire', 'services.tsx'],
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
    .map((name) => join(folder, name))
}

const text = (file: string) => readFileSync(join(root, file), 'utf8')
const code = (file: string) => text(file).replace(/\/\/.*$/gm, '')

function imports(file: string): string[] {
  return [...text(file).matchAll(/from '(\.[^']+)'|import\('(\.[^']+)'\)/g)].map((match) =>
    relative(root, join(root, dirname(file), (match[1] ?? match[2]) as string)),
  )
}

describe.each(Object.entries(kMayImport))('%s', (room, allowed) => {
  it.each(sources(room))('%s imports only what it may', (file) => {
    for (const imported of imports(file)) expect(allowed).toContain(imported.split('/')[0])
  })
})

describe('the page', () => {
  it.each(sources('wire'))('%s does not touch the DOM or React', (file) => {
    // A word in a text is no use of it.
    expect(code(file).replace(/'[^'\n]*'/g, "''")).not.toMatch(/\b(document|window|navigator|localStorage|sessionStorage|HTMLElement)\b/)
    expect(code(file)).not.toMatch(/from 'react/)
  })

  it.each(sources('pages'))('%s does not touch sockets', (file) => {
    expect(code(file)).not.toMatch(/\bWebSocket\b|wire\/socket/)
  })

  it.each(['wire', 'worker', 'ui', 'terminal', 'transcript', 'pages'].flatMap(sources))('%s makes no markup out of text', (file) => {
    expect(code(file)).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/i)
  })

  it.each(['wire', 'worker', 'ui', 'terminal', 'transcript', 'pages'].flatMap(sources))('%s begins with what it is for', (file) => {
    expect(text(file)).toMatch(/^\/\/ \S/)
  })
})
