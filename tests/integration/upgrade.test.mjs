// Two dashboards on one database: one serves, the other waits in standby, and the change from one to the other is seen by nobody.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { Api, request } from "../harness/api.mjs";
import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { percentile, promised, until } from "../harness/wait.mjs";
import { query } from "./support.mjs";

const run = promisify(execFile);
const kUpgrades = Number(process.env.UPGRADES ?? 6);
const kKillsOfHolder = Number(process.env.HOLDER_KILLS ?? 3);
const kExitLease = 75;
const kTypeEveryMs = 10;
// What a page may notice of an upgrade, and what a busy test machine adds.
const kPauseMs = 1000;
const kRollBackMs = 5000;

const made = [];
after(async () => {
  for (const dashboard of made.reverse()) await dashboard.remove();
}, { timeout: 180_000 });

/** A dashboard with the folders, secret and tmux server of another one. */
function sibling(blue, settings = {}) {
  const same = ["DATA_DIR", "DATABASE_PATH", "JWT_SECRET", "ALLOWED_PROJECT_ROOTS", "ALLOWED_FILE_ROOTS", "TMUX_SOCKET"];
  const shared = Object.fromEntries(same.map((name) => [name, blue.settings[name]]));
  const green = new Dashboard({ settings: { ...shared, BACKUP_DIR: path.join(blue.folder, "backups"), STANDBY: "yes", ...settings } });
  green.tmux = blue.tmux;
  made.push(green);
  return green;
}

async function startBlue(settings = {}) {
  const blue = await Dashboard.start({ settings: { STANDBY: "yes", ...settings } });
  made.push(blue);
  return blue;
}

/** Starts it and waits until it is in standby. */
async function standBy(dashboard) {
  dashboard.spawn();
  const port = await until("it is in standby", () => dashboard.log({ lastStart: true }).match(/standby: another dashboard has the database port=(\d+)/)?.[1]);
  dashboard.port = Number(port);
  dashboard.settings.PORT = port;
}

const ready = async (dashboard) => {
  try {
    return (await request(dashboard.url, { path: "/health/ready" })).status === 200;
  } catch {
    return false;
  }
};
const inStandby = async (dashboard) => {
  try {
    return (await request(dashboard.url, { path: "/health/ready" })).json.status === "standby";
  } catch {
    return false;
  }
};
const command = (dashboard, ...words) => run(dashboard.program, words, { env: dashboard.environment(), cwd: dashboard.folder });

test("Upgrade.ASecondDashboardIsRefusedAndToldWhoServes", { skip, timeout: 180_000 }, async () => {
  const blue = await startBlue();
  const second = sibling(blue, { STANDBY: "no" });
  second.spawn();
  const { code } = await second.ended;
  assert.equal(code, kExitLease, second.log());
  assert.match(second.log(), new RegExp(`another dashboard has the database .*pid ${blue.pid} on .*, port ${blue.port}`));
  assert.match(second.log(), /STANDBY=yes/);
  assert.equal((await request(blue.url, { path: "/health" })).status, 200);
  const { stdout } = await command(blue, "lease");
  assert.equal(JSON.parse(stdout).pid, blue.pid);
  // Nobody waits: a hand-over would only be a pause.
  await assert.rejects(command(blue, "hand-over"), /nobody waits in standby/);
  assert.equal(await ready(blue), true);
});

test("Upgrade.AStandbyIsHealthyButNotReady", { skip, timeout: 180_000 }, async () => {
  const blue = await startBlue();
  const api = await blue.login();
  const green = sibling(blue);
  await standBy(green);
  assert.equal((await request(green.url, { path: "/health/live" })).status, 200);
  const health = await request(green.url, { path: "/health" });
  assert.equal(health.status, 200, health.text);
  assert.deepEqual(Object.keys(health.json), ["status", "checks", "uptime", "timestamp", "version", "role"]);
  assert.deepEqual([health.json.status, health.json.role, health.json.checks.database], ["healthy", "standby", "ok"]);
  assert.equal((await request(green.url, { path: "/health/ready" })).status, 503);
  const refused = await new Api(green.url).send("GET", "/api/sessions", { headers: { authorization: `Bearer ${api.accessToken}` } });
  assert.deepEqual([refused.status, refused.code, refused.headers["retry-after"]], [503, "unavailable", "1"]);
  assert.equal((await request(green.url, { path: "/metrics" })).status, 200);
  assert.equal(await ready(blue), true, "asking the standby directly changes nothing");
  const { code } = await green.stop();
  assert.equal(code, 0);
});

test("Upgrade.HandOversAreUnseenByTypistsAndAgents", { skip, timeout: 300_000 }, async (t) => {
  const blue = await startBlue();
  const green = sibling(blue);
  let current = blue;
  const api = new Api(() => current.url);
  await api.setup(blue.setupCode(), "owner", "quiet-lantern-39-harbour-violet");
  const file = path.join(blue.project, "keys.bin");
  const session = await api.createSession({ name: "typed", project: blue.project, command: ["/bin/sh", "-c", 'stty raw -echo; echo READY; exec cat >"$0"', file] });
  const counter = await api.createSession({ name: "counter", project: blue.project, command: ["/bin/sh", "-c", "i=0; while :; do i=$((i+1)); echo tick-$i; sleep 0.02; done"] });
  const pid = blue.tmux.run("list-panes", "-t", "=counter:", "-F", "#{pane_pid}").trim();
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  const ticks = await socket.open({ session: counter.id, from: 0 });
  await terminal.waitFor("READY");
  let typed = 0;
  let typing = true;
  const typist = (async () => {
    while (typing) {
      terminal.type(`k${String(typed++).padStart(5, "0")}`);
      await delay(kTypeEveryMs);
    }
  })();
  t.after(() => {
    typing = false;
  });
  const pauses = [];
  const handed = [];
  for (let i = 0; i < kUpgrades; ++i) {
    const [from, to] = current === blue ? [blue, green] : [green, blue];
    if (!to.running) await standBy(to);
    await until("the other one is in standby", () => inStandby(to));
    await delay(200);
    // The pause: from the last byte seen before to the first one seen after.
    let longest = 0;
    let seen = ticks.offset;
    let at = performance.now();
    let watching = true;
    const watch = (async () => {
      while (watching) {
        if (ticks.offset !== seen) {
          longest = Math.max(longest, performance.now() - at);
          seen = ticks.offset;
          at = performance.now();
        }
        await delay(1);
      }
    })();
    const asked = command(from, "hand-over");
    current = to; // what switching the proxy does
    handed.push(Number((await asked).stdout.match(/Handed over in (\d+) ms/)[1]));
    await until("it serves", () => ready(to));
    const target = ticks.offset;
    await until("output is seen again", () => ticks.offset > target, { stepMs: 2 });
    await delay(100);
    watching = false;
    await watch;
    pauses.push(longest);
    assert.equal(from.running, true, "who handed over lives on");
  }
  typing = false;
  await typist;
  await until("every key is in the file", () => statSync(file).size >= typed * 6);
  const text = readFileSync(file, "latin1");
  const expected = Array.from({ length: typed }, (_, i) => `k${String(i).padStart(5, "0")}`).join("");
  assert.equal(text, expected, "a key was lost, doubled or moved");
  assert.equal(blue.tmux.run("list-panes", "-t", "=counter:", "-F", "#{pane_pid}").trim(), pid, "the agent is the same");
  await until("the counter's output is here", async () => ticks.offset >= (await api.output(counter.id)).end - 100);
  assert.deepEqual([terminal.faults, ticks.faults], [[], []]);
  assert.deepEqual(query(blue.settings.DATABASE_PATH, "PRAGMA integrity_check"), ["ok"]);
  const epoch = Number(query(blue.settings.DATABASE_PATH, "SELECT epoch FROM storage_lease")[0]);
  assert.equal(epoch, kUpgrades + 1, "each had it once");
  const show = (values) => `p50 ${Math.round(percentile(values, 0.5))} ms, max ${Math.round(Math.max(...values))} ms`;
  console.log(`Upgrade: ${kUpgrades} hand-overs, ${typed} keys, 0 lost or doubled; lease handed over ${show(handed)}; output paused at the viewer ${show(pauses)}`);
  promised("Upgrade: half of the pauses of a viewer's output", percentile(pauses, 0.5), kPauseMs);
  await socket.close();
});

test("Upgrade.AKilledHolderIsFollowedByTheStandby", { skip, timeout: 180_000 }, async () => {
  const blue = await startBlue();
  const api = await blue.login();
  await api.createSession({ name: "stays", project: blue.project, command: ["/bin/cat"] });
  const green = sibling(blue);
  let [holder, other] = [blue, green];
  const took = [];
  for (let i = 0; i < kKillsOfHolder; ++i) {
    await standBy(other);
    const began = performance.now();
    await holder.kill();
    await until("the standby serves", () => ready(other), { stepMs: 1 });
    took.push(performance.now() - began);
    [holder, other] = [other, holder];
  }
  const sessions = await new Api(holder.url).send("GET", "/api/sessions", { headers: { authorization: `Bearer ${api.accessToken}` } });
  assert.deepEqual(sessions.json.sessions.map(({ name, status }) => [name, status]), [["stays", "active"]]);
  console.log(`Upgrade: ${kKillsOfHolder} holders killed; the standby was ready after p50 ${Math.round(percentile(took, 0.5))} ms, max ${Math.round(Math.max(...took))} ms`);
});

test("Upgrade.AFailingGreenGivesItBack", { skip, timeout: 180_000 }, async () => {
  const blue = await startBlue();
  await blue.login();
  const green = sibling(blue);
  await standBy(green);
  await command(blue, "hand-over");
  const began = performance.now();
  await green.kill();
  await until("blue serves again", () => ready(blue), { stepMs: 2 });
  const milliseconds = performance.now() - began;
  promised("Upgrade: rolled back to the old one after the new one's end", milliseconds, kRollBackMs);
});

test("Upgrade.ARequestThroughAProxyAsksForTheDatabase", { skip, timeout: 180_000 }, async () => {
  const blue = await startBlue();
  const api = await blue.login();
  const green = sibling(blue, { TRUSTED_PROXIES: "127.0.0.1" });
  await standBy(green);
  // The proxy now sends people to green: the first request is held until green serves.
  const began = performance.now();
  const answer = await new Api(green.url).send("GET", "/api/sessions", { headers: { authorization: `Bearer ${api.accessToken}`, "x-forwarded-for": "192.0.2.1" } });
  console.log(`Upgrade: the first request through the proxy was answered after ${Math.round(performance.now() - began)} ms`);
  assert.equal(answer.status, 200, answer.text);
  await until("blue is in standby", () => inStandby(blue));
  // A request that still comes the old way does not take it back.
  const stray = await new Api(blue.url).send("GET", "/api/sessions", { headers: { "x-forwarded-for": "192.0.2.1" } });
  assert.equal(stray.status, 503);
  assert.equal(await ready(green), true);
});

test("Upgrade.SigtermOfTheOldOneHandsOverToo", { skip, timeout: 180_000 }, async () => {
  const blue = await startBlue();
  await blue.login();
  const green = sibling(blue);
  await standBy(green);
  assert.equal((await blue.stop()).code, 0);
  await until("green serves", () => ready(green));
});

test("Upgrade.WhoLostTheLeaseWritesNothingMoreAndEnds", { skip, timeout: 180_000 }, async () => {
  const blue = await startBlue({ STANDBY: "no" });
  const api = await blue.login();
  const session = await api.createSession({ name: "one", project: blue.project, command: ["/bin/cat"] });
  // Somebody deletes the lease's file: a second one gets a lease of its own.
  rmSync(`${blue.settings.DATABASE_PATH}.lease`);
  const second = sibling(blue, { STANDBY: "no" });
  await second.up();
  const refused = await api.send("PATCH", `/api/sessions/${session.id}`, { json: { name: "two" } }).catch((error) => error);
  assert.notEqual(refused.status, 200);
  assert.equal((await blue.ended).code, kExitLease, blue.log());
  assert.match(blue.log(), /another dashboard has taken the database over/);
  // What it had told tmux already, the second one finds there and records as its own.
  assert.deepEqual(query(blue.settings.DATABASE_PATH, "SELECT count(*) FROM audit_logs WHERE action LIKE 'session.rename%' AND actor = 'owner'"), ["0"]);
});

test("Upgrade.ATmuxServerOfAnotherServiceIsWaitedFor", { skip, timeout: 180_000 }, async () => {
  const dashboard = await Dashboard.start({ settings: { TMUX_START: "never" } });
  made.push(dashboard);
  const api = await dashboard.login();
  assert.equal((await request(dashboard.url, { path: "/health" })).json.checks.tmux, "error");
  const refused = await api.send("POST", "/api/sessions", { json: { name: "early", project: dashboard.project, command: ["/bin/cat"] } });
  assert.equal(refused.status, 503, refused.text);
  assert.throws(() => dashboard.tmux.run("list-sessions"), "none was started");
  await command(dashboard, "tmux-start");
  await until("it is seen", async () => (await request(dashboard.url, { path: "/health" })).json.checks.tmux === "ok");
  await api.createSession({ name: "now", project: dashboard.project, command: ["/bin/cat"] });
});
