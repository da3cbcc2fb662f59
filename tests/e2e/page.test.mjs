// The page in a real browser: first account, a shell typed into, reload, end, files, phone width, light and dark, accessibility.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { accessibilityFaults, kDesk, kPhone, launchBrowser, openPage, screenshot, skipWithoutBrowser, unexpectedFaults } from "../harness/browser.mjs";
import { Dashboard, kPassword, skipWithoutProgram } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { program } from "../integration/support.mjs";
import { assertFits, attributes, createAccount, live, logIn, newSession, screenShows, screenText, terminal, type, typeLine } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser;
// A page that is not logged in asks for things and hears 401; the browser prints each of those.
const kExpected = [/status of 401/];

let dashboard;
let browser;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  mkdirSync(path.join(dashboard.project, "docs"));
  writeFileSync(path.join(dashboard.project, "hello.txt"), "Hello from a file.\n");
  writeFileSync(path.join(dashboard.project, "markup.html"), "<img src=x onerror=\"document.title='OWNED'\"><script>document.title='OWNED'</script>\n");
  browser = await launchBrowser();
}, { timeout: 180_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
}, { timeout: 180_000 });

let api;
let cookies;
/** A page of its own, at the list of sessions, all with one login: logins are scarce by design. Also makes the account where a test runs alone. */
async function loggedIn(options) {
  if (existsSync(path.join(dashboard.data, "setup-code"))) await programLogin();
  const page = await openPage(browser, dashboard.url, { ...options, storageState: cookies });
  if (cookies) await page.goto("/");
  else await logIn(page);
  await page.getByRole("button", { name: "New session" }).first().waitFor();
  cookies ??= await page.context().storageState();
  return page;
}

/** A program's login, one for all tests. */
async function programLogin() {
  return (api ??= await dashboard.login());
}

test("Page.FirstAccountThenAShell", { skip, timeout: 180_000 }, async () => {
  const page = await openPage(browser, dashboard.url);
  await page.goto("/");
  await page.getByLabel("Setup code").waitFor();
  await screenshot(page, "setup");
  assert.deepEqual(await accessibilityFaults(page), []);
  await createAccount(page, dashboard);
  await screenshot(page, "fleet-empty");
  await newSession(page, { name: "first", project: dashboard.project, command: "/bin/bash --norc --noprofile" });
  assert.match(await page.title(), /first/);
  await terminal(page).click();
  await typeLine(page, "echo sum-$((40+2))");
  await screenShows(page, "sum-42");
  await screenshot(page, "session");

  // Reload: the same screen, and typing goes on.
  await page.reload();
  await live(page);
  await screenShows(page, "sum-42");
  await terminal(page).click();
  await typeLine(page, "echo again-$((1+1))");
  await screenShows(page, "again-2");
  const text = await screenText(page);
  assert.equal(text.split("echo again-").length, 2, "what was typed before or after the reload is there once");

  // Rename, then end, which asks first.
  await page.getByRole("button", { name: "Rename" }).click();
  const rename = page.getByRole("dialog");
  await rename.getByLabel("Name", { exact: true }).fill("renamed");
  await rename.getByRole("button", { name: "Rename" }).click();
  await page.getByRole("heading", { name: "renamed", level: 1 }).waitFor();
  assert.match(page.url(), /\/s\/renamed$/, "the address follows");
  await page.getByRole("button", { name: "End session" }).click();
  await screenshot(page, "end-asks");
  await page.getByRole("dialog").getByRole("button", { name: "End session" }).click();
  const rest = await programLogin();
  await until("the session has ended", async () => (await rest.sessions()).every((session) => session.status !== "active"));
  await page.getByText("ended", { exact: true }).first().waitFor();
  assert.deepEqual(unexpectedFaults(page, kExpected), []);
  await page.context().close();
});

test("Page.LoggingOutAndIn", { skip, timeout: 180_000 }, async () => {
  const page = await openPage(browser, dashboard.url);
  await programLogin();
  await page.goto("/");
  await page.getByLabel("Name", { exact: true }).fill("owner");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText(/wrong|not right|name or password/i).first().waitFor();
  await screenshot(page, "login-refused");
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByLabel("Password", { exact: true }).fill(kPassword);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "New session" }).first().waitFor();
  const set = await page.context().cookies();
  assert.ok(set.filter(({ name }) => /access|refresh/.test(name)).every(({ httpOnly, sameSite }) => httpOnly && sameSite === "Strict"));
  const readable = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }));
  assert.equal(/eyJ/.test(readable), false, "no token can be read by a script");
  await page.getByRole("button", { name: "Account: owner" }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Log in" }).waitFor();
  await page.goto("/s/first");
  await page.getByRole("button", { name: "Log in" }).waitFor();
  await page.context().close();
});

test("Page.ShowsFilesAsText", { skip, timeout: 180_000 }, async () => {
  const page = await loggedIn();
  await page.getByRole("link", { name: "Files" }).first().click();
  const item = (name) => page.getByRole("treeitem").filter({ hasText: name }).first();
  for (const name of [dashboard.projects, "demo", "hello.txt"]) await item(name).click();
  await page.getByText("Hello from a file.").waitFor();
  await screenshot(page, "files");
  assert.deepEqual(await accessibilityFaults(page), []);
  await item("markup.html").click();
  await page.getByText("onerror=").first().waitFor();
  assert.notEqual(await page.title(), "OWNED");
  assert.deepEqual(unexpectedFaults(page, kExpected), []);
  await page.context().close();
});

const kHostileOutput = [
  "\x1b]0;<img src=x onerror=alert(1)>\x07", "\x1b]2;<script>alert(2)</script>\x07", "\x1b]52;c;c3RvbGVu\x07", "\x1b]52;c;?\x07", "\x1b]8;;javascript:alert(3)\x07click\x1b]8;;\x07",
  "<img src=x onerror=alert(4)>", "\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\", "\x1b[c", "\x1b[>c", "\x1b[=c", "\x1b[>q", "\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b]10;?\x07", "\x1b]4;1;?\x07", "\x1b[21t",
  "\x1b[?1$p", "\x1b[?u", "\x1b[?1004h", "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",
].join("");

test("Page.OutputCannotAttackThePage", { skip, timeout: 180_000 }, async () => {
  const text = Buffer.from(kHostileOutput).toString("base64");
  const answers = (name) => path.join(dashboard.project, `${name}.answers`);
  const rest = await programLogin();
  const asker = (name) => rest.createSession({ name, project: dashboard.project, command: program("replies.mjs", answers(name), text) });
  // What tmux itself answers, with nobody watching through a browser.
  const alone = await asker("asks-alone");
  const socket = await TerminalSocket.connect(rest);
  const viewer = await socket.open({ session: alone.id, from: 0 });
  await viewer.waitFor("PRESS");
  viewer.type("g");
  await until("tmux has answered", () => existsSync(answers("asks-alone")));
  await socket.close();

  await asker("asks-page");
  const page = await loggedIn();
  const dialogs = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
  });
  await page.goto("/s/asks-page");
  await live(page);
  await screenShows(page, "PRESS");
  await terminal(page).click();
  await page.keyboard.press("g");
  await screenShows(page, "ASKED");
  assert.deepEqual(readFileSync(answers("asks-page"), "latin1"), readFileSync(answers("asks-alone"), "latin1"), "the browser's terminal answered into the pane");
  // A reload shows the same bytes again, and answers as little.
  await page.reload();
  await live(page);
  await screenShows(page, "ASKED");
  assert.equal((await attributes(page)).pending, 0);
  assert.deepEqual(dialogs, []);
  assert.equal(await page.locator("img[src=x], script:not([src])").count(), 0, "output became markup");
  assert.deepEqual(unexpectedFaults(page, kExpected), []);
  await page.context().close();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [where, viewport] of [["desk", kDesk], ["phone", kPhone]]) {
    test(`Page.IsUsableAndAccessible.${colorScheme}.${where}`, { skip, timeout: 180_000 }, async () => {
      const page = await loggedIn({ colorScheme, viewport, hasTouch: where === "phone" });
      const name = `look-${colorScheme}-${where}`;
      const faults = {};
      const look = async (screen) => {
        await screenshot(page, `${screen}-${colorScheme}-${where}`);
        await assertFits(page);
        const found = await accessibilityFaults(page);
        if (found.length > 0) faults[screen] = found;
      };
      await look("fleet");
      await page.getByRole("button", { name: "New session" }).first().click();
      await page.getByRole("dialog").getByLabel("Name", { exact: true }).waitFor();
      await look("new-session");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await newSession(page, { name, project: dashboard.project, command: "/bin/bash --norc --noprofile" });
      await terminal(page).click();
      await typeLine(page, "printf '\\e[31mred \\e[32mgreen \\e[1;34mblue\\e[0m\\n'");
      await screenShows(page, "red green blue");
      await look("session");
      if (where === "phone") {
        await page.getByLabel("Message").fill("echo thumb-$((3+4))");
        await page.getByRole("button", { name: "Send" }).click();
        await screenShows(page, "thumb-7");
        await page.getByRole("toolbar", { name: "Keys" }).getByRole("button", { name: "Up", exact: true }).click();
        await until("the key brings the line before back", async () => (await screenText(page)).trimEnd().endsWith("echo thumb-$((3+4))"));
        await page.getByRole("button", { name: "More" }).click();
        await page.getByRole("menuitem", { name: "Rename" }).waitFor();
        await look("session-menu");
      }
      assert.deepEqual(faults, {});
      assert.deepEqual(unexpectedFaults(page, kExpected), []);
      await page.context().close();
    });
  }
}

test("Page.TypesExactlyWhatTheKeyboardDoes", { skip, timeout: 180_000 }, async () => {
  const page = await loggedIn();
  await newSession(page, { name: "keys", project: dashboard.project, command: "/usr/bin/env bash --norc --noprofile" });
  await terminal(page).click();
  await typeLine(page, "stty -echo; PS1=; cat -v");
  await until("the shell is quiet", async () => (await attributes(page)).pending === 0);
  const text = Array.from({ length: 40 }, (_, i) => `line ${i} the quick brown fox ~!@#$%^&*()`).join("\n");
  await type(page, `${text}\n`);
  await screenShows(page, "line 39 the quick brown fox");
  const shown = (await screenText(page)).split("\n").map((line) => line.trimEnd()).filter((line) => line.startsWith("line "));
  assert.deepEqual(shown, text.split("\n"));
  for (const [key, seen] of [["ArrowUp", "^[[A"], ["Home", "^[[H"], ["Escape", "^["], ["F5", "^[[15~"], ["Delete", "^[[3~"]]) {
    await page.keyboard.press(key);
    await page.keyboard.press("Enter");
    await screenShows(page, seen);
  }
  await page.context().close();
});

test("Page.TellsTheTruthAboutTheConnection", { skip, timeout: 180_000 }, async () => {
  const page = await loggedIn();
  await newSession(page, { name: "offline", project: dashboard.project, command: "/bin/bash --norc --noprofile" });
  await terminal(page).click();
  await dashboard.kill();
  await until("the page says that it is not connected", async () => ["reconnecting", "offline"].includes((await attributes(page)).connection));
  await page.getByText(/reconnecting|offline/i).first().waitFor();
  await page.keyboard.type("echo typed-$((2+3))");
  await page.keyboard.press("Enter");
  assert.ok((await attributes(page)).pending > 0, "what is typed meanwhile is shown as pending");
  await screenshot(page, "offline");
  await dashboard.up();
  await live(page, 30_000);
  await screenShows(page, "typed-5");
  assert.equal((await attributes(page)).pending, 0);
  await page.context().close();
});
