// The page in a real browser: first account, a shell typed into, reload, end, files, phone width, light and dark, accessibility.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { accessibilityFaults, kDesk, kPhone, launchBrowser, openPage, screenshot, skipWithoutBrowser, unexpectedFaults } from "../harness/browser.mjs";
import { Dashboard, kPassword, skipWithoutProgram } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";
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
}, { timeout: 60_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
}, { timeout: 60_000 });

/** A page of its own, logged in. */
async function loggedIn(options) {
  const page = await openPage(browser, dashboard.url, options);
  await logIn(page);
  await page.getByRole("button", { name: "New session" }).first().waitFor();
  return page;
}

test("Page.FirstAccountThenAShell", { skip, timeout: 120_000 }, async () => {
  const page = await openPage(browser, dashboard.url);
  await page.goto("/");
  await page.getByLabel("Setup code").waitFor();
  await screenshot(page, "setup");
  assert.deepEqual(await accessibilityFaults(page), []);
  await createAccount(page, dashboard);
  await screenshot(page, "fleet-empty");
  await newSession(page, { name: "first", project: dashboard.project, command: "/bin/bash --norc --noprofile" });
  assert.equal(await page.title().then((title) => /first/.test(title)), true, "the session's name is in the title");
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
  await rename.getByLabel("Name").fill("renamed");
  await rename.getByRole("button", { name: /Rename|Save/ }).click();
  await page.getByRole("heading", { name: "renamed" }).or(page.getByText("renamed", { exact: true })).first().waitFor();
  await page.getByRole("button", { name: "End session" }).click();
  await page.getByRole("alertdialog").or(page.getByRole("dialog")).getByRole("button", { name: /End/ }).click();
  const api = await dashboard.login();
  await until("the session has ended", async () => (await api.sessions()).every((session) => session.status !== "active"));
  await page.getByText(/ended/i).first().waitFor();
  assert.deepEqual(unexpectedFaults(page, kExpected), []);
  await page.context().close();
});

test("Page.LoggingOutAndIn", { skip, timeout: 60_000 }, async () => {
  const page = await openPage(browser, dashboard.url);
  await page.goto("/");
  await page.getByLabel("Name", { exact: true }).fill("owner");
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").first().waitFor();
  await screenshot(page, "login-refused");
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByLabel("Password", { exact: true }).fill(kPassword);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "New session" }).first().waitFor();
  const cookies = await page.context().cookies();
  assert.ok(cookies.filter(({ name }) => /access|refresh/.test(name)).every(({ httpOnly, sameSite }) => httpOnly && sameSite === "Strict"));
  const readable = await page.evaluate(() => document.cookie + JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }));
  assert.equal(/eyJ/.test(readable), false, "no token can be read by a script");
  await page.context().close();
});

test("Page.ShowsFilesAsText", { skip, timeout: 60_000 }, async () => {
  const page = await loggedIn();
  await page.getByRole("link", { name: "Files" }).first().click();
  for (const name of [dashboard.projects, "demo"]) await page.getByText(name, { exact: true }).first().click();
  await page.getByText("hello.txt", { exact: true }).first().click();
  await page.getByText("Hello from a file.").waitFor();
  await screenshot(page, "files");
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByText("markup.html", { exact: true }).first().click();
  await page.getByText("onerror=").first().waitFor();
  assert.notEqual(await page.title(), "OWNED");
  assert.deepEqual(unexpectedFaults(page, kExpected), []);
  await page.context().close();
});

test("Page.OutputCannotAttackThePage", { skip, timeout: 60_000 }, async () => {
  const page = await loggedIn();
  const dialogs = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss();
  });
  await newSession(page, { name: "hostile", project: dashboard.project, command: "/bin/bash --norc --noprofile" });
  await terminal(page).click();
  const hostile = [
    "\\e]0;<img src=x onerror=alert(1)>\\a", "\\e]2;<script>alert(2)</script>\\a", "\\e]52;c;c3RvbGVu\\a", "\\e]8;;javascript:alert(3)\\aclick\\e]8;;\\a",
    "<img src=x onerror=alert(4)>", "\\eP$qm\\e\\\\", "\\e[c", "\\e[>c", "\\e[6n", "\\e[5n", "\\e]10;?\\a", "\\e]4;1;?\\a", "\\e[21t", "\\e[?1\\$p",
  ];
  await typeLine(page, `printf '${hostile.join("")}'; sleep 0.3; echo; read -t 0.5 -n 1 x && echo REPLIED-$x || echo silence-$((1+1))`);
  await screenShows(page, /silence-2|REPLIED-[^$]/);
  assert.match(await screenText(page), /silence-2/, "the browser's terminal answered into the pane");
  assert.deepEqual(dialogs, []);
  assert.equal(await page.locator("img[src=x], script:not([src])").count(), 0, "output became markup");
  assert.deepEqual(unexpectedFaults(page, kExpected), []);
  await page.context().close();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [where, viewport] of [["desk", kDesk], ["phone", kPhone]]) {
    test(`Page.IsUsableAndAccessible.${colorScheme}.${where}`, { skip, timeout: 90_000 }, async () => {
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
      await page.getByRole("dialog").getByLabel("Name").waitFor();
      await look("new-session");
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "hidden" });
      await newSession(page, { name, project: dashboard.project, command: "/bin/bash --norc --noprofile" });
      await terminal(page).click();
      await typeLine(page, "printf '\\e[31mred \\e[32mgreen \\e[1;34mblue\\e[0m\\n'");
      await screenShows(page, "red green blue");
      await look("session");
      assert.deepEqual(faults, {});
      assert.deepEqual(unexpectedFaults(page, kExpected), []);
      await page.context().close();
    });
  }
}

test("Page.TypesExactlyWhatTheKeyboardDoes", { skip, timeout: 90_000 }, async () => {
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

test("Page.TellsTheTruthAboutTheConnection", { skip, timeout: 90_000 }, async () => {
  const page = await loggedIn();
  await newSession(page, { name: "offline", project: dashboard.project, command: "/bin/bash --norc --noprofile" });
  await terminal(page).click();
  await dashboard.kill();
  await until("the page says that it is not connected", async () => ["reconnecting", "offline"].includes((await attributes(page)).connection), { timeoutMs: 10_000 });
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
