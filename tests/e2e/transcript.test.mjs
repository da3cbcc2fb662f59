// The conversation of a real Claude Code session beside its terminal: it grows while one reads, is searched, and leads to the terminal of a
// moment and back; on a desk and on a phone.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";

import { giveClients, skipWithoutClient } from "../claude/client.mjs";
import { accessibilityFaults, kDesk, kPhone, launchBrowser, openPage, screenshot, skipWithoutBrowser, unexpectedFaults } from "../harness/browser.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";
import { assertFits, createAccount, newSession, screenShows, terminal, type } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser || skipWithoutClient;
const kAnswer = "## What was done\n\n1. `hello.txt` is **there**.\n2. See [the rules](https://example.org/rules) and <b>this</b>.\n\n| file | lines |\n|---|---:|\n| hello.txt | 1 |\n";
const kLong = Array.from({ length: 40 }, (_, i) => `Paragraph ${i} of a long answer${i === 7 ? ", with the word marzipan in it" : ""}.`).join("\n\n");
// The client starts in a second; beside compilers it has taken 20.
const kSlowMs = 60_000;

let dashboard;
let browser;
let standIn;
let owner;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  ({ standIn } = await giveClients(dashboard, [
    {
      prompt: "Please make hello.txt",
      replies: [
        { text: "I will write the file.", tool: { name: "Write", input: { file_path: path.join(dashboard.project, "hello.txt"), content: "Hello, dashboard!\n" } } },
        { text: kAnswer },
      ],
    },
    { prompt: "Say something long", replies: [{ text: kLong }] },
    { prompt: "And a last word", replies: [{ text: "The last word is zenith." }] },
  ]));
  await dashboard.up();
  browser = await launchBrowser();
}, { timeout: 180_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 180_000 });

const article = (page, text) => page.getByRole("article").filter({ hasText: text });
const tab = (page, name) => page.getByRole("tab", { name });

async function say(page, words) {
  await tab(page, "Terminal").click();
  await terminal(page).click();
  await type(page, words);
  await screenShows(page, new RegExp(`❯\\s+${words}`), kSlowMs);
  await page.keyboard.press("Enter");
  // A client that is resized in the moment of Enter has missed it: the view changes only once the prompt is in the conversation.
  await until("the prompt is in the conversation", async () => {
    const { sessions } = (await owner.get("/api/sessions")).json;
    const { id } = sessions.find(({ name }) => name === "talker");
    return (await owner.get(`/api/sessions/${id}/transcript`)).text.includes(words);
  }, { timeoutMs: kSlowMs });
}

/** Pictures of the page in both schemes, each without a fault that axe knows. */
async function look(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await screenshot(page, `${name}-${colorScheme}`);
    assert.deepEqual(await accessibilityFaults(page), [], `${name}, ${colorScheme}`);
  }
}

test("TranscriptInTheBrowser.ItIsReadSearchedAndLeadsToTheTerminalOfAMoment", { skip, timeout: 300_000 }, async () => {
  const page = await openPage(browser, dashboard.url);
  await createAccount(page, dashboard);
  owner = await dashboard.login();
  await newSession(page, { name: "talker", project: dashboard.project });
  await screenShows(page, /^\s*❯\s*$/m, kSlowMs);

  await tab(page, "Transcript").click();
  await page.getByText("No conversation yet").waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);

  await say(page, "Please make hello.txt");
  await tab(page, "Transcript").click();
  const [asked] = await until("the request waits", async () => {
    const { items } = (await owner.get("/api/attention")).json;
    return items.length > 0 && items;
  }, { timeoutMs: kSlowMs });
  await article(page, "Write").getByText("running").or(article(page, "Write")).first().waitFor({ timeout: kSlowMs });
  assert.equal((await owner.send("POST", `/api/attention/${asked.id}`, { json: { decision: "allow" } })).status, 200);

  // It grows while it is open: the answer comes as Markdown, and no markup is made of what only looks like it.
  const answer = article(page, "What was done");
  await answer.waitFor({ timeout: kSlowMs });
  await answer.getByRole("heading", { name: "What was done" }).waitFor();
  await answer.getByRole("cell", { name: "hello.txt" }).waitFor();
  assert.equal(await answer.getByRole("link", { name: "the rules" }).getAttribute("rel"), "noopener noreferrer");
  await answer.getByText("<b>this</b>").waitFor();
  const written = page.getByRole("article", { name: "Tool" });
  await written.getByRole("button", { name: /Write/ }).click();
  await written.getByRole("region", { name: "Changes" }).getByText("Hello, dashboard!").waitFor();
  await look(page, "transcript-desk");
  await page.setViewportSize(kPhone);
  await answer.waitFor();
  await assertFits(page);
  await look(page, "transcript-phone");
  await page.setViewportSize(kDesk);

  await say(page, "Say something long");
  await screenShows(page, "Paragraph 39 of a long answer", kSlowMs);
  await tab(page, "Transcript").click();
  await article(page, "Paragraph 39").waitFor({ timeout: kSlowMs });

  // Who has scrolled up stays there, and is told of what came.
  const feed = page.getByRole("feed", { name: "Conversation" });
  await page.getByRole("button", { name: "To the beginning" }).click();
  await article(page, "Please make hello.txt").waitFor();
  await page.getByRole("button", { name: /To the end/ }).last().waitFor();

  // Search, from the first match on; the match is marked and in sight.
  await page.keyboard.press("/");
  await page.getByRole("textbox", { name: "Search the transcript" }).fill("MARZIPAN");
  await page.getByText(/1 of 1/).waitFor();
  const hit = page.locator("[data-target]");
  await hit.filter({ hasText: "marzipan" }).waitFor();
  await until("the match is marked", async () => (await page.evaluate(() => [...CSS.highlights.values()].reduce((sum, { size }) => sum + size, 0))) > 0);
  const inSight = () => page.evaluate(() => {
    const [range] = [...CSS.highlights.values()].flatMap((highlight) => [...highlight]);
    const { top, bottom } = range.getBoundingClientRect();
    const box = document.querySelector('[role="feed"]').getBoundingClientRect();
    return top >= box.top && bottom <= box.bottom;
  });
  await until("the match is in sight, in an answer that is higher than the window", inSight);
  await look(page, "transcript-search");
  await page.keyboard.press("Escape");

  // From a message to the terminal as it was then, and back by its time.
  await page.getByRole("button", { name: "To the beginning" }).click();
  const first = page.getByRole("article", { name: "Prompt" }).filter({ hasText: "Please make hello.txt" });
  await first.hover();
  await first.getByRole("button", { name: "What to do with this" }).click();
  await page.getByRole("menuitem", { name: "Terminal at this moment" }).click();
  const moment = page.getByRole("region", { name: "Screen of that moment" });
  await moment.getByText("Please make hello.txt").first().waitFor();
  assert.doesNotMatch(await moment.innerText(), /long answer/, "what came later is not there");
  await look(page, "transcript-moment");
  const later = page.getByRole("button", { name: "+1 min" });
  await until("the end of the record is reached", async () => {
    if (await later.isDisabled()) return true;
    await later.click();
    return false;
  });
  await moment.getByText("Paragraph 39 of a long answer").waitFor();
  await page.getByRole("button", { name: "Message of this moment" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  await article(page, "Paragraph 39").waitFor();

  // A line has an address; and beside the terminal the end is followed.
  const offset = Number(await first.or(article(page, "Paragraph 39")).last().getAttribute("data-offset"));
  assert.ok(offset > 0);
  await page.goto(`/s/talker/transcript?line=${offset}`);
  await page.locator(`[data-target][data-offset="${offset}"]`).waitFor();
  await say(page, "And a last word");
  await page.setViewportSize({ width: 1600, height: 900 });
  await page.getByRole("button", { name: "Transcript beside the terminal" }).click();
  await article(page, "The last word is zenith.").waitFor({ timeout: kSlowMs });
  await screenShows(page, "The last word is zenith.", kSlowMs);
  await feed.waitFor();
  await screenshot(page, "transcript-beside");
  assert.deepEqual(unexpectedFaults(page), []);
  assert.deepEqual(standIn.problems(), []);
  await page.context().close();
});
