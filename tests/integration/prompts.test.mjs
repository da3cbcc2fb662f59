// Prompts that the dashboard sends, with the real client: each arrives once and whole, or it is said that it did not.
//
// PROMPTS=1000 sends so many in the first test (the figure; about 7 minutes); without it a few of each kind.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { giveClients, skipWithoutClient } from "../claude/client.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { query } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutClient;
const kPrompts = Number(process.env.PROMPTS ?? 16);
const kSlowMs = 60_000;

let dashboard;
let owner;
let standIn;
let home;
let scheduled;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  ({ home, standIn } = await giveClients(dashboard, [{ prompt: "work for a while", replies: [{ text: "Working.".repeat(40), thinkMs: 150 }] }]));
  await dashboard.up();
  owner = await dashboard.login();
}, { timeout: 60_000 });
after(async () => {
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 60_000 });

let made = 0;
async function startAgent() {
  const session = await owner.createSession({ name: `prompted-${++made}`, project: dashboard.project });
  await until("the agent is idle", async () => (await owner.get(`/api/sessions/${session.id}`)).json.agent?.state === "idle", { timeoutMs: kSlowMs });
  return session;
}

/** What the client's own file says that it was asked. */
function asked(session) {
  const folder = path.join(home, ".claude/projects");
  const file = existsSync(folder) && readdirSync(folder, { recursive: true }).find((name) => name.endsWith(`${session.claude_session_id}.jsonl`));
  if (!file) return [];
  return readFileSync(path.join(folder, file), "utf8").trim().split("\n").map((line) => JSON.parse(line))
    .filter(({ type, isMeta, message }) => type === "user" && !isMeta && typeof message.content === "string")
    .map(({ message }) => message.content);
}
/** It writes the file some time after it has told of a prompt. */
async function wasAsked(session, expected) {
  await until(`it was asked ${JSON.stringify(expected)}`, () => assert.deepEqual(asked(session), expected) ?? true);
}

const send = (session, text, when = "now") =>
  owner.send("POST", `/api/sessions/${session.id}/prompt`, { json: { text, when }, timeoutMs: kSlowMs });
const prompts = async (session) => (await owner.get(`/api/sessions/${session.id}/prompts`)).json;
const idle = (session) => until("the agent is idle", async () => (await owner.get(`/api/sessions/${session.id}`)).json.agent.state === "idle", { timeoutMs: kSlowMs });

const kPieces = ["plain words ", "\"double\" 'single' `back` ", "$HOME $(id) ; rm -rf x & | ", "línea ñ 漢字 ", "😀👩‍👩‍👧 ", "\n", "\n\n", "    indented\n", "- a list\n", "\\ backslash \\n ",
  "<tag attr='x'> ", "100% #{x} %s ", "@nowhere/file.txt "];

/** Texts of 1 to 20,000 characters, the same at every run. */
function textOf(n) {
  let seed = n * 2654435761 % 4294967296;
  const random = (below) => (seed = (seed * 1664525 + 1013904223) % 4294967296) % below;
  const length = [1, 20, 99, 101, 400, 1500, 6000, 20_000][n % 8];
  let text = `p${n} `.slice(0, length);
  while (text.length < length) text += kPieces[random(kPieces.length)];
  text = [...text.slice(0, length)].filter((c) => !/[\ud800-\udfff]/.test(c) || c.length === 2).join("");
  if (n === 1) return "it ends in a backslash \\";
  return n % 8 === 0 ? String.fromCharCode(97 + (n / 8) % 26) : text;
}

test("Prompts.EachArrivesOnceAndWhole", { skip, timeout: 120_000 + kPrompts * 4000 }, async () => {
  const session = await startAgent();
  scheduled = await owner.send("POST", "/api/schedules", { json: { name: "every minute", cron: "* * * * *", session: (await startAgent()).id, text: "the minute is over" } });
  assert.equal(scheduled.status, 201, scheduled.text);
  const sent = [];
  for (let n = 1; n <= kPrompts; n++) {
    const text = textOf(n);
    const answer = await send(session, text);
    assert.equal(answer.status, 200, `${n} (${text.length}): ${answer.text.slice(0, 300)}`);
    assert.equal(answer.json.state, "sent", `${n} (${text.length}): ${answer.json.detail}`);
    assert.match(answer.json.detail, /^(the agent confirmed it|it is in the agent's conversation)$/);
    sent.push(text);
    await idle(session);
    // A login's token lives for minutes, a long run for more.
    if (n % 100 === 0) owner = await dashboard.login();
  }
  // The client takes out joiners that join nothing.
  const squeeze = (text) => text.replace(/[\s\u200d]+/g, "");
  await until("the last one is in its file", () => asked(session).length >= sent.length);
  assert.deepEqual(asked(session).map(squeeze), sent.map(squeeze), "each once, in order, whole");
  const exact = asked(session).filter((text, i) => text === sent[i].trimEnd()).length;
  console.log(`  ${sent.length} of ${sent.length} confirmed, once each; ${exact} byte for byte, the others but for blanks that the client changes`);
  const rows = query(path.join(dashboard.data, "dashboard.db"), `SELECT count(*) FROM audit_logs WHERE action = 'prompt.sent' AND target = '${session.id}'`);
  assert.equal(Number(rows[0]), kPrompts);
  assert.equal(query(path.join(dashboard.data, "dashboard.db"), "SELECT detail FROM audit_logs WHERE action LIKE 'prompt.%'").join().includes("plain words"), false,
    "the trail has no text");
});

test("Prompts.WhatWaitsIsSentWhenTheAgentIsIdle", { skip, timeout: 120_000 }, async () => {
  const session = await startAgent();
  assert.equal((await send(session, "work for a while")).json.state, "sent");
  const busy = await send(session, "too early");
  assert.equal(busy.status, 409, busy.text);
  assert.match(busy.json.error.message, /not sent: the agent is working/);
  const first = await send(session, "first of the queue", "idle");
  assert.equal(first.status, 202);
  await send(session, "second of the queue", "idle");
  const third = await send(session, "third of the queue", "idle");
  assert.equal((await owner.send("DELETE", `/api/prompts/${third.json.id}`)).json.state, "cancelled");
  assert.equal((await owner.send("DELETE", `/api/prompts/${third.json.id}`)).status, 409);
  assert.equal((await owner.send("DELETE", "/api/prompts/unknown")).status, 404);
  await until("both are sent", async () => (await prompts(session)).prompts.filter(({ state }) => state === "sent").length === 3, { timeoutMs: kSlowMs });
  await wasAsked(session, ["work for a while", "first of the queue", "second of the queue"]);
});

test("Prompts.UnfinishedTextIsNotTouched", { skip, timeout: 120_000 }, async () => {
  const session = await startAgent();
  const socket = await TerminalSocket.connect(owner);
  const channel = await socket.open({ session: session.id });
  await channel.type("a half sent");
  await until("it stands there", async () => /❯\s+a half sent/.test((await owner.get(`/api/sessions/${session.id}/screen`)).text), { timeoutMs: kSlowMs });
  const refused = await send(session, "over it");
  assert.equal(refused.status, 409, refused.text);
  assert.match(refused.json.error.message, /unfinished text/);
  const waits = await send(session, "after it", "idle");
  await until("why it waits is said", async () => (await prompts(session)).prompts.find(({ id }) => id === waits.json.id)?.detail.includes("unfinished"), { timeoutMs: kSlowMs });
  await channel.type("ence\r");
  await until("it goes on", async () => (await prompts(session)).prompts.find(({ id }) => id === waits.json.id).state === "sent", { timeoutMs: kSlowMs });
  await wasAsked(session, ["a half sentence", "after it"]);
  await socket.close();
});

test("Prompts.ToManyAtOnceAndTheSwitchStopsThem", { skip, timeout: 120_000 }, async () => {
  const [one, two] = [await startAgent(), await startAgent()];
  const shell = await owner.createSession({ name: "no-agent", project: dashboard.project, command: ["cat"] });
  assert.equal((await owner.send("PUT", "/api/sending", { json: { stopped: true } })).json.stopped, true);
  const wrong = await owner.send("POST", "/api/prompts", { json: { sessions: [one.id, shell.id], text: "all of you" } });
  assert.equal(wrong.status, 409, "all or none");
  const many = await owner.send("POST", "/api/prompts", { json: { sessions: [one.id, two.id, one.id], text: "all of you" } });
  assert.equal(many.status, 202, many.text);
  assert.equal(many.json.prompts.length, 2);
  assert.equal((await send(two, "by hand")).json.state, "sent", "a person's own is not stopped");
  await idle(two);
  assert.deepEqual((await prompts(one)).prompts.map(({ state }) => state), ["queued"]);
  await owner.send("PUT", "/api/sending", { json: { stopped: false } });
  for (const session of [one, two])
    await until("it is sent", async () => (await prompts(session)).prompts.find(({ source }) => source === "broadcast").state === "sent", { timeoutMs: kSlowMs });
  await wasAsked(one, ["all of you"]);
  await wasAsked(two, ["by hand", "all of you"]);
});

test("Prompts.TheSwitchStopsOneThatWaitsForTheInputLine", { skip, timeout: 120_000 }, async () => {
  const session = await startAgent();
  const screen = async () => (await owner.get(`/api/sessions/${session.id}/screen`)).text;
  await until("it shows its input line", async () => /❯/.test(await screen()), { timeoutMs: kSlowMs });
  const socket = await TerminalSocket.connect(owner);
  const channel = await socket.open({ session: session.id });
  // The client's own look at the whole conversation has no input line.
  await channel.type("\x0f");
  await until("something else stands there", async () => /ctrl\+o/i.test(await screen()) && !/❯\s*$/m.test(await screen()), { timeoutMs: kSlowMs });
  const waits = await send(session, "in its turn", "idle");
  const row = async () => (await prompts(session)).prompts.find(({ id }) => id === waits.json.id);
  await until("the dashboard waits for the input line", async () => (await row()).state === "sending", { timeoutMs: kSlowMs });
  await owner.send("PUT", "/api/sending", { json: { stopped: true } });
  const stopped = await until("it waits in the queue again", async () => (await row()).state === "queued" && row(), { timeoutMs: kSlowMs });
  assert.equal(stopped.detail, "sending was stopped");
  await channel.type("\x0f");
  await until("the input line is back", async () => /❯/.test(await screen()), { timeoutMs: kSlowMs });
  assert.deepEqual(asked(session), [], "nothing was typed");
  await owner.send("PUT", "/api/sending", { json: { stopped: false } });
  await until("it goes on", async () => (await row()).state === "sent", { timeoutMs: kSlowMs });
  await wasAsked(session, ["in its turn"]);
  await socket.close();
});

test("Prompts.ListsHaveBeginningsAndIdsTheWhole", { skip, timeout: 60_000 }, async () => {
  const session = await startAgent();
  const text = `${"long words 漢字 ".repeat(5000)}end`;
  const bytes = Buffer.byteLength(text);
  await owner.send("PUT", "/api/sending", { json: { stopped: true } });
  const queued = await send(session, text, "idle");
  const schedule = await owner.send("POST", "/api/schedules", { json: { name: "long", cron: "0 0 1 1 *", session: session.id, text } });
  assert.equal(schedule.status, 201, schedule.text);
  const listed = [
    (await owner.get(`/api/prompts/history?project=${encodeURIComponent(dashboard.project)}&limit=200`)).json.texts.find(({ bytes: whole }) => whole === bytes),
    (await owner.get("/api/schedules")).json.schedules.find(({ id }) => id === schedule.json.id),
    (await prompts(session)).prompts[0],
  ];
  for (const one of listed) {
    assert.deepEqual([one.bytes, one.cut, text.startsWith(one.text)], [bytes, true, true]);
    assert.ok(Buffer.byteLength(one.text) <= 4096 && Buffer.byteLength(one.text) > 4000);
  }
  const past = (await owner.get(`/api/prompts/${listed[0].id}`)).json;
  assert.deepEqual([past.id, past.text, past.cut], [queued.json.id, text, false]);
  // Turning it off with what a list has does not cost its text.
  const { id, name, cron } = listed[1];
  assert.equal((await owner.send("PUT", `/api/schedules/${id}`, { json: { name, cron, session: session.id, enabled: false } })).status, 200);
  const whole = (await owner.get(`/api/schedules/${id}`)).json;
  assert.deepEqual([whole.text, whole.cut, whole.enabled], [text, false, false]);
  for (const nowhere of ["/api/prompts/unknown", "/api/schedules/unknown"]) assert.equal((await owner.send("GET", nowhere)).status, 404);
  await owner.send("DELETE", `/api/schedules/${id}`);
  await owner.send("DELETE", `/api/prompts/${queued.json.id}`);
  await owner.send("PUT", "/api/sending", { json: { stopped: false } });
});

test("Prompts.WhatWaitsSurvivesARestartAndIsSentOnce", { skip, timeout: 120_000 }, async () => {
  const session = await startAgent();
  await owner.send("PUT", "/api/sending", { json: { stopped: true } });
  await send(session, "before the restart", "idle");
  await dashboard.kill();
  await dashboard.up();
  owner = await dashboard.login();
  assert.deepEqual((await prompts(session)).prompts.map(({ state }) => state), ["queued"]);
  assert.equal((await owner.get("/api/sending")).json.stopped, true);
  await owner.send("PUT", "/api/sending", { json: { stopped: false } });
  await until("it is sent", async () => (await prompts(session)).prompts[0].state === "sent", { timeoutMs: kSlowMs });
  await wasAsked(session, ["before the restart"]);
});

test("Prompts.TextsThatCannotBeSentAreRefusedByName", { skip, timeout: 60_000 }, async () => {
  const session = await startAgent();
  for (const text of ["", "  \n", "a\u001b[201~b", "\u0003", "x".repeat(100_001)]) {
    const refused = await send(session, text);
    assert.equal(refused.status, 400, JSON.stringify(text.slice(0, 20)));
    assert.equal(refused.json.error.field, "text");
  }
  assert.equal((await send({ id: "unknown" }, "x")).status, 404);
  assert.deepEqual(asked(session), []);
  const wrong = await owner.send("POST", "/api/schedules", { json: { name: "n", cron: "61 * * * *", session: session.id, text: "t" } });
  assert.equal(wrong.status, 400);
  assert.match(wrong.json.error.message, /the minute '61'/);
});

test("Prompts.AScheduleSendsAndUsageIsCounted", { skip, timeout: 150_000 }, async () => {
  const { id, session } = scheduled.json;
  const row = async () => (await owner.get("/api/schedules")).json.schedules.find((schedule) => schedule.id === id);
  await until("the schedule has sent", async () => (await prompts({ id: session })).prompts.some(({ source, state }) => source === "schedule" && state === "sent"),
    { timeoutMs: 90_000 });
  assert.ok((await row()).last_at > 0);
  assert.ok((await row()).next_at > (await row()).last_at);
  assert.equal((await owner.send("DELETE", `/api/schedules/${id}`)).status, 204);
  // Usage: tokens of all conversations so far, as the stand-in counts them.
  const sent = Number(query(path.join(dashboard.data, "dashboard.db"), "SELECT count(*) FROM prompts WHERE state = 'sent'")[0]);
  const usage = await until("usage is written", async () => {
    const { json } = await owner.get("/api/usage?by=session");
    return json.total.messages >= sent && json;
  }, { timeoutMs: kSlowMs });
  assert.equal(usage.total.input, usage.total.messages * 1200);
  assert.equal(usage.total.cache_read, usage.total.messages * 10_000);
  assert.ok(usage.total.working_seconds > 0);
  const csv = await owner.get("/api/usage.csv?by=project");
  assert.match(csv.headers["content-type"], /^text\/csv/);
  assert.ok(csv.text.includes(dashboard.project));
});

test("Prompts.ABudgetThatIsUsedUpPausesSending", { skip, timeout: 120_000 }, async () => {
  const session = await startAgent();
  const made = await owner.send("POST", "/api/budgets", { json: { scope: "session", target: session.id, period: "ever", unit: "tokens", bound: 5000, action: "pause" } });
  assert.equal(made.status, 201, made.text);
  assert.equal((await send(session, "within the budget")).json.state, "sent");
  const budget = async () => (await owner.get("/api/budgets")).json.budgets[0];
  await until("it is used up", async () => (await budget()).state === "over", { timeoutMs: kSlowMs });
  await idle(session);
  const refused = await send(session, "beyond it");
  assert.equal(refused.status, 409);
  assert.match(refused.json.error.message, /the whole budget of 5000 tokens for the session is used up/);
  await send(session, "waits for it", "idle");
  assert.equal((await owner.send("DELETE", `/api/budgets/${made.json.id}`)).status, 204);
  await until("it goes on", async () => (await prompts(session)).prompts[0].state === "sent", { timeoutMs: kSlowMs });
  assert.equal((await owner.send("DELETE", `/api/budgets/${made.json.id}`)).status, 404);
  for (const [field, json] of [["bound", { period: "day", bound: -1 }], ["bound", { period: "day" }], ["period", { bound: 1 }]]) {
    const wrong = await owner.send("POST", "/api/budgets", { json });
    assert.deepEqual([wrong.status, wrong.json.error.field], [400, field]);
  }
});
