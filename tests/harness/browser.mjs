// Debian's Chromium for the browser tests: pages with collected faults, screenshots, and the axe accessibility check.
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { afterEach } from "node:test";
import { chromium } from "playwright-core";

import { kRepository } from "./server.mjs";

const kProgram = process.env.CHROMIUM ?? "/usr/bin/chromium";
export const skipWithoutBrowser = existsSync(kProgram) ? false : `skipped: no ${kProgram}`;
export const kScreenshots = path.join(kRepository, "build/screenshots");
export const kDesk = { width: 1280, height: 800 };
export const kPhone = { width: 390, height: 844 };
// Every wait of a page: a busy machine needs seconds for the first paint, never this long.
const kActionMs = 30_000;
// Of what a page showed when a test failed, so much is printed.
const kShownOnFailure = 8_000;

// Pages that a test has opened and not closed yet.
const open = new Set();

/** A failure far away is understood by what the pages showed: their addresses, faults and contents, as a screen reader has them. */
afterEach(async ({ name, passed }) => {
  const pages = [...open].filter((page) => !page.isClosed());
  open.clear();
  if (passed) return;
  for (const page of pages) {
    const shown = await page.locator("body").ariaSnapshot({ timeout: 5_000 }).catch((error) => `nothing to be read: ${error.message}`);
    console.log([`--- ${name}: ${page.url()}`, ...page.faults, shown.slice(0, kShownOnFailure), "---"].join("\n"));
  }
});

function switches() {
  const asRoot = process.getuid() === 0;
  return [
    ...(asRoot ? ["--no-sandbox"] : []),
    "--disable-dev-shm-usage",
    "--enable-unsafe-swiftshader",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--force-color-profile=srgb",
    "--no-first-run",
  ];
}

/** Without a sandbox only as root, where Chromium refuses one; software rendering, so that WebGL works without a GPU. */
export async function launchBrowser() {
  return chromium.launch({ executablePath: kProgram, headless: true, args: switches() });
}

/**
 * A browser with a profile of its own in `folder`, as a person's: only there push messages can be subscribed to. The context; it is closed as a
 * whole.
 */
export async function launchProfile(folder, { args = [], env = {}, ...rest } = {}) {
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: kProgram, headless: true, viewport: kDesk, reducedMotion: "reduce", args: [...switches(), ...args], env: { ...process.env, ...env }, ...rest,
  });
  context.setDefaultTimeout(kActionMs);
  return context;
}

/**
 * A page in a context of its own, at the dashboard. `faults` collects console errors, uncaught exceptions and failed
 * requests; expected ones are named by patterns in `expectFaults`.
 */
export async function openPage(browser, baseURL, { viewport = kDesk, colorScheme = "light", testHooks = true, ...rest } = {}) {
  const context = await browser.newContext({ baseURL, viewport, colorScheme, reducedMotion: "reduce", ...rest });
  if (testHooks) await context.addInitScript(() => localStorage.setItem("ccdTest", "1"));
  const page = await context.newPage();
  page.setDefaultTimeout(kActionMs);
  page.faults = [];
  open.add(page);
  page.on("console", (message) => {
    if (message.type() === "error") page.faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => page.faults.push(`exception: ${error.stack ?? error.message}`));
  return page;
}

/** The collected faults but those that match one of the patterns. */
export function unexpectedFaults(page, patterns = []) {
  return page.faults.filter((fault) => !patterns.some((pattern) => pattern.test(fault)));
}

export async function screenshot(page, name) {
  mkdirSync(kScreenshots, { recursive: true });
  await page.screenshot({ path: path.join(kScreenshots, `${name}.png`) });
}

/** Axe's violations as short lines; empty is good. The page's CSP is left alone: axe runs in the debugger's world. */
export async function accessibilityFaults(page) {
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const session = await page.context().newCDPSession(page);
  try {
    const run = `${source}; axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) => ({
      id: v.id, impact: v.impact, nodes: v.nodes.map((n) => n.target.join(" ") + ": " + n.failureSummary).slice(0, 5)}))))`;
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression: run, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return JSON.parse(result.value).map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.join(" | ")}`);
  } finally {
    await session.detach();
  }
}
