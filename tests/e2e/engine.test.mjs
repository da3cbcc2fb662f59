// The terminal in the browser over a network that is cut at any byte, and over sleep: what it shows is what tmux shows, each time.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { program } from "../integration/support.mjs";
import { launchBrowser, openPage, skipWithoutBrowser, unexpectedFaults } from "../harness/browser.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";
import { attributes, live, logIn } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser;
// The full count is ENGINE_CUTS=1000.
const kCuts = Number(process.env.ENGINE_CUTS ?? 100);
const kSleeps = 5;
const kMostBytes = 6000; // a cut comes within so many bytes to the page: in the middle of a drawing, or behind it

/** Passes connections on to the dashboard; cuts the terminal socket after a number of bytes to the page. */
class CuttingProxy {
  static async start(port) {
    const proxy = new CuttingProxy();
    proxy.sockets = new Set();
    proxy.cuts = 0;
    proxy.server = net.createServer((page) => proxy.#connection(page, port));
    await new Promise((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    proxy.port = proxy.server.address().port;
    return proxy;
  }
  #connection(page, port) {
    const upstream = net.connect(port, "127.0.0.1");
    const pair = { page, upstream, left: Infinity, terminal: false };
    const end = () => {
      page.destroy();
      upstream.destroy();
      this.sockets.delete(pair);
    };
    page.once("data", (bytes) => (pair.terminal = bytes.toString("latin1").startsWith("GET /ws")));
    page.on("data", (bytes) => upstream.write(bytes));
    upstream.on("data", (bytes) => {
      page.write(bytes.subarray(0, Math.min(bytes.length, pair.left)));
      pair.left -= bytes.length;
      if (pair.left > 0) return;
      this.cuts += 1;
      // What was written before the cut still gets there.
      page.end();
      upstream.destroy();
      this.sockets.delete(pair);
    });
    for (const socket of [page, upstream]) {
      socket.on("error", end);
      socket.on("close", end);
    }
    this.sockets.add(pair);
  }
  cutAfter(bytes) {
    for (const pair of this.sockets) if (pair.terminal) pair.left = bytes;
  }
  cutNow() {
    for (const pair of [...this.sockets]) {
      if (!pair.terminal) continue;
      this.cuts += 1;
      pair.page.destroy();
      pair.upstream.destroy();
    }
  }
  async stop() {
    for (const { page, upstream } of this.sockets) {
      page.destroy();
      upstream.destroy();
    }
    await new Promise((resolve) => this.server.close(resolve));
  }
}

let dashboard;
let browser;
let proxy;
before(async () => {
  if (skip) return;
  // The page's address is the proxy's, which the dashboard must know: started twice, on the same port.
  dashboard = await Dashboard.start();
  proxy = await CuttingProxy.start(dashboard.port);
  dashboard.settings.PUBLIC_ORIGINS = `http://127.0.0.1:${proxy.port}`;
  dashboard.settings.PORT = String(dashboard.port);
  await dashboard.stop();
  await dashboard.up();
  browser = await launchBrowser();
}, { timeout: 180_000 });
after(async () => {
  await browser?.close();
  await proxy?.stop();
  await dashboard?.remove();
}, { timeout: 180_000 });

const tmuxRows = (name) => dashboard.tmux.run("capture-pane", "-p", "-t", `=${name}:`).split("\n").map((row) => row.trimEnd());
const pageRows = async (page) => (await page.evaluate(() => window.ccdTest.screenRows())).map((row) => row.trimEnd());
const withoutEnd = (rows) => rows.join("\n").replace(/\n+$/, "");

async function sameScreen(page, name, timeoutMs = 30_000) {
  let theirs;
  let ours;
  try {
    await until("the page shows what tmux shows", async () => {
      ours = withoutEnd(await pageRows(page));
      theirs = withoutEnd(tmuxRows(name));
      return ours === theirs;
    }, { timeoutMs, stepMs: 20 });
  } catch (error) {
    error.message += `\n--- page ---\n${ours}\n--- tmux ---\n${theirs}\n---`;
    throw error;
  }
}

async function openPainter(name) {
  const page = await openPage(browser, `http://127.0.0.1:${proxy.port}`);
  const api = await dashboard.login();
  await logIn(page);
  const { id } = await api.createSession({ name, project: dashboard.project, command: program("paint.mjs"), cols: 80, rows: 24 });
  await page.getByRole("link", { name, exact: true }).first().click();
  await live(page);
  return { page, id };
}
const draw = (name, seed) => dashboard.tmux.run("send-keys", "-t", `=${name}:`, `draw ${seed}`, "Enter");
const drawn = (name, seed) => until(`drawing ${seed} is done`, () => tmuxRows(name).some((row) => row.startsWith(`drawn ${seed}`)), { stepMs: 5 });

test("Engine.TheScreenIsTmuxsAfterEveryCut", { skip, timeout: 30 * 60_000 }, async () => {
  const { page } = await openPainter("cuts");
  const times = [];
  let seed = 1;
  for (let i = 0; i < kCuts; ++i, ++seed) {
    const before = proxy.cuts;
    proxy.cutAfter(1 + Math.floor(Math.random() * kMostBytes));
    draw("cuts", seed);
    await drawn("cuts", seed);
    // Drawn to the end without reaching the place: then the cut comes in the quiet.
    if (proxy.cuts === before) proxy.cutNow();
    const began = performance.now();
    await until("the page has noticed, or is back already", async () => (await attributes(page)).connection === "live", { stepMs: 5 });
    await sameScreen(page, "cuts");
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.min(times.length - 1, Math.floor(part * times.length))].toFixed(0);
  console.log(`Engine: ${proxy.cuts} cuts, ${times.length} equal screens; live and equal again p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`);
  assert.ok(proxy.cuts >= kCuts);
  assert.deepEqual(unexpectedFaults(page, [/WebSocket/, /ERR_/]), []);
  await page.context().close();
});

test("Engine.TheScreenIsTmuxsAfterSleep", { skip, timeout: 5 * 60_000 }, async () => {
  const { page } = await openPainter("sleeps");
  const devtools = await page.context().newCDPSession(page);
  for (let seed = 1; seed <= kSleeps; ++seed) {
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    if (seed % 2 === 0) proxy.cutNow(); // a laptop that sleeps long comes back without its connections
    for (let i = 0; i < 5; ++i) draw("sleeps", seed * 100 + i);
    await drawn("sleeps", seed * 100 + 4);
    await delay(1000);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await live(page);
    await sameScreen(page, "sleeps");
  }
  await page.context().close();
});
