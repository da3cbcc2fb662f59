// kill -9 of the dashboard during output: the agent does not notice, and who watches misses nothing and gets nothing twice.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { isAlive } from "../harness/tmux.mjs";
import { percentile, promised, until } from "../harness/wait.mjs";
import { checkCounter, childrenOf, program, query } from "./support.mjs";

const kKills = Number(process.env.CRASH_KILLS ?? 50);
const kReadyMs = 1000;
// 80 KB/s, a busy agent: who has missed more than 256 KiB gets a snapshot, and a restart on a busy machine takes a second or two.
const kLinesPerSecond = 2000;

let dashboard;
let api;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

test("Crash.OutputSurvivesKillsWithoutAGap", { skip, timeout: 300_000 }, async () => {
  const session = await api.createSession({ name: "counter", project: dashboard.project, command: program("counter.mjs", kLinesPerSecond) });
  const pid = Number(dashboard.tmux.run("list-panes", "-t", "=counter:", "-F", "#{pane_pid}"));
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  const ready = [];
  const resumed = [];
  for (let kill = 0; kill < kKills; ++kill) {
    const before = terminal.offset;
    await until("output flows", () => terminal.offset > before + 20_000);
    // Moments of every kind: between two writes, in the middle of one, right after the last reconnect.
    await delay((kill * 37) % 150);
    const began = performance.now();
    const at = terminal.offset;
    ready.push(await dashboard.crashAndRestart());
    await until("output flows again", () => terminal.offset > at && socket.connected);
    resumed.push(performance.now() - began);
  }
  assert.ok(isAlive(pid), "the agent lives");
  await api.must("DELETE", `/api/sessions/${session.id}`);
  const log = await api.output(session.id);
  await terminal.reaches(log.end);
  const counted = checkCounter(log.bytes);
  const show = (values) => `p50 ${Math.round(percentile(values, 0.5))} ms, max ${Math.round(Math.max(...values))} ms`;
  console.log(`Crash: ${kKills} kills; ready again ${show(ready)}; output again at the viewer ${show(resumed)}; ` +
    `${counted.lines} lines, ${counted.faults.length} gaps; ${terminal.bytes} bytes received, ${terminal.faults.length} faults, ${terminal.snapshots} snapshots`);
  assert.deepEqual(counted.faults, [], "the agent's counter has a gap in the record");
  assert.ok(counted.lines > 1000);
  assert.deepEqual(terminal.faults, []);
  assert.equal(terminal.snapshots, 0);
  assert.equal(terminal.first, 0);
  assert.equal(terminal.offset, log.end);
  assert.equal(terminal.digest(), createHash("sha256").update(log.bytes).digest("hex"), "the viewer received exactly the record");
  assert.equal(socket.connections, kKills + 1);
  assert.deepEqual(query(dashboard.settings.DATABASE_PATH, "PRAGMA integrity_check"), ["ok"]);
  promised("Crash: ready again after every kill", Math.max(...ready), kReadyMs);
  await socket.close();
});

test("Crash.AKilledTapIsReplacedAndTheScreenRepaired", { skip, timeout: 180_000 }, async () => {
  const session = await api.createSession({ name: "tap", project: dashboard.project, command: ["/bin/sh", "-c", "stty -echo; while read x; do echo got-$x; done"] });
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  terminal.type("one\n");
  await terminal.waitFor("got-one");
  const [tap] = tapPids(session.id);
  assert.ok(tap > 0, "the tap is found");
  process.kill(tap, "SIGKILL");
  await until("another tap is there", () => tapPids(session.id).some((pid) => pid !== tap));
  terminal.type("two\n");
  await terminal.waitFor("got-two");
  assert.equal((await api.session(session.id)).status, "active");
  await socket.close();
});

/** The taps of a session: children of our tmux server with the session's folder in their command line. */
function tapPids(id) {
  const server = Number(dashboard.tmux.run("display-message", "-p", "#{pid}"));
  return childrenOf(server).filter(({ argv }) => argv.some((word) => word.includes(id)) && /pane-tap/.test(argv[0])).map(({ pid }) => pid);
}

test("Crash.SessionsCreatedDuringKillsAreWholeOrNotThere", { skip, timeout: 180_000 }, async () => {
  const kTries = 10;
  let made = 0;
  for (let i = 0; i < kTries; ++i) {
    const name = `atomic-${i}`;
    const creating = api.createSession({ name, project: dashboard.project, command: ["/bin/cat"] }).catch((error) => error);
    await delay(i * 4);
    await dashboard.crashAndRestart();
    await creating;
    // Whatever tmux has is listed, whatever is listed as active is in tmux.
    await until("list and tmux agree", async () => {
      const listed = (await api.sessions()).filter((s) => s.status === "active").map((s) => s.name).sort();
      const running = dashboard.tmux.run("list-sessions", "-F", "#{session_name}").trim().split("\n").filter(Boolean).sort();
      assert.deepEqual(listed, running);
      return true;
    });
    made += (await api.sessions()).some((s) => s.name === name && s.status === "active") ? 1 : 0;
    // The name is free or the session is there: trying again never ends in a dead end.
    const again = await api.send("POST", "/api/sessions", { json: { name, project: dashboard.project, command: ["/bin/cat"] } });
    assert.ok([201, 409].includes(again.status), again.text);
  }
  console.log(`Crash: ${made} of ${kTries} sessions whose creation was cut off exist, the others left nothing behind`);
});
