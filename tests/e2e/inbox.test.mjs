// What waits for a person, answered on the page at a desk and on a phone, by the real client's agents; and prompts, usage and budgets beside it.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { giveClients, skipWithoutClient } from "../claude/client.mjs";
import { accessibilityFaults, kPhone, launchBrowser, openPage, screenshot, skipWithoutBrowser, unexpectedFaults } from "../harness/browser.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";
import { assertFits, logIn } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser || skipWithoutClient;
const kSlowMs = 60_000;

let dashboard;
let browser;
let standIn;
let owner;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  const file = (name) => path.join(dashboard.project, name);
  const question = { questions: [{ question: "Which colour?", header: "Colour", multiSelect: false,
    options: [{ label: "Red", description: "warm" }, { label: "Blue", description: "cold" }] }] };
  ({ standIn } = await giveClients(dashboard, [
    { prompt: "Please make hello.txt", replies: [{ tool: { name: "Write", input: { file_path: file("hello.txt"), content: "Hello, inbox!\nTwo lines.\n" } } }, { text: "It is ready." }] },
    { prompt: "Please make no.txt", replies: [{ tool: { name: "Bash", input: { command: `touch ${file("no.txt")}`, description: "Make a file" } } }, { text: "As you wish." }] },
    { prompt: "Ask me", replies: [{ tool: { name: "AskUserQuestion", input: question } }, { text: "Chosen." }] },
    { prompt: "All of you", replies: [{ text: "Here." }] },
  ]));
  await dashboard.up();
  owner = await dashboard.login();
  browser = await launchBrowser();
}, { timeout: 180_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 180_000 });

async function agent(name) {
  const { id } = await owner.createSession({ name, project: dashboard.project });
  await until("the agent is idle", async () => (await owner.get(`/api/sessions/${id}`)).json.agent?.state === "idle", { timeoutMs: kSlowMs });
  return id;
}
const prompt = async (id, text) => {
  const sent = await owner.send("POST", `/api/sessions/${id}/prompt`, { json: { text, when: "now" }, timeoutMs: kSlowMs });
  assert.equal(sent.json.state, "sent", sent.text);
};
const waiting = async () => (await owner.get("/api/attention")).json.items;
const toldToTheAgent = () => standIn.requests.flatMap(({ results }) => results ?? []);

async function lookedAt(page, name) {
  await assertFits(page);
  assert.deepEqual(await accessibilityFaults(page), [], name);
  await screenshot(page, name);
}

test("Inbox.AnswersAtADesk", { skip, timeout: 300_000 }, async () => {
  const [writer, asker] = [await agent("writer"), await agent("asker")];
  await prompt(writer, "Please make hello.txt");
  // The keys below answer the oldest: that is the writer's request only once it is there.
  await until("the writer's request waits", async () => (await waiting()).some(({ session }) => session === writer), { timeoutMs: kSlowMs });
  await prompt(asker, "Ask me");
  const page = await openPage(browser, dashboard.url);
  await logIn(page);
  const strip = page.getByRole("region", { name: "Waits for you" });
  await strip.getByRole("article").nth(1).waitFor();
  await until("the title counts", async () => /\(2\)/.test(await page.title()));
  await lookedAt(page, "inbox-strip-desk");
  await page.getByRole("link", { name: /Inbox/ }).first().click();
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  const write = page.getByRole("article", { name: /writer/ });
  await write.getByText("Hello, inbox!").waitFor();
  await lookedAt(page, "inbox-desk");
  assert.equal(existsSync(path.join(dashboard.project, "hello.txt")), false, "nothing is written before the answer");

  // By keys: the first item is the oldest.
  await page.keyboard.press("j");
  await page.keyboard.press("a");
  await write.getByRole("button", { name: "Allow", exact: true }).waitFor({ state: "hidden" });
  await until("the agent wrote it", () => existsSync(path.join(dashboard.project, "hello.txt")));
  assert.equal(readFileSync(path.join(dashboard.project, "hello.txt"), "utf8"), "Hello, inbox!\nTwo lines.\n");

  const ask = page.getByRole("article", { name: /asker/ });
  await ask.getByText("Which colour?").waitFor();
  await ask.getByRole("radio", { name: /Blue/ }).check();
  await ask.getByRole("button", { name: "Answer" }).click();
  await until("the agent has the answer", () => toldToTheAgent().some(({ text }) => text.includes("Blue")), { timeoutMs: kSlowMs });
  await until("no request waits", async () => (await waiting()).every(({ kind }) => !["permission", "question", "plan"].includes(kind)));
  assert.deepEqual(unexpectedFaults(page), []);
  await page.context().close();
});

test("Inbox.AnswersOnAPhone", { skip, timeout: 300_000 }, async () => {
  const id = await agent("pocket");
  const page = await openPage(browser, dashboard.url, { viewport: kPhone, hasTouch: true, colorScheme: "dark" });
  await logIn(page);
  await page.getByRole("link", { name: "pocket" }).first().click();
  // The prompt is written on the phone too, beside the conversation.
  await page.getByRole("tab", { name: "Transcript" }).click();
  const field = page.getByRole("textbox", { name: "Prompt" });
  await field.fill("Please make no.txt");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  const request = page.getByRole("region", { name: "Waits for you" }).getByRole("article");
  await request.getByText(/touch /).waitFor({ timeout: kSlowMs });
  await lookedAt(page, "inbox-phone-session");
  await request.getByRole("button", { name: "Deny and say why" }).click();
  await request.getByLabel("What the agent is told").fill("Use the other folder");
  await request.getByRole("button", { name: "Deny", exact: true }).click();
  await until("the agent was told why", () => toldToTheAgent().some(({ text }) => text.includes("Use the other folder")), { timeoutMs: kSlowMs });
  await request.waitFor({ state: "hidden" });
  assert.equal(existsSync(path.join(dashboard.project, "no.txt")), false);
  assert.equal((await waiting()).some(({ session, kind }) => session === id && kind === "permission"), false);
  await page.goto("/inbox");
  await page.getByRole("heading", { name: "Inbox" }).waitFor();
  await lookedAt(page, "inbox-phone");
  assert.deepEqual(unexpectedFaults(page), []);
  await page.context().close();
});

test("Inbox.PromptsToManyAndUsage", { skip, timeout: 300_000 }, async () => {
  const ids = [await agent("many-1"), await agent("many-2")];
  for (const [viewport, where] of [[undefined, "desk"], [kPhone, "phone"]]) {
    const page = await openPage(browser, dashboard.url, { ...(viewport ? { viewport, hasTouch: true } : {}) });
    await logIn(page);
    await page.getByRole("link", { name: "many-1" }).first().waitFor();
    await page.goto("/prompts");
    await page.getByRole("heading", { name: "Prompts" }).waitFor();
    if (where === "desk") {
      for (const name of ["many-1", "many-2"]) await page.getByRole("checkbox", { name: new RegExp(name) }).check();
      await page.getByLabel("Prompt for all of them").fill("All of you");
      await page.getByRole("button", { name: /^Send to 2/ }).click();
      for (const id of ids)
        await until("it has it", async () => (await owner.get(`/api/sessions/${id}/prompts`)).json.prompts[0]?.state === "sent", { timeoutMs: kSlowMs });
    }
    await lookedAt(page, `prompts-${where}`);
    await page.goto("/usage");
    await page.getByRole("heading", { name: "Usage" }).waitFor();
    await page.getByRole("region", { name: /by day and model/ }).waitFor();
    await lookedAt(page, `usage-${where}`);
    await page.goto("/");
    await page.getByRole("link", { name: "many-1" }).first().waitFor();
    await lookedAt(page, `fleet-agents-${where}`);
    assert.deepEqual(unexpectedFaults(page), []);
    await page.context().close();
  }
});

test("Inbox.LongTextsComeBackWhole", { skip, timeout: 300_000 }, async () => {
  const id = await agent("long-winded");
  const text = `${"a long story 漢字 ".repeat(2000)}and its end`;
  await owner.send("PUT", "/api/sending", { json: { stopped: true } });
  assert.equal((await owner.send("POST", `/api/sessions/${id}/prompt`, { json: { text, when: "idle" } })).status, 202);
  const schedule = await owner.send("POST", "/api/schedules", { json: { name: "yearly", cron: "0 0 1 1 *", session: id, text } });
  assert.equal(schedule.status, 201, schedule.text);
  const page = await openPage(browser, dashboard.url);
  await logIn(page);
  await page.getByRole("link", { name: "long-winded" }).first().click();
  const field = page.getByRole("textbox", { name: "Prompt" });
  if (!(await field.isVisible())) await page.getByRole("button", { name: /Transcript|Conversation/ }).or(page.getByRole("tab", { name: "Transcript" })).first().click();
  // What was typed before is in reach of the arrow, with its end.
  await field.press("ArrowUp");
  await until("the whole text is there", async () => (await field.inputValue()) === text);
  await page.goto("/prompts");
  await page.getByRole("button", { name: "Turn off" }).click();
  await page.getByRole("button", { name: "Turn on" }).waitFor();
  assert.equal((await owner.get(`/api/schedules/${schedule.json.id}`)).json.text, text);
  await page.getByRole("button", { name: "Change yearly" }).click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByLabel("Prompt", { exact: true }).inputValue(), text);
  await dialog.getByLabel("Prompt", { exact: true }).fill(`${text}!`);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "hidden" });
  assert.equal((await owner.get(`/api/schedules/${schedule.json.id}`)).json.text, `${text}!`);
  assert.deepEqual(unexpectedFaults(page), []);
  await page.context().close();
});
