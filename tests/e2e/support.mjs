// What people do on the page, by the names they see (web/README.md lists them), and what the page tells tests about its terminal.
import assert from "node:assert/strict";

import { kPassword } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";

/** Makes the first account with the code from the console; ends on the list of sessions. */
export async function createAccount(page, dashboard) {
  await page.goto("/");
  await page.getByLabel("Setup code").fill(dashboard.setupCode());
  await page.getByLabel("Name", { exact: true }).fill("owner");
  await page.getByLabel("Password", { exact: true }).fill(kPassword);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("button", { name: "New session" }).first().waitFor();
}

export async function logIn(page, name = "owner", password = kPassword) {
  await page.goto("/");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** Opens the dialog and starts a session; ends on its terminal, live. An empty command means Claude Code. */
export async function newSession(page, { name, project, command }) {
  await page.getByRole("button", { name: "New session" }).first().click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Project", { exact: true }).fill(project);
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  if (command !== undefined) await dialog.getByLabel("Command", { exact: true }).fill(command);
  await dialog.getByRole("button", { name: "Start" }).click();
  await dialog.waitFor({ state: "hidden" });
  await terminal(page).waitFor();
  await live(page);
}

export const terminal = (page) => page.getByRole("region", { name: "Terminal" });

/** The page's own word about its connection is `live`, and nothing typed is on its way. */
export async function live(page, timeoutMs = 30_000) {
  await until("the terminal is live", async () => (await attributes(page)).connection === "live", { timeoutMs, stepMs: 50 });
}

/** {offset, rendered, pending, connection} of the terminal shown. */
export async function attributes(page) {
  const { offset, rendered, pending, connection } = await page.locator("[data-terminal]").first().evaluate((element) => ({ ...element.dataset }));
  return { offset: Number(offset), rendered: Number(rendered), pending: Number(pending), connection };
}

export const screenText = (page) => page.evaluate(() => window.ccdTest.screenText(true));
export const received = (page) => page.evaluate(() => window.ccdTest.received());

export async function screenShows(page, pattern, timeoutMs = 30_000) {
  let text = "";
  try {
    await until(`the terminal shows ${pattern}`, async () => {
      text = await screenText(page);
      return typeof pattern === "string" ? text.includes(pattern) : pattern.test(text);
    }, { timeoutMs, stepMs: 50 });
  } catch (error) {
    error.message += `\n--- screen ---\n${text}\n---`;
    throw error;
  }
}

/** Types into the focused terminal as a keyboard would, and waits until nothing is pending. */
export async function type(page, text) {
  await page.keyboard.type(text);
  await until("everything typed is acknowledged", async () => (await attributes(page)).pending === 0, { stepMs: 20 });
}

export async function typeLine(page, text) {
  await type(page, text);
  await page.keyboard.press("Enter");
}

/** No sideways scrolling: what a page for phones must not need. */
export async function assertFits(page) {
  const { scroll, client } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth }));
  assert.ok(scroll <= client, `the page is ${scroll} px wide in a window of ${client} px`);
}

/** FNV-1a, 64 bits, as the page computes it over what it received; two 32-bit halves, since BigInt is too slow for megabytes. */
export function fnv1a64(bytes) {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    // times 0x100000001b3: the prime is 2^40 + 0x1b3
    const product = low * 0x1b3;
    const carry = Math.floor(product / 2 ** 32);
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
