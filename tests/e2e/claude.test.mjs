// The whole promise once: a real Claude Code session in the browser is given a task, asks, is approved, and does it.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { giveClients, skipWithoutClient } from "../claude/client.mjs";
import { launchBrowser, openPage, screenshot, skipWithoutBrowser } from "../harness/browser.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";
import { createAccount, live, newSession, screenShows, screenText, terminal, type } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser || skipWithoutClient;
const kDialog = /Do you want to create hello\.txt\?/;

let dashboard;
let browser;
let standIn;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  ({ standIn } = await giveClients(dashboard, [
    {
      prompt: "Please make hello.txt",
      replies: [
        { text: "I will write the file.", tool: { name: "Write", input: { file_path: path.join(dashboard.project, "hello.txt"), content: "Hello, dashboard!\n" } } },
        { text: "The file hello.txt is ready." },
      ],
    },
    { prompt: "Say something long", replies: [{ text: Array.from({ length: 60 }, (_, i) => `Sentence number ${i}. `).join("\n"), thinkMs: 40 }] },
  ]));
  await dashboard.up();
  browser = await launchBrowser();
}, { timeout: 180_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 180_000 });

test("ClaudeInTheBrowser.DoesATaskAfterApproval", { skip, timeout: 180_000 }, async () => {
  const page = await openPage(browser, dashboard.url);
  await createAccount(page, dashboard);
  await newSession(page, { name: "helper", project: dashboard.project });
  await screenShows(page, /Claude Code v\d/);
  await screenShows(page, /^\s*❯\s*$/m);
  await terminal(page).click();

  // Typed slowly enough not to count as a paste; Enter on its own.
  await type(page, "Please make hello.txt");
  await screenShows(page, /❯\s+Please make hello\.txt/);
  await page.keyboard.press("Enter");
  await screenShows(page, kDialog);
  await screenshot(page, "claude-asks");
  const file = path.join(dashboard.project, "hello.txt");
  assert.equal(existsSync(file), false, "nothing is written before the approval");
  // The client takes no key for a moment after the dialog opens: press again while it stands.
  await until("the approval is taken", async () => {
    if (!kDialog.test(await screenText(page))) return true;
    await page.keyboard.press("Enter");
    return false;
  }, { stepMs: 700 });
  await screenShows(page, "The file hello.txt is ready.");
  await until("the file is there", () => existsSync(file));
  assert.equal(readFileSync(file, "utf8"), "Hello, dashboard!\n");
  await screenshot(page, "claude-answers");

  // Close the laptop in the middle of an answer, open it again: the answer is there.
  await type(page, "Say something long");
  await screenShows(page, /❯\s+Say something long/);
  await page.keyboard.press("Enter");
  await screenShows(page, /Sentence number \d+\./);
  const address = page.url();
  await page.close();
  const again = await page.context().newPage();
  await again.goto(address);
  await live(again);
  await screenShows(again, "Sentence number 59.");
  await screenshot(again, "claude-reopened");
  assert.deepEqual(standIn.problems(), []);
  await again.context().close();
});
