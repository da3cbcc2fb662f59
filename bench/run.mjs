// Runs the benchmarks against the shipped (release) build and writes dated results: node bench/run.mjs [echo] [flood] [idle] [model]
// [transcript] [attach] [viewers] [stalled] [slow] [many] [thumbs] [memory] [held] [times].
//
// Every figure is a ratio against a peer or a floor measured in the same run, interleaved, median of several rounds, with the CPU
// seconds and the memory of the server and of tmux beside it.
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync, existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

import { Dashboard, kRepository } from "../tests/harness/server.mjs";
import { Tmux } from "../tests/harness/tmux.mjs";
import * as engine from "./engine.mjs";
import { cpuMicros, createSession, median, round, tapsOf, untilResult, usage } from "./engine.mjs";
import { model } from "./model.mjs";
import { transcript } from "./transcript.mjs";

// No single measurement takes this long; a hung one must not hang the run.
const kRunMs = 120_000;
const run = (file, args, options = {}) => promisify(execFile)(file, args, { timeout: kRunMs, killSignal: "SIGKILL", ...options });
const kProbe = path.join(kRepository, "build/release/bench/bench_terminal");
const kProgram = path.join(kRepository, "build/release/server/dashboard");
const kKeys = 60; // in a round
const kEchoRounds = 100;
const kFloodBytes = 200_000_000;
const kFloodRounds = engine.howOften(7);

async function ticket(api, dashboard) {
  const answer = await api.send("POST", "/api/ws-ticket", { json: {}, headers: { origin: dashboard.url } });
  return answer.json.ticket;
}

/** A probe that stays: each call types so many keys and gives their percentiles in microseconds. */
function echoProbe(args, env = process.env) {
  const child = spawn(kProbe, args, { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async keys(count) {
      child.stdin.write(`${count}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`bench_terminal ${args[0]} has ended`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}
const socketProbe = async (dashboard, api, session) =>
  echoProbe(["echo-socket", String(dashboard.port), await ticket(api, dashboard), session.id]);

/**
 * Key to echo: `tmux attach` in a raw PTY against the whole path through the dashboard. Both stay connected and take turns of a sixth of a second,
 * each compared with the peer's turns just before and after it: what else the machine does changes more slowly than that.
 */
async function echo(dashboard, api) {
  const cat = ["sh", "-c", "stty raw -echo; exec cat"];
  const session = await createSession(api, "bench-echo", dashboard.project, cat);
  // The peer has a tmux server of its own: on the dashboard's, its session would be adopted and piped as well.
  const peer = new Tmux();
  peer.run("-f", "/dev/null", "new-session", "-d", "-s", "bench-attach", "-x", "120", "-y", "36", "--", ...cat);
  const env = { ...process.env, TMUX_TMPDIR: peer.folder, TMUX: "" };
  const attach = echoProbe(["echo-attach", "--", "tmux", "-L", peer.socket, "attach", "-t", "=bench-attach"], env);
  const socket = await socketProbe(dashboard, api, session);
  await socket.keys(kKeys);
  const tap = tapsOf(dashboard)[0];
  const rounds = [];
  let before = await attach.keys(kKeys);
  const spent = () => ({ server: cpuMicros(dashboard.pid), tap: cpuMicros(tap) });
  const cpu = { server: 0, tap: 0 };
  for (let i = 0; i < kEchoRounds; ++i) {
    const from = spent();
    const mine = await socket.keys(kKeys);
    const to = spent();
    for (const who of ["server", "tap"]) cpu[who] += to[who] - from[who];
    const after = await attach.keys(kKeys);
    rounds.push({ socket: mine, attach: after, ratio: (2 * mine.p50) / (before.p50 + after.p50) });
    before = after;
  }
  attach.end();
  socket.end();
  await peer.kill();
  const pick = (who, field) => round(median(rounds.map((r) => r[who][field])), 1);
  const percentiles = (who) => ({ p50: pick(who, "p50"), p95: pick(who, "p95"), p99: pick(who, "p99") });
  const ratios = rounds.map((r) => r.ratio).sort((a, b) => a - b);
  return {
    what: "key to echo, microseconds; median over rounds of each round's percentile",
    rounds: kEchoRounds,
    keys_per_round: kKeys,
    attach: percentiles("attach"),
    socket: percentiles("socket"),
    ratio_p50: round(median(ratios)),
    ratio_p50_quartiles: [0.25, 0.75].map((part) => round(ratios[Math.floor(part * ratios.length)])),
    server_cpu_us_per_key: round(cpu.server / (kKeys * kEchoRounds), 1),
    tap_cpu_us_per_key: round(cpu.tap / (kKeys * kEchoRounds), 1),
    target: "ratio_p50 at most 1.3",
  };
}

/**
 * 200 MB of log text: tmux alone with nobody watching (no pipe), tmux alone that writes the pane to a file by `cat` (the floor of whatever
 * records a pane), a dashboard's session nobody watches, and one that is watched.
 */
async function flood(dashboard, api) {
  const rounds = [];
  const server = [];
  const alone = new Tmux();
  alone.run("-f", path.join(kRepository, "ops/tmux.conf"), "new-session", "-d", "-s", "keep", "--", "sleep", "3600");
  await createSession(api, "keep", dashboard.project, ["sleep", "3600"]);
  const tmuxPid = Number(dashboard.tmux.run("display-message", "-p", "#{pid}"));
  const memoryBefore = { server: usage(dashboard.pid), tmux: usage(tmuxPid) };
  for (let i = 0; i < kFloodRounds; ++i) {
    const file = (kind) => path.join(dashboard.folder, `flood-${kind}-${i}`);
    const command = (kind) => [kProbe, "flood", String(kFloodBytes), file(kind)];
    const gated = (gate, args) => ["sh", "-c", `while [ ! -e ${gate} ]; do sleep 0.01; done; exec ${args.join(" ")}`];
    const result = {};
    alone.run("new-session", "-d", "-s", `alone-${i}`, "-x", "120", "-y", "36", "--", ...command("alone"));
    result.alone = await untilResult(file("alone"), 120_000);

    const pipeGate = path.join(dashboard.folder, `pipe-gate-${i}`);
    const record = path.join(dashboard.folder, `piped-${i}.log`);
    alone.run("new-session", "-d", "-s", `piped-${i}`, "-x", "120", "-y", "36", "--", ...gated(pipeGate, command("piped")));
    alone.run("pipe-pane", "-t", `=piped-${i}:`, "-O", `exec cat > ${record}`);
    await delay(300);
    writeFileSync(pipeGate, "");
    result.piped = await untilResult(file("piped"), 120_000);
    rmSync(record);

    await createSession(api, `unwatched-${i}`, dashboard.project, command("unwatched"));
    result.unwatched = await untilResult(file("unwatched"), 120_000);

    const before = usage(dashboard.pid);
    const gate = path.join(dashboard.folder, `gate-${i}`);
    const session = await createSession(api, `watched-${i}`, dashboard.project, gated(gate, command("watched")));
    const viewer = run(kProbe, ["view", String(dashboard.port), await ticket(api, dashboard), session.id, "0", String(kFloodBytes)]);
    await delay(300);
    writeFileSync(gate, "");
    result.watched = await untilResult(file("watched"), 120_000);
    await viewer;
    const after = usage(dashboard.pid);
    server.push({ cpu: after.cpu - before.cpu, rss: after.rssKib });
    rounds.push(result);
  }
  await alone.kill();
  const memoryAfter = { server: usage(dashboard.pid), tmux: usage(tmuxPid) };
  const ratio = (kind) => rounds.map((r) => r[kind] / r.alone);
  return {
    what: `seconds for ${kFloodBytes / 1e6} MB of log text through one pane, as the printing program sees it; medians`,
    rounds: kFloodRounds,
    tmux_alone: round(median(rounds.map((r) => r.alone))),
    piped_to_cat: round(median(rounds.map((r) => r.piped))),
    unwatched: round(median(rounds.map((r) => r.unwatched))),
    watched_by_one: round(median(rounds.map((r) => r.watched))),
    ratio_piped: round(median(ratio("piped"))),
    ratio_unwatched: round(median(ratio("unwatched"))),
    ratio_watched: round(median(ratio("watched"))),
    ratio_watched_spread: [round(Math.min(...ratio("watched"))), round(Math.max(...ratio("watched")))],
    ratio_watched_to_piped: round(median(rounds.map((r) => r.watched / r.piped))),
    server_cpu_seconds_watched: round(median(server.map((s) => s.cpu))),
    server_rss_mib: { before: round(memoryBefore.server.rssKib / 1024, 1), after: round(memoryAfter.server.rssKib / 1024, 1) },
    tmux_rss_mib: { before: round(memoryBefore.tmux.rssKib / 1024, 1), after: round(memoryAfter.tmux.rssKib / 1024, 1) },
    target: "ratio_watched at most 1.2",
  };
}

/** What standing still costs: server and taps with 20 quiet shells, nobody watching, over ten seconds. */
async function idle(dashboard, api) {
  const kSessions = 20;
  const empty = usage(dashboard.pid);
  for (let i = 0; i < kSessions; ++i) await createSession(api, `idle-${i}`, dashboard.project, ["sleep", "600"]);
  await delay(2000);
  const before = usage(dashboard.pid);
  await delay(10_000);
  const after = usage(dashboard.pid);
  const taps = tapsOf(dashboard);
  const tapPrivate = taps.map((pid) => usage(pid).privateKib);
  return {
    what: `${kSessions} quiet sessions, nobody watching`,
    server_rss_mib_without_sessions: round(empty.rssKib / 1024, 1),
    server_rss_mib: round(after.rssKib / 1024, 1),
    server_cpu_percent: round(((after.cpu - before.cpu) / 10) * 100),
    tap_private_kib_median: median(tapPrivate),
    taps: taps.length,
  };
}

/** Key to echo through the dashboard only, for a machine that holds much else. */
async function echoes(dashboard, api) {
  const session = await createSession(api, "bench-echo-held", dashboard.project, ["sh", "-c", "stty raw -echo; exec cat"]);
  const probe = await socketProbe(dashboard, api, session);
  const rounds = [];
  for (let i = 0; i < 20; ++i) rounds.push(await probe.keys(kKeys));
  probe.end();
  return { p50: median(rounds.map((r) => r.p50)), p99: median(rounds.map((r) => r.p99)) };
}

/** The times that integration tests tell and do not hold themselves (`promised` in tests/harness/wait.mjs). */
async function times() {
  const told = {};
  const late = [];
  for (const file of ["auth", "crash", "health", "kills", "screen", "sessions", "upgrade"]) {
    const env = { ...process.env, HOLD_TIMES: "1", DASHBOARD_BINARY: kProgram };
    const { stdout } = await run(process.execPath, [path.join(kRepository, "tests/run.mjs"), "integration", file], { env, timeout: 10 * 60_000, maxBuffer: 1 << 26 })
      .catch((error) => (late.push(file), error));
    for (const [, what, took, limit] of stdout.matchAll(/^(.+): (\d+) ms, promised within (\d+) ms$/gm)) told[what] = { ms: Number(took), promised: Number(limit) };
  }
  return { what: "promised times, milliseconds, as the integration tests meet them", told, failed: late, target: "each within what is promised, nothing failed" };
}

const held = (dashboard, api) => engine.held(dashboard, api, () => echoes(dashboard, api));
const { attach, viewers, stalled, slow, many, thumbs, memory } = engine;
const benchmarks = { idle, echo, flood, model, transcript, attach, viewers, stalled, slow, many, thumbs, memory, held, times };
// These need no dashboard.
const alone = [model, transcript, times];
const wanted = process.argv.slice(2).filter((name) => !name.startsWith("-"));
for (const name of wanted) if (!(name in benchmarks)) throw new Error(`no benchmark ${name}: ${Object.keys(benchmarks).join(", ")}`);

const results = {
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: os.cpus()[0].model, cores: os.cpus().length, memory_gib: Math.round(os.totalmem() / 2 ** 30), kernel: os.release() },
  commit: execFileSync("git", ["-C", kRepository, "rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim(),
};
for (const [name, measure] of Object.entries(benchmarks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (alone.includes(measure)) {
    results[name] = await measure();
    console.log(name, JSON.stringify(results[name], null, 2));
    continue;
  }
  const dashboard = await Dashboard.start({ program: kProgram, settings: { RECORD_BYTES_PER_SESSION: String(512 * 1024 * 1024) } });
  try {
    const api = await dashboard.login();
    results[name] = await measure(dashboard, api);
    console.log(name, JSON.stringify(results[name], null, 2));
  } finally {
    await dashboard.remove();
  }
}
const folder = path.join(kRepository, "bench/results");
mkdirSync(folder, { recursive: true });
const file = path.join(folder, `${results.date}-terminal.json`);
const earlier = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
writeFileSync(file, `${JSON.stringify({ ...earlier, ...results }, null, 2)}\n`);
console.log(`written: ${path.relative(kRepository, file)}`);
