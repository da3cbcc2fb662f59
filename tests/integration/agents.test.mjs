// What agents tell and what waits for people: hooks by the very files that a session gets, states, the inbox, its answers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";

import { request } from "../harness/api.mjs";
import { Dashboard, kPassword, skipWithoutProgram } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { program, query } from "./support.mjs";

const skip = skipWithoutProgram;
const kCurl = "/usr/bin/curl";

let dashboard;
let owner;
let made = 0;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard({ settings: { CLAUDE_COMMAND: program("idle.mjs").join(" ") } });
  await dashboard.up();
  owner = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const folderOf = (id) => path.join(dashboard.data, "sessions", id);

/** A session that the dashboard starts as Claude Code, and what its client would do with the files it was given. */
class Agent {
  static async start(more = {}) {
    const agent = new Agent();
    agent.session = await owner.createSession({ name: `agent-${++made}`, project: dashboard.project, ...more });
    agent.id = agent.session.id;
    agent.conversation = agent.session.claude_session_id;
    return agent;
  }
  /** One hook, as the client runs it: curl with the session's configuration, the event on its standard input. */
  hook(name, fields = {}) {
    const body = { session_id: this.conversation, transcript_path: "", cwd: dashboard.project, hook_event_name: name, ...fields };
    return this.post(JSON.stringify(body), name === "PermissionRequest" ? "claude-permission.curl" : "claude-event.curl");
  }
  post(body, config = "claude-event.curl") {
    const child = spawn(kCurl, ["-q", "-K", path.join(folderOf(this.id), config)], { stdio: ["pipe", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (piece) => (out += piece));
    child.stdin.on("error", () => {});
    child.stdin.end(body);
    const ended = new Promise((resolve) => child.on("close", (code) => resolve({ code, out })));
    return Object.assign(ended, { hangUp: () => child.kill("SIGKILL") });
  }
  async state() {
    return (await owner.get(`/api/sessions/${this.id}`)).json.agent;
  }
  async items() {
    return (await owner.get("/api/attention")).json.items.filter(({ session }) => session === this.id);
  }
  item() {
    return until("something waits", async () => (await this.items())[0]);
  }
  async turn(prompt = "do it") {
    await this.hook("SessionStart", { source: "startup", model: "made-up" });
    await this.hook("UserPromptSubmit", { prompt });
  }
  async ask(command, fields = {}) {
    const tool = { tool_name: "Bash", tool_input: { command } };
    await this.hook("PreToolUse", { ...tool, tool_use_id: "t1" });
    const held = this.hook("PermissionRequest", { ...tool, ...fields });
    return { held, item: await this.item() };
  }
}

/** What a Unix socket answers to GET. */
const statusAt = (socketPath, where, headers) =>
  new Promise((resolve, reject) => http.get({ socketPath, path: where, headers }, (answer) => resolve(answer.resume().statusCode)).on("error", reject));

const answer = (id, json, api = owner) => api.send("POST", `/api/attention/${id}`, { json });

test("Agents.ASessionGetsItsOwnFilesAndConversation", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  assert.match(agent.conversation, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(agent.session.agent.hooks, "live");
  assert.equal(agent.session.agent.conversation, agent.conversation);
  for (const name of ["claude-settings.json", "claude-event.curl", "claude-permission.curl"]) {
    assert.equal(statSync(path.join(folderOf(agent.id), name)).mode & 0o777, 0o600, name);
  }
  const token = readFileSync(path.join(folderOf(agent.id), "claude-event.curl"), "utf8").match(/Bearer ([\w-]+)/)[1];
  const stored = query(path.join(dashboard.data, "dashboard.db"), `SELECT token_hash FROM agents WHERE session = '${agent.id}'`)[0];
  assert.match(stored, /^[0-9a-f]{64}$/);
  assert.equal(readFileSync(path.join(dashboard.data, "dashboard.db"), "latin1").includes(token), false, "the token itself is in no table");
  assert.equal(readFileSync(path.join(folderOf(agent.id), "claude-settings.json"), "utf8").includes(token), false);
});

test("Agents.HooksMakeStatesAndARequestIsAllowedOnThePage", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  const socket = await TerminalSocket.connect(owner);
  assert.equal((await agent.state()).state, "starting");
  await agent.turn();
  assert.equal((await agent.state()).state, "working");
  const { held, item } = await agent.ask("rm -rf build", { permission_suggestions: [{ type: "addRules" }] });
  assert.deepEqual([item.kind, item.tool, item.summary, item.answerable, item.input.command], ["permission", "Bash", "rm -rf build", "page", "rm -rf build"]);
  const asked = await agent.state();
  assert.deepEqual([asked.state, asked.tool, asked.waiting, asked.evidence.source], ["waiting_permission", "Bash", 1, "hook"]);
  await until("the socket tells", () => socket.messages.some((m) => m.type === "attention" && m.item.id === item.id));
  const done = await answer(item.id, { decision: "allow" });
  assert.deepEqual([done.status, done.json], [200, { closed: "allowed" }]);
  const { code, out } = await held;
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out).hookSpecificOutput.decision, { behavior: "allow" });
  assert.equal((await agent.state()).state, "working");
  await until("the socket tells the end", () => socket.messages.some((m) => m.type === "attention_closed" && m.id === item.id && m.how === "allowed" && m.by === "owner"));
  const twice = await answer(item.id, { decision: "deny" });
  assert.equal(twice.status, 409);
  assert.match(twice.json.error.message, /already allowed on the page by owner/);
  await agent.hook("Stop", { last_assistant_message: "All clean." });
  const idle = await agent.state();
  assert.deepEqual([idle.state, idle.unread, idle.last_message], ["idle", true, "All clean."]);
  const [notice] = await agent.items();
  assert.deepEqual([notice.kind, notice.text], ["done", "All clean."]);
  assert.equal((await answer(notice.id, { decision: "seen" })).json.closed, "seen");
  assert.equal((await agent.state()).unread, false);
  await socket.close();
});

test("Agents.EveryAnswerIsAuditedAndOneOfManyCounts", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const { held, item } = await agent.ask("touch once");
  const other = await dashboard.login();
  const answers = await Promise.all([answer(item.id, { decision: "allow" }), answer(item.id, { decision: "deny", message: "no" }, other), answer(item.id, { decision: "allow" }, other)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
  const decision = JSON.parse((await held).out).hookSpecificOutput.decision.behavior;
  assert.equal(decision, answers[1].status === 200 ? "deny" : "allow");
  const rows = query(path.join(dashboard.data, "dashboard.db"), `SELECT action FROM audit_logs WHERE action LIKE 'attention.answer%' AND detail LIKE '%${item.id}%' ORDER BY action`);
  assert.deepEqual(rows, ["attention.answer", "attention.answer.error", "attention.answer.error"]);
  const events = (await owner.get(`/api/sessions/${agent.id}/events`)).json.events;
  assert.equal(events.filter(({ kind }) => kind === "answer").length, 1);
  assert.ok(events.some(({ kind, state }) => kind === "state" && state === "waiting_permission"));
});

test("Agents.ADenialCarriesItsReasonAndAllowAlwaysWhatWasSuggested", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const first = await agent.ask("curl evil");
  await answer(first.item.id, { decision: "deny", message: "use the mirror" });
  assert.deepEqual(JSON.parse((await first.held).out).hookSpecificOutput.decision, { behavior: "deny", message: "use the mirror" });
  const suggestions = [{ type: "addRules", rules: [{ toolName: "Bash", ruleContent: "npm test:*" }] }, { type: "setMode", mode: "acceptEdits" }];
  const second = await agent.ask("npm test", { permission_suggestions: suggestions });
  assert.deepEqual(second.item.suggestions, suggestions);
  assert.equal((await answer(second.item.id, { decision: "allow_always", suggestions: [7] })).status, 400);
  await answer(second.item.id, { decision: "allow_always", suggestions: [0] });
  assert.deepEqual(JSON.parse((await second.held).out).hookSpecificOutput.decision.updatedPermissions, [suggestions[0]]);
});

test("Agents.AQuestionIsAnsweredAndAPlanApproved", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const input = { questions: [{ question: "Which colour?", header: "Colour", multiSelect: false, options: [{ label: "Red", description: "warm" }, { label: "Blue", description: "cold" }] }] };
  const held = agent.hook("PermissionRequest", { tool_name: "AskUserQuestion", tool_input: input });
  const item = await agent.item();
  assert.equal(item.kind, "question");
  assert.deepEqual(item.questions, [{ text: "Which colour?", header: "Colour", choice: "one", options: input.questions[0].options }]);
  assert.equal((await agent.state()).state, "waiting_answer");
  assert.equal((await answer(item.id, { decision: "allow" })).status, 409);
  assert.equal((await answer(item.id, { decision: "answer", answers: { "Which size?": "Red" } })).status, 400);
  assert.equal((await answer(item.id, { decision: "answer", answers: { "Which colour?": "Blue" } })).json.closed, "answered");
  assert.deepEqual(JSON.parse((await held).out).hookSpecificOutput.decision.updatedInput.answers, { "Which colour?": "Blue" });
  const plan = agent.hook("PermissionRequest", { tool_name: "ExitPlanMode", tool_input: { plan: "# First\n\nthen this" } });
  const asked = await agent.item();
  assert.deepEqual([asked.kind, asked.input.plan], ["plan", "# First\n\nthen this"]);
  await answer(asked.id, { decision: "allow" });
  assert.equal(JSON.parse((await plan).out).hookSpecificOutput.decision.behavior, "allow");
});

test("Agents.WhoAnswersInTheTerminalClosesThePagesItem", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const denied = await agent.ask("touch denied");
  denied.held.hangUp();
  await until("the item is closed", async () => (await agent.items()).length === 0);
  const late = await answer(denied.item.id, { decision: "allow" });
  assert.equal(late.status, 409);
  assert.match(late.json.error.message, /already answered in the terminal/);
  const now = await agent.state();
  assert.deepEqual([now.state, now.unread], ["idle", false], "whoever denied it was there");
  await agent.hook("UserPromptSubmit", { prompt: "again" });
  const allowed = await agent.ask("touch allowed");
  await agent.hook("PostToolUse", { tool_name: "Bash", tool_input: { command: "touch allowed" }, tool_use_id: "t1" });
  assert.deepEqual(await agent.items(), []);
  assert.equal((await allowed.held).out, "", "the held hook ends with nothing to say");
  assert.equal((await answer(allowed.item.id, { decision: "deny" })).status, 409);
});

test("Agents.ARestartLeavesARequestToItsTerminalAndSaysSo", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const { held, item } = await agent.ask("touch restarted");
  await dashboard.stop();
  assert.equal((await held).out, "");
  await dashboard.up();
  const [kept] = await agent.items();
  assert.deepEqual([kept.id, kept.answerable, kept.summary], [item.id, "terminal", "touch restarted"]);
  assert.match(kept.why_terminal, /restarted/);
  const state = await agent.state();
  assert.equal(state.state, "waiting_permission");
  assert.match(state.evidence.what, /before the dashboard was restarted/);
  const refused = await answer(item.id, { decision: "allow" });
  assert.equal(refused.status, 409);
  assert.match(refused.json.error.message, /only be answered in the terminal/);
  // Its files still lead to the dashboard, and the token survived.
  await agent.hook("PostToolUse", { tool_name: "Bash", tool_input: { command: "touch restarted" }, tool_use_id: "t1" });
  assert.deepEqual(await agent.items(), []);
  assert.equal((await agent.state()).state, "working");
});

test("Agents.HooksTakeOnlyTheirOwnTokenFromThisMachine", { skip, timeout: 180_000 }, async () => {
  const [agent, stranger] = [await Agent.start(), await Agent.start()];
  const token = (id) => readFileSync(path.join(folderOf(id), "claude-event.curl"), "utf8").match(/Bearer ([\w-]+)/)[1];
  const body = JSON.stringify({ session_id: agent.conversation, hook_event_name: "Stop" });
  const post = (headers, session = agent.id, content = body) =>
    request(dashboard.url, { method: "POST", path: `/api/hooks/claude/${session}`, headers: { "content-type": "application/json", ...headers }, body: content });
  const own = { authorization: `Bearer ${token(agent.id)}` };
  assert.equal((await post(own)).status, 204);
  assert.equal((await post({})).status, 401);
  assert.equal((await post({ authorization: `Bearer ${token(stranger.id)}` })).status, 401);
  assert.equal((await post({ authorization: `Bearer ${owner.accessToken}` })).status, 401);
  assert.equal((await post(own, stranger.id)).status, 401);
  assert.equal((await post(own, "00000000000000000000")).status, 401);
  assert.equal((await post({ ...own, "x-forwarded-for": "10.0.0.1" })).status, 401);
  assert.equal((await post({ ...own, forwarded: "for=10.0.0.1" })).status, 401);
  assert.equal((await post(own, agent.id, "{}")).status, 400);
  assert.equal((await post(own, agent.id, "nothing")).status, 400);
  for (const [method, where] of [["GET", "/api/sessions"], ["GET", "/api/attention"], ["POST", "/api/ws-ticket"]])
    assert.equal((await request(dashboard.url, { method, path: where, headers: own })).status, 401, `a hook's token opens ${where}`);
  const door = path.join(dashboard.data, "sessions/hooks.sock");
  assert.equal(statSync(door).mode & 0o777, 0o600);
  for (const where of ["/api/sessions", "/api/attention", "/", "/health"])
    assert.equal(await statusAt(door, where, { authorization: `Bearer ${owner.accessToken}` }), 404, `the hooks' door opens ${where}`);
});

test("Agents.LargeBodiesComeInWithATokenOnly", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const content = "x".repeat(3 * 1024 * 1024);
  const held = agent.hook("PermissionRequest", { tool_name: "Write", tool_input: { file_path: "/srv/large.txt", content } });
  const item = await agent.item();
  assert.deepEqual([item.input, item.summary], [null, "/srv/large.txt"]);
  assert.ok(item.input_bytes > content.length);
  assert.equal((await owner.get(`/api/attention/${item.id}`)).json.input.content.length, content.length, "the item alone carries it whole");
  await answer(item.id, { decision: "allow" });
  assert.equal(JSON.parse((await held).out).hookSpecificOutput.decision.behavior, "allow");
  const big = JSON.stringify({ session_id: agent.conversation, hook_event_name: "Stop", last_assistant_message: content });
  const post = (authorization) => request(dashboard.url, { method: "POST", path: `/api/hooks/claude/${agent.id}`, body: big, headers: { authorization, "content-type": "application/json" } });
  const refused = await post("Bearer wrong").catch((error) => error);
  assert.ok(refused.status === 413 || ["EPIPE", "ECONNRESET"].includes(refused.code), `${refused.status} ${refused.code}`);
  const over = agent.post("y".repeat(17 * 1024 * 1024));
  assert.equal((await over).code, 22, "curl is refused");
});

test("Agents.ManyLargeRequestsMakeNoLargeList", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const held = [];
  const ask = (fields) => held.push(agent.hook("PermissionRequest", fields));
  const suggestion = (bytes) => [{ type: "addRules", rules: [{ toolName: "Bash", ruleContent: "x".repeat(bytes) }] }];
  const question = (bytes) => ({ questions: [{ question: "q".repeat(bytes), header: "h", multiSelect: false, options: [{ label: "a", description: "" }] }] });
  // Small ones are there as they are; what is large is had by its item, or left out.
  ask({ tool_name: "AskUserQuestion", tool_input: question(100) });
  ask({ tool_name: "AskUserQuestion", tool_input: question(69_000) });
  ask({ tool_name: "Bash", tool_input: { command: "small" }, permission_suggestions: suggestion(100) });
  ask({ tool_name: "Bash", tool_input: { command: "many" }, permission_suggestions: suggestion(200_000) });
  for (let i = 0; i < 60; i += 1) ask({ tool_name: "Bash", tool_input: { command: `echo ${i} ${"x".repeat(65_000)}` } });
  const all = await until("all of them wait", async () => {
    const items = await agent.items();
    return items.length === 64 && items;
  }, { timeoutMs: 60_000 });
  const summary = (start) => all.find((item) => item.summary.startsWith(start));
  const [short, long] = all.filter(({ kind }) => kind === "question").sort((a, b) => a.input_bytes - b.input_bytes);
  assert.deepEqual([short.questions.length, long.questions.length, long.input], [1, 0, null]);
  assert.equal((await owner.get(`/api/attention/${long.id}`)).json.questions[0].options.length, 1);
  assert.deepEqual([summary("small").suggestions.length, summary("many").suggestions.length], [1, 0]);
  const bytes = (await owner.get("/api/attention")).text.length;
  assert.ok(bytes < 4.3 * 1024 * 1024, `${bytes} bytes`);
  await owner.must("DELETE", `/api/sessions/${agent.id}`);
  await Promise.all(held);
});

test("Agents.AViewerLooksAndDoesNotAnswer", { skip, timeout: 180_000 }, async () => {
  await owner.post("/api/users", { name: "looker", password: kPassword, role: "viewer" });
  const looker = await dashboard.login({ name: "looker" });
  const agent = await Agent.start();
  await agent.turn();
  const { held, item } = await agent.ask("touch looked");
  assert.equal((await looker.get("/api/attention")).json.items.find(({ id }) => id === item.id).summary, "touch looked");
  assert.equal((await answer(item.id, { decision: "allow" }, looker)).status, 403);
  assert.equal((await agent.items()).length, 1);
  await answer(item.id, { decision: "deny" });
  await held;
});

test("Agents.FailuresAndLimitsWaitUntilSeenOrOver", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  await agent.hook("StopFailure", { error: "overloaded", last_assistant_message: "API Error: overloaded" });
  assert.equal((await agent.state()).state, "failed");
  const failure = await agent.item();
  assert.equal(failure.kind, "failure");
  await agent.hook("UserPromptSubmit", { prompt: "again" });
  assert.deepEqual(await agent.items(), []);
  await agent.hook("StopFailure", { error: "rate_limit", last_assistant_message: "You have hit your limit · resets 3pm (UTC)" });
  const limited = await agent.state();
  assert.equal(limited.state, "limited");
  assert.ok(limited.limited_until > Date.now() * 1000);
  const limit = await agent.item();
  assert.deepEqual([limit.kind, limit.expires_at], ["limit", limited.limited_until]);
  assert.equal((await answer(limit.id, { decision: "allow" })).status, 409);
  assert.equal((await answer(limit.id, { decision: "seen" })).status, 200);
});

test("Agents.TheEndOfASessionClosesWhatWaits", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  await agent.turn();
  const { held, item } = await agent.ask("touch ended");
  await owner.must("DELETE", `/api/sessions/${agent.id}`);
  assert.equal((await held).out, "");
  assert.deepEqual(await agent.items(), []);
  const late = await answer(item.id, { decision: "allow" });
  assert.deepEqual([late.status, late.json.error.message], [409, "The agent has ended."]);
  assert.equal((await agent.state()).state, "exited");
  assert.equal((await answer("ffffffffffffffffffff", { decision: "allow" })).status, 404);
});

test("Agents.CommandsThatTakeNoSettingsSaySo", { skip, timeout: 180_000 }, async () => {
  const shell = await owner.createSession({ name: "a-shell", project: dashboard.project, command: ["/bin/sh"] });
  assert.equal(shell.agent, null);
  const launcher = path.join(dashboard.folder, "claude");
  writeFileSync(launcher, `#!/bin/sh\nexec sleep 600\n`, { mode: 0o755 });
  const own = await owner.createSession({ name: "own-settings", project: dashboard.project, command: [launcher, "--settings", "/x.json"] });
  assert.equal(own.agent.hooks, "none");
  assert.match(own.agent.hooks_reason, /settings of its own/);
  const named = await owner.createSession({ name: "own-id", project: dashboard.project, command: [launcher, "--session-id", "0d7c1a3e-4a1f-4c7e-9a55-3f1d5c0b2a11"] });
  assert.deepEqual([named.agent.hooks, named.claude_session_id], ["live", "0d7c1a3e-4a1f-4c7e-9a55-3f1d5c0b2a11"]);
  const argv = readFileSync(path.join(folderOf(named.id), "claude-settings.json"), "utf8");
  assert.match(argv, /PermissionRequest/);
});
