// Takes pictures of the built page with the stand-in, in every place, at a desk's and a phone's width, light and
// dark, and checks each with axe: node web/dev/look.mjs FOLDER. For developers.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { StandIn } from './stand_in.mjs'
import { fill } from './samples.mjs'

const out = process.argv[2] ?? 'look'
const only = process.argv[3]
const root = join(import.meta.dirname, '../..')
const dist = process.env.DIST ?? join(root, 'web/dist')
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const kFlags = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]
const sizes = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }

await mkdir(out, { recursive: true })
// What the tour does on purpose, and what software drawing says about itself.
const kExpected = /status of 403|task queue exceeded|WebSocket connection to|GL Driver Message/

let problems = 0

async function open(profile, size, scheme, port) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // The scale of the machine, not of the emulation, which does not tell a canvas its pixels.
    args: [...kFlags, `--force-device-scale-factor=${size === 'phone' ? 2 : 1}`],
    viewport: sizes[size],
    deviceScaleFactor: size === 'phone' ? 2 : 1,
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
    colorScheme: scheme,
    bypassCSP: false,
  })
  const page = context.pages()[0] ?? (await context.newPage())
  page.on('console', (message) => {
    if ((message.type() === 'error' || message.type() === 'warning') && !kExpected.test(message.text())) {
      problems += 1
      console.log(`  console ${message.type()}: ${message.text().slice(0, 300)}`)
    }
  })
  page.on('pageerror', (error) => {
    problems += 1
    console.log(`  page error: ${error.message}`)
  })
  await page.goto(`http://127.0.0.1:${port}/`)
  return { context, page }
}

async function check(page, name) {
  await page.waitForTimeout(250)
  await page.screenshot({ path: join(out, `${name}.png`) })
  // Through the debugger, which the page's policy does not stop.
  await page.evaluate(`${axe}; undefined`)
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  for (const { id, impact, nodes } of violations) {
    problems += 1
    console.log(`  axe ${impact} ${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} ${[...node.any, ...node.all][0]?.message ?? ''}`).join(' | ')}`)
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
  if (wide) {
    problems += 1
    console.log('  wider than the window')
  }
  console.log(name)
}

// With FLEET=1 only the beginning.
const fleetOnly = process.env.FLEET === '1'
// With TRANSCRIPT=1 only transcripts.
const transcriptOnly = process.env.TRANSCRIPT === '1'

async function lookAtTranscript(page, server, name) {
  const wait = (label) => page.getByRole('button', { name: label, exact: true })
  await page.goto(`http://127.0.0.1:${server.port}/s/api-auth/transcript`)
  await page.getByText('And now?').waitFor()
  await check(page, name('20-transcript-end'))
  const list = page.getByRole('feed')
  await list.evaluate((element) => (element.scrollTop = 0))
  await page.getByText('Keep the old one working').waitFor()
  await page.getByRole('button', { name: /Edit/ }).click()
  await check(page, name('21-transcript-beginning'))
  await page.getByText('What I found').scrollIntoViewIfNeeded()
  await check(page, name('22-transcript-markdown'))
  await wait('Search the transcript').click()
  await page.getByRole('textbox', { name: 'Search the transcript' }).fill('tokenOf')
  await page.getByText(/1 of \d/).waitFor()
  await check(page, name('23-transcript-search'))
  await page.keyboard.press('Escape')
  await wait('About this transcript').click()
  await page.getByRole('dialog').getByText('Prompts').waitFor()
  await check(page, name('24-transcript-about'))
  await page.keyboard.press('Escape')
  await list.evaluate((element) => (element.scrollTop = 0))
  const first = page.getByRole('article').filter({ hasText: 'Keep the old one' })
  await first.hover()
  await first.getByRole('button', { name: 'What to do with this' }).click()
  await check(page, name('25-transcript-menu'))
  await page.getByRole('menuitem', { name: 'Terminal at this moment' }).click()
  await page.getByRole('region', { name: 'Screen of that moment' }).waitFor()
  await check(page, name('26-moment'))
  await page.keyboard.press('Escape')
  await page.goto(`http://127.0.0.1:${server.port}/s/docs-rewrite/transcript`)
  await page.getByText('No conversation yet').waitFor()
  await check(page, name('27-transcript-none'))
  if (!name('').startsWith('desk')) return
  await page.goto(`http://127.0.0.1:${server.port}/s/api-auth`)
  await wait('Transcript beside the terminal').click()
  await page.getByText('And now?').waitFor()
  await check(page, name('28-transcript-beside'))
  await wait('Transcript beside the terminal').click()
}

async function tour(size, scheme) {
  const name = (what) => `${size}-${scheme}-${what}`
  const profile = await mkdtemp(join(tmpdir(), 'look-'))
  const server = await new StandIn({ dist, root, setup: true }).listen()
  const { context, page } = await open(profile, size, scheme, server.port)
  const button = (label) => page.getByRole('button', { name: label, exact: true })
  try {
    await page.getByLabel('Setup code').waitFor()
    await check(page, name('01-setup'))
    await page.getByLabel('Setup code').fill('WRONG')
    await page.getByLabel('Name').fill('ada')
    await page.getByLabel('Password').fill('secret')
    await button('Create account').click()
    await page.getByText('The setup code is not right.').waitFor()
    await check(page, name('02-setup-fault'))
    await page.getByLabel('Setup code').fill('CODE')
    await button('Create account').click()
    await page.getByText('No sessions yet').waitFor()
    await check(page, name('03-empty'))
    fill(server, root)
    await page.getByRole('link', { name: 'api-auth' }).waitFor()
    await page.locator('.thumb[data-loaded="true"]').nth(1).waitFor()
    await check(page, name('04-fleet'))
    await button('Show as a list').click()
    await check(page, name('04-fleet-list'))
    await button('Show as cards').click()
    if (fleetOnly) return
    if (transcriptOnly) return await lookAtTranscript(page, server, name)
    await button('New session').click()
    await page.getByRole('combobox', { name: 'Project' }).click()
    await check(page, name('05-new-session'))
    await page.getByRole('option').nth(3).click()
    await page.getByLabel('Command').fill(`sh -c 'echo "a b"; exec bash --norc' ''`)
    await check(page, name('06-new-session-argv'))
    await button('Start').click()
    await page.locator('[data-terminal][data-connection="live"]').waitFor()
    await page.locator('.terminal-screen .xterm-helper-textarea').focus()
    await page.keyboard.type('PS1="\\$ "; clear; ls --color=always /usr; printf "\\e[1;32mok\\e[0m \\e[33mwarn\\e[0m \\e[31mfail\\e[0m \\e[7m rev \\e[0m 日本語 🎉 ┌──┐\\n"; date')
    await page.keyboard.press('Enter')
    await page.waitForTimeout(600)
    await check(page, name('07-session'))
    if (size === 'desk') {
      await page.keyboard.press('Control+Shift+F')
      await page.getByLabel('Search the terminal').nth(1).waitFor()
      await page.keyboard.type('lib')
      await check(page, name('08-search'))
      await page.keyboard.press('Escape')
      await button('End session').click()
      await check(page, name('09-end'))
      await page.keyboard.press('Escape')
    } else {
      await button('More').click()
      await check(page, name('08-more'))
      await page.keyboard.press('Escape')
    }
    for (const session of server.sessions.values()) {
      session.others = [
        { name: 'anna lind', typing: true, holds: false, viewers: 1 },
        { name: 'bo', typing: false, holds: false, viewers: 2 },
      ]
      session.tellPeople()
    }
    await page.getByText('anna lind is typing').first().waitFor()
    await check(page, name('09-people'))
    await button('Reading').click()
    await page.getByRole('region', { name: 'Text of the session' }).locator('.reading-line').nth(2).waitFor()
    await check(page, name('09-reading'))
    await page.getByRole('button', { name: 'Terminal', exact: true }).click()
    for (const session of server.sessions.values()) session.others = []
    server.refuse = true
    server.cut()
    await page.locator('[data-connection="reconnecting"]').first().waitFor()
    await page.locator('.terminal-screen .xterm-helper-textarea').focus()
    await page.keyboard.type('echo hello')
    await page.waitForTimeout(1500)
    await check(page, name('10-reconnecting'))
    server.refuse = false
    await page.locator('[data-terminal][data-connection="live"][data-pending="0"]').waitFor()
    server.options.foreignSize = true
    server.cut()
    await button('Fit to me').waitFor()
    await page.locator('[data-terminal][data-connection="live"]').waitFor()
    await check(page, name('11-foreign'))
    await page.getByRole('tab', { name: 'Files' }).click()
    await page.getByRole('treeitem').first().waitFor()
    await check(page, name('12-files'))
    await page.goto(`http://127.0.0.1:${server.port}/files?path=${root}/package.json`)
    await page.getByText('claude-code-dashboard').waitFor()
    await check(page, name('13-file'))
    await page.getByRole('button', { name: 'Account' }).click()
    await check(page, name('14-account'))
    await page.keyboard.press('Escape')
    await page.goto(`http://127.0.0.1:${server.port}/settings/notifications`)
    await page.getByRole('heading', { name: 'This device' }).waitFor()
    await check(page, name('18-notifications'))
    server.notify.fill()
    await page.reload()
    await page.getByText('ntfy at home').waitFor()
    await page.getByLabel('Quiet hours').check()
    await page.getByRole('heading', { name: 'When' }).scrollIntoViewIfNeeded()
    await check(page, name('19-notifications-when'))
    await page.getByRole('heading', { name: 'Webhooks' }).scrollIntoViewIfNeeded()
    await check(page, name('20-notifications-webhooks'))
    await button('Log of ops-bot').click()
    await page.getByRole('list', { name: 'Deliveries' }).waitFor()
    await check(page, name('21-webhook-log'))
    await page.keyboard.press('Escape')
    await button('Add a webhook').click()
    await page.getByLabel('Name', { exact: true }).fill('slack')
    await button('Add').click()
    await page.getByLabel('For everybody').check()
    await check(page, name('22-webhook-form'))
    await page.getByLabel('Address', { exact: true }).fill('https://hooks.example.org/x')
    await button('Add').click()
    await page.getByText('This is shown once').waitFor()
    await check(page, name('23-webhook-secret'))
    await page.keyboard.press('Escape')
    await page.goto(`http://127.0.0.1:${server.port}/s/old-build`)
    await page.getByText('What it printed is above').waitFor()
    await check(page, name('15-ended'))
    await lookAtTranscript(page, server, name)
    await page.goto(`http://127.0.0.1:${server.port}/s/nothing`)
    await page.getByText('There is no session').waitFor()
    await check(page, name('16-no-session'))
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await check(page, name('17-help'))
  } finally {
    await context.close()
    await server.close()
    await rm(profile, { recursive: true, force: true })
  }
}

for (const size of Object.keys(sizes)) {
  for (const scheme of ['light', 'dark']) {
    if (only === undefined || `${size}-${scheme}` === only) await tour(size, scheme)
  }
}
console.log(`${problems} problems`)
process.exit(problems === 0 ? 0 : 1)
