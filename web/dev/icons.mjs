// Draws the icons of the installed page from public/icon.svg: node web/dev/icons.mjs. For developers, when the mark changes.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const folder = join(import.meta.dirname, '../public')
const svg = await readFile(join(folder, 'icon.svg'), 'utf8')
const inner = svg.replace(/^[\s\S]*?<svg[^>]*>|<\/svg>\s*$/g, '')
const ground = /fill="(#[0-9a-f]{6})"/.exec(inner)[1]
const mark = inner.replace(/<rect[^>]*>/, '')

const drawing = (box, content) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}">${content}</svg>`
// Systems cut a maskable icon to their own shape: the mark stays within the middle four fifths, the ground fills all.
const filled = drawing('-4 -4 40 40', `<rect x="-4" y="-4" width="40" height="40" fill="${ground}"/>${mark}`)
// A badge is taken as a stencil.
const stencil = drawing('4 4 24 24', mark.replaceAll(/#[0-9a-f]{6}/g, '#ffffff'))

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const [name, size, source] of [
  ['icon-192.png', 192, svg],
  ['icon-512.png', 512, svg],
  ['icon-maskable-512.png', 512, filled],
  ['apple-touch-icon.png', 180, filled],
  ['badge-96.png', 96, stencil],
]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${source}`)
  await writeFile(join(folder, name), await page.screenshot({ omitBackground: true }))
  await page.close()
}
await browser.close()
