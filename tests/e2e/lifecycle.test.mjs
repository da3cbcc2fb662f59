// A session's life in the browser with the real client: from a template, past what its project brings, ended, resumed, forked into a working
// tree, and the whole fleet back after tmux was killed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { prepareHome, skipWithoutClient, writeLauncher } from "../claude/client.mjs";
import { StandIn } from "../claude/stand_in.mjs";
import { accessibilityFaults, kDesk, kPhone, launchBrowser, openPage, screenshot, skipWithoutBrowser } from "../harness/browser.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";
import { assertFits, createAccount, live, screenShows, terminal, type } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser || skipWithoutClient;
const kSlowMs = 120_000;

let dashboard;
let browser;
let standIn;
let api;
let page;
let mark;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  prepareHome(dashboard.home, [dashboard.projects, dashboard.project]);
  standIn = await StandIn.start([{ prompt: /./, replies: Array.from({ length: 100 }, (_, i) => ({ text: `reply ${i}` })) }]);
  dashboard.settings.CLAUDE_COMMAND = writeLauncher(dashboard.folder, { home: dashboard.home, standInUrl: standIn.url });
  mark = path.join(dashboard.folder, "the-hook-ran");
  mkdirSync(path.join(dashboard.project, ".claude"));
  writeFileSync(path.join(dashboard.project, "README.md"), "demo\n");
  writeFileSync(path.join(dashboard.project, ".claude/settings.json"), JSON.stringify({ hooks: { SessionStart: [{ hooks: [{ type: "command", command: `touch ${mark}` }] }] } }));
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-q", "-m", "begin");
  await dashboard.up();
  browser = await launchBrowser();
  page = await openPage(browser, dashboard.url);
  await createAccount(page, dashboard);
  api = await dashboard.login();
}, { timeout: 60_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 60_000 });

function git(...words) {
  return execFileSync("git", ["-C", dashboard.project, "-c", "user.name=t", "-c", "user.email=t@example.org", ...words],
    { encoding: "utf8", env: { PATH: process.env.PATH, HOME: dashboard.home } });
}
const dialog = () => page.getByRole("dialog");
const session = async (name) => (await api.sessions()).find((each) => each.name === name);
const registered = (name) => {
  const pid = dashboard.tmux.run("list-panes", "-t", `=${name}:`, "-F", "#{pane_pid}").trim();
  const file = path.join(dashboard.home, ".claude/sessions", `${pid}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).sessionId : undefined;
};
/** What people see at a desk in the light and on a phone in the dark: it fits, and axe finds nothing. */
async function looksRight(name) {
  for (const [size, viewport, colorScheme] of [["desk", kDesk, "light"], ["phone", kPhone, "dark"]]) {
    await page.setViewportSize(viewport);
    await page.emulateMedia({ colorScheme });
    await assertFits(page);
    const dialogs = page.locator("dialog[open] .dialog-body");
    for (const body of await dialogs.all()) assert.ok(await body.evaluate((element) => element.scrollWidth <= element.clientWidth), `${name} ${size}: a dialog scrolls sideways`);
    await screenshot(page, `life-${name}-${size}-${colorScheme}`);
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${size} ${colorScheme}`);
  }
  await page.setViewportSize(kDesk);
  await page.emulateMedia({ colorScheme: "light" });
}

test("LifeInTheBrowser.WhatCannotBeLookedAtIsSaidAndAskedEachTime", { skip, timeout: 120_000 }, async () => {
  const project = path.join(dashboard.projects, "gaps");
  const skill = path.join(project, ".claude/skills/deploy/SKILL.md");
  mkdirSync(path.dirname(skill), { recursive: true });
  writeFileSync(skill, "---\nname: deploy\n---\nDeploy it.\n");
  const shown = async () => (await api.get(`/api/projects/settings?path=${encodeURIComponent(project)}`)).json;
  const accepted = await api.post("/api/projects/settings", { path: project, digest: (await shown()).digest });
  assert.equal(accepted.json.accepted, true);
  writeFileSync(skill, "---\nname: deploy\nallowed-tools: Bash(kubectl *)\n---\nDeploy it to !`kubectl config current-context`\n");
  mkdirSync(path.join(project, ".claude/hooks/a/b/c/d/e/f/g/h/i"), { recursive: true });
  symlinkSync("/etc", path.join(project, ".claude/agents"));
  assert.deepEqual([(await shown()).accepted, (await shown()).complete], [false, false]);

  await page.getByRole("button", { name: "New session" }).first().click();
  await dialog().getByLabel("Project", { exact: true }).fill(project);
  await dialog().getByLabel("Name", { exact: true }).fill("gaps");
  await dialog().getByRole("button", { name: "Start" }).click();
  await dialog().getByText("asked before every start here").waitFor();
  await dialog().getByText("lies deeper than is looked").waitFor();
  await dialog().getByText("Bash(kubectl *)", { exact: true }).waitFor();
  await dialog().getByText("kubectl config current-context", { exact: true }).waitFor();
  assert.equal(await dialog().getByText("changed", { exact: true }).count(), 2, "the skill and the link");
  await looksRight("gaps");
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "hidden" });
});

test("LifeInTheBrowser.ATemplateStartsPastWhatTheProjectBrings", { skip, timeout: 240_000 }, async () => {
  await page.getByRole("button", { name: "New session" }).first().click();
  await dialog().getByLabel("Project", { exact: true }).fill(dashboard.project);
  await dialog().getByLabel("First prompt").fill("remember the word heron");
  await dialog().getByText("Keep this as a template").click();
  await dialog().getByLabel("Template name").fill("Greet");
  await dialog().getByRole("button", { name: "Save template" }).click();
  await until("the template is kept", async () => (await api.get("/api/templates")).json.templates.some(({ name }) => name === "Greet"));
  await looksRight("new");
  await page.keyboard.press("Escape");
  await dialog().waitFor({ state: "hidden" });

  await page.getByRole("button", { name: "New session" }).first().click();
  await dialog().getByLabel("Template", { exact: true }).selectOption({ label: "Greet" });
  assert.equal(await dialog().getByLabel("First prompt").inputValue(), "remember the word heron");
  await dialog().getByLabel("Name", { exact: true }).fill("first");
  await dialog().getByRole("button", { name: "Start" }).click();
  await dialog().getByRole("heading", { name: "What this project brings" }).waitFor();
  await dialog().getByText(`touch ${mark}`, { exact: true }).waitFor();
  await looksRight("review");
  assert.deepEqual([existsSync(mark), await session("first")], [false, undefined], "nothing has started");
  await dialog().getByRole("button", { name: "Accept and start" }).click();
  await terminal(page).waitFor();
  await screenShows(page, /heron[^]*reply \d/, kSlowMs);
  assert.ok(existsSync(mark));
});

test("LifeInTheBrowser.EndedAndResumedInTheSameTerminal", { skip, timeout: 240_000 }, async () => {
  const before = await session("first");
  await page.getByRole("button", { name: "End session" }).click();
  await dialog().getByText("The conversation can be resumed").waitFor();
  await dialog().getByRole("button", { name: "End session" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await looksRight("ended");
  await page.getByRole("button", { name: "Resume" }).click();
  await live(page, kSlowMs);
  await screenShows(page, /heron[^]*reply \d[^]*❯/, kSlowMs);
  await terminal(page).click();
  await until("the client takes keys", async () => {
    await type(page, "x");
    return /❯\s+x+/.test(await page.evaluate(() => window.ccdTest.screenText(true)));
  }, { timeoutMs: kSlowMs, stepMs: 500 });
  const now = await session("first");
  assert.deepEqual([now.id, now.status, now.claude_session_id], [before.id, "active", before.claude_session_id]);

  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Restart" }).click();
  await dialog().getByRole("button", { name: "Restart" }).click();
  await page.getByText("first was restarted.").first().waitFor({ timeout: kSlowMs });
  await until("the client is in its conversation", () => registered("first") === before.claude_session_id, { timeoutMs: kSlowMs });
});

test("LifeInTheBrowser.AForkInAWorkingTreeThatStaysWhileThereIsWorkInIt", { skip, timeout: 240_000 }, async () => {
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Fork" }).click();
  await dialog().getByLabel("In a new working tree").check();
  await dialog().getByLabel("Branch").fill("try/it");
  await dialog().getByLabel("First prompt").fill("now in the copy");
  await looksRight("fork");
  await dialog().getByRole("button", { name: "Fork" }).click();
  await page.getByRole("heading", { name: "first-fork", level: 1 }).waitFor({ timeout: kSlowMs });
  await screenShows(page, /heron[^]*now in the copy/, kSlowMs);
  const tree = (await session("first-fork")).project;
  assert.equal(tree, path.join(dashboard.project, ".claude/worktrees/try-it"));
  const work = path.join(tree, "work.txt");
  writeFileSync(work, "not committed\n");

  await page.getByRole("button", { name: "End session" }).click();
  await dialog().getByText(/work\.txt/).waitFor();
  assert.equal(await dialog().getByLabel("Remove its working tree").count(), 0, "it cannot be chosen");
  await looksRight("kept-tree");
  await dialog().getByRole("button", { name: "Cancel" }).click();
  git("-C", tree, "add", "-A");
  git("-C", tree, "commit", "-q", "-m", "work");
  await page.getByRole("button", { name: "End session" }).click();
  await dialog().getByLabel("Remove its working tree").check();
  await dialog().getByRole("button", { name: "End session" }).click();
  await until("the working tree is gone", () => !existsSync(tree), { timeoutMs: kSlowMs });
  assert.equal(git("show", "try/it:work.txt"), "not committed\n");
});

test("LifeInTheBrowser.PastConversationsAreFoundAndGoneOnWith", { skip, timeout: 240_000 }, async () => {
  await page.getByRole("link", { name: "Past" }).click();
  await page.getByLabel("Filter conversations").fill("heron demo");
  await page.getByRole("link", { name: "Open first" }).waitFor();
  await looksRight("conversations");
  await page.getByLabel("Filter conversations").fill("no such words");
  await page.getByRole("heading", { name: "Nothing matches" }).waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await page.getByRole("link", { name: "Open first" }).click();
  await page.getByRole("heading", { name: "first", level: 1 }).waitFor();
});

test("LifeInTheBrowser.AFleetThatWasLostComesBackWithOneClick", { skip, timeout: 300_000 }, async () => {
  for (const name of ["second", "third"]) await api.post("/api/sessions", { name, project: dashboard.project, prompt: `I am ${name}`, cols: 100, rows: 30 });
  const names = ["first", "second", "third"];
  const before = await Promise.all(names.map(session));
  await until("all have answered", async () => {
    const texts = await Promise.all(before.map(async ({ id }) => (await api.get(`/api/sessions/${id}/screen`)).text));
    return texts.every((text) => /reply \d/.test(text));
  }, { timeoutMs: kSlowMs, stepMs: 200 });
  await page.getByRole("link", { name: "Back to the fleet" }).click();
  process.kill(Number(dashboard.tmux.run("display-message", "-p", "#{pid}")), "SIGKILL");
  await page.getByText("3 agents went down").waitFor();
  await looksRight("lost");
  await page.getByRole("button", { name: "Bring 3 back" }).click();
  await page.getByText("3 of 3 agents are back.").first().waitFor({ timeout: kSlowMs });
  await page.getByText("3 agents went down").waitFor({ state: "hidden" });
  for (const { id, name, claude_session_id: conversation } of before) {
    assert.equal((await session(name)).id, id);
    await until(`${name} is in its conversation`, () => registered(name) === conversation, { timeoutMs: kSlowMs, stepMs: 100 });
  }
  await screenshot(page, "life-back");

  // One whose folder is gone does not come back, and says why; the others do.
  const gone = path.join(dashboard.projects, "gone");
  mkdirSync(gone);
  const lone = (await api.post("/api/sessions", { name: "lone", project: gone, prompt: "I am alone", cols: 100, rows: 30 })).json;
  await until("it has answered", async () => /reply \d/.test((await api.get(`/api/sessions/${lone.id}/screen`)).text), { timeoutMs: kSlowMs, stepMs: 200 });
  process.kill(Number(dashboard.tmux.run("display-message", "-p", "#{pid}")), "SIGKILL");
  await page.getByText("4 agents went down").waitFor();
  execFileSync("rm", ["-r", gone]);
  await page.getByRole("button", { name: "Bring 4 back" }).click();
  const left = page.getByRole("list", { name: "Not back" });
  await left.waitFor({ timeout: kSlowMs });
  assert.match(await left.innerText(), /^lone: the session's folder .*\/gone: /);
  await looksRight("not-back");
  await page.getByRole("button", { name: "Leave it as it is" }).click();
  await left.waitFor({ state: "hidden" });
  await page.reload();
  await page.getByRole("region", { name: "Ended" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Bring it back" }).count(), 0, "it is not asked about again");
});
