// That the dashboard starts no program by the clock: while nothing is done, however many agents there are and however often it is asked how it is,
// no process of its own begins. The kernel counts: what a child that has ended took in page faults is added to its parent's (proc(5), cminflt and
// cmajflt), and no program starts without one. Children that have not ended are listed.
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { request } from "../harness/api.mjs";
import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";

const kAgents = 8;
const kWindowMs = 35_000; // longer than anything that was ever done by the clock: each 3, 10 and 30 s
const kQuietMs = 5_000;

let dashboard;
let owner;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  // An agent that works: a spinner in its title, and output. It starts no program itself.
  const launcher = path.join(dashboard.folder, "claude");
  writeFileSync(launcher, `#!/bin/bash
exec {hold}<> <(:)
for ((n = 0; ; ++n)); do
  ((n % 8 < 4)) && mark='\\u25d0' || mark='\\u25d1'
  printf "\\e]0;$mark at work\\a\\r\\e[2K* Thinking (%d s)" $((n / 4))
  read -r -t 0.25 -u $hold
done
`);
  chmodSync(launcher, 0o755);
  dashboard.settings.CLAUDE_COMMAND = launcher;
  await dashboard.up();
  owner = await dashboard.login();
}, { timeout: 60_000 });
after(async () => dashboard?.remove(), { timeout: 60_000 });

/** Changes with every process that the dashboard starts: at its end when it has ended, at once while it runs. */
function started() {
  const fields = readFileSync(`/proc/${dashboard.pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return `${fields[8]}+${fields[10]} faults, children ${readFileSync(`/proc/${dashboard.pid}/task/${dashboard.pid}/children`, "utf8").trim()}`;
}

/** Waits until no process has been started for `quietMs`. */
async function quiet() {
  let last = started();
  let since = performance.now();
  await until(`nothing is started for ${kQuietMs} ms`, () => {
    const now = started();
    if (now !== last) [last, since] = [now, performance.now()];
    return performance.now() - since >= kQuietMs;
  }, { timeoutMs: 60_000 });
}

async function askedEachSecond(windowMs) {
  const end = performance.now() + windowMs;
  while (performance.now() < end) {
    for (const asked of ["/health", "/metrics"]) assert.equal((await request(dashboard.url, { path: asked })).status, 200, asked);
    await owner.sessions();
    await delay(1000);
  }
}

test("Forks.NoneByTheClock", { skip, timeout: 240_000 }, async () => {
  const commands = [["/bin/bash"], ["/bin/cat"], ["/bin/bash", "-c", "while sleep 1; do date; done"], ["/bin/sleep", "1000"]];
  const names = [];
  for (let i = 0; i < kAgents; ++i) names.push(await owner.createSession({ name: `agent-${i}`, project: dashboard.project, command: [] }));
  for (const [i, command] of commands.entries()) names.push(await owner.createSession({ name: `other-${i}`, project: dashboard.project, command }));
  dashboard.tmux.run("new-session", "-d", "-s", "by-hand", "--", "cat");
  await until("all are there", async () => (await owner.sessions()).filter(({ status }) => status === "active").length === names.length + 1);
  // Somebody looks at the list with its small pictures, and at two terminals.
  const socket = await TerminalSocket.connect(owner);
  socket.sendText({ type: "thumbs", sessions: names.map(({ id }) => id) });
  for (const { id } of [names[0], names[kAgents]]) await socket.open({ session: id });
  await quiet();

  const before = started();
  await askedEachSecond(kWindowMs);
  assert.equal(started(), before, `nothing is started in ${kWindowMs / 1000} s`);

  // And it would have been seen.
  dashboard.tmux.run("rename-session", "-t", "=by-hand", "renamed");
  await until("the new name", async () => (await owner.sessions()).some(({ name }) => name === "renamed"));
  assert.notEqual(started(), before);
  await socket.close();
});
