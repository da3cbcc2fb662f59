// Real clients side by side in one folder: each session shows its own conversation and no other, also after /clear; and what no hook tells
// is seen in the transcript. CLIENTS=10 starts so many (4).
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { giveClients, skipWithoutClient } from "../claude/client.mjs";
import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { until } from "../harness/wait.mjs";

const skip = skipWithoutProgram || skipWithoutClient;
const kClients = Number(process.env.CLIENTS ?? 4);
// Every third begins another conversation in the same session.
const clears = (number) => number % 3 === 1;
// The client starts in a second; beside compilers, ten of them at once have taken 30.
const kSlowMs = 90_000;
const kReady = /^❯\s*$/m;
const word = (number, turn) => `quince${number}x${turn}`;

let dashboard;
let owner;
let standIn;
let projects;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  const turns = Array.from({ length: kClients }, (_, number) => [0, 1].filter((turn) => turn === 0 || clears(number)).map((turn) => (
    { prompt: `Word ${number} of turn ${turn}.`, replies: [{ text: `It is ${word(number, turn)}.` }] }))).flat();
  const given = await giveClients(dashboard, [...turns, { prompt: "Run for long.", replies: [{ tool: { name: "Bash", input: { command: "touch begun; until [ -e never ]; do sleep 0.2; done", description: "wait" } } }] }]);
  standIn = given.standIn;
  projects = path.join(given.home, ".claude/projects");
  await dashboard.up();
  owner = await dashboard.login();
}, { timeout: 60_000 });
after(async () => {
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 60_000 });

const targetOf = (session) => `=${session.name}:`;
async function start(name) {
  const session = await owner.createSession({ name, project: dashboard.project, command: [], cols: 100, rows: 30 });
  await dashboard.tmux.waitFor(targetOf(session), kReady, kSlowMs);
  return session;
}
async function say(session, words) {
  dashboard.tmux.type(targetOf(session), words);
  await dashboard.tmux.waitFor(targetOf(session), new RegExp(`❯\\s${words}`), kSlowMs);
  dashboard.tmux.key(targetOf(session), "Enter");
}
const agentOf = async ({ id }) => (await owner.get(`/api/sessions/${id}`)).json.agent;
const textOf = async ({ id }) => (await owner.get(`/api/sessions/${id}/transcript?limit=500`)).text;

async function reaches(session, state) {
  return until(`${session.name} is ${state}`, async () => {
    const agent = await agentOf(session);
    if (agent.state !== state) throw new Error(JSON.stringify([agent.state, agent.evidence, agent.disagreeing]));
    return agent;
  }, { timeoutMs: kSlowMs });
}

/** The conversations whose files on the disk hold this word. */
function filesWith(text) {
  const folders = readdirSync(projects).map((folder) => path.join(projects, folder));
  return folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith(".jsonl") && readFileSync(path.join(folder, name), "utf8").includes(text)))
    .map((name) => name.replace(".jsonl", ""));
}

test("Clients.EachSessionShowsItsOwnConversation", { skip, timeout: 600_000 }, async () => {
  const sessions = await Promise.all(Array.from({ length: kClients }, (_, number) => start(`mapped-${number}`)));
  const seen = [];
  await Promise.all(sessions.map(async (session, number) => {
    await say(session, `Word ${number} of turn 0.`);
    await dashboard.tmux.waitFor(targetOf(session), new RegExp(word(number, 0)), kSlowMs);
    if (!clears(number)) return;
    const before = (await agentOf(session)).conversation;
    await say(session, "/clear");
    await until("another conversation has begun", async () => (await agentOf(session)).conversation !== before, { timeoutMs: kSlowMs });
    await dashboard.tmux.waitFor(targetOf(session), kReady, kSlowMs);
    await say(session, `Word ${number} of turn 1.`);
    await dashboard.tmux.waitFor(targetOf(session), new RegExp(word(number, 1)), kSlowMs);
  }));
  const all = sessions.flatMap((_, number) => [word(number, 0), word(number, 1)]);
  let right = 0;
  for (const [number, session] of sessions.entries()) {
    const own = word(number, clears(number) ? 1 : 0);
    // The client writes its transcript when it has the time.
    const shown = await until(`${session.name} shows ${own}`, async () => {
      const text = await textOf(session);
      return text.includes(`It is ${own}.`) && text;
    }, { timeoutMs: kSlowMs });
    assert.deepEqual(all.filter((other) => shown.includes(other)), [own]);
    const { conversation } = await agentOf(session);
    assert.deepEqual(filesWith(`It is ${own}.`), [conversation]);
    seen.push(conversation);
    right += 1;
  }
  assert.equal(new Set(seen).size, kClients);
  console.log(`Clients: ${kClients} sessions in one folder, ${sessions.filter((_, number) => clears(number)).length} of them in their second conversation: ${right} transcripts are the right one's`);
  await Promise.all(sessions.map(({ id }) => owner.must("DELETE", `/api/sessions/${id}`)));
  assert.deepEqual(standIn.problems().filter((problem) => !problem.includes("Run for long")), []);
});

test("Clients.AStopByEscapeIsSeenInTheTranscript", { skip, timeout: 300_000 }, async () => {
  const session = await start("stopped");
  await say(session, "Run for long.");
  const item = await until("it asks", async () => (await owner.get("/api/attention")).json.items.find(({ session: of, kind }) => of === session.id && kind === "permission"), { timeoutMs: kSlowMs });
  await owner.post(`/api/attention/${item.id}`, { decision: "allow" });
  await reaches(session, "working");
  await dashboard.tmux.waitFor(targetOf(session), /esc to interrupt|Running/, kSlowMs);
  let pressed = -Infinity;
  await until("the client stops", () => {
    if (/Interrupted/.test(dashboard.tmux.screen(targetOf(session)))) return true;
    // A second Escape behind one that is only late would open another dialog.
    if (performance.now() - pressed > 10_000) {
      dashboard.tmux.key(targetOf(session), "Escape");
      pressed = performance.now();
    }
    return false;
  }, { timeoutMs: kSlowMs });
  const began = performance.now();
  const idle = await reaches(session, "idle");
  const took = performance.now() - began;
  assert.deepEqual([idle.evidence.source, idle.unread], ["transcript", false], "whoever stopped it was there");
  console.log(`Clients: a stop by Escape is seen ${Math.round(took)} ms after the terminal shows it`);
});
