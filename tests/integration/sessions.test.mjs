// Sessions from outside: made, found, renamed, ended, adopted, lost and found again; and strings that try to steer tmux.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { isAlive } from "../harness/tmux.mjs";
import { promised, until } from "../harness/wait.mjs";
import { program, query, testData } from "./support.mjs";

// A vanished tmux server has to be noticed within this time.
const kLostMs = 2000;
const kLostAtLastMs = 15_000;

let dashboard;
let api;
let outside;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  api = await dashboard.login();
  outside = path.join(dashboard.folder, "outside");
  mkdirSync(outside);
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const splitArgv = ([file, ...args]) => [file, args];
const byId = async (id) => (await api.get(`/api/sessions/${id}`)).json;
const becomes = (id, status, timeoutMs) =>
  until(`session ${id} is ${status}`, async () => (await byId(id)).status === status && byId(id), { timeoutMs });
const panePid = (name, from = dashboard) => Number(from.tmux.run("list-panes", "-t", `=${name}:`, "-F", "#{pane_pid}"));

test("Sessions.StartOnAnEmptyTmuxAreAdoptedWithTheirScreen", { skip, timeout: 180_000 }, async () => {
  // Nobody has started the dashboard's tmux server yet: a person's own command does, with that person's settings.
  dashboard.tmux.run("-f", "/dev/null", "new-session", "-d", "-s", "by hand", "-x", "90", "-y", "25", "-c", dashboard.project, "--", "/bin/sh", "-c",
    "echo MARK-$((40+2)); exec cat");
  const session = await until("the hand-made session is listed", async () => (await api.sessions()).find(({ adopted }) => adopted));
  assert.equal(session.name, "by hand");
  assert.equal(session.status, "active");
  assert.deepEqual([session.cols, session.rows], [90, 25]);
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, cols: 90, rows: 25, from: 0 });
  await terminal.waitFor("MARK-42");
  terminal.type("typed-here\n");
  await terminal.waitFor(/typed-here\r\ntyped-here/);
  assert.deepEqual(terminal.faults, []);
  assert.equal((await api.get(`/api/sessions/${session.id}/screen`)).text.includes("MARK-42"), true);
  await socket.close();
  dashboard.tmux.run("kill-session", "-t", "=by hand");
  await becomes(session.id, "exited");
});

test("Sessions.AreMadeListedRenamedAndEnded", { skip, timeout: 180_000 }, async () => {
  const made = await api.createSession({ name: "alpha_1", project: dashboard.project, command: ["/bin/sh", "-c", "exec cat"], cols: 100, rows: 30 });
  assert.equal(made.status, "active");
  assert.equal(made.project, dashboard.project);
  assert.deepEqual(made.command, ["/bin/sh", "-c", "exec cat"]);
  assert.deepEqual([made.host, made.adopted, made.ended_at, made.exit_status], ["local", false, null, null]);
  assert.ok(Math.abs(made.created_at / 1000 - Date.now()) < 60_000, "created_at is in microseconds");
  assert.deepEqual((await api.sessions()).filter(({ id }) => id === made.id).map(({ name, cols, rows }) => ({ name, cols, rows })), [{ name: "alpha_1", cols: 100, rows: 30 }]);
  const pid = panePid("alpha_1");
  assert.ok(isAlive(pid));
  assert.equal((await api.send("POST", "/api/sessions", { json: { name: "alpha_1", project: dashboard.project, command: ["/bin/cat"] } })).status, 409);
  const renamed = await api.must("PATCH", `/api/sessions/${made.id}`, { json: { name: "beta" } });
  assert.equal(renamed.json.name, "beta");
  assert.equal(panePid("beta"), pid);
  assert.equal((await api.send("DELETE", `/api/sessions/${made.id}`)).status, 204);
  await until("the program has ended", () => !isAlive(pid));
  const ended = await becomes(made.id, "exited");
  assert.ok(ended.ended_at >= ended.created_at);
  assert.equal((await api.send("DELETE", `/api/sessions/${made.id}`)).status, 409);
  assert.deepEqual(query(dashboard.settings.DATABASE_PATH, `SELECT name, status FROM sessions WHERE id = '${made.id}'`), ["beta|exited"]);
});

test("Sessions.TellTheExitStatusOfTheirProgram", { skip, timeout: 180_000 }, async () => {
  const made = await api.createSession({ name: "exits", project: dashboard.project, command: ["/bin/sh", "-c", "read x; echo BYE; exit $x"] });
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: made.id });
  terminal.type("3\n");
  const ended = await becomes(made.id, "exited");
  assert.equal(ended.exit_status, 3);
  assert.match((await api.output(made.id)).bytes.toString(), /BYE/);
  await until("the change is told on the socket", () => socket.messages.some((m) => m.type === "session" && m.session.id === made.id && m.session.status === "exited"));
  await socket.close();
});

test("Sessions.ProgramsThatEndAtOnceAreSeenToEnd", { skip, timeout: 180_000 }, async () => {
  const kTries = 30;
  // tmux 3.3a itself loses the exit status of some programs (docs/tmux-facts.md): unknown is honest, but has to stay rare.
  const kUnknownMost = kTries / 5;
  const wrong = [];
  let unknown = 0;
  for (let i = 0; i < kTries; ++i) {
    const name = `brief-${i}`;
    const { id } = await api.createSession({ name, project: dashboard.project, command: ["/bin/sh", "-c", "exit 5"] });
    const ended = await becomes(id, "exited", 5000).catch(() => undefined);
    if (!ended) wrong.push(`${name}: still active after 5 s`);
    else if (ended.exit_status === null) unknown += 1;
    else if (ended.exit_status !== 5) wrong.push(`${name}: exit status ${ended.exit_status}`);
  }
  console.log(`Sessions: ${kTries} programs that end at once: ${wrong.length} not seen to end, ${unknown} with an unknown exit status`);
  assert.deepEqual(wrong, []);
  assert.ok(unknown <= kUnknownMost, `${unknown} of ${kTries} exit statuses are unknown`);
  await until("nothing of them is left in tmux", () => !/brief-/.test(tmuxState().sessions));
});

test("Sessions.AnOlderListOfTmuxSaysNothingOfNewAndEndedOnes", { skip, timeout: 180_000 }, async () => {
  // The real tmux, whose lists of panes are told some time after they were made: what happens meanwhile is in none of them.
  const slow = path.join(outside, "slow");
  const [real] = ["/usr/local/bin/tmux", "/usr/bin/tmux"].filter(existsSync);
  mkdirSync(slow);
  writeFileSync(path.join(slow, "tmux"), `#!/bin/sh
asked=$(cat)
case $asked in
  *list-panes*) told=$(printf '%s\\n' "$asked" | ${real} "$@"); code=$?; sleep 0.3; printf '%s\\n' "$told"; exit $code ;;
  *) printf '%s\\n' "$asked" | ${real} "$@" ;;
esac
`, { mode: 0o755 });
  const own = await Dashboard.start({ settings: { PATH: `${slow}:/usr/bin:/bin` } });
  try {
    const login = await own.login();
    for (let i = 0; i < 8; ++i) {
      const name = `new-${i}`;
      const { id } = await login.createSession({ name, project: own.project, command: ["/bin/cat"] });
      const second = await login.createSession({ name: `${name}-b`, project: own.project, command: ["/bin/cat"] });
      await delay(200 + 50 * i); // another moment of a list in every round
      if (i % 2 === 1) await login.must("DELETE", `/api/sessions/${id}`);
      const third = await login.createSession({ name: `${name}-c`, project: own.project, command: ["/bin/cat"] });
      for (const one of [second, third]) assert.equal((await login.session(one.id)).status, "active", `round ${i}`);
    }
    own.tmux.run("rename-session", "-t", "=new-0:", "renamed");
    await until("a list of now", async () => (await login.sessions()).some(({ name }) => name === "renamed"));
    const listed = await login.sessions();
    assert.deepEqual(listed.filter(({ adopted }) => adopted), [], "an agent is there twice");
    assert.deepEqual(listed.filter(({ status }) => status === "active").length, 8 * 3 - 4);
  } finally {
    await own.remove();
  }
});

test("Sessions.UnknownOnesAre404", { skip, timeout: 180_000 }, async () => {
  for (const [method, suffix, json] of [["GET", ""], ["PATCH", "", { name: "x" }], ["DELETE", ""], ["GET", "/output"], ["GET", "/screen"]]) {
    for (const id of ["00000000000000000000", "x", "..%2f..", "%00", "a;b"]) {
      const { status } = await api.send(method, `/api/sessions/${id}${suffix}`, { json });
      assert.ok([404, 400].includes(status), `${method} ${id}${suffix}: ${status}`);
    }
  }
});

test("Sessions.GetTheirEnvironmentAndNotTheDashboards", { skip, timeout: 180_000 }, async () => {
  const file = path.join(dashboard.project, "env.json");
  const command = [process.execPath, "-e", `require("fs").writeFileSync(${JSON.stringify(file)}, JSON.stringify(process.env)); process.stdin.resume()`];
  await api.createSession({ name: "env", project: dashboard.project, command, env: { GREETING: "hello there" } });
  await until("the program has written its environment", () => existsSync(file) && readFileSync(file).length > 0);
  const seen = JSON.parse(readFileSync(file, "utf8"));
  assert.equal(seen.GREETING, "hello there");
  for (const name of ["JWT_SECRET", "DATABASE_PATH", "DATA_DIR", "ALLOWED_FILE_ROOTS", "ACCESS_LOG"]) assert.equal(name in seen, false, name);
  assert.equal(Object.values(seen).some((value) => value.includes(dashboard.settings.JWT_SECRET)), false);
});

// --- where a session may start

test("Sessions.StartOnlyUnderTheProjectRoots", { skip, timeout: 180_000 }, async () => {
  mkdirSync(`${dashboard.projects}-evil`);
  symlinkSync(outside, path.join(dashboard.projects, "link-out"));
  symlinkSync("/", path.join(dashboard.project, "slash"));
  symlinkSync("demo", path.join(dashboard.projects, "link-in"));
  const before = (await api.sessions()).length;
  const refused = {
    "dot dot": `${dashboard.project}/../../outside`,
    "dot dot to the root's parent": `${dashboard.projects}/..`,
    "a symlink": path.join(dashboard.projects, "link-out"),
    "a symlink to /": path.join(dashboard.project, "slash"),
    "through a symlink": path.join(dashboard.project, "slash", "tmp"),
    "a sibling with the same prefix": `${dashboard.projects}-evil`,
    "another folder": outside,
    "the file system": "/",
    "proc": `/proc/self/root${outside}`,
    "proc cwd": "/proc/self/cwd",
    "a folder that is not there": "/nowhere/at/all",
  };
  const wrong = [];
  for (const [what, project] of Object.entries(refused)) {
    const { status, text } = await api.send("POST", "/api/sessions", { json: { name: "escape", project, command: ["/bin/cat"] } });
    if (status !== 403) wrong.push(`${what}: ${status}`);
    if (/outside|exist/i.test(JSON.parse(text).error.message.replace(/outside the allowed/i, "")) && /nowhere/.test(text)) wrong.push(`${what}: tells about existence: ${text}`);
  }
  for (const project of ["", "relative", "./x", `${dashboard.project}\0/x`]) {
    const { status } = await api.send("POST", "/api/sessions", { json: { name: "escape", project, command: ["/bin/cat"] } });
    if (status !== 403 && status !== 400) wrong.push(`${JSON.stringify(project)}: ${status}`);
  }
  assert.deepEqual(wrong, []);
  assert.equal((await api.sessions()).length, before);
  assert.throws(() => panePid("escape"));
  // A link that stays inside is a folder like any other.
  const inside = await api.createSession({ name: "inside", project: path.join(dashboard.projects, "link-in"), command: ["/bin/cat"] });
  assert.equal(dashboard.tmux.run("display-message", "-p", "-t", "=inside:", "#{pane_current_path}").trim(), dashboard.project);
  await api.must("DELETE", `/api/sessions/${inside.id}`);
});

// --- strings that try to be more than data

const canary = () => path.join(dashboard.folder, "CANARY");
const kHostile = (touch) => [
  "a\nrun-shell 'TOUCH'", "a\rb", "a\tb", "a\x1b[2Jb", "a;TOUCH", "; TOUCH ;", "\\; run-shell 'TOUCH'", "a && TOUCH", "$(TOUCH)", "`TOUCH`", "#(TOUCH)",
  "#{pane_id}", "#{l:#(TOUCH)}", "#[fg=red]x", "%1", "@1", "$1", "=x", "-t", "-", "--", "-d", "-help", "'; TOUCH; '", "\"; TOUCH; \"", "'", "\"", "\\", "a\\", "a b",
  "a.b", "a:b", "a:0.0", "a/b", "..", ".", "~", "*", "?", "{a,b}", "!!", "a|TOUCH", "a>CANARYFILE", "\u202eabc", "ＡＢＣ", "😀", "a\u0000b", "x".repeat(65), "x".repeat(5000), "",
].map((text) => text.replaceAll("TOUCH", touch).replaceAll("CANARYFILE", canary()));

/** What tmux would show had a string become a command: everything but the sessions themselves. */
function tmuxState() {
  const lines = (...args) => {
    try {
      return dashboard.tmux.run(...args).trim().split("\n").sort().join("\n");
    } catch (error) {
      return String(error.stderr); // "no current target" where there is no session
    }
  };
  return {
    sessions: lines("list-sessions", "-F", "#{session_id} #{session_name}"),
    windows: lines("list-windows", "-a", "-F", "#{window_id}"),
    options: lines("show-options", "-g"),
    server: lines("show-options", "-s"),
    keys: lines("list-keys"),
    hooks: lines("show-hooks", "-g"),
    environment: lines("show-environment", "-g"),
  };
}

test("Sessions.HostileNamesAreRefusedAndRunNothing", { skip, timeout: 180_000 }, async () => {
  const keeper = await api.createSession({ name: "keeper", project: dashboard.project, command: ["/bin/cat"] });
  const names = [...kHostile(`touch ${canary()}`)];
  const data = testData("naughty-strings.json");
  if (data) names.push(...JSON.parse(readFileSync(data, "utf8")));
  for (let code = 1; code < 0x20; ++code) names.push(`a${String.fromCharCode(code)}b`);
  const before = tmuxState();
  const odd = [];
  let refused = 0;
  let stored = 0;
  for (const name of names) {
    const created = await api.send("POST", "/api/sessions", { json: { name, project: dashboard.project, command: ["/bin/cat"] } });
    if (created.status === 201) {
      stored += 1;
      if (created.json.name !== name) odd.push(`created ${JSON.stringify(name)} as ${JSON.stringify(created.json.name)}`);
      if (!/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(name)) odd.push(`accepted ${JSON.stringify(name)}`);
      await api.must("DELETE", `/api/sessions/${created.json.id}`);
    } else if (created.status === 400) refused += 1;
    else odd.push(`create ${JSON.stringify(name.slice(0, 60))}: ${created.status}`);
    const renamed = await api.send("PATCH", `/api/sessions/${keeper.id}`, { json: { name } });
    if (renamed.status === 200) await api.must("PATCH", `/api/sessions/${keeper.id}`, { json: { name: "keeper" } });
    else if (renamed.status !== 400) odd.push(`rename ${JSON.stringify(name.slice(0, 60))}: ${renamed.status}`);
  }
  console.log(`Sessions: ${names.length} hostile names: ${refused} refused, ${stored} stored as they are, ${odd.length} wrong${data ? "" : " (without the public list: no data)"}`);
  assert.deepEqual(odd, []);
  await until("tmux is as it was", () => {
    assert.deepEqual(tmuxState(), before);
    return true;
  });
  assert.equal(existsSync(canary()), false, "a name became a command");
  await api.must("DELETE", `/api/sessions/${keeper.id}`);
});

test("Sessions.HostileArgumentsArriveAsTheyAre", { skip, timeout: 180_000 }, async () => {
  const data = testData("naughty-strings.json");
  const texts = kHostile(`touch ${canary()}`).filter((text) => !text.includes("\0"));
  if (data) texts.push(...JSON.parse(readFileSync(data, "utf8")));
  // A string that JSON carries but UTF-8 does not (a lone surrogate) cannot be an argument.
  const clean = texts.filter((text) => Buffer.from(text).toString("utf8") === text);
  const before = tmuxState();
  let checked = 0;
  for (let at = 0; at < clean.length; at += 200) {
    const part = clean.slice(at, at + 200);
    const file = path.join(dashboard.project, `argv-${at}.json`);
    const value = part[7];
    const session = await api.createSession({ name: `argv-${at}`, project: dashboard.project, command: program("argv.mjs", file, "PAYLOAD", ...part), env: { PAYLOAD: value } });
    await until("the program has written its arguments", () => existsSync(file));
    const seen = JSON.parse(readFileSync(file, "utf8"));
    assert.deepEqual(seen.argv, part);
    assert.equal(seen.value, value);
    assert.deepEqual((await byId(session.id)).command.slice(4), part);
    checked += part.length;
    await api.must("DELETE", `/api/sessions/${session.id}`);
  }
  console.log(`Sessions: ${checked} hostile strings arrived as arguments, byte for byte`);
  await until("tmux is as it was", () => {
    assert.deepEqual(tmuxState(), before);
    return true;
  });
  assert.equal(existsSync(canary()), false, "an argument became a command");
});

test("Sessions.HostileFolderNamesAreFoldersOrRefused", { skip, timeout: 180_000 }, async () => {
  const names = kHostile("touch CANARY").filter((name) => name !== "" && !/[\0/]/.test(name) && name !== "." && name !== ".." && Buffer.byteLength(name) < 200);
  const odd = [];
  let started = 0;
  for (const [index, name] of names.entries()) {
    const project = path.join(dashboard.projects, name);
    mkdirSync(project, { recursive: true });
    const file = path.join(dashboard.project, `cwd-${index}.json`);
    const { status, json } = await api.send("POST", "/api/sessions", { json: { name: `folder-${index}`, project, command: program("argv.mjs", file, "HOME") } });
    if (status === 201) {
      await until("the program has started", () => existsSync(file));
      const { cwd } = JSON.parse(readFileSync(file, "utf8"));
      if (cwd !== project) odd.push(`${JSON.stringify(name)} started in ${cwd}`);
      started += 1;
      await api.must("DELETE", `/api/sessions/${json.id}`);
    } else if (status !== 400 && status !== 403) odd.push(`${JSON.stringify(name)}: ${status}`);
    if (existsSync(path.join(project, "CANARY"))) odd.push(`${JSON.stringify(name)} became a command`);
  }
  console.log(`Sessions: ${names.length} hostile folder names: ${started} started in, ${names.length - started} refused`);
  assert.deepEqual(odd, []);
});

test("Sessions.WrongInputsAre400WithTheFieldsName", { skip, timeout: 180_000 }, async () => {
  const good = { name: "input", project: dashboard.project, command: ["/bin/cat"] };
  const cases = [
    [{ ...good, name: undefined }, "name"], [{ ...good, name: 5 }, "name"], [{ ...good, project: undefined }, "project"], [{ ...good, project: [] }, "project"],
    [{ ...good, command: "ls" }, "command"], [{ ...good, command: [1] }, "command"], [{ ...good, command: ["x\0y"] }, "command"], [{ ...good, env: { "A=B": "x" } }, "env"],
    [{ ...good, env: { A: 1 } }, "env"], [{ ...good, env: [] }, "env"], [{ ...good, cols: 100_000 }, "cols"], [{ ...good, rows: -1 }, "rows"], [{ ...good, cols: "80" }, "cols"],
  ];
  for (const [json, field] of cases) {
    const answer = await api.send("POST", "/api/sessions", { json });
    assert.equal(answer.status, 400, JSON.stringify(json));
    assert.equal(answer.json.error.code, "invalid");
    assert.equal(answer.json.error.field, field, answer.text);
  }
  for (const body of ["", "[]", "null", "{", "\"x\"", "{\"name\":".repeat(1000), "\xff\xfe"]) {
    const answer = await api.send("POST", "/api/sessions", { body: Buffer.from(body, "latin1"), headers: { "content-type": "application/json" } });
    assert.equal(answer.status, 400, JSON.stringify(body.slice(0, 40)));
  }
  assert.equal((await api.send("POST", "/api/sessions", { body: "x".repeat(2 * 1024 * 1024), headers: { "content-type": "application/json" } })).status, 413);
});

// --- ends and new beginnings

test("Sessions.ARestartFindsEverythingAgain", { skip, timeout: 180_000 }, async () => {
  const made = await api.createSession({ name: "stays", project: dashboard.project, command: ["/bin/sh", "-c", "while read x; do echo got-$x; done"] });
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: made.id, from: 0 });
  terminal.type("one\n");
  await terminal.waitFor("got-one");
  const pid = panePid("stays");
  const before = (await api.sessions()).map(({ id, name, status }) => ({ id, name, status }));
  const { code, milliseconds } = await dashboard.stop();
  assert.equal(code, 0, "a graceful stop");
  promised("Sessions: drained", milliseconds, 5000);
  assert.ok(isAlive(pid), "the agent does not notice");
  await until("the client has been told to come back", () => socket.closeCodes.includes(1012));
  await dashboard.up();
  assert.deepEqual((await api.sessions()).map(({ id, name, status }) => ({ id, name, status })), before);
  assert.equal(panePid("stays"), pid);
  terminal.type("two\n");
  await terminal.waitFor("got-two");
  assert.deepEqual(terminal.faults, []);
  assert.equal(terminal.snapshots, 0);
  await socket.close();
});

test("Sessions.WhatEndsWhileTheDashboardIsDownIsSeenAfterwards", { skip, timeout: 180_000 }, async () => {
  const made = await api.createSession({ name: "ends-alone", project: dashboard.project, command: ["/bin/sh", "-c", "read x; echo LAST; exit 7"] });
  const pid = panePid("ends-alone");
  await dashboard.kill();
  dashboard.tmux.type("=ends-alone:", "go");
  dashboard.tmux.key("=ends-alone:", "Enter");
  await until("the program has ended", () => !isAlive(pid));
  await dashboard.up();
  const ended = await becomes(made.id, "exited");
  assert.equal(ended.exit_status, 7);
  assert.match((await api.output(made.id)).bytes.toString(), /LAST/);
});

test("Sessions.AKilledTmuxServerLosesNothing", { skip, timeout: 180_000 }, async () => {
  const names = ["lost-1", "lost-2", "lost-3"];
  const made = [];
  for (const name of names) made.push(await api.createSession({ name, project: dashboard.project, command: ["/bin/sh", "-c", "echo RECORDED; exec cat"] }));
  for (const { id } of made) await until("its output is recorded", async () => (await api.output(id)).bytes.includes("RECORDED"));
  const rows = Number(query(dashboard.settings.DATABASE_PATH, "SELECT count(*) FROM sessions")[0]);
  const socket = await TerminalSocket.connect(api);
  const serverPid = Number(dashboard.tmux.run("display-message", "-p", "#{pid}"));
  const began = performance.now();
  process.kill(serverPid, "SIGKILL");
  // By the idle look alone it would be seen within 30 s.
  for (const { id } of made) await becomes(id, "lost", kLostAtLastMs);
  promised("Sessions: a killed tmux server was noticed", performance.now() - began, kLostMs);
  await until("it is told on the socket", () => made.every(({ id }) => socket.messages.some((m) => m.type === "session" && m.session.id === id && m.session.status === "lost")));
  assert.equal(Number(query(dashboard.settings.DATABASE_PATH, "SELECT count(*) FROM sessions")[0]), rows, "no row is deleted");
  assert.match((await api.output(made[0].id)).bytes.toString(), /RECORDED/);
  // A report is given out again for a second, so one from just before may come first.
  await until("health says so", async () => {
    const health = await api.send("GET", "/health");
    return health.status === 503 && health.json.checks.tmux === "error";
  });
  // Life goes on with a new server, and lost stays lost after a restart.
  const next = await api.createSession({ name: "after", project: dashboard.project, command: ["/bin/cat"] });
  assert.equal(next.status, "active");
  await dashboard.crashAndRestart();
  for (const { id } of made) assert.equal((await byId(id)).status, "lost");
  assert.equal((await byId(next.id)).status, "active");
  await socket.close();
});

test("Sessions.LeaveAnAuditTrail", { skip, timeout: 180_000 }, async () => {
  const actions = new Set(query(dashboard.settings.DATABASE_PATH, "SELECT DISTINCT action FROM audit_logs"));
  console.log(`Sessions: audited actions: ${[...actions].sort().join(" ")}`);
  assert.ok([...actions].some((action) => /create/.test(action)) && [...actions].some((action) => /rename/.test(action)) && [...actions].some((action) => /end/.test(action)));
  assert.ok(query(dashboard.settings.DATABASE_PATH, "SELECT count(*) FROM audit_logs WHERE action LIKE '%error%'").length === 1);
});

test("Sessions.NeverStartOutsideWhileTheFolderIsSwappedForALink", { skip, timeout: 10 * 60_000 }, async () => {
  // The full count is SWAPPED_CREATES=10000.
  const creates = Number(process.env.SWAPPED_CREATES ?? 150);
  const folder = path.join(dashboard.projects, "swapped");
  mkdirSync(folder);
  writeFileSync(path.join(folder, "mark"), "INSIDE");
  writeFileSync(path.join(outside, "mark"), "LEAKED");
  const swapper = spawn(...splitArgv(program("swap.mjs", folder, outside)), { stdio: "ignore" });
  const counts = {};
  const count = (what) => (counts[what] = (counts[what] ?? 0) + 1);
  try {
    for (let i = 0; i < creates; ++i) {
      const answer = await api.send("POST", "/api/sessions", { json: { name: `swap-${i}`, project: folder, command: ["/bin/cat", "mark"] } });
      if (answer.status !== 201) {
        assert.ok([403, 404, 409].includes(answer.status), `${answer.status} ${answer.text}`);
        count(answer.status);
        continue;
      }
      const { id } = answer.json;
      await becomes(id, "exited");
      const text = (await api.output(id)).bytes.toString();
      assert.ok(!text.includes("LEAKED"), `session ${i} ran outside: ${text}`);
      count(text.includes("INSIDE") ? "ran inside" : "refused in the pane");
      await api.send("PATCH", `/api/sessions/${id}`, { json: { archived: true } });
    }
  } finally {
    swapper.kill("SIGKILL");
  }
  console.log(`Sessions: ${creates} creations in a folder that is swapped all the time: ${JSON.stringify(counts)}, 0 outside`);
  assert.ok(counts["ran inside"] > 0, "the race was never won, so nothing was tried");
  assert.ok(Object.keys(counts).length > 1, "the folder was never away, so nothing was tried");
});
