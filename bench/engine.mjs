// The terminal engine under load: opening, many viewers, slow and stopped viewers, small pictures, memory. See README.md.
import { execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { kRepository } from "../tests/harness/server.mjs";

const kProbe = path.join(kRepository, "build/release/bench/bench_terminal");
const kCrowd = path.join(kRepository, "build/release/bench/bench_crowd");
const kTicks = 100; // USER_HZ
const kSocketsPerLogin = 30; // the server's limit is 32
const kLoginsPerUser = 40; // the server's limit is 50
const kPassword = "quiet-lantern-39-harbour-violet";

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
/** How often something long is measured: BENCH_ROUNDS, or `usual`. */
export const howOften = (usual) => Number(process.env.BENCH_ROUNDS ?? usual);
export const round = (value, digits = 2) => Number(value.toFixed(digits));
const mib = (kib) => round(kib / 1024, 1);

/** CPU seconds (user and system) of one process; its memory in KiB: resident, what only it has, and of that what is no page of a file. */
export function usage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (name) => Number(rollup.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1] ?? 0);
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / kTicks, rssKib: kib("Rss"), privateKib: kib("Private_Clean") + kib("Private_Dirty"),
    anonymousKib: kib("Anonymous"),
  };
}

/** CPU microseconds of all threads of one process, as the scheduler counts them. */
export function cpuMicros(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8"));
  return threads.reduce((sum, text) => sum + Number(text.split(" ")[0]), 0) / 1000;
}

/** Connections that a server on this port has. */
function connections(port) {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const kEstablished = "01";
  return readFileSync("/proc/net/tcp", "utf8").split("\n").filter((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    return local?.endsWith(end) && state === kEstablished;
  }).length;
}

/** The process ids of the dashboard's taps. */
export const tapsOf = (dashboard) =>
  execFileSync("pgrep", ["-f", `pane-tap ${dashboard.folder}/`], { encoding: "utf8" }).trim().split("\n").map(Number);

export async function createSession(api, name, project, command) {
  const answer = await api.send("POST", "/api/sessions", { json: { name, project, command, cols: 120, rows: 36 } });
  if (answer.status !== 201) throw new Error(`session ${name}: ${answer.status} ${answer.text}`);
  return answer.json;
}
const endSession = (api, id) => api.send("DELETE", `/api/sessions/${id}`);

/** Enough logins for `sockets`: 30 each, of as many people as it takes. */
async function logins(dashboard, api, sockets) {
  const wanted = Math.ceil(sockets / kSocketsPerLogin);
  const all = [];
  for (let i = 0; i < wanted; ++i) {
    const name = `viewer-${Math.floor(i / kLoginsPerUser)}`;
    if (i % kLoginsPerUser === 0) await api.send("POST", "/api/users", { json: { name, password: kPassword, role: "member" } });
    all.push(await dashboard.login({ name, password: kPassword }));
  }
  return all;
}

/** Runs the probe with `sockets` viewers. `ready` resolves once all are up, `result` with its line of JSON. */
export function crowd(dashboard, people, mode, args, sockets) {
  const child = spawn(kCrowd, [mode, String(dashboard.port), ...args.map(String)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  let up = 0;
  let became;
  const ready = new Promise((resolve) => (became = resolve));
  const began = performance.now();
  const nextTicket = async () => {
    if (up >= sockets) return child.stdin.end("\n");
    const person = people[Math.floor(up / kSocketsPerLogin) % people.length];
    const answer = await person.send("POST", "/api/ws-ticket", { json: {}, headers: { origin: dashboard.url } });
    if (answer.status >= 300) throw new Error(`ticket ${up}: ${answer.status} ${answer.text}`);
    child.stdin.write(`${answer.json.ticket}\n`);
  };
  const result = new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      if (line === "up") {
        up += 1;
        nextTicket().catch(reject);
      } else if (line === "ready") {
        became({ seconds: (performance.now() - began) / 1000 });
      } else {
        resolve(JSON.parse(line));
      }
    });
    child.on("exit", (code) => code !== 0 && reject(new Error(`bench_crowd ${mode} ended with ${code}`)));
  });
  nextTicket().catch(() => child.kill());
  return { child, ready, result };
}

export async function untilResult(file, timeoutMs) {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    try {
      const text = readFileSync(file, "utf8");
      if (text.endsWith("\n")) return Number(text);
    } catch {
      // not there yet
    }
    await delay(20);
  }
  throw new Error(`no result in ${file} within ${timeoutMs} ms`);
}

/** From the open message to the whole first screen, with 10,000 lines of history behind it. */
export async function attach(dashboard, api) {
  const session = await createSession(api, "bench-attach", dashboard.project, ["sh", "-c",
    "seq -f 'line %.0f of a long history with some words in it to make it usual' 1 10050; exec sleep 1000"]);
  await delay(3000);
  const kOpens = 300;
  const run = crowd(dashboard, [api], "attach", [session.id, kOpens], 1);
  const result = await run.result;
  await endSession(api, session.id);
  return { what: "open message to the whole first screen, 10,000 lines of history", ...result, target: "p50 at most 3 ms, at most 65536 bytes" };
}

/** How fast 200 MB get out of a program while nobody, one, 10 and 100 watch; and with the dashboard stopped. */
export async function viewers(dashboard, api) {
  const kBytes = 200_000_000;
  const kRounds = howOften(3);
  const counts = [0, 1, 10, 100];
  const people = await logins(dashboard, api, 100);
  await createSession(api, "keep", dashboard.project, ["sleep", "3600"]);
  const tmuxPid = Number(dashboard.tmux.run("display-message", "-p", "#{pid}"));
  const seconds = { stopped: [] };
  const cpu = {};
  const tmuxBefore = usage(tmuxPid).rssKib;
  let tmuxMost = tmuxBefore;
  for (let round = 0; round < kRounds; ++round) {
    for (const kind of [...counts, "stopped"]) {
      const file = path.join(dashboard.folder, `viewers-${kind}-${round}`);
      const gate = `${file}.gate`;
      const session = await createSession(api, `flood-${kind}-${round}`, dashboard.project,
        ["sh", "-c", `while [ ! -e ${gate} ]; do sleep 0.01; done; exec ${kProbe} flood ${kBytes} ${file}`]);
      const count = kind === "stopped" ? 0 : kind;
      const run = count > 0 ? crowd(dashboard, people, "lag", [session.id, 60], count) : undefined;
      await run?.ready;
      await delay(700);
      const before = usage(dashboard.pid);
      if (kind === "stopped") process.kill(dashboard.pid, "SIGSTOP");
      writeFileSync(gate, "");
      const took = await untilResult(file, 120_000);
      tmuxMost = Math.max(tmuxMost, usage(tmuxPid).rssKib);
      if (kind === "stopped") process.kill(dashboard.pid, "SIGCONT");
      (seconds[kind] ??= []).push(took);
      (cpu[kind] ??= []).push(usage(dashboard.pid).cpu - before.cpu);
      run?.result.catch(() => {});
      run?.child.kill();
      await endSession(api, session.id);
      await delay(500);
    }
  }
  const rate = (kind) => round(median(seconds[0].map((alone, i) => alone / seconds[kind][i])));
  return {
    what: `the printing program's rate with viewers, as a part of its rate with none; ${kBytes / 1e6} MB of log text, ${kRounds} rounds, medians`,
    seconds_with_none: round(median(seconds[0])),
    rate_1: rate(1), rate_10: rate(10), rate_100: rate(100), rate_dashboard_stopped: rate("stopped"),
    server_cpu_seconds: Object.fromEntries(Object.entries(cpu).map(([kind, values]) => [kind, round(median(values))])),
    server_rss_mib: mib(usage(dashboard.pid).rssKib),
    tmux_rss_growth_mib: mib(tmuxMost - tmuxBefore),
    target: "each rate at least 0.95; tmux at most +32 MB",
  };
}

/** 50 viewers that stopped reading, for a minute, beside a flood. */
export async function stalled(dashboard, api) {
  const kSeconds = 60;
  const people = await logins(dashboard, api, 50);
  const session = await createSession(api, "bench-stall", dashboard.project, [kProbe, "times", "0"]);
  await delay(2000);
  const before = usage(dashboard.pid).rssKib;
  const run = crowd(dashboard, people, "stall", [session.id, kSeconds], 50);
  await run.ready;
  let most = 0;
  for (let i = 0; i < kSeconds - 2; ++i) {
    await delay(1000);
    most = Math.max(most, usage(dashboard.pid).rssKib);
  }
  await run.result;
  await endSession(api, session.id);
  return { what: `50 viewers that read nothing for ${kSeconds} s beside a flood`, server_rss_growth_mib: mib(most - before), server_rss_mib: mib(most), target: "under 64 MB" };
}

/** A viewer that takes 200 KB a second of a flood. */
export async function slow(dashboard, api) {
  const session = await createSession(api, "bench-slow", dashboard.project, [kProbe, "times", "0"]);
  await delay(1000);
  const result = await crowd(dashboard, [api], "slow", [session.id, 15, 200_000], 1).result;
  await endSession(api, session.id);
  return { what: "a viewer at 200 KB/s in a flood: the age of what it shows, and from Ctrl-C to seeing its effect", ...result, target: "age_max 500 ms, ctrl_c 500 ms" };
}

/** 500 viewers of one session. */
export async function many(dashboard, api) {
  const kViewers = 500;
  const people = await logins(dashboard, api, kViewers);
  const session = await createSession(api, "bench-many", dashboard.project, [kProbe, "times", "10"]);
  await delay(1000);
  const before = usage(dashboard.pid);
  const run = crowd(dashboard, people, "lag", [session.id, 20], kViewers);
  const { seconds } = await run.ready;
  await delay(10_000);
  const during = usage(dashboard.pid);
  const result = await run.result;
  await endSession(api, session.id);
  return {
    what: `${kViewers} viewers of one session that prints ten lines a second`,
    sockets_connected_seconds: round(seconds), ...result,
    server_kib_each: round((during.rssKib - before.rssKib) / kViewers, 1),
    target: "all_opened 1000 ms, lag_p99 15 ms, 40 KiB each",
  };
}

/** 100 small pictures of sessions that all print, twice a second. */
export async function thumbs(dashboard, api) {
  const kSessions = 100;
  const kSeconds = 20;
  const ids = [];
  for (let i = 0; i < kSessions; ++i) ids.push((await createSession(api, `thumb-${i}`, dashboard.project, [kProbe, "times", "2"])).id);
  await delay(3000);
  const idle = usage(dashboard.pid);
  await delay(10_000);
  const without = (usage(dashboard.pid).cpu - idle.cpu) / 10;
  const run = crowd(dashboard, [api], "thumbs", [ids.join(","), kSeconds], 1);
  await run.ready;
  await delay(3000);
  const before = usage(dashboard.pid);
  await delay(10_000);
  const after = usage(dashboard.pid);
  const result = await run.result;
  for (const id of ids) await endSession(api, id);
  return {
    what: `${kSessions} sessions that print two lines a second, their pictures on one page`,
    core_percent: round(((after.cpu - before.cpu) / 10) * 100, 1), core_percent_without_pictures: round(without * 100, 1), ...result,
    server_rss_mib: mib(after.rssKib),
    target: "under 10 % of a core",
  };
}

/** What quiet sessions cost that were watched once and are not any more. */
export async function memory(dashboard, api) {
  const kSessions = 50;
  const kGivenBack = 0.7;
  const empty = usage(dashboard.pid);
  const ids = [];
  for (let i = 0; i < kSessions; ++i)
    ids.push((await createSession(api, `quiet-${i}`, dashboard.project, ["sh", "-c", "seq -f 'line %.0f of a history' 1 3000; exec sleep 1000"])).id);
  await delay(2000);
  const unseen = usage(dashboard.pid);
  for (const id of ids) await api.get(`/api/sessions/${id}/screen`);
  const watched = usage(dashboard.pid);
  await delay(45_000); // screens go back to the disk after 30 s, and their memory to the system within 10 s more
  const after = usage(dashboard.pid);
  const tap = median(tapsOf(dashboard).map((pid) => usage(pid).privateKib));
  for (const id of ids) await endSession(api, id);
  const givenBack = round((watched.rssKib - after.rssKib) / (watched.rssKib - unseen.rssKib));
  if (givenBack < kGivenBack) process.exitCode = 1;
  return {
    what: `${kSessions} quiet sessions with 3,000 lines each, nobody watching`,
    server_rss_mib_without_sessions: mib(empty.rssKib), of_that_no_file_mib: mib(empty.anonymousKib), server_rss_mib_never_watched: mib(unseen.rssKib),
    server_rss_mib_screens_in_memory: mib(watched.rssKib), server_rss_mib_afterwards: mib(after.rssKib),
    given_back: givenBack,
    server_kib_each: round((after.rssKib - empty.rssKib) / kSessions, 1), tap_private_kib: tap,
    target: `under 25 MiB with none; tap and model under 512 KiB each; given_back at least ${kGivenBack} of what the screens had taken`,
  };
}

/** 200 live terminals and 2,000 idle sockets held: what an echo costs then. */
export async function held(dashboard, api, echoes) {
  const kTerminals = 200;
  const kIdle = 2000;
  const kSeconds = 600; // longer than all of it: they are ended
  const before = usage(dashboard.pid);
  const people = await logins(dashboard, api, kIdle + kTerminals);
  const idle = crowd(dashboard, people, "idle", ["-", kSeconds], kIdle);
  await idle.ready;
  const withIdle = usage(dashboard.pid);
  const sessions = [];
  for (let i = 0; i < kTerminals; ++i) sessions.push((await createSession(api, `live-${i}`, dashboard.project, [kProbe, "times", "1"])).id);
  const live = crowd(dashboard, people.slice(Math.ceil(kIdle / kSocketsPerLogin)), "lag", [sessions.join(","), kSeconds], kTerminals);
  await live.ready;
  await delay(12_000); // each has its first screen, and everybody has heard of it and of what its program does
  const held = usage(dashboard.pid);
  const began = performance.now();
  const result = await echoes();
  const after = usage(dashboard.pid);
  const corePercent = ((after.cpu - held.cpu) * 100_000) / (performance.now() - began);
  const open = connections(dashboard.port);
  if (open < kIdle + kTerminals) throw new Error(`only ${open} connections are open: sockets were lost`);
  for (const run of [live, idle]) {
    run.result.catch(() => {});
    run.child.kill();
  }
  for (const id of sessions) await endSession(api, id);
  return {
    connections: open,
    what: `${kTerminals} live terminals that print once a second and ${kIdle} idle sockets: key to echo in one more`,
    echo: result, server_core_percent: round(corePercent, 1), server_rss_mib: mib(after.rssKib), idle_socket_kib: round((withIdle.rssKib - before.rssKib) / kIdle, 1),
    terminal_kib: round((held.rssKib - withIdle.rssKib) / kTerminals, 1),
  };
}
