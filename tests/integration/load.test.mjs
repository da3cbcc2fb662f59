// What many agents cost: the server's computing time while nothing changes and while all of them work, and that it starts no programs to find
// out what they do. LOAD_SESSIONS=60 is the promise; the default is less. The agents are programs that draw, title and wait as a client does;
// their transcripts and hooks are written here, as sixty real clients do not fit into a test.
import assert from "node:assert/strict";
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";

const kSessions = Number(process.env.LOAD_SESSIONS ?? 20);
const kWindowMs = kSessions >= 60 ? 30_000 : 8_000;
const kTicksPerSecond = 100; // USER_HZ
const kToolMs = 2_000; // each agent calls a tool so often
const kSlowMs = 60_000;
const kQuietPercent = 5;
const kBusyPercent = 25;

let dashboard;
let owner;
let gate;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  gate = path.join(dashboard.folder, "busy");
  const launcher = path.join(dashboard.folder, "claude");
  // Without starting a program: what is measured beside it is the server.
  writeFileSync(launcher, `#!/bin/bash
exec {hold}<> <(:)
printf '\\e]0;\\u2733 at rest\\a'
for ((n = 0; ; ++n)); do
  if [ -e '${gate}' ]; then
    ((n % 8 < 4)) && mark='\\u25d0' || mark='\\u25d1'
    printf "\\e]0;$mark at work\\a\\r\\e[2K\\e[35m*\\e[0m Thinking (%d s, %d tokens, esc to interrupt)" $((n / 4)) $((n * 7))
    read -r -t 0.25 -u $hold
  else
    read -r -t 1 -u $hold
  fi
done
`);
  chmodSync(launcher, 0o755);
  dashboard.settings.CLAUDE_COMMAND = launcher;
  await dashboard.up();
  owner = await dashboard.login();
}, { timeout: 60_000 });
after(async () => dashboard?.remove(), { timeout: 60_000 });

/** CPU seconds of the server itself, and the page faults of the programs that it has started and that have ended. */
function spent() {
  const fields = readFileSync(`/proc/${dashboard.pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return { cpu: (Number(fields[11]) + Number(fields[12])) / kTicksPerSecond, children: Number(fields[8]) };
}

/** Percent of a core over a window, and in how many of its seconds a program of the server's ended. */
async function measured(windowMs) {
  const before = spent();
  const began = performance.now();
  let last = before.children;
  let started = 0;
  while (performance.now() - began < windowMs) {
    await delay(1000);
    const { children } = spent();
    if (children !== last) started += 1;
    last = children;
  }
  return { percent: ((spent().cpu - before.cpu) * 100_000) / (performance.now() - began), started };
}

class Agent {
  constructor(session) {
    this.id = session.id;
    this.conversation = session.claude_session_id;
    const folder = path.join(dashboard.home, ".claude/projects/-load");
    mkdirSync(folder, { recursive: true });
    this.file = path.join(folder, `${this.conversation}.jsonl`);
    const curl = readFileSync(path.join(dashboard.data, "sessions", this.id, "claude-event.curl"), "utf8");
    this.authorization = curl.match(/Authorization: (Bearer [\w-]+)/)[1];
    this.calls = 0;
  }
  post(body) {
    const headers = { authorization: this.authorization, "content-type": "application/json" };
    const socketPath = path.join(dashboard.data, "sessions/hooks.sock");
    return new Promise((resolve, reject) => {
      const request = http.request({ socketPath, method: "POST", path: `/api/hooks/claude/${this.id}`, headers }, (answer) => {
        answer.resume().on("end", () => resolve(answer.statusCode));
      });
      request.on("error", reject).end(JSON.stringify(body));
    });
  }
  hook(name, fields = {}) {
    return this.post({ session_id: this.conversation, transcript_path: this.file, cwd: dashboard.project, hook_event_name: name, ...fields });
  }
  write(entry) {
    appendFileSync(this.file, `${JSON.stringify({ timestamp: new Date().toISOString(), sessionId: this.conversation, ...entry })}\n`);
  }
  async prompt() {
    await this.hook("SessionStart", { source: "startup", model: "made-up" });
    await this.hook("UserPromptSubmit", { prompt: "go" });
    this.write({ type: "user", message: { role: "user", content: "go" } });
  }
  /** One call of a tool, as the client tells of it: two events, two lines, and a status line. */
  async work() {
    const id = `toolu_${this.conversation}_${++this.calls}`;
    const tool = { tool_name: "Bash", tool_input: { command: `echo ${this.calls}` }, tool_use_id: id };
    this.write({ type: "assistant", message: { id: `msg_${id}`, model: "made-up", stop_reason: "tool_use", usage: { input_tokens: 10, output_tokens: 5 }, content: [{ type: "tool_use", id, name: "Bash", input: tool.tool_input }] } });
    await this.hook("PreToolUse", tool);
    await this.hook("PostToolUse", { ...tool, tool_response: { stdout: "x".repeat(500) } });
    this.write({ type: "user", message: { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: "x".repeat(2000) }] } });
    await this.post({ session_id: this.conversation, transcript_path: this.file, cwd: dashboard.project, model: { display_name: "made-up" },
      cost: { total_cost_usd: this.calls / 100 }, context_window: { total_input_tokens: this.calls * 100, context_window_size: 200_000, used_percentage: 1 } });
  }
}

test("Load.ManyAgentsCostLittleAndNothingIsPolledWithAProgram", { skip, timeout: 600_000 }, async () => {
  const agents = [];
  for (let i = 0; i < kSessions; ++i) agents.push(new Agent(await owner.createSession({ name: `load-${i}`, project: dashboard.project, command: [], cols: 120, rows: 36 })));
  for (const agent of agents) {
    await agent.prompt();
    await agent.work();
    await agent.hook("Stop", { last_assistant_message: "done" });
  }
  const socket = await TerminalSocket.connect(owner);
  const states = async () => (await owner.sessions()).map(({ agent }) => agent.state);
  await until("all are idle", async () => (await states()).every((state) => state === "idle"), { timeoutMs: kSlowMs });
  // What the start has left to do is done: the first keyframes, the first looks.
  await delay(3000);
  const quiet = await measured(kWindowMs);

  writeFileSync(gate, "");
  let isOver = false;
  const work = Promise.all(agents.map(async (agent, at) => {
    await delay((at * kToolMs) / kSessions);
    await agent.hook("UserPromptSubmit", { prompt: "go on" });
    while (!isOver) {
      await agent.work();
      await delay(kToolMs);
    }
  }));
  await until("all work", async () => (await states()).every((state) => state === "working"), { timeoutMs: kSlowMs });
  const busy = await measured(kWindowMs);
  const titles = (await owner.sessions()).map(({ title }) => title);
  isOver = true;
  await work;
  rmSync(gate);
  await socket.close();
  assert.ok(titles.every((title) => /at work$/.test(title)), "titles are known without asking tmux");
  console.log(`Load: ${kSessions} sessions, a page open: ${quiet.percent.toFixed(1)} % of a core while nothing changes, ${busy.percent.toFixed(1)} % while all work; ` +
    `seconds in which a program of the server's ended: ${quiet.started} and ${busy.started} of ${kWindowMs / 1000}`);
  assert.deepEqual([quiet.started, busy.started], [0, 0], "seconds with a program of the server's, at rest and at work");
  // Beside compilers, computing itself takes longer.
  const allowance = process.env.HOLD_TIMES ? 1 : 2;
  assert.ok(quiet.percent < kQuietPercent * allowance, `${quiet.percent} % of a core while nothing changes`);
  assert.ok(busy.percent < kBusyPercent * allowance, `${busy.percent} % of a core while all work`);
});
