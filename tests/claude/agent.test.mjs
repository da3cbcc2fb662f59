// The real client with the settings that server/claude writes: each event arrives, and each state is reached and told.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Tmux } from "../harness/tmux.mjs";
import { until } from "../harness/wait.mjs";
import { clientEnvironment, clientProgram, prepareHome } from "./client.mjs";
import { StandIn } from "./stand_in.mjs";

const kRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const kReady = /^❯\s*$/m;
// The client starts in half a second; beside compilers it has taken 20.
const kSlowMs = 60_000;
// A key that a dialog was not ready for is pressed again. A second Escape behind a first that is only late would open another dialog.
const kPressAgainMs = 10_000;
const kToken = "made-up-token-for-tests-0123456789abcdef";

function probeProgram() {
  const named = process.env.AGENT_PROBE;
  const built = ["dev", "asan", "tsan"].map((preset) => path.join(kRoot, "build", preset, "server/claude/agent_probe")).filter(existsSync);
  return named ?? built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}
const probe = probeProgram();
const client = clientProgram();
const skip = !client ? "skipped: tests/claude is not installed" : !probe ? "skipped: agent_probe is not built" : false;

let folder;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "agent's "));
});
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** The C++ side: one answer to each request. */
class Probe {
  constructor() {
    this.child = spawn(probe, { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.last = Promise.resolve();
  }
  ask(request) {
    this.last = this.last.then(async () => {
      this.child.stdin.write(`${JSON.stringify(request)}\n`);
      return JSON.parse((await this.lines.next()).value);
    });
    return this.last;
  }
  end() {
    this.child.stdin.end();
  }
}

/** The dashboard's place: takes events with the right token, holds permission requests, and tells the probe of all of them. */
class Listener {
  constructor(agent) {
    this.agent = agent;
    this.events = [];
    this.statusLines = [];
    this.held = [];
    this.refused = 0;
    this.server = http.createServer((request, response) => this.#take(request, response));
  }
  async start() {
    await new Promise((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}/api/hooks`;
  }
  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
  async #take(request, response) {
    let body = "";
    for await (const piece of request) body += piece;
    if (request.headers.authorization !== `Bearer ${kToken}` || request.url !== "/api/hooks") {
      this.refused++;
      return void response.writeHead(401).end();
    }
    const event = JSON.parse(body);
    if (!event.hook_event_name) {
      this.statusLines.push(event);
      return void response.writeHead(204).end();
    }
    const told = await this.agent.ask({ do: "hook", body });
    this.events.push({ name: event.hook_event_name, event, told });
    if (event.hook_event_name !== "PermissionRequest") return void response.writeHead(204).end();
    const held = { event, response };
    this.held.push(held);
    response.on("close", () => {
      held.closed = true;
      if (!response.writableEnded) void this.agent.ask({ do: "hung_up", body });
    });
  }
  names() {
    return this.events.map(({ name }) => name);
  }
  states() {
    return this.events.map(({ told }) => told.state);
  }
  answer(decision) {
    this.held.at(-1).response.writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ hookSpecificOutput: { hookEventName: "PermissionRequest", decision } }));
  }
}

async function withAgent(name, turns, use, { userSettings } = {}) {
  const [home, project, data] = ["home", "project", "data"].map((part) => path.join(folder, name, part));
  for (const made of [home, project, data]) mkdirSync(made, { recursive: true });
  prepareHome(home, [project]);
  const personal = path.join(home, ".claude/settings.json");
  if (userSettings) writeFileSync(personal, JSON.stringify({ ...JSON.parse(readFileSync(personal)), ...userSettings(home) }));
  const settingsBefore = readFileSync(personal, "utf8");
  const agent = new Probe();
  const listener = new Listener(agent);
  const standIn = await StandIn.start(turns);
  const tmux = new Tmux();
  try {
    await listener.start();
    const sessionId = randomUUID();
    const { arguments: words, error } = await agent.ask(
      { do: "settings", folder: data, hook_url: listener.url, token: kToken, session_id: sessionId, name: "probe",
        status_line_command: "printf 'my own line'" });
    assert.equal(error, undefined);
    tmux.start("claude", [client, ...words], { cwd: project, environment: clientEnvironment({ home, standInUrl: standIn.url }) });
    await tmux.waitFor("claude", kReady, kSlowMs);
    const send = async (text) => {
      tmux.type("claude", text);
      await tmux.waitFor("claude", new RegExp(`❯\\s${text}`), kSlowMs);
      tmux.key("claude", "Enter");
    };
    const press = async (key, dialog) => {
      await tmux.waitFor("claude", dialog, kSlowMs);
      let pressed = -kPressAgainMs;
      await until(`${key} closes the dialog`, () => {
        if (!dialog.test(tmux.screen("claude"))) return true;
        if (performance.now() - pressed >= kPressAgainMs) {
          tmux.key("claude", key);
          pressed = performance.now();
        }
        return false;
      }, { timeoutMs: kSlowMs, stepMs: 100 });
    };
    const transcript = () => listener.events.at(-1).event.transcript_path;
    // The status, once it is as wanted. Hooks come by themselves; the title and the transcript are looked at here.
    const status = async (what, wanted) => until(what, async () => {
      await agent.ask({ do: "title", title: tmux.title("claude") });
      if (existsSync(transcript())) await agent.ask({ do: "transcript", path: transcript() });
      const now = await agent.ask({ do: "status" });
      return wanted(now) && now;
    }, { timeoutMs: kSlowMs, stepMs: 100 });
    const state = (wanted) => status(`the state is ${wanted}`, (now) => now.state === wanted);
    // The next request of the client is held. Its state may be known before, from the transcript.
    let requests = 0;
    const asked = async (wanted) => {
      requests += 1;
      await until(`request ${requests} is held`, () => listener.held.length === requests, { timeoutMs: kSlowMs });
      return state(wanted);
    };
    await use({ agent, listener, tmux, send, press, status, state, asked, project, data, sessionId, standIn });
    assert.equal(readFileSync(personal, "utf8"), settingsBefore, "the user's settings are untouched");
    assert.equal(listener.refused, 0);
  } finally {
    await tmux.kill();
    await standIn.stop();
    await listener.stop();
    agent.end();
  }
}

const bash = (command) => ({ name: "Bash", input: { command, description: "a command" } });
const kProceed = /Do you want to proceed\?/;

test("Agent.EveryStateIsReachedAndTold", { skip, timeout: 300_000 }, async () => {
  const question = { questions: [{ question: "Which colour?", header: "Colour", multiSelect: false,
    options: [{ label: "Red", description: "warm" }, { label: "Blue", description: "cold" }] }] };
  const limit = { status: 429, error: "rate_limit_error", message: "over the limit", headers: { "x-should-retry": "false" } };
  const turns = [
    { prompt: "allowed there", replies: [{ tool: bash("touch a") }, { text: "first done" }] },
    { prompt: "denied there", replies: [{ tool: bash("touch b") }, { text: "as you wish" }] },
    { prompt: "colour please", replies: [{ tool: { name: "AskUserQuestion", input: question } }, { text: "chosen" }] },
    { prompt: "escaped here", replies: [{ tool: bash("touch c") }] },
    { prompt: "allowed here", replies: [{ tool: bash("until [ -e go ]; do sleep 0.1; done; touch d") }, { text: "last done" }] },
    { prompt: "limit now", replies: [limit] },
  ];
  await withAgent("states", turns, async ({ listener, tmux, send, press, status, state, asked, project, sessionId }) => {
    await until("SessionStart arrives", () => listener.names().includes("SessionStart"), { timeoutMs: kSlowMs });
    assert.equal(listener.events[0].event.session_id, sessionId);
    await state("idle");

    await send("allowed there");
    assert.equal((await asked("waiting_permission")).tool, "Bash");
    assert.equal(existsSync(path.join(project, "a")), false);
    listener.answer({ behavior: "allow" });
    await tmux.waitFor("claude", /first done/, kSlowMs);
    await state("idle");
    assert.equal(existsSync(path.join(project, "a")), true);

    await send("denied there");
    await asked("waiting_permission");
    listener.answer({ behavior: "deny", message: "not today" });
    await tmux.waitFor("claude", /as you wish/, kSlowMs);
    await state("idle");
    assert.equal(existsSync(path.join(project, "b")), false);

    await send("colour please");
    await asked("waiting_answer");
    listener.answer({ behavior: "allow", updatedInput: { ...question, answers: { "Which colour?": "Blue" } } });
    await tmux.waitFor("claude", /chosen/, kSlowMs);
    assert.match(tmux.screen("claude"), /Which colour\? → Blue/);
    await state("idle");

    await send("escaped here");
    await asked("waiting_permission");
    await press("Escape", kProceed);
    await until("the client hangs up", () => listener.held.at(-1).closed, { timeoutMs: kSlowMs });
    await state("idle");
    await tmux.waitFor("claude", kReady, kSlowMs);

    // Allowed in the terminal: no hook comes until the tool's end, and the title tells it before.
    await send("allowed here");
    await asked("waiting_permission");
    await press("Enter", kProceed);
    const works = await state("working");
    assert.equal(works.source, "title");
    assert.equal(works.tool, "Bash");
    assert.equal(existsSync(path.join(project, "d")), false, "the command still runs");
    writeFileSync(path.join(project, "go"), "");
    await tmux.waitFor("claude", /last done/, kSlowMs);
    await state("idle");

    await send("limit now");
    assert.match((await state("limited")).reason, /over the limit|429/);

    // The client writes its transcript when it has the time.
    const end = await status("the transcript has all prompts", ({ prompts }) => prompts === turns.length);
    assert.equal(end.raw_lines, 0, "the reader knows every line that the client writes");
    assert.ok(end.output_tokens > 0);
    assert.ok(listener.statusLines.length > 0);
    assert.match(tmux.screen("claude"), /my own line/);
    for (const name of ["SessionStart", "UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Stop", "StopFailure"]) {
      assert.ok(listener.names().includes(name), `${name} came`);
    }
    tmux.type("claude", "/exit");
    await tmux.waitFor("claude", /❯\s\/exit/, kSlowMs);
    tmux.key("claude", "Enter");
    await until("SessionEnd arrives", () => listener.names().includes("SessionEnd"), { timeoutMs: kSlowMs });
    assert.equal(listener.events.at(-1).told.state, "exited");
  });
});

test("Agent.ADashboardThatIsAwayIsNotNoticed", { skip, timeout: 180_000 }, async () => {
  const marker = (home) => path.join(home, "stop-hook-ran");
  const userSettings = (home) => ({ hooks: { Stop: [{ hooks: [{ type: "command", command: "touch", args: [marker(home)] }] }] } });
  const turns = [{ prompt: "go on alone", replies: [{ tool: bash("touch e") }, { text: "done alone" }] }];
  await withAgent("away", turns, async ({ listener, tmux, send, press, project }) => {
    await until("SessionStart arrives", () => listener.names().includes("SessionStart"), { timeoutMs: kSlowMs });
    await listener.stop();
    await send("go on alone");
    await press("Enter", kProceed);
    await tmux.waitFor("claude", /done alone/, kSlowMs);
    assert.equal(existsSync(path.join(project, "e")), true);
    await until("the user's own hook ran", () => existsSync(marker(path.join(folder, "away/home"))), { timeoutMs: kSlowMs });
    await until("the turn ends", () => !/esc to interrupt/.test(tmux.screen("claude")), { timeoutMs: kSlowMs });
    assert.doesNotMatch(tmux.screen("claude"), /hook|refused/i, "nothing about hooks is on the screen");
  }, { userSettings });
});

test("Agent.TheTokenIsInNoArgumentAndNoEnvironment", { skip, timeout: 180_000 }, async () => {
  const turns = [{ prompt: "hold it", replies: [{ tool: bash("touch f") }] }];
  await withAgent("token", turns, async ({ listener, send, data, asked }) => {
    await until("SessionStart arrives", () => listener.names().includes("SessionStart"), { timeoutMs: kSlowMs });
    await send("hold it");
    await asked("waiting_permission");
    const seen = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((pid) => ["cmdline", "environ"].some((part) => {
      try {
        return readFileSync(`/proc/${pid}/${part}`, "utf8").includes(kToken);
      } catch {
        return false;
      }
    }));
    assert.deepEqual(seen, []);
    for (const name of ["claude-settings.json", "claude-event.curl", "claude-permission.curl"]) {
      assert.equal(statSync(path.join(data, name)).mode & 0o777, 0o600, name);
    }
  });
});
