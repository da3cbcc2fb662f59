// From an agent's hook to a phone and back: what is pushed when something waits, who may answer from there, once; and what webhooks are told.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { Api, request } from "../harness/api.mjs";
import { PushService } from "../harness/push_service.mjs";
import { Dashboard, kPassword, skipWithoutProgram as skip } from "../harness/server.mjs";
import { openWebSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { webhookFault, WebhookReceiver } from "../harness/webhook_receiver.mjs";
import { program, query } from "./support.mjs";

const kReplays = 1000;

let service;
let receiver;
let dashboard;
let owner;
let person; // who is told, anew in each test: nobody has a dozen notifications in one minute, and the tests together have more
let key;
let defaults;
before(async () => {
  if (skip) return;
  service = await PushService.start();
  receiver = await WebhookReceiver.start();
  dashboard = await Dashboard.start({ settings: { NOTIFY_PRIVATE_ADDRESSES: "yes", CLAUDE_COMMAND: program("idle.mjs").join(" ") } });
  owner = await dashboard.login();
  const overview = (await owner.get("/api/notify")).json;
  key = overview.application_server_key;
  // Pushed at once, and to where the test looks only.
  defaults = { ...overview.preferences, delay_seconds: 0, webhook: [] };
}, { timeout: 180_000 });
after(async () => {
  await dashboard?.remove();
  await receiver?.stop();
  await service?.stop();
}, { timeout: 180_000 });
beforeEach(async () => {
  if (skip) return;
  person = await addPerson("member");
});

const prefer = (part, api = person) => api.must("PUT", "/api/notify/preferences", { json: { ...defaults, ...part } });

let people = 0;
async function addPerson(role) {
  const api = new Api(() => dashboard.url);
  api.name = `person-${++people}`;
  await owner.post("/api/users", { name: api.name, password: kPassword, role });
  await api.login(api.name, kPassword);
  await prefer({}, api);
  return api;
}

async function addDevice(api = person) {
  const { id, endpoint, keys } = await service.subscribe(key);
  const device = (await api.post("/api/notify/devices", { endpoint, keys, name: "Phone" })).json;
  return { id: device.id, browser: id, next: (matches) => service.next(id, matches), all: () => service.of(id) };
}

let made = 0;
/** A session of Claude Code, whose hooks come as its client sends them: by curl, with the files that the session was given. */
class Agent {
  static async start() {
    const agent = new Agent();
    agent.session = await owner.createSession({ name: `pushed-${++made}`, project: dashboard.project });
    agent.name = agent.session.name;
    await agent.hook("SessionStart", { source: "startup", model: "made-up" });
    await agent.hook("UserPromptSubmit", { prompt: "do it" });
    return agent;
  }
  hook(name, fields = {}) {
    const config = name === "PermissionRequest" ? "claude-permission.curl" : "claude-event.curl";
    const child = spawn("/usr/bin/curl", ["-q", "-K", path.join(dashboard.data, "sessions", this.session.id, config)], { stdio: ["pipe", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (piece) => (out += piece));
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify({ session_id: this.session.claude_session_id, transcript_path: "", cwd: dashboard.project, hook_event_name: name, ...fields }));
    return new Promise((resolve) => child.on("close", () => resolve(out)));
  }
  async ask(command, tool = "Bash", input = { command, description: "says nothing" }) {
    const held = this.hook("PermissionRequest", { tool_name: tool, tool_input: input });
    const item = await until("it waits", async () => (await owner.get("/api/attention")).json.items.find(({ session }) => session === this.session.id));
    return { item, decision: held.then((out) => JSON.parse(out).hookSpecificOutput.decision.behavior) };
  }
}

const act = (item, token, decision = "allow", options = {}) =>
  request(dashboard.url, { method: "POST", path: `/api/attention/${item}/action`, headers: { "content-type": "application/json", ...options.headers }, body: JSON.stringify({ token, decision }), ...options.more });
const audit = (action) => query(dashboard.settings.DATABASE_PATH, `SELECT actor || ' ' || target || ' ' || detail FROM audit_logs WHERE action = '${action}' ORDER BY id`);

test("PushedRequests.AreShownExactlyAndAnsweredFromTheLockScreen", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const agent = await Agent.start();
  const { item, decision } = await agent.ask("rm -rf build && echo 'done'");
  const { json, headers } = await phone.next(({ type }) => type === "show");
  assert.deepEqual([json.title, json.body, json.address], [`${agent.name} asks: Bash`, "rm -rf build && echo 'done'", `/s/${agent.name}`]);
  assert.deepEqual([json.item, json.actions, json.urgent, json.waiting], [item.id, ["allow", "deny"], true, 1]);
  assert.deepEqual([headers.urgency, headers.topic], ["high", item.id]);
  assert.ok(Number(headers.ttl) >= 60);
  // The token is nowhere but in the message.
  const database = readFileSync(dashboard.settings.DATABASE_PATH, "latin1") + readFileSync(`${dashboard.settings.DATABASE_PATH}-wal`, "latin1");
  assert.equal(database.includes(json.token), false);
  assert.equal(dashboard.log().includes(json.token), false);
  const hash = createHash("sha256").update(json.token).digest("hex").toUpperCase();
  assert.deepEqual(query(dashboard.settings.DATABASE_PATH, `SELECT item_id FROM push_actions WHERE hex(token_hash) = '${hash}'`), [item.id]);

  const answered = await act(item.id, json.token);
  assert.deepEqual([answered.status, answered.json], [200, { closed: "allowed" }]);
  assert.equal(await decision, "allow");
  assert.equal((await act(item.id, json.token)).status, 410);
  assert.equal((await act(item.id, json.token, "deny")).status, 410);
  assert.match(audit("attention.push_action").at(-1), new RegExp(`^${person.name} ${item.id} .*"decision":"allow","via":"push".*"device_name":"Phone"`));
  assert.match(query(dashboard.settings.DATABASE_PATH, "SELECT actor || ' ' || detail FROM audit_logs WHERE action = 'attention.answer' ORDER BY id DESC LIMIT 1")[0], new RegExp(`^${person.name} .*${item.id}`));
});

test("PushedRequests.OneOfAThousandReplaysCounts", { skip, timeout: 120_000 }, async () => {
  const phone = await addDevice();
  const agent = await Agent.start();
  const { item, decision } = await agent.ask("make once");
  const { json } = await phone.next(({ type }) => type === "show");
  const answers = await Promise.all(Array.from({ length: kReplays }, (_, i) => act(item.id, json.token, i % 2 ? "allow" : "deny")));
  const counts = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  console.log(`PushedRequests: ${kReplays} concurrent uses of one token: ${JSON.stringify(counts)}`);
  assert.equal(counts[200], 1);
  assert.equal((counts[410] ?? 0) + (counts[409] ?? 0), kReplays - 1);
  const won = answers.find(({ status }) => status === 200).json.closed;
  assert.equal(await decision, won === "allowed" ? "allow" : "deny");
  assert.equal(audit("attention.push_action").filter((row) => row.includes(item.id)).length, 1);
});

test("PushedRequests.ATokenIsGoodForNothingElse", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const first = await Agent.start();
  const second = await Agent.start();
  const one = await first.ask("touch one");
  const two = await second.ask("touch two");
  const { json } = await phone.next((message) => message.item === one.item.id);
  const theirs = (await phone.next((message) => message.item === two.item.id)).json;
  for (const [what, item, token] of [["another request", two.item.id, json.token], ["a made-up token", one.item.id, "A".repeat(43)], ["none", one.item.id, ""], ["an unknown item", "0".repeat(20), json.token]]) {
    assert.equal((await act(item, token)).status, 401, what);
  }
  for (const decision of ["allow_always", "answer", "seen", ""]) assert.equal((await act(one.item.id, json.token, decision)).status, 400, decision);
  assert.equal((await act(one.item.id, json.token, "allow", { headers: { origin: "https://evil.example" } })).status, 403, "no foreign page");
  // Closed on the page meanwhile.
  await owner.post(`/api/attention/${one.item.id}`, { decision: "deny" });
  assert.equal(await one.decision, "deny");
  const late = await act(one.item.id, json.token);
  assert.equal(late.status, 409);
  assert.match(late.json.error.message, /no longer open/);
  // The page's answer to one left the other alone.
  assert.equal((await act(two.item.id, theirs.token, "deny")).status, 200);
  assert.equal(await two.decision, "deny");
});

test("PushedRequests.ALostPhoneAnswersNothing", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  const lost = await addDevice();
  const other = await dashboard.login({ name: person.name });
  const loggedOut = await addDevice(other);
  const { item } = await agent.ask("cat secrets");
  const tokens = [(await lost.next(({ type }) => type === "show")).json.token, (await loggedOut.next(({ type }) => type === "show")).json.token];
  assert.notEqual(tokens[0], tokens[1], "each device has its own");
  await person.must("DELETE", `/api/notify/devices/${lost.id}`);
  await other.post("/api/auth/logout", {});
  for (const token of tokens) assert.equal((await act(item.id, token)).status, 401);
  await owner.post(`/api/attention/${item.id}`, { decision: "deny" });
});

test("PushedRequests.WhoOnlyWatchesIsOnlyTold", { skip, timeout: 180_000 }, async () => {
  const vera = await addPerson("viewer");
  const hers = await addDevice(vera);
  const agent = await Agent.start();
  const { item } = await agent.ask("make all");
  const { json } = await hers.next(({ type }) => type === "show");
  assert.deepEqual([json.body, json.token, json.actions], ["make all", undefined, undefined]);
  await owner.post(`/api/attention/${item.id}`, { decision: "allow" });
  assert.equal((await hers.next(({ type }) => type === "settled")).json.body, "Allowed by owner");
});

test("PushedRequests.WhatIsSettledElsewhereIsSettledOnEveryDevice", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const desk = await addDevice();
  const agent = await Agent.start();
  const { item } = await agent.ask("make all");
  const { json } = await phone.next(({ type }) => type === "show");
  await desk.next(({ type }) => type === "show");
  await act(item.id, json.token, "deny");
  const settled = await desk.next(({ type }) => type === "settled");
  assert.deepEqual([settled.json.body, settled.json.tag, settled.json.token, settled.headers.topic], [`Denied by ${person.name}`, item.id, undefined, item.id]);
  assert.deepEqual(phone.all().map(({ json: { type } }) => type), ["show"], "who pressed it needs no telling");
});

test("PushedRequests.WhatIsNotShownWholeCannotBeAllowed", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const agent = await Agent.start();
  const padded = `ls${" ".repeat(300)}; rm -rf ~`;
  const shown = await agent.ask(padded);
  const { json } = await phone.next((message) => message.item === shown.item.id);
  assert.equal(json.body, "ls␣×300 ; rm -rf ~", "blanks hide nothing");
  assert.deepEqual(json.actions, ["allow", "deny"]);
  await owner.post(`/api/attention/${shown.item.id}`, { decision: "deny" });
  const long = await agent.ask(`echo ${"x".repeat(2000)}; rm -rf ~`);
  const cut = (await phone.next((message) => message.item === long.item.id)).json;
  assert.match(cut.body, / \[…\d+ more characters\]$/);
  assert.deepEqual(cut.actions, ["deny"]);
  const tried = await act(long.item.id, cut.token, "allow");
  assert.equal(tried.status, 403, "also when the device asks for it all the same");
  assert.match(tried.json.error.message, /did not show all/);
  assert.deepEqual((await act(long.item.id, cut.token, "deny")).json, { closed: "denied" });
  assert.equal(await long.decision, "deny");
  await prefer({ lock_screen: "always" });
  const again = await agent.ask(`echo ${"y".repeat(2000)}`);
  assert.deepEqual((await phone.next((message) => message.item === again.item.id)).json.actions, ["allow", "deny"]);
  await owner.post(`/api/attention/${again.item.id}`, { decision: "deny" });
  await prefer({ contents: false });
  const hidden = await agent.ask("cat /etc/shadow");
  const bare = await phone.next(({ title }) => title === "An agent asks for permission");
  assert.equal(bare.text.includes("shadow") || bare.text.includes(agent.name), false);
  assert.equal(bare.json.token, undefined);
  await owner.post(`/api/attention/${hidden.item.id}`, { decision: "deny" });
});

test("Pushes.TenThatAreDoneAtOnceAreOneNotification", { skip, timeout: 120_000 }, async () => {
  const phone = await addDevice();
  const agents = await Promise.all(Array.from({ length: 10 }, () => Agent.start()));
  await Promise.all(agents.map((agent) => agent.hook("Stop", { last_assistant_message: "Done." })));
  const { json, headers } = await phone.next(({ tag }) => tag === "notices");
  assert.equal(json.title, "Agents: 10 done");
  assert.deepEqual([headers.topic, headers.urgency], ["notices", "normal"]);
  assert.equal(phone.all().length, 1);
});

test("Pushes.WhatIsSettledWithinTheDelayIsNotTold", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const agent = await Agent.start();
  await prefer({ delay_seconds: 1 });
  const quick = await agent.ask("touch quick");
  await owner.post(`/api/attention/${quick.item.id}`, { decision: "allow" });
  const slow = await agent.ask("touch slow");
  await phone.next((message) => message.item === slow.item.id);
  assert.deepEqual(phone.all().map(({ json: { item } }) => item), [slow.item.id]);
  await owner.post(`/api/attention/${slow.item.id}`, { decision: "allow" });
});

test("Pushes.NothingRingsWhileSomebodyUsesAPage", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const agent = await Agent.start();
  const page = await openWebSocket(person);
  page.send(JSON.stringify({ type: "presence", visible: true, idle_ms: 0 }));
  page.send(JSON.stringify({ type: "presence", visible: "yes" }));
  await until("a wrong message is answered", () => page.seen.some(({ text }) => text?.type === "error" && text.code === "bad_message"));
  const { item } = await agent.ask("touch seen");
  // Another user's device is told at once: by then this one would have been.
  const his = await addDevice(await addPerson("member"));
  const second = await Agent.start();
  const { item: later } = await second.ask("touch later");
  await his.next((message) => message.item === later.id);
  assert.deepEqual(phone.all(), []);
  page.terminate();
  await phone.next((message) => message.item === item.id);
  for (const { id } of [item, later]) await owner.post(`/api/attention/${id}`, { decision: "deny" });
});

test("Pushes.QuietHoursHoldWhatWaits", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const agent = await Agent.start();
  const clock = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);
  await prefer({ quiet: { on: true, from: clock(-5), to: clock(120), zone: "UTC" } });
  const { item } = await agent.ask("touch night");
  const done = await Agent.start();
  await done.hook("Stop", { last_assistant_message: "At night." });
  await until("the dashboard has looked at both", async () => (await owner.get("/api/attention")).json.items.length >= 2);
  await prefer({});
  await phone.next((message) => message.item === item.id);
  await owner.post(`/api/attention/${item.id}`, { decision: "deny" });
});

test("Pushes.AreTriedAgainAndNewerOnesWin", { skip, timeout: 180_000 }, async () => {
  const phone = await addDevice();
  const agent = await Agent.start();
  service.answer(phone.browser, { status: 503 }, { status: 429, headers: { "retry-after": "1" } });
  const { item } = await agent.ask("make again");
  await phone.next((message) => message.item === item.id);
  const tries = service.messages.filter(({ id }) => id === phone.browser);
  assert.deepEqual(tries.map(({ status }) => status), [503, 429, 201]);
  assert.ok(tries[2].at - tries[1].at >= 1000, "Retry-After is kept");
  assert.ok(tries.every(({ body }, i) => i === 0 || !body.equals(tries[i - 1].body)), "each attempt is encrypted anew");
  await owner.post(`/api/attention/${item.id}`, { decision: "deny" });
  await phone.next(({ type }) => type === "settled");
  // Settled while the service takes nothing: the request itself is never sent any more.
  service.answer(phone.browser, { status: 503, headers: { "retry-after": "3" } });
  const second = await agent.ask("make no more");
  await until("the first attempt is refused", () => service.messages.filter(({ id }) => id === phone.browser).length === 5);
  await owner.post(`/api/attention/${second.item.id}`, { decision: "deny" });
  const third = await agent.ask("make this one");
  await phone.next((message) => message.item === third.item.id);
  assert.equal(phone.all().some(({ json: message }) => message.item === second.item.id || message.tag === second.item.id), false);
  await owner.post(`/api/attention/${third.item.id}`, { decision: "deny" });
});

test("Webhooks.AreToldOfOpeningsAndEnds", { skip, timeout: 180_000 }, async () => {
  const add = (more) => owner.post("/api/notify/webhooks", { name: "hook", url: `${receiver.url}/all`, private_addresses: true, owner: "everybody", ...more });
  const all = (await add({})).json;
  const some = (await add({ url: `${receiver.url}/failures`, kinds: ["failure"] })).json;
  const text = (await add({ url: `${receiver.url}/text`, format: "text" })).json;
  const agent = await Agent.start();
  const { item } = await agent.ask("make <all> & more");
  const opened = await receiver.next((json, { path: at }) => at === "/all" && json.data?.id === item.id);
  assert.equal(webhookFault(opened.headers, opened.body, all.secret), undefined);
  assert.deepEqual([opened.json.type, opened.json.data.kind, opened.json.data.tool, opened.json.data.text, opened.json.data.session_name], ["attention.opened", "permission", "Bash", "make <all> & more", agent.name]);
  await owner.post(`/api/attention/${item.id}`, { decision: "deny" });
  const closed = await receiver.next((json, { path: at }) => at === "/all" && json.type === "attention.closed" && json.data.id === item.id);
  assert.deepEqual([closed.json.data.how, closed.json.data.by], ["denied", "owner"]);
  assert.notEqual(closed.headers["webhook-id"], opened.headers["webhook-id"]);
  const told = await receiver.next((_, { path: at }) => at === "/text");
  assert.equal(told.json.text.split("\n").slice(0, 2).join("\n"), `${agent.name} asks: Bash\nmake &lt;all&gt; &amp; more`);
  assert.equal(receiver.requests.filter(({ path: at }) => at === "/text").length, 1, "people are told once");
  assert.equal(receiver.requests.some(({ path: at }) => at === "/failures"), false);
  for (const { id } of [all, some, text]) await owner.must("DELETE", `/api/notify/webhooks/${id}`);
});

test("Webhooks.AreTriedAgainAndSurviveAKill", { skip, timeout: 120_000 }, async () => {
  const hook = (await owner.post("/api/notify/webhooks", { name: "slow", url: `${receiver.url}/slow`, private_addresses: true, owner: "everybody", kinds: ["done"] })).json;
  const agent = await Agent.start();
  receiver.answers.push({ status: 503 });
  await agent.hook("Stop", { last_assistant_message: "Tell them." });
  const refused = await receiver.next((_, { path: at }) => at === "/slow");
  const log = async () => (await owner.get(`/api/notify/webhooks/${hook.id}/deliveries`)).json.deliveries;
  await until("it is written down", async () => (await log())[0]?.attempts === 1);
  await dashboard.crashAndRestart();
  const taken = await receiver.next((_, { path: at, status }) => at === "/slow" && status === 204);
  assert.equal(taken.headers["webhook-id"], refused.headers["webhook-id"], "a receiver knows it again");
  assert.deepEqual(taken.body, refused.body);
  assert.ok(taken.at - refused.at >= 4_000, "not at once");
  assert.equal(webhookFault(taken.headers, taken.body, hook.secret), undefined);
  const [delivery] = await until("it is delivered", async () => ((await log())[0].state === "delivered" ? log() : undefined));
  assert.deepEqual([delivery.attempts, delivery.status], [2, 204]);
});
