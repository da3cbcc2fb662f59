// kill -9 of the server at random moments while people change things: every change that was answered as done is there, in a sound database.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Api } from "../harness/api.mjs";
import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { percentile, promised } from "../harness/wait.mjs";
import { query } from "./support.mjs";

const kKills = Number(process.env.SERVER_KILLS ?? 50);
const kClients = 3;
const kReadyMs = 1000;

let dashboard;
let api;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start({ settings: { BACKUP_INTERVAL: "1s", BACKUP_KEEP: "3" } });
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

/** Renames its session again and again; `done` are the names that were answered with 200. */
function client(session, number) {
  const state = { done: [], tried: 0, running: true };
  state.ended = (async () => {
    const own = new Api(() => dashboard.url);
    own.accessToken = api.accessToken;
    while (state.running) {
      const name = `c${number}-${state.tried++}`;
      try {
        const answer = await own.send("PATCH", `/api/sessions/${session.id}`, { json: { name } });
        if (answer.status === 200) state.done.push(name);
        else await delay(2);
      } catch {
        await delay(2);
      }
    }
  })();
  return state;
}

test("Kills.LoseNoAnsweredCommit", { skip, timeout: 60_000 + kKills * 5000 }, async (t) => {
  const clients = [];
  t.after(() => {
    for (const one of clients) one.running = false;
  });
  for (let i = 0; i < kClients; ++i) {
    const session = await api.createSession({ name: `start-${i}`, project: dashboard.project, command: ["/bin/cat"] });
    clients.push(client(session, i));
  }
  const ready = [];
  let seen = 0;
  let commits = 0;
  for (let kill = 0; kill < kKills; ++kill) {
    await delay(50 + Math.random() * 250);
    await dashboard.kill("SIGKILL");
    const done = clients.flatMap((one) => one.done.splice(0));
    // Integrity, references, and every row of the audit trail, by the server's own command; then the answered changes.
    const checked = execFileSync(dashboard.program, ["check"], { env: dashboard.environment(), cwd: dashboard.folder, encoding: "utf8" });
    assert.match(checked, /: ok /, `after kill ${kill}`);
    const rows = query(dashboard.settings.DATABASE_PATH, `SELECT id, detail FROM audit_logs WHERE action = 'session.rename' AND id > ${seen}`);
    const text = rows.join("\n");
    for (const name of done) assert.ok(text.includes(`"${name}"`), `kill ${kill}: ${name} was answered with 200 and is lost`);
    seen = Number(rows.at(-1)?.split("|")[0] ?? seen);
    commits += done.length;
    const began = performance.now();
    await dashboard.up();
    ready.push(performance.now() - began);
  }
  for (const one of clients) one.running = false;
  await Promise.all(clients.map((one) => one.ended));
  console.log(`Kills: ${kKills} kill -9, ${commits} answered commits, 0 lost, ${kKills} / ${kKills} databases sound; ` +
    `ready again p50 ${Math.round(percentile(ready, 0.5))} ms, p99 ${Math.round(percentile(ready, 0.99))} ms, max ${Math.round(Math.max(...ready))} ms`);
  assert.ok(commits > kKills);
  promised("Kills: ready again after 99 of 100 kills", percentile(ready, 0.99), kReadyMs);
});
