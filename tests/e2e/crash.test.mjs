// kill -9 of the dashboard while a page watches: the page resumes by itself, and no byte of the record is missing or doubled.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchBrowser, openPage, screenshot, skipWithoutBrowser } from "../harness/browser.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { percentile, until } from "../harness/wait.mjs";
import { checkCounter, program } from "../integration/support.mjs";
import { attributes, createAccount, fnv1a64, live, received } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser;
const kKills = Number(process.env.PAGE_KILLS ?? 50);
// 80 KB/s: a busy agent, and little enough for a browser that renders without a GPU beside everything else.
const kLinesPerSecond = 2000;

let dashboard;
let browser;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  browser = await launchBrowser();
}, { timeout: 180_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
}, { timeout: 180_000 });

test("PageCrash.ResumesByItselfAndMissesNothing", { skip, timeout: 540_000 }, async () => {
  const page = await openPage(browser, dashboard.url);
  await createAccount(page, dashboard);
  const api = await dashboard.login();
  const session = await api.createSession({ name: "counter", project: dashboard.project, command: program("counter.mjs", kLinesPerSecond) });
  await page.goto(`/s/${session.name}`);
  await live(page);
  const loads = await countLoads(page);
  // The page begins with the screen as it was at this place.
  const { start } = await received(page);
  const back = [];
  for (let kill = 0; kill < kKills; ++kill) {
    const { offset } = await attributes(page);
    await until("output flows", async () => (await attributes(page)).offset > offset + 5000, { stepMs: 30 });
    const before = (await attributes(page)).offset;
    await dashboard.crashAndRestart();
    const began = performance.now();
    await until("output flows again", async () => (await attributes(page)).offset > before + 1000, { timeoutMs: 30_000, stepMs: 30 });
    back.push(performance.now() - began);
  }
  await live(page);
  await screenshot(page, "after-crashes");
  await api.must("DELETE", `/api/sessions/${session.id}`);
  const log = await api.output(session.id);
  await until("the page has everything", async () => (await received(page)).end === log.end, { timeoutMs: 30_000 });
  const got = await received(page);
  const counted = checkCounter(log.bytes);
  console.log(`PageCrash: ${kKills} kills; output again on the page p50 ${Math.round(percentile(back, 0.5))} ms, max ${Math.round(Math.max(...back))} ms after the dashboard was ready; ` +
    `${counted.lines} lines, ${counted.faults.length} gaps; the page received ${got.bytes} bytes from ${got.start}`);
  assert.deepEqual(counted.faults, []);
  assert.equal(got.hash, fnv1a64(log.bytes.subarray(got.start, got.end)), "the page received exactly the record");
  assert.equal(got.start, start, "in one stretch over all kills");
  assert.equal(await loads(), 0, "the page was not loaded anew");
  await page.context().close();
});

/** Returns a function that tells how often the page has been loaded since. */
async function countLoads(page) {
  let loads = 0;
  page.on("load", () => (loads += 1));
  return async () => loads;
}
