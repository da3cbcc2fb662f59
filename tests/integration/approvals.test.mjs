// Permission requests of the real client, answered over the API: allowed, denied with a reason, answered twice, too late, and after a restart.
// Each counts exactly once, and the terminal says the same. APPROVALS=100 asks so many times (12 by default).
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { giveClients, skipWithoutClient } from "../claude/client.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { percentile, until } from "../harness/wait.mjs";
import { query } from "./support.mjs";

const skip = skipWithoutProgram || skipWithoutClient;
const kRequests = Number(process.env.APPROVALS ?? 12);
// Of a round, one of each; so many clients ask at the same time.
const kAgents = kRequests > 50 ? 4 : 2;
const kKinds = ["allow", "deny", "twice", "late", "allow", "deny"];
// The rest of the requests is held while the dashboard ends: by SIGTERM and by SIGKILL, in turn.
const kRestarts = kRequests > 50 ? 6 : 1;
const kPerAgent = Math.ceil(kRequests / kAgents) - kRestarts;
// The client starts in a second; beside compilers it has taken 20.
const kSlowMs = 60_000;
// A key that a dialog was not ready for is pressed again.
const kPressAgainMs = 1_500;
const kReady = /^❯\s*$/m;
const kDialog = /Do you want to proceed\?/;
const kReason = "not today, because of the tide";

let dashboard;
let owner;
let standIn;
const times = [];

before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  // Each command leaves one line: what ran twice would leave two.
  const call = (agent, number) => ({ tool: { name: "Bash", input: { command: `echo ${number} >> ran-${agent}`, description: `number ${number}` } } });
  const turns = Array.from({ length: kAgents }, (_, agent) => ({
    prompt: `begin as agent ${agent}.`,
    replies: [...Array.from({ length: kPerAgent + kRestarts }, (_, number) => call(agent, number)), { text: `agent ${agent} is done` }],
  }));
  ({ standIn } = await giveClients(dashboard, turns));
  await dashboard.up();
  owner = await dashboard.login();
}, { timeout: 60_000 });
after(async () => {
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 60_000 });

const answer = (id, json) => owner.send("POST", `/api/attention/${id}`, { json });
const itemsOf = async (session) => (await owner.get("/api/attention")).json.items.filter((item) => item.session === session);

/** All entries of its conversation. */
async function transcriptOf(session) {
  const entries = [];
  for (let from = 0; ;) {
    const page = (await owner.get(`/api/sessions/${session}/transcript?from=${from}&limit=500`)).json;
    assert.equal(page.state, "ready", page.reason);
    if (page.entries.length === 0) return entries;
    entries.push(...page.entries);
    from = page.end;
  }
}

/** One agent: its session, its pane, and the numbers that ran. */
class Agent {
  constructor(number) {
    this.number = number;
    this.name = `asker-${number}`;
    this.decided = [];
  }
  async start() {
    const session = await owner.createSession({ name: this.name, project: dashboard.project, command: [], cols: 100, rows: 40 });
    this.id = session.id;
    await dashboard.tmux.waitFor(this.target, kReady, kSlowMs);
    const prompt = `begin as agent ${this.number}.`;
    dashboard.tmux.type(this.target, prompt);
    await dashboard.tmux.waitFor(this.target, new RegExp(`❯\\s${prompt}`), kSlowMs);
    dashboard.tmux.key(this.target, "Enter");
    return this;
  }
  get target() {
    return `=${this.name}:`;
  }
  screen() {
    return dashboard.tmux.screen(this.target);
  }
  ran() {
    const file = path.join(dashboard.project, `ran-${this.number}`);
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").filter(Boolean).map(Number) : [];
  }
  /** The request with this number: held, and its dialog stands in the terminal. */
  async asked(number) {
    const item = await until(`${this.name} asks for ${number}`, async () => {
      const found = (await itemsOf(this.id)).find(({ summary, answerable }) => answerable === "page" && summary.startsWith(`echo ${number} `));
      return found;
    }, { timeoutMs: kSlowMs });
    assert.deepEqual([item.kind, item.tool, item.input.command], ["permission", "Bash", `echo ${number} >> ran-${this.number}`]);
    await until(`the dialog for ${number} stands in the terminal of ${this.name}`, () => {
      const screen = this.screen();
      return kDialog.test(screen) && screen.includes(`echo ${number} >>`);
    }, { timeoutMs: kSlowMs });
    return item;
  }
  async press(key, gone) {
    let pressed = -kPressAgainMs;
    await until(`${key} is taken by ${this.name}`, async () => {
      if (await gone()) return true;
      if (performance.now() - pressed >= kPressAgainMs) {
        dashboard.tmux.key(this.target, key);
        pressed = performance.now();
      }
      return false;
    }, { timeoutMs: kSlowMs, stepMs: 50 });
  }
  /** What was decided has come about: the dialog is gone, and the command ran once, or never. */
  async settled(number, isAllowed) {
    await until(`the dialog for ${number} is gone`, () => !this.#stands(number), { timeoutMs: kSlowMs });
    if (isAllowed) await until(`number ${number} ran`, () => this.ran().includes(number), { timeoutMs: kSlowMs });
    this.decided.push(isAllowed);
  }
  // The newest dialog is the lowest on the screen.
  #stands(number) {
    const screen = this.screen();
    return kDialog.test(screen) && screen.lastIndexOf(`echo ${number} >>`) > screen.lastIndexOf(`echo ${number + 1} >>`);
  }
}

const kWays = {
  async allow(agent, number, item) {
    const done = await answer(item.id, { decision: "allow" });
    assert.deepEqual([done.status, done.json], [200, { closed: "allowed" }]);
    const again = await answer(item.id, { decision: "deny" });
    assert.equal(again.status, 409);
    assert.match(again.json.error.message, /already allowed on the page by owner/);
    return true;
  },
  async deny(agent, number, item) {
    assert.equal((await answer(item.id, { decision: "deny", message: `${kReason} ${number}` })).json.closed, "denied");
    assert.equal((await answer(item.id, { decision: "allow" })).status, 409);
    return false;
  },
  async twice(agent, number, item) {
    const both = await Promise.all([answer(item.id, { decision: "deny", message: `${kReason} ${number}` }), answer(item.id, { decision: "allow" })]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409]);
    return both[1].status === 200;
  },
  async late(agent, number, item) {
    await agent.press("Enter", () => agent.ran().includes(number));
    await until("the page's item is closed", async () => !(await itemsOf(agent.id)).some(({ id }) => id === item.id), { timeoutMs: kSlowMs });
    const late = await answer(item.id, { decision: "deny", message: "too late" });
    assert.equal(late.status, 409);
    assert.match(late.json.error.message, /already answered in the terminal/);
    return true;
  },
};

test("Approvals.EachCountsOnceAndTheTerminalSaysTheSame", { skip, timeout: 1_200_000 }, async () => {
  const agents = [];
  for (let number = 0; number < kAgents; ++number) agents.push(await new Agent(number).start());
  const counts = { allow: 0, deny: 0, twice: 0, late: 0, restart: 0 };
  await Promise.all(agents.map(async (agent) => {
    for (let number = 0; number < kPerAgent; ++number) {
      const item = await agent.asked(number);
      const way = kKinds[(number + agent.number) % kKinds.length];
      const began = performance.now();
      const isAllowed = await kWays[way](agent, number, item);
      await agent.settled(number, isAllowed);
      times.push(performance.now() - began);
      counts[way] += 1;
    }
  }));

  for (let restart = 0; restart < kRestarts; ++restart) {
    const number = kPerAgent + restart;
    const items = await Promise.all(agents.map((agent) => agent.asked(number)));
    if (restart % 2 === 0) await dashboard.stop();
    else await dashboard.kill("SIGKILL");
    for (const agent of agents) assert.match(agent.screen(), kDialog, "the dialog still stands");
    await dashboard.up();
    await Promise.all(agents.map(async (agent, at) => {
      const kept = await until("the request is shown again", async () => (await itemsOf(agent.id)).find(({ tool }) => tool === "Bash"), { timeoutMs: kSlowMs });
      assert.equal(kept.answerable, "terminal");
      assert.match(kept.why_terminal, /dashboard/);
      for (const id of new Set([items[at].id, kept.id])) {
        const refused = await answer(id, { decision: "allow" });
        // A kill can come before the item was written down: then its id is not known any more.
        const isKnown = id === kept.id || restart % 2 === 0;
        assert.ok(refused.status === 409 || (!isKnown && refused.status === 404), `no answer is taken that the agent would not hear of: ${refused.status}`);
      }
      assert.equal(agent.ran().includes(number), false);
      await agent.press("Enter", () => agent.ran().includes(number));
      await until("it is closed", async () => (await itemsOf(agent.id)).every(({ id }) => id !== items[at].id && id !== kept.id), { timeoutMs: kSlowMs });
      agent.decided.push(true);
      counts.restart += 1;
    }));
  }

  for (const agent of agents) {
    await dashboard.tmux.waitFor(agent.target, new RegExp(`agent ${agent.number} is done`), kSlowMs);
    assert.deepEqual(agent.ran(), agent.decided.flatMap((isAllowed, number) => (isAllowed ? [number] : [])), "what ran, each once and in order");
  }
  // What each agent heard, by its transcript: every denial with its reason once, and the result of every command once.
  let results = 0;
  let denials = 0;
  for (const agent of agents) {
    // The client writes its transcript when it has the time.
    const heard = await until("the transcript has every result", async () => {
      const found = (await transcriptOf(agent.id)).flatMap(({ blocks }) => blocks).filter(({ kind }) => kind === "tool_result");
      return found.length >= agent.decided.length && found;
    }, { timeoutMs: kSlowMs });
    assert.equal(new Set(heard.map(({ tool_id }) => tool_id)).size, heard.length, "no result was given twice");
    const denied = agent.decided.flatMap((isAllowed, number) => (isAllowed ? [] : [number]));
    assert.deepEqual(heard.filter(({ text }) => text?.includes(kReason)).map(({ text }) => Number(text.match(/tide (\d+)/)[1])), denied);
    assert.equal(heard.length, agent.decided.length);
    results += heard.length;
    denials += denied.length;
  }
  assert.equal(results, kAgents * (kPerAgent + kRestarts));
  const answered = query(path.join(dashboard.data, "dashboard.db"), "SELECT outcome || ' ' || count(*) FROM audit_logs WHERE action = 'attention.answer' OR action = 'attention.answer.error' GROUP BY outcome");
  console.log(`Approvals: ${results} requests of ${kAgents} clients: ${JSON.stringify(counts)}; answer to its effect p50 ${Math.round(percentile(times, 0.5))} ms, ` +
    `max ${Math.round(Math.max(...times))} ms; ${denials} denials heard with their reason; audit: ${answered.join(", ")}`);
  assert.deepEqual(standIn.problems(), []);
});
