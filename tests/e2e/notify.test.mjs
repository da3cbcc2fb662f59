// Notifications in a real browser: Debian's Chromium subscribes, is pushed to, decrypts, and shows them on a desktop, where they are pressed. Only
// Google's servers and the desktop's drawing are this test's own (harness/vendor_push.mjs, harness/desktop.mjs).
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { clientProgram, prepareHome, writeLauncher } from "../claude/client.mjs";
import { StandIn } from "../claude/stand_in.mjs";
import { accessibilityFaults, kPhone, launchProfile, screenshot, skipWithoutBrowser } from "../harness/browser.mjs";
import { selfSigned } from "../harness/certificates.mjs";
import { Desktop, skipWithoutDesktop } from "../harness/desktop.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { VendorPush } from "../harness/vendor_push.mjs";
import { until } from "../harness/wait.mjs";
import { query } from "../integration/support.mjs";
import { assertFits, createAccount, newSession, screenShows, terminal, type } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutBrowser || skipWithoutDesktop;
// Where Chromium's subscriptions point, by the channel it was built for.
const skipWithoutClient = skip || (clientProgram() ? false : "skipped: tests/claude is not installed");
const kSendHosts = ["fcm.googleapis.com", "jmt17.google.com"];

let folder;
let vendor;
let desktop;
let dashboard;
let browser;
let page;
let standIn;

/** A command that starts the real Claude Code client with a home of its own, against the scripted stand-in of its API. */
async function clientCommand(project) {
  const home = path.join(folder, "agent-home");
  mkdirSync(home);
  prepareHome(home, [project]);
  standIn = await StandIn.start([
    {
      prompt: "Please make hello.txt",
      replies: [
        { text: "I will write the file.", tool: { name: "Write", input: { file_path: path.join(project, "hello.txt"), content: "Hello from the lock screen!\n" } } },
        { text: "The file hello.txt is ready." },
      ],
    },
  ]);
  return writeLauncher(folder, { home, standInUrl: standIn.url });
}

before(async () => {
  if (skip) return;
  folder = mkdtempSync(path.join(os.tmpdir(), "ccd-notify-"));
  const front = selfSigned(folder, "localhost");
  const send = selfSigned(folder, ...kSendHosts);
  vendor = await VendorPush.start({ certificate: front, sendCertificates: Object.fromEntries(kSendHosts.map((host) => [host, send])) });
  desktop = await Desktop.start();
  dashboard = new Dashboard({ settings: { NOTIFY_PROXY: vendor.proxyUrl, NOTIFY_CA_FILE: send.certFile } });
  if (!skipWithoutClient) dashboard.settings.CLAUDE_COMMAND = await clientCommand(dashboard.project);
  await dashboard.up();
  browser = await launchProfile(path.join(folder, "profile"), {
    args: [...vendor.switches, `--ignore-certificate-errors-spki-list=${front.spki}`],
    env: desktop.environment,
    baseURL: dashboard.url,
  });
  await browser.addInitScript(() => localStorage.setItem("ccdTest", "1"));
  // The answer to the browser's own question, which no test can press.
  await browser.grantPermissions(["notifications"], { origin: dashboard.url });
  page = browser.pages()[0] ?? (await browser.newPage());
  await createAccount(page, dashboard);
}, { timeout: 120_000 });
after(async () => {
  await browser?.close();
  await dashboard?.remove();
  await desktop?.stop();
  await vendor?.stop();
  await standIn?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
}, { timeout: 180_000 });

const section = (name) => page.getByRole("region", { name, exact: true });

test("Notify.ARealSubscriptionInChromium", { skip, timeout: 120_000 }, async () => {
  await page.getByRole("button", { name: /^Account: / }).click();
  await page.getByRole("menuitem", { name: "Notifications" }).click();
  await page.getByRole("heading", { name: "Notifications" }).waitFor();
  await screenshot(page, "notifications-off");
  assert.deepEqual(await accessibilityFaults(page), []);

  await section("This device").getByRole("button", { name: "Turn on" }).click();
  await section("This device").getByText("On. Agents that need you").waitFor();
  const devices = section("Devices").getByRole("listitem");
  assert.equal(await devices.count(), 1);
  assert.match(await devices.first().innerText(), /Chrome on Linux[\s\S]*this login/);

  // The subscription is Chromium's own, registered where Google would be, for the dashboard's key.
  const subscription = await page.evaluate(async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription()).toJSON());
  const { host, pathname } = new URL(subscription.endpoint);
  assert.ok(kSendHosts.includes(host), host);
  const form = vendor.registrations.get(pathname.split("/").at(-1));
  const { application_server_key: key } = await page.evaluate(() => fetch("/api/notify").then((answer) => answer.json()));
  assert.equal(form.get("sender"), key);

  await section("This device").getByRole("button", { name: "Send a test" }).click();
  const shown = await desktop.notification(({ body }) => body.includes("Notifications reach this device."));
  assert.equal(shown.summary, "Claude Code Dashboard");
  assert.equal(vendor.sent.at(-1).fault, undefined);
  assert.equal(vendor.sent.at(-1).status, 201);
  assert.deepEqual(vendor.proxied.map((asked) => asked.replace(/:443$/, "")), [host], "nothing but the push service is asked");
  await screenshot(page, "notifications-on");
  assert.deepEqual(await accessibilityFaults(page), []);
});

test("Notify.PressingANotificationOpensItsPlace", { skip, timeout: 180_000 }, async () => {
  const before = desktop.shown.length;
  await section("This device").getByRole("button", { name: "Send a test" }).click();
  const shown = await desktop.notification(({ body }) => body.includes("Notifications reach this device.") && desktop.shown.length > before);
  await page.getByRole("link", { name: "Fleet" }).click();
  await page.waitForURL("**/");
  desktop.press(shown, "default");
  await page.waitForURL("**/settings/notifications");
  assert.equal(browser.pages().length, 1, "the page that is open goes there");
});

test("Notify.TheWorkerKeepsNothing", { skip, timeout: 180_000 }, async () => {
  const found = await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    return { caches: await caches.keys(), scope: registration.scope, script: registration.active.scriptURL, mode: registration.updateViaCache };
  });
  assert.deepEqual(found, { caches: [], scope: `${dashboard.url}/`, script: `${dashboard.url}/worker.js`, mode: "none" });
  const worker = await fetch(`${dashboard.url}/worker.js`);
  assert.match(worker.headers.get("cache-control"), /no-cache/);
  assert.equal(/addEventListener\(["'`]fetch/.test(await worker.text()), false, "it takes part in no request");
});

test("Notify.ThePageCanBeInstalled", { skip, timeout: 180_000 }, async () => {
  const session = await browser.newCDPSession(page);
  const manifest = await session.send("Page.getAppManifest");
  assert.deepEqual(manifest.errors, []);
  assert.equal(manifest.url, `${dashboard.url}/app.webmanifest`);
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors, []);
  for (const { src } of JSON.parse(manifest.data).icons) assert.equal((await fetch(`${dashboard.url}${src}`)).status, 200, src);
  await session.detach();
});

test("Notify.PreferencesAreSavedAsTheyAreChosen", { skip, timeout: 180_000 }, async () => {
  const saved = () => page.evaluate(() => fetch("/api/notify").then(async (answer) => (await answer.json()).preferences));
  await page.getByLabel("Done: Sound").check();
  await page.getByLabel("Usage limit: Devices").uncheck();
  await page.getByLabel("Tell my devices").selectOption({ label: "at once" });
  await page.getByLabel("Quiet hours").check();
  await page.getByLabel("From").fill("23:30");
  await page.getByLabel("Time zone").selectOption("Europe/Berlin");
  await page.getByLabel("Never").check();
  await until("all of it is saved", async () => {
    const { sound, push, delay_seconds: delay, quiet, lock_screen: rule } = await saved();
    return sound.includes("done") && !push.includes("limit") && delay === 0 && quiet.on && quiet.from === "23:30" && quiet.zone === "Europe/Berlin" && rule === "never";
  });
  await page.reload();
  assert.equal(await page.getByLabel("Done: Sound").isChecked(), true);
  assert.equal(await page.getByLabel("From").inputValue(), "23:30");
  await page.setViewportSize(kPhone);
  await assertFits(page);
  await page.emulateMedia({ colorScheme: "dark" });
  assert.deepEqual(await accessibilityFaults(page), []);
  await screenshot(page, "notifications-phone-dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByLabel("Quiet hours").uncheck();
  await page.getByLabel("When all of it is shown").check();
  await until("it is quiet no more", async () => !(await saved()).quiet.on && (await saved()).lock_screen === "whole");
});

test("Notify.ARealAgentIsAllowedFromTheLockScreen", { skip: skipWithoutClient, timeout: 180_000 }, async () => {
  // This very browser shows the page: it would be reason enough not to push.
  await page.getByLabel("Not while I use the dashboard").uncheck();
  await until("it is saved", () => page.evaluate(() => fetch("/api/notify").then(async (answer) => !(await answer.json()).preferences.presence)));
  await page.getByRole("link", { name: "Fleet" }).click();
  await newSession(page, { name: "helper", project: dashboard.project });
  await screenShows(page, /Claude Code v\d/);
  await screenShows(page, /^\s*❯\s*$/m);
  await terminal(page).click();
  await type(page, "Please make hello.txt");
  await screenShows(page, /❯\s+Please make hello\.txt/);
  await page.keyboard.press("Enter");
  const file = path.join(dashboard.project, "hello.txt");
  const asks = await desktop.notification(({ summary }) => summary === "helper asks: Write", { timeoutMs: 60_000 });
  assert.ok(asks.body.includes(file), asks.body);
  assert.ok(asks.body.includes("content: Hello from the lock screen!"), asks.body);
  assert.deepEqual(asks.actions.filter(([, label]) => ["Allow", "Deny"].includes(label)).map(([, label]) => label), ["Allow", "Deny"]);
  assert.equal(existsSync(file), false, "nothing is written before the press");
  desktop.press(asks, "Allow");
  await screenShows(page, "The file hello.txt is ready.", 60_000);
  assert.equal(readFileSync(file, "utf8"), "Hello from the lock screen!\n");
  const rows = query(dashboard.settings.DATABASE_PATH, "SELECT actor || ' ' || detail FROM audit_logs WHERE action = 'attention.push_action'");
  assert.equal(rows.length, 1);
  assert.match(rows[0], /^owner .*"decision":"allow","via":"push"/);
  assert.equal(vendor.sent.every(({ fault }) => fault === undefined), true);
});

test("Notify.ARemovedDeviceIsToldNoMore", { skip, timeout: 180_000 }, async () => {
  await page.goto("/settings/notifications");
  await section("Devices").getByRole("button", { name: "Remove Chrome on Linux" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await section("This device").getByRole("button", { name: "Turn on" }).waitFor();
  // On again: the same browser, subscribed as before.
  await section("This device").getByRole("button", { name: "Turn on" }).click();
  await section("This device").getByText("On. Agents that need you").waitFor();
  await section("This device").getByRole("button", { name: "Turn off" }).click();
  await section("This device").getByText("Off. The browser will ask").waitFor();
  assert.equal(await page.evaluate(async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription()) === null), true);
  assert.equal(await section("Devices").getByRole("listitem").count(), 0);
});
