// Health, readiness and logs as operators and their tools see them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { Api, request } from "../harness/api.mjs";
import { Dashboard, kRepository, skipWithoutProgram as skip } from "../harness/server.mjs";
import { percentile, promised, until } from "../harness/wait.mjs";

const version = JSON.parse(readFileSync(path.join(kRepository, "package.json"), "utf8")).version;

let dashboard;
let api;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start({ settings: { CLAUDE_COMMAND: "/nowhere/claude" } });
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const health = () => request(dashboard.url, { path: "/health" });

test("Health.HasTheRunbooksShape", { skip, timeout: 180_000 }, async () => {
  await api.createSession({ name: "one", project: dashboard.project, command: ["/bin/cat"] });
  const answer = await until("everything is ok", async () => {
    const got = await health();
    return got.status === 200 && got;
  });
  const report = answer.json;
  assert.deepEqual(Object.keys(report), ["status", "checks", "uptime", "timestamp", "version"]);
  assert.equal(report.status, "healthy");
  assert.deepEqual(report.checks, { server: "ok", database: "ok", tmux: "ok", claude: "not-installed" });
  assert.ok(Number.isInteger(report.uptime) && report.uptime >= 0 && report.uptime < 600);
  assert.match(report.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  assert.ok(Math.abs(Date.parse(report.timestamp) - Date.now()) < 60_000);
  assert.equal(report.version, version);
  assert.match(answer.headers["content-type"], /^application\/json/);
  assert.match(answer.headers["cache-control"], /no-store/);
});

test("Health.IsDegradedWhileTmuxDoesNotAnswer", { skip, timeout: 180_000 }, async () => {
  const pid = Number(dashboard.tmux.run("display-message", "-p", "#{pid}"));
  process.kill(pid, "SIGSTOP");
  try {
    const degraded = await until("503", async () => {
      const got = await health();
      return got.status === 503 && got;
    });
    assert.equal(degraded.json.status, "degraded");
    assert.equal(degraded.json.checks.tmux, "error");
    assert.equal(degraded.json.checks.server, "ok");
    const times = [];
    for (let i = 0; i < 20; ++i) {
      const began = performance.now();
      await request(dashboard.url, { path: "/health/live" });
      times.push(performance.now() - began);
    }
    // Whoever waited for tmux would wait for the 3 s that a command may take.
    assert.ok(percentile(times, 0.5) < 2000, "a tmux that hangs slows nobody else");
    promised("Health: 95 of 100 answers while tmux hangs", percentile(times, 0.95), 250);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await until("healthy again", async () => (await health()).status === 200);
});

test("Health.LiveAndReadyAreForProbes", { skip, timeout: 180_000 }, async () => {
  assert.deepEqual([(await request(dashboard.url, { path: "/health/live" })).status, (await request(dashboard.url, { path: "/health/ready" })).status], [200, 200]);
  assert.equal((await request(dashboard.url, { method: "POST", path: "/health" })).status, 405);
});

test("Health.MetricsAreInPrometheusText", { skip, timeout: 180_000 }, async () => {
  const { status, headers, text } = await request(dashboard.url, { path: "/metrics" });
  assert.equal(status, 200);
  assert.match(headers["content-type"], /^text\/plain; version=0\.0\.4/);
  for (const line of text.split("\n").filter(Boolean)) assert.match(line, /^(#|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [-+0-9.eEInfNa]+$)/, line);
});

test("Health.EveryRequestIsOneLineOfTheAccessLog", { skip, timeout: 180_000 }, async () => {
  const anonymous = new Api(dashboard.url);
  const marker = `marker-${process.pid}`;
  await anonymous.send("GET", `/api/sessions/${marker}%0aINJECTED%1b[2J`, { headers: { authorization: "Bearer SECRET-IN-HEADER", cookie: "ccd_access=SECRET-IN-COOKIE", "user-agent": "agent\twith \"quotes\"", referer: "http://x/\u00e9" } });
  const lines = await until("the line is written", () => {
    const found = readFileSync(dashboard.settings.ACCESS_LOG, "utf8").split("\n").filter((line) => line.includes(marker));
    return found.length > 0 && found;
  });
  assert.equal(lines.length, 1);
  assert.equal(/[\x00-\x1f\x7f]/.test(lines[0]), false, "a control byte is in the log");
  assert.equal(readFileSync(dashboard.settings.ACCESS_LOG, "utf8").split("\n").some((line) => line.startsWith("INJECTED")), false);
  assert.equal(/SECRET/.test(lines[0]), false, "a login is in the log");
});

test("Health.TheLogHasTheRunbooksLevelWords", { skip, timeout: 180_000 }, async () => {
  for (const line of dashboard.log().split("\n").filter(Boolean)) assert.match(line, /^\S+Z (DEBUG|INFO|WARN|ERROR) [a-z_.]+: /, line);
});

test("Health.JsonLogsAreOneObjectALine", { skip, timeout: 180_000 }, async () => {
  const json = new Dashboard({ settings: { LOG_FORMAT: "json" } });
  try {
    json.spawn();
    await until("it is ready", () => /"message":"ready"/.test(json.log()));
    await json.stop();
    const lines = json.log().split("\n").filter(Boolean).map((line) => JSON.parse(line));
    assert.ok(lines.length > 1);
    for (const line of lines) assert.match(line.level, /^(DEBUG|INFO|WARN|ERROR)$/);
  } finally {
    await json.remove();
  }
});

test("Health.AStopDrainsAndExitsWith0", { skip, timeout: 180_000 }, async () => {
  const { code, signal, milliseconds } = await dashboard.stop();
  assert.deepEqual([code, signal], [0, null]);
  promised("Health: stopped after SIGTERM", milliseconds, 5000);
  await dashboard.up();
});
