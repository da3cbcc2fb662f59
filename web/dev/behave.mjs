// Drives the built page with the stand-in in a browser, and checks what only a browser shows: node web/dev/behave.mjs
// [DIST] [NAME]. For developers.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { StandIn } from './stand_in.mjs'

const root = join(import.meta.dirname, '../..')
const dist = process.argv[2] ?? join(root, 'web/dist')
const only = process.argv[3]
const kFlags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--enable-unsafe-swiftshader']
const lines = (from, to) => Buffer.from(Array.from({ length: to - from }, (_, at) => `line ${from + at}\r\n`).join(''))

async function until(what, check, ms = 20_000) {
  const end = Date.now() + ms
  for (;;) {
    const value = await check()
    if (value) return value
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

async function opened(options, body) {
  const profile = await mkdtemp(join(tmpdir(), 'behave-'))
  const server = await new StandIn({ dist, root, loggedIn: true, ...options.server }).listen()
  const session = server.addSession({ name: 'one', project: root, cols: 100, rows: 30, ...options.session }, options.program)
  options.before?.(session, server)
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: kFlags,
    viewport: options.viewport ?? { width: 1200, height: 700 },
    hasTouch: options.touch ?? false,
    reducedMotion: options.reducedMotion ?? 'no-preference',
  })
  const faults = []
  try {
    const page = context.pages()[0] ?? (await context.newPage())
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    page.on('pageerror', (error) => faults.push(error.stack))
    await page.addInitScript(() => localStorage.setItem('ccdTest', '1'))
    await page.goto(`http://127.0.0.1:${server.port}${options.path ?? '/s/one'}`)
    if (options.path === undefined) await page.locator('[data-terminal][data-connection="live"]').waitFor()
    await body({ page, server, session, context })
    assert.deepEqual(faults, [])
  } finally {
    await context.close()
    await server.close()
    await rm(profile, { recursive: true, force: true })
  }
}

const rows = (page) => page.evaluate(() => window.ccdTest.screenRows())

// The first row in view at every frame while `work` runs.
async function frames(page, work) {
  await page.evaluate(() => {
    window.seen = []
    const look = () => {
      window.seen.push(window.ccdTest.screenRows()[0])
      window.looking = requestAnimationFrame(look)
    }
    look()
  })
  await work()
  return page.evaluate(() => {
    cancelAnimationFrame(window.looking)
    return window.seen
  })
}

const wheel = async (page, by) => {
  await page.mouse.move(500, 400)
  await page.mouse.wheel(0, by)
}

const kChecks = {
  async 'older lines come when somebody is at the top, and nothing moves'() {
    await opened({ before: (session) => session.output(lines(0, 5_000)) }, async ({ page, session }) => {
      const top = async () => (await rows(page))[0]
      const number = async () => Number((await top()).split(' ')[1])
      const seen = await frames(page, () =>
        until('the first line', async () => (await page.keyboard.press('Shift+PageUp'), await number()) === 0, 60_000),
      )
      const numbers = seen.map((row) => Number(row.split(' ')[1]))
      for (const [at, line] of numbers.entries()) assert.ok(at === 0 || line <= numbers[at - 1], `jumped: ${seen[at - 1]}, ${seen[at]}`)
      assert.equal(await top(), 'line 0')
      assert.equal(await page.locator('.below').count(), 0)
      session.output(Buffer.from('new\r\n'))
      await page.getByRole('button', { name: 'New output below' }).click()
      await until('the bottom is in view', async () => (await rows(page)).includes('new'))
      assert.equal(await page.locator('.below').count(), 0)
    })
  },

  async 'a screen that is skimmed waits for who reads'() {
    await opened({ before: (session) => session.output(lines(0, 500)) }, async ({ page, session, server }) => {
      server.skim = true
      let at = 500
      const flood = setInterval(() => session.output(lines(at, (at += 40))), 20)
      try {
        await until('snapshots arrive', async () => (await rows(page)).some((row) => row === `line ${at - 200}` || /line [6-9]\d\d/.test(row)))
        await wheel(page, -400)
        await page.getByRole('button', { name: 'New output below' }).waitFor()
        await page.waitForTimeout(300)
        const held = await rows(page)
        await page.waitForTimeout(600)
        assert.deepEqual(await rows(page), held)
        await page.getByRole('button', { name: 'New output below' }).click()
        await until('it goes on', async () => (await rows(page))[0] !== held[0])
        // Now somebody selects.
        await page.mouse.move(100, 300)
        await page.mouse.down()
        await page.mouse.move(300, 360, { steps: 4 })
        await page.waitForTimeout(200)
        const selected = await rows(page)
        await page.waitForTimeout(500)
        assert.deepEqual(await rows(page), selected)
        await page.mouse.up()
        await page.waitForTimeout(300)
        assert.deepEqual(await rows(page), selected)
        await page.keyboard.type('x')
        await until('typing goes on with what is new', async () => (await rows(page))[0] !== selected[0])
      } finally {
        clearInterval(flood)
      }
      server.skim = false
      session.output(Buffer.from('the end\r\n'))
      await until('the end is shown', async () => (await rows(page)).includes('the end'))
    })
  },

  async 'reading far up in a flood gets older lines, and stays there'() {
    await opened({ before: (session) => session.output(lines(0, 5_000)) }, async ({ page, session, server }) => {
      server.skim = true
      let at = 5_000
      const flood = setInterval(() => session.output(lines(at, (at += 5))), 20)
      const have = () => page.evaluate(() => window.ccdTest.screenText(true).split('\n').length)
      try {
        await until('skimmed', async () => (await rows(page)).some((row) => /line 5[1-9]\d\d/.test(row)))
        await until('older lines came', async () => (await page.keyboard.press('Shift+PageUp'), await have()) > 1_000)
        await page.waitForTimeout(300)
        const held = await rows(page)
        await page.waitForTimeout(500)
        assert.deepEqual(await rows(page), held)
      } finally {
        clearInterval(flood)
      }
    })
  },

  async 'only cards in view are asked for'() {
    const before = (_, server) => {
      for (let at = 0; at < 60; at += 1) {
        server.addSession({ name: `s${at}`, project: root, created_at: at }).output(Buffer.from(`hello from ${at}\r\n`))
      }
    }
    await opened({ path: '/', before }, async ({ page, server, session }) => {
      const list = () => server.thumbLists.at(-1) ?? []
      await until('the first cards are asked for', () => list().includes(session.info.id))
      assert.ok(list().length < 30, `${list().length} cards`)
      await page.getByRole('img', { name: 'Screen of s59: hello from 59' }).waitFor()
      const lists = server.thumbLists.length
      await page.locator('.place').evaluate((place) => place.scrollTo(0, place.scrollHeight))
      await page.getByRole('img', { name: 'Screen of s0: hello from 0' }).waitFor()
      assert.ok(!list().includes(session.info.id) && list().length < 30)
      assert.ok(server.thumbLists.length - lists <= 2)
      const first = [...server.sessions.values()].find(({ info }) => info.name === 's0')
      first.output(Buffer.from('and more'))
      await page.getByRole('img', { name: 'Screen of s0: and more' }).waitFor()
      await page.getByRole('button', { name: 'Show as a list' }).click()
      await until('a list asks for nothing', () => list().length === 0)
      await page.reload()
      await page.getByRole('button', { name: 'Show as cards' }).waitFor()
    })
  },

  async 'a terminal out of sight has no renderer, and is drawn again when it is seen'() {
    await opened({ before: (session) => session.output(lines(0, 20)) }, async ({ page, session }) => {
      await page.evaluate(() => localStorage.setItem('ccdRenderer', 'webgl'))
      await page.reload()
      const screen = page.locator('.terminal-screen')
      const renderer = (name) => until(`renderer ${name}`, async () => (await screen.getAttribute('data-renderer')) === name)
      await renderer('webgl')
      await page.waitForTimeout(700)
      const before = await page.locator('.xterm-screen').screenshot()
      await page.getByRole('tab', { name: 'Files' }).click()
      await renderer('none')
      assert.equal(await page.locator('.xterm-screen canvas').count(), 0)
      await page.getByRole('tab', { name: 'Terminal' }).click()
      await renderer('webgl')
      await page.waitForTimeout(300)
      assert.ok(before.equals(await page.locator('.xterm-screen').screenshot()), 'it looks as before')
      await page.evaluate(() => {
        const canvas = document.querySelector('.xterm-screen > canvas:not([class])')
        canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()
      })
      await renderer('dom')
      session.output(Buffer.from('still drawn\r\n'))
      await page.locator('.xterm-rows', { hasText: 'still drawn' }).waitFor()
    })
  },

  async 'who is here and who types is said'() {
    await opened({}, async ({ page, session }) => {
      session.others = [{ name: 'anna', typing: true, holds: true, viewers: 2 }]
      session.tellPeople()
      await page.getByText('anna is typing').first().waitFor()
      await page.getByText('anna, on 2 pages, the terminal has their size, typing').waitFor()
      session.others = []
      session.tellPeople()
      await until('quiet', async () => (await page.locator('.typing').count()) === 0)
      assert.equal(await page.locator('.people').count(), 0)
    })
  },

  async 'a viewer gets only what the server does not refuse'() {
    await opened({ server: { role: 'viewer' } }, async ({ page }) => {
      await page.getByText('watching').waitFor()
      for (const name of ['Rename', 'End session', 'Fit to me']) {
        assert.equal(await page.getByRole('button', { name }).count(), 0, name)
      }
      await page.getByRole('link', { name: 'Back to the fleet' }).click()
      await page.getByRole('link', { name: 'one' }).waitFor()
      assert.equal(await page.getByRole('button', { name: 'New session' }).count(), 0)
    })
  },

  async 'typed characters are seen at once on a slow line, where they are echoed'() {
    await opened({ session: { command: ['bash', '--norc', '--noprofile'] }, program: true }, async ({ page, server }) => {
      const predicted = () => page.evaluate(() => window.ccdTest.predictions())
      const drawn = () => page.evaluate(() => [...document.querySelectorAll('.predicted > .cell')].map((cell) => cell.textContent).join(''))
      await until('the prompt', async () => (await rows(page)).some((row) => /[$#] *$/.test(row)))
      server.delay = 150
      await page.keyboard.type('e')
      await until('the first echo', async () => (await rows(page)).some((row) => /[$#] e$/.test(row)))
      await until('nothing waits', async () => (await predicted()).length === 0)
      await page.keyboard.type('cho hi', { delay: 5 })
      // Under load the first of them may have been echoed already.
      const both = await page.evaluate(() => {
        const drawn = [...document.querySelectorAll('.predicted > .cell')].map((cell) => cell.textContent).join('')
        return [window.ccdTest.screenRows().find((row) => /[$#] /.test(row)).split(/[$#] /)[1], drawn]
      })
      assert.ok(both[1].length > 0)
      assert.equal(both.join(''), 'echo hi')
      assert.ok((await predicted()).every(({ shown }) => shown))
      if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT })
      await until('the echo', async () => (await rows(page)).some((row) => /[$#] echo hi$/.test(row)))
      await until('nothing is drawn over it', async () => (await drawn()) === '' && (await page.locator('.predicted').count()) === 0)
      await page.keyboard.press('Enter')
      await until('it ran', async () => (await rows(page)).includes('hi'))
      await page.keyboard.type('read -s pw')
      await page.keyboard.press('Enter')
      await page.waitForTimeout(600)
      for (const key of 'secret') {
        await page.keyboard.type(key)
        assert.equal(await drawn(), '')
        await page.waitForTimeout(40)
      }
      await page.waitForTimeout(500)
      assert.deepEqual(await predicted(), [])
      await page.keyboard.press('Enter')
      await page.waitForTimeout(500)
      server.delay = 0
      for (let count = 0; count < 30; count += 1) await page.keyboard.type('x', { delay: 30 })
      await page.keyboard.type('yz')
      assert.equal(await drawn(), '')
    })
  },

  async 'images that are pasted or dropped become files, and their paths are typed'() {
    await opened({ session: { project: '/tmp/my project' } }, async ({ page, server, session }) => {
      const give = (kind, name, type, size = 100) =>
        page.evaluate(
          ([kind, name, type, size]) => {
            const transfer = new DataTransfer()
            transfer.items.add(new File([new Uint8Array(size)], name, { type }))
            const target = document.querySelector('.terminal-screen .xterm-helper-textarea')
            const event =
              kind === 'paste'
                ? new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true })
                : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true })
            target.dispatchEvent(event)
          },
          [kind, name, type, size],
        )
      await give('paste', 'shot.png', 'image/png')
      await until('its path is typed', () => session.input.toString() === "'/tmp/my project/.uploads/shot.png' ")
      assert.deepEqual(server.uploads.map(({ named, bytes }) => [named, bytes.length]), [['shot.png', 100]])
      server.delay = 1_500
      await give('dragover', 'ünï.jpg', 'image/jpeg')
      await page.getByText('Drop images').waitFor()
      await give('drop', 'ünï.jpg', 'image/jpeg', 3_000_000)
      assert.equal(await page.locator('.drop-here').count(), 0)
      await page.getByRole('progressbar', { name: 'Uploading ünï.jpg' }).waitFor()
      await page.getByRole('button', { name: 'Cancel' }).click()
      await give('drop', 'second.webp', 'image/webp')
      await until('the second one', () => session.input.toString().endsWith("second.webp' "))
      assert.ok(!session.input.toString().includes('ünï'))
      await give('drop', 'notes.txt', 'text/plain')
      await page.getByText('only images').waitFor()
      await give('drop', 'huge.png', 'image/png', 11 * 1024 * 1024)
      await page.getByText('10 MB is the most').waitFor()
      assert.ok(!session.input.toString().includes('\r'))
    })
  },

  async 'a program writes the clipboard only when it is allowed to'() {
    await opened({}, async ({ page, session, context }) => {
      await context.grantPermissions(['clipboard-read', 'clipboard-write'])
      const clipboard = () => page.evaluate(() => navigator.clipboard.readText())
      await page.evaluate(() => navigator.clipboard.writeText('mine'))
      const copy = (text) => session.output(Buffer.from(`\x1b]52;c;${Buffer.from(text).toString('base64')}\x07`))
      copy('theirs')
      await page.getByText('A program wants to write your clipboard').waitFor()
      assert.equal(await clipboard(), 'mine')
      await page.getByRole('button', { name: 'Allow in this session' }).click()
      await until('it is copied', async () => (await clipboard()) === 'theirs')
      copy('more')
      await until('it is copied at once', async () => (await clipboard()) === 'more')
      session.output(Buffer.from('\x1b]52;c;?\x07'))
      await page.waitForTimeout(200)
      assert.equal(session.input.length, 0)
    })
  },

  async 'the reading view keeps its place, and copies lines whole'() {
    const long = `${'word '.repeat(50)}end\r\n`
    const before = (session) => session.output(Buffer.concat([lines(0, 900), Buffer.from(long), Buffer.from('\r\n'), lines(902, 1_000)]))
    await opened({ before, viewport: { width: 390, height: 844 }, touch: true }, async ({ page, session }) => {
      await page.getByRole('button', { name: 'Reading' }).click()
      const region = page.getByRole('region', { name: 'Text of the session' })
      await region.getByText('line 999', { exact: true }).waitFor()
      const top = () => region.evaluate((at) => at.scrollTop)
      const line = (n) => page.locator(`.reading-line[data-n="${n}"]`)
      const place = (n) => line(n).evaluate((at) => Math.round(at.getBoundingClientRect().top))
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390)
      // One line, as wide as it was printed, however narrow the page.
      const copied = await page.evaluate(() => {
        const rows = [...document.querySelectorAll('.reading-line')]
        const at = rows.findIndex((row) => row.textContent.startsWith('word'))
        const range = document.createRange()
        range.setStart(rows[at - 1], 0)
        range.setEnd(rows[at + 2], rows[at + 2].childNodes.length)
        const selection = getSelection()
        selection.removeAllRanges()
        selection.addRange(range)
        const text = selection.toString()
        selection.removeAllRanges()
        return text
      })
      assert.equal(copied, `line 899\n${'word '.repeat(50)}end\n\nline 902`)
      session.output(Buffer.from('fresh\r\n'))
      await region.getByText('fresh').waitFor()
      await until('it stays at the end', async () => {
        const left = await region.evaluate((at) => at.scrollHeight - at.scrollTop - at.clientHeight)
        return left < 2
      })
      // Upwards: the line in view stays where it is while older ones are put in above it.
      const seen = []
      await region.evaluate((at) => (at.scrollTop = 900))
      await page.waitForTimeout(50)
      const n = Number(await page.evaluate(() => {
        const edge = document.querySelector('.reading').getBoundingClientRect().top
        return [...document.querySelectorAll('.reading-line')].find((row) => row.getBoundingClientRect().top >= edge).dataset.n
      }))
      const stood = await place(n)
      await region.evaluate((at) => (at.scrollTop -= 200))
      for (let count = 0; count < 20; count += 1) {
        seen.push(await place(n))
        await page.waitForTimeout(25)
      }
      assert.deepEqual([...new Set(seen)], [stood + 200])
      session.output(Buffer.from('unseen\r\n'))
      await page.getByRole('button', { name: 'New output below' }).waitFor()
      assert.equal(await place(n), stood + 200)
      await until('the beginning', async () => {
        await region.evaluate((at) => (at.scrollTop = 0))
        return page.getByText('The beginning of what is kept').isVisible()
      })
      assert.ok((await line(0).count()) === 1)
      await page.getByRole('button', { name: 'New output below' }).click()
      await region.getByText('unseen').waitFor()
      await page.reload()
      await region.getByText('unseen').waitFor()
      assert.ok((await top()) > 0)
      await page.getByRole('button', { name: 'Terminal', exact: true }).click()
      await until('the terminal is back', async () => (await rows(page)).includes('unseen'))
    })
  },

  async 'letters are as wide as their cells, also scaled and with reduced motion'() {
    const before = (session) => session.output(Buffer.from(`${'W'.repeat(140)}\r\n`))
    const options = { session: { cols: 147 }, viewport: { width: 390, height: 844 }, server: { foreignSize: true }, before }
    await opened({ ...options, reducedMotion: 'reduce' }, async ({ page }) => {
      await until('the text is drawn as wide as it should be', () =>
        page.evaluate(() => {
          const row = document.querySelector('.xterm-rows > div')
          const text = row?.firstElementChild?.getBoundingClientRect().width ?? 0
          return Math.abs(text / ((row?.clientWidth ?? 1) * (140 / 147)) - 1) < 0.02
        }),
      )
    })
  },

  async 'sizes apply in order with the output'() {
    await opened({}, async ({ page, session, server }) => {
      const [socket] = server.sockets
      const [viewer] = session.viewers
      const size = (cols, rows) => socket.send(JSON.stringify({ type: 'size', channel: viewer.channel, cols, rows, yours: false }))
      session.output(Buffer.from(`${'a'.repeat(150)}\r\n`.repeat(2000)))
      await until('sent', () => viewer.at === session.log.length)
      // Somebody else's, whatever this page would like.
      server.options.foreignSize = true
      Object.assign(session.info, { cols: 160, rows: 20 })
      size(160, 20)
      session.output(Buffer.from(`\x1b[2J\x1b[H${'b'.repeat(150)}|\r\n`))
      let now = []
      const whole = async () => (now = await rows(page))[0] === `${'b'.repeat(150)}|`
      await until('one row', whole).catch((error) => {
        throw new Error(`${error.message}\n${now.join('\n')}`)
      })
    })
  },
}

let failed = 0
for (const [name, check] of Object.entries(kChecks)) {
  if (only !== undefined && !name.includes(only)) continue
  try {
    await check()
    console.log(`ok    ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAIL  ${name}\n${error.stack}`)
  }
}
process.exit(failed === 0 ? 0 : 1)
