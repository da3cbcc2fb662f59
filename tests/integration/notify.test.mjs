// Notifications from outside: devices that subscribe, where the dashboard may send, preferences, and webhooks. A push service and a receiver
// of this machine take what is sent and check it by the RFCs, with nothing of the dashboard's own code.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { Api, request } from "../harness/api.mjs";
import { PushService } from "../harness/push_service.mjs";
import { Dashboard, kPassword, skipWithoutProgram as skip } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";
import { webhookFault, WebhookReceiver } from "../harness/webhook_receiver.mjs";
import { query } from "./support.mjs";

let service;
let receiver;
let dashboard;
let owner;
let key;
before(async () => {
  if (skip) return;
  service = await PushService.start();
  receiver = await WebhookReceiver.start();
  dashboard = await Dashboard.start({ settings: { NOTIFY_PRIVATE_ADDRESSES: "yes", NOTIFY_CONTACT: "mailto:ops@example.org" } });
  owner = await dashboard.login();
  key = (await owner.get("/api/notify")).json.application_server_key;
}, { timeout: 180_000 });
after(async () => {
  await dashboard?.remove();
  await receiver?.stop();
  await service?.stop();
}, { timeout: 180_000 });

const overview = async (api = owner) => (await api.get("/api/notify")).json;

/** A browser of this login: subscribed, and told to the dashboard. */
async function addDevice(api = owner, name = "Firefox on Linux") {
  const { id, endpoint, keys } = await service.subscribe(key);
  const device = (await api.post("/api/notify/devices", { endpoint, keys, name })).json;
  return { ...device, browser: id, endpoint, keys };
}

const hasLibcurl = ({ pid }) => readFileSync(`/proc/${pid}/maps`, "utf8").includes("/libcurl");

async function addUser(name, role) {
  await owner.post("/api/users", { name, password: kPassword, role });
  const api = new Api(() => dashboard.url);
  await api.login(name, kPassword);
  return api;
}

// --- devices and push messages

test("Push.ATestMessageIsReadByTheBrowserThatSubscribed", { skip }, async () => {
  const device = await addDevice();
  await owner.post(`/api/notify/devices/${device.id}/test`);
  const message = await service.next(device.browser);
  assert.equal(message.fault, undefined);
  assert.equal(message.json.type, "test");
  assert.equal(message.headers.topic, "test");
  assert.equal(message.headers.urgency, "high");
  assert.equal(message.headers["content-type"], "application/octet-stream");
  assert.equal((message.body.length - 86 - 17) % 512, 0, "lengths say little");
  const [listed] = (await overview()).devices.filter(({ id }) => id === device.id);
  assert.equal(listed.service, "127.0.0.1");
  assert.equal(listed.current, true);
  assert.ok(listed.last_ok_at > 0);
  assert.equal("endpoint" in listed, false, "who knows the endpoint can send to it");
});

test("Push.TheKeyIsTheDashboardsOwnAndStays", { skip, timeout: 180_000 }, async () => {
  const file = path.join(dashboard.data, "push.key");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, "utf8"), /^-----BEGIN PRIVATE KEY-----/);
  const device = await addDevice();
  await dashboard.stop();
  await dashboard.up();
  assert.equal((await overview()).application_server_key, key);
  await owner.post(`/api/notify/devices/${device.id}/test`);
  await service.next(device.browser);
});

test("Push.TheSameBrowserIsOneDevice", { skip }, async () => {
  const device = await addDevice();
  const again = (await owner.post("/api/notify/devices", { endpoint: device.endpoint, keys: device.keys, name: "again" })).json;
  assert.equal(again.id, device.id);
  // Its keys changed: the old subscription is replaced.
  const other = await service.subscribe(key);
  const changed = (await owner.post("/api/notify/devices", { endpoint: device.endpoint, keys: other.keys, name: "changed" })).json;
  assert.notEqual(changed.id, device.id);
  assert.deepEqual((await overview()).devices.filter(({ id }) => id === device.id), []);
});

test("Push.WhatTheServiceSaysIsSaid", { skip }, async () => {
  const device = await addDevice();
  service.answer(device.browser, { status: 413 });
  const refused = await owner.send("POST", `/api/notify/devices/${device.id}/test`);
  assert.equal(refused.status, 503);
  assert.match(refused.json.error.message, /answered 413/);
  assert.match((await overview()).devices.find(({ id }) => id === device.id).last_error, /413/);
  for (const status of [410, 404]) {
    const gone = await addDevice();
    service.answer(gone.browser, { status });
    const answer = await owner.send("POST", `/api/notify/devices/${gone.id}/test`);
    assert.equal(answer.status, 410);
    await until("it is off the list and out of the table", async () =>
      (await overview()).devices.every(({ id }) => id !== gone.id) && query(dashboard.settings.DATABASE_PATH, `SELECT id FROM push_devices WHERE id='${gone.id}'`).length === 0);
  }
  // Nothing of how the name was looked up, nor where it led.
  const { keys } = await service.subscribe(key);
  const nowhere = await owner.send("POST", "/api/notify/devices", { json: { endpoint: "https://nobody.invalid/push/1", keys, name: "nowhere" } });
  assert.equal(nowhere.status, 201, nowhere.text);
  const unreached = await owner.send("POST", `/api/notify/devices/${nowhere.json.id}/test`);
  assert.equal(unreached.status, 503);
  assert.equal(unreached.json.error.message, "the push service was not reached: the dashboard's log says why");
  assert.match(dashboard.log(), /was not reached.*nobody\.invalid/);
  assert.equal((await owner.send("DELETE", `/api/notify/devices/${nowhere.json.id}`)).status, 204);
  // A redirect is an answer, not a way.
  const moved = await addDevice();
  const elsewhere = await addDevice();
  service.answer(moved.browser, { status: 307, headers: { location: elsewhere.endpoint } });
  assert.equal((await owner.send("POST", `/api/notify/devices/${moved.id}/test`)).status, 503);
  assert.equal(service.messages.filter(({ id }) => id === elsewhere.browser).length, 0);
});

test("Push.EachUserHasTheirOwnDevices", { skip }, async () => {
  const ann = await addUser("ann", "viewer");
  const mine = await addDevice();
  const hers = await addDevice(ann, "Phone");
  assert.deepEqual((await overview(ann)).devices.map(({ id }) => id), [hers.id]);
  for (const [method, address] of [["DELETE", `/api/notify/devices/${mine.id}`], ["POST", `/api/notify/devices/${mine.id}/test`]]) {
    assert.equal((await ann.send(method, address, { json: {} })).status, 404);
  }
  // Two people on one browser: it is the last one's.
  const { endpoint, keys } = hers;
  await owner.post("/api/notify/devices", { endpoint, keys, name: "Phone" });
  assert.deepEqual((await overview(ann)).devices, []);
});

test("Push.ALoginThatEndsTakesItsDevicesWithIt", { skip }, async () => {
  const bob = await addUser("bob", "member");
  const phone = new Api(() => dashboard.url);
  await phone.login("bob", kPassword);
  const kept = await addDevice(bob, "Desk");
  const lost = await addDevice(phone, "Phone");
  assert.equal((await overview(bob)).devices.length, 2);
  const logins = (await bob.get("/api/auth/sessions")).json.sessions;
  await bob.must("DELETE", `/api/auth/sessions/${logins.find(({ current }) => !current).id}`);
  assert.deepEqual((await overview(bob)).devices.map(({ id }) => id), [kept.id]);
  await bob.must("DELETE", `/api/notify/devices/${kept.id}`);
  assert.deepEqual((await overview(bob)).devices, []);
  assert.deepEqual(query(dashboard.settings.DATABASE_PATH, `SELECT id FROM push_devices WHERE id IN ('${kept.id}', '${lost.id}')`), []);
});

test("Push.OnlySubscriptionsAreTaken", { skip }, async () => {
  const { endpoint, keys } = await service.subscribe(key);
  const rows = [
    ["endpoint", { endpoint: "https://10.0.0.1.:443/ x", keys }],
    ["endpoint", { endpoint: "http://push.example.org:99999/", keys }],
    ["endpoint", { endpoint: "http://10.0.0.1/send", keys }],
    ["endpoint", { endpoint: "https://169.254.169.254/latest", keys }],
    ["endpoint", { endpoint: "ftp://127.0.0.1/", keys }],
    ["endpoint", { endpoint: "https://user:word@push.example.org/", keys }],
    ["endpoint", { keys }],
    ["keys.p256dh", { endpoint, keys: { ...keys, p256dh: Buffer.alloc(65, 4).toString("base64url") } }],
    ["keys.p256dh", { endpoint, keys: { ...keys, p256dh: "" } }],
    ["keys.auth", { endpoint, keys: { ...keys, auth: "AAAA" } }],
    ["keys", { endpoint, keys: "none" }],
    ["p256dh", { endpoint }],
  ];
  for (const [field, body] of rows) {
    const answer = await owner.send("POST", "/api/notify/devices", { json: { name: "x", ...body } });
    assert.equal(answer.status, 400, JSON.stringify(body));
    assert.equal(answer.json.error.field, field);
  }
});

test("Push.WithoutTheSettingOnlyPublicAddressesAreTaken", { skip, timeout: 180_000 }, async () => {
  const strict = await Dashboard.start();
  try {
    const api = await strict.login();
    const { keys } = await service.subscribe(key);
    assert.equal(hasLibcurl(strict), false, "nothing was sent and no address looked at: libcurl and what it brings take no memory");
    const rows = [service.url, "http://push.example.org/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f.0.0.1/", "https://[::1]/",
      "https://[::ffff:127.0.0.1]/", "https://localhost/", "https://localhost./", "https://a.localhost/", "https://10.1.2.3/", "https://172.16.0.1/",
      "https://192.168.0.1/", "https://100.64.0.1/", "https://169.254.169.254/", "https://0.0.0.0/", "https://[fe80::1]/", "https://[fd00::1]/",
      "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://224.0.0.1/", "https://255.255.255.255/"];
    for (const endpoint of rows) {
      const answer = await api.send("POST", "/api/notify/devices", { json: { endpoint, keys, name: "x" } });
      assert.equal(answer.status, 400, endpoint);
      const hook = await api.send("POST", "/api/notify/webhooks", { json: { name: "x", url: endpoint } });
      assert.equal(hook.status, 400, endpoint);
      assert.equal(hook.json.error.field, "url");
    }
    const optIn = await api.send("POST", "/api/notify/webhooks", { json: { name: "x", url: receiver.url, private_addresses: true } });
    assert.equal(optIn.status, 400);
    assert.equal(optIn.json.error.field, "private_addresses");
    assert.equal((await overview(api)).private_addresses, false);
    assert.equal(hasLibcurl(strict), true);
  } finally {
    await strict.remove();
  }
});

// --- preferences

test("Preferences.AreKeptForEachUser", { skip, timeout: 180_000 }, async () => {
  const cy = await addUser("cy", "viewer");
  const defaults = (await overview(cy)).preferences;
  assert.deepEqual(defaults.push, ["permission", "question", "plan", "done", "failure", "limit"]);
  assert.deepEqual(defaults.sound, [], "silent until somebody wants it");
  const wanted = { ...defaults, push: ["permission"], sound: ["done"], delay_seconds: 0, contents: false, lock_screen: "never",
    quiet: { on: true, from: "22:30", to: "06:45", zone: "Europe/Berlin" } };
  assert.deepEqual((await cy.must("PUT", "/api/notify/preferences", { json: wanted })).json, wanted);
  await dashboard.crashAndRestart();
  await cy.login("cy", kPassword);
  assert.deepEqual((await overview(cy)).preferences, wanted);
  assert.deepEqual((await overview(owner)).preferences, defaults);
  const wrong = await cy.send("PUT", "/api/notify/preferences", { json: { quiet: { zone: "Nowhere" } } });
  assert.equal(wrong.status, 400);
  assert.equal(wrong.json.error.field, "quiet.zone");
});

// --- webhooks

async function addWebhook(api = owner, more = {}) {
  return (await api.post("/api/notify/webhooks", { name: "hook", url: `${receiver.url}/hook`, private_addresses: true, ...more })).json;
}

test("Webhooks.AreSigned", { skip }, async () => {
  const hook = await addWebhook();
  assert.match(hook.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  const tested = (await owner.post(`/api/notify/webhooks/${hook.id}/test`)).json;
  assert.equal(tested.state, "delivered");
  assert.equal(tested.status, 204);
  const taken = await receiver.next((_, { headers }) => headers["webhook-id"]?.startsWith(hook.id));
  assert.equal(webhookFault(taken.headers, taken.body, hook.secret), undefined);
  assert.equal(taken.json.type, "test");
  assert.equal(taken.headers["content-type"], "application/json");
  // What the receiver's check is worth.
  assert.match(webhookFault(taken.headers, Buffer.concat([taken.body, Buffer.from(" ")]), hook.secret), /signature/);
  assert.match(webhookFault(taken.headers, taken.body, hook.secret, Date.now() / 1000 + 301), /timestamp/);
  assert.match(webhookFault(taken.headers, taken.body, `whsec_${Buffer.alloc(32).toString("base64")}`), /signature/);
});

test("Webhooks.TheSecretIsShownOnce", { skip }, async () => {
  const hook = await addWebhook();
  const listed = await owner.get("/api/notify/webhooks");
  assert.equal(listed.text.includes(hook.secret.slice(6, 40)), false);
  assert.equal("secret" in listed.json.webhooks.find(({ id }) => id === hook.id), false);
  const { secret } = (await owner.post(`/api/notify/webhooks/${hook.id}/secret`)).json;
  assert.notEqual(secret, hook.secret);
  await owner.post(`/api/notify/webhooks/${hook.id}/test`);
  const taken = await receiver.next((_, { headers }) => headers["webhook-id"]?.startsWith(hook.id));
  assert.equal(webhookFault(taken.headers, taken.body, secret), undefined);
  const audit = await owner.get("/api/audit?action=notify.&limit=200");
  const log = readFileSync(dashboard.logFile, "utf8");
  for (const text of [audit.text, log]) {
    for (const word of [secret, hook.secret]) assert.equal(text.includes(word.slice(6, 40)), false);
  }
});

test("Webhooks.TextIsForPeople", { skip }, async () => {
  const hook = await addWebhook(owner, { format: "text", url: `${receiver.url}/text` });
  await owner.post(`/api/notify/webhooks/${hook.id}/test`);
  const taken = await receiver.next((_, { path: at }) => at === "/text");
  assert.deepEqual(Object.keys(taken.json), ["text"]);
  assert.match(taken.json.text, /This is a test of the webhook\.\nhttp:\/\/localhost:\d+\/s\/test$/);
});

test("Webhooks.WhatTheReceiverSaysIsInTheLog", { skip }, async () => {
  const hook = await addWebhook(owner, { url: `${receiver.url}/log` });
  receiver.answers.push({ status: 500, body: "no <b>room</b>\u001b[2J" }, { status: 302, headers: { location: `${receiver.url}/elsewhere` } });
  const failed = (await owner.post(`/api/notify/webhooks/${hook.id}/test`)).json;
  assert.equal(failed.state, "failed");
  assert.equal(failed.status, 500);
  assert.equal(failed.error, "answered 500: no <b>room</b>\\x1b[2J");
  assert.equal((await owner.post(`/api/notify/webhooks/${hook.id}/test`)).json.status, 302);
  assert.equal(receiver.requests.some(({ path: at }) => at === "/elsewhere"), false);
  await owner.post(`/api/notify/webhooks/${hook.id}/test`);
  const { deliveries } = (await owner.get(`/api/notify/webhooks/${hook.id}/deliveries`)).json;
  assert.deepEqual(deliveries.map(({ state, status }) => [state, status]), [["delivered", 204], ["failed", 302], ["failed", 500]]);
});

test("Webhooks.BelongToTheirOwner", { skip }, async () => {
  const dan = await addUser("dan", "member");
  const vera = await addUser("vera", "viewer");
  const mine = await addWebhook();
  const everybody = await addWebhook(owner, { owner: "everybody", name: "all" });
  assert.deepEqual((await dan.get("/api/notify/webhooks")).json.webhooks, []);
  for (const { id } of [mine, everybody]) {
    for (const [method, rest] of [["PUT", ""], ["DELETE", ""], ["POST", "/test"], ["POST", "/secret"], ["GET", "/deliveries"]]) {
      const answer = await dan.send(method, `/api/notify/webhooks/${id}${rest}`, { json: { name: "x", url: "https://example.org/" } });
      assert.equal(answer.status, 404, `${method} ${rest}`);
    }
  }
  assert.equal((await dan.send("POST", "/api/notify/webhooks", { json: { name: "x", url: "https://example.org/", owner: "everybody" } })).status, 403);
  assert.equal((await dan.send("POST", "/api/notify/webhooks", { json: { name: "x", url: receiver.url, private_addresses: true } })).status, 403, "only an admin opens the network");
  assert.equal((await dan.send("POST", "/api/notify/webhooks", { json: { name: "x", url: receiver.url } })).status, 400);
  assert.equal((await vera.send("GET", "/api/notify/webhooks")).status, 403, "a viewer makes the server send nothing");
  const his = (await dan.post("/api/notify/webhooks", { name: "x", url: "https://example.org/" })).json;
  assert.equal((await owner.get("/api/notify/webhooks")).json.webhooks.some(({ id }) => id === his.id), false);
});

test("Webhooks.CanBeChangedAndRemoved", { skip }, async () => {
  const hook = await addWebhook();
  const changed = (await owner.must("PUT", `/api/notify/webhooks/${hook.id}`, {
    json: { name: "renamed", url: "https://example.org/x", format: "text", kinds: ["failure"], enabled: false, contents: false, in_quiet_hours: false },
  })).json;
  assert.deepEqual([changed.name, changed.format, changed.kinds, changed.enabled, changed.contents, changed.in_quiet_hours, changed.private_addresses],
    ["renamed", "text", ["failure"], false, false, false, false]);
  for (const [field, json] of [["name", { name: "", url: "https://example.org" }], ["url", { name: "x", url: "http://example.org" }], ["format", { name: "x", url: "https://example.org", format: "xml" }],
    ["kinds", { name: "x", url: "https://example.org", kinds: ["sleep"] }]]) {
    const answer = await owner.send("PUT", `/api/notify/webhooks/${hook.id}`, { json });
    assert.equal(answer.status, 400);
    assert.equal(answer.json.error.field, field);
  }
  await owner.must("DELETE", `/api/notify/webhooks/${hook.id}`);
  assert.equal((await owner.send("DELETE", `/api/notify/webhooks/${hook.id}`)).status, 404);
});

test("Webhooks.AnUntrustedCertificateIsRefused", { skip }, async () => {
  const { createServer } = await import("node:https");
  const { selfSigned } = await import("../harness/certificates.mjs");
  const { key: tlsKey, cert } = selfSigned(dashboard.folder, "localhost");
  let requests = 0;
  const server = createServer({ key: tlsKey, cert }, (_, response) => {
    requests += 1;
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const hook = await addWebhook(owner, { url: `https://localhost:${server.address().port}/` });
    const tested = (await owner.post(`/api/notify/webhooks/${hook.id}/test`)).json;
    assert.equal(tested.state, "failed");
    assert.match(tested.error, /certificate/i);
    assert.equal(requests, 0);
  } finally {
    server.close();
  }
});

test("Notify.EveryActIsAudited", { skip }, async () => {
  const device = await addDevice();
  await owner.must("DELETE", `/api/notify/devices/${device.id}`);
  const actions = (await owner.get("/api/audit?action=notify.&limit=200")).json.entries.map(({ action, actor }) => `${actor} ${action}`);
  for (const action of ["device_add", "device_remove", "webhook_add", "webhook_change", "webhook_remove", "webhook_secret", "webhook_test"]) {
    assert.ok(actions.includes(`owner notify.${action}`), action);
  }
  assert.ok(actions.includes(" notify.device_gone"));
  assert.ok(actions.includes("cy notify.preferences"));
});

test("Notify.AStrangerGetsNowhere", { skip }, async () => {
  const answer = await request(dashboard.url, { path: "/api/notify" });
  assert.equal(answer.status, 401);
});
