// The real client through the dashboard: resumed, forked, restarted, imported, and a whole fleet back after tmux was killed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { Dashboard, skipWithoutProgram } from "../harness/server.mjs";
import { isAlive, Tmux } from "../harness/tmux.mjs";
import { until } from "../harness/wait.mjs";
import { query } from "../integration/support.mjs";
import { clientEnvironment, clientProgram, prepareHome, skipWithoutClient, writeLauncher } from "./client.mjs";
import { StandIn } from "./stand_in.mjs";

const skip = skipWithoutProgram || skipWithoutClient;
// The client starts in half a second; ten of them beside compilers have taken a minute.
const kSlowMs = 120_000;
const kAgents = 10;
const kRebooted = 3;

let dashboard;
let standIn;
let api;
let outside;  // a folder that is under no project root
let trees;    // becomes a repository
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  // Before any client runs: each writes what it knows of folders over the file when it ends.
  outside = path.join(dashboard.folder, "outside");
  mkdirSync(outside);
  // Of a repository the client asks for itself, and trusts it with all its working trees.
  trees = path.join(dashboard.projects, "trees");
  mkdirSync(trees);
  prepareHome(dashboard.home, [dashboard.projects, trees, outside]);
  // Every prompt is answered with itself, so that each conversation can be told from the others.
  standIn = await StandIn.start([{ prompt: /run a tool/, replies: [{ tool: { name: "Bash", input: { command: "touch made-by-a-tool", description: "made up" } } }, { text: "reply of the tool" }] }, { prompt: /./, replies: Array.from({ length: 200 }, (_, i) => ({ text: `reply ${i}` })) }]);
  dashboard.settings.CLAUDE_COMMAND = writeLauncher(dashboard.folder, { home: dashboard.home, standInUrl: standIn.url, passed: ["TERM", "LIFE_TEST"] });
  await dashboard.up();
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => {
  await dashboard?.remove();
  await standIn?.stop();
}, { timeout: 180_000 });

const start = async (name, more = {}) => (await api.post("/api/sessions", { name, project: dashboard.project, cols: 100, rows: 30, ...more })).json;
const screen = async (id) => (await api.get(`/api/sessions/${id}/screen`)).text;
const shows = async (id, pattern) => {
  let last = "";
  try {
    await until(`the screen of ${id} shows ${pattern}`, async () => pattern.test((last = await screen(id))), { timeoutMs: kSlowMs, stepMs: 200 });
  } catch (error) {
    error.message += `\n--- screen ---\n${last.trimEnd()}\n---`;
    throw error;
  }
};
const ready = (id) => shows(id, /^❯\s*$/m);
const panePid = (name) => Number(dashboard.tmux.run("list-panes", "-t", `=${name}:`, "-F", "#{pane_pid}"));
/** What the client that runs in the session's pane says of itself in its register. */
const registered = (name) => {
  const file = path.join(dashboard.home, ".claude/sessions", `${panePid(name)}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
};
const isIn = (name, conversation) => until(`${name} is in ${conversation}`, () => registered(name)?.sessionId === conversation && registered(name), { timeoutMs: kSlowMs, stepMs: 100 });
const transcripts = () => readdirSync(path.join(dashboard.home, ".claude/projects")).flatMap((folder) =>
  readdirSync(path.join(dashboard.home, ".claude/projects", folder)).filter((file) => file.endsWith(".jsonl")).map((file) => path.join(folder, file)));

test("Lifecycle.AFirstPromptArrivesWhole", { skip, timeout: 180_000 }, async () => {
  const prompt = "first line of 'it' \"quoted\" $HOME `x`\n  second line é🎉\n\n--last";
  const session = await start("prompted", { prompt });
  await shows(session.id, /reply \d/);
  // The client writes its transcript a moment after what it shows.
  const file = await until("there is a transcript", () => transcripts().find((each) => each.includes(session.claude_session_id)));
  const said = await until("the prompt is in it", () => readFileSync(path.join(dashboard.home, ".claude/projects", file), "utf8").split("\n").slice(0, -1).map((line) => JSON.parse(line))
    .find(({ type, origin }) => type === "user" && origin?.kind === "human"));
  assert.equal(said.message.content, prompt);
  assert.equal(session.command.some((word) => word.includes("second line")), false, "the prompt is no part of the session's command");
  // Started again, it is not sent a second time.
  await api.post(`/api/sessions/${session.id}/restart`, {});
  await isIn("prompted", session.claude_session_id);
  await ready(session.id);
  await shows(session.id, /reply \d/);
  const again = readFileSync(path.join(dashboard.home, ".claude/projects", file), "utf8").split("\n").filter((line) => line.includes('"kind":"human"'));
  assert.equal(again.length, 1);
  await api.must("DELETE", `/api/sessions/${session.id}`);
});

test("Lifecycle.ResumeGoesOnInTheSameRecordAndConversation", { skip, timeout: 240_000 }, async () => {
  const session = await start("one", { prompt: "remember the word heron", env: { LIFE_TEST: "kept" } });
  await shows(session.id, /reply \d/);
  await ready(session.id);
  const refused = await api.send("POST", `/api/sessions/${session.id}/resume`, { json: {} });
  assert.equal(refused.status, 409, "it runs");
  const before = (await api.output(session.id)).end;
  await api.must("DELETE", `/api/sessions/${session.id}`);
  const resumed = (await api.post(`/api/sessions/${session.id}/resume`, {})).json;
  assert.deepEqual([resumed.id, resumed.status, resumed.ended_at, resumed.claude_session_id], [session.id, "active", null, session.claude_session_id]);
  const client = await isIn("one", session.claude_session_id);
  assert.equal(client.cwd, dashboard.project);
  await shows(session.id, /remember the word heron/);
  assert.ok((await api.output(session.id)).end > before, "the record goes on");
  assert.match((await api.output(session.id)).bytes.toString(), /started again/);
  assert.match(readFileSync(`/proc/${panePid("one")}/environ`, "latin1"), /LIFE_TEST=kept/);
  const agent = await until("its hooks are heard", async () => {
    const { agent: now } = (await api.get(`/api/sessions/${session.id}`)).json;
    return now.state === "idle" && now.hooks === "live" && now;
  }, { timeoutMs: kSlowMs });
  assert.equal(agent.conversation, session.claude_session_id);

  // The conversation is open: nobody else gets it; a copy may be made.
  const elsewhere = await api.send("POST", "/api/sessions", { json: { name: "two", conversation: session.claude_session_id } });
  assert.equal(elsewhere.status, 409);
  assert.match(elsewhere.text, /open in the session one/);
  const fork = (await api.post(`/api/sessions/${session.id}/fork`, { prompt: "and now the copy" })).json;
  assert.equal(fork.name, "one-fork");
  assert.notEqual(fork.claude_session_id, session.claude_session_id);
  await shows(fork.id, /heron[^]*and now the copy/);
  await isIn("one-fork", fork.claude_session_id);
  assert.match(readFileSync(`/proc/${panePid("one-fork")}/environ`, "latin1"), /LIFE_TEST=kept/);
  await api.must("DELETE", `/api/sessions/${fork.id}`);

  await api.must("DELETE", `/api/sessions/${session.id}`);
});

test("Lifecycle.AConversationOpenOutsideIsRefused", { skip, timeout: 240_000 }, async () => {
  const session = await start("inside", { prompt: "say something" });
  await shows(session.id, /reply \d/);
  await api.must("DELETE", `/api/sessions/${session.id}`);
  const own = new Tmux();
  try {
    own.start("mine", [clientProgram(), "--resume", session.claude_session_id], { cwd: dashboard.project, environment: clientEnvironment({ home: dashboard.home, standInUrl: standIn.url }) });
    await own.waitFor("mine", /^❯\s*$/m, kSlowMs);
    const refused = await api.send("POST", `/api/sessions/${session.id}/resume`, { json: {} });
    assert.equal(refused.status, 409);
    assert.match(refused.text, /outside of the dashboard \(process \d+ in /);
    const listed = (await api.get("/api/conversations")).json.conversations.find(({ id }) => id === session.claude_session_id);
    assert.match(listed.live_in, /^process \d+ in /);
    assert.equal(listed.session, session.id);
  } finally {
    await own.kill();
  }
  await until("the register is empty", async () => (await api.get("/api/conversations")).json.conversations.every(({ id, live_in: where }) => id !== session.claude_session_id || where === null), { timeoutMs: kSlowMs });
  await api.post(`/api/sessions/${session.id}/resume`, {});
  await isIn("inside", session.claude_session_id);
  await api.must("DELETE", `/api/sessions/${session.id}`);
});

test("Lifecycle.AfterClearTheNewConversationIsResumed", { skip, timeout: 240_000 }, async () => {
  const session = await start("cleared", { prompt: "the old one" });
  await shows(session.id, /reply \d/);
  await ready(session.id);
  dashboard.tmux.type("=cleared:", "/clear");
  await shows(session.id, /❯\s\/clear/);
  // The list of commands closes with the first Enter where it is still open.
  const now = await until("another conversation is told", async () => {
    dashboard.tmux.key("=cleared:", "Enter");
    const { claude_session_id: id } = (await api.get(`/api/sessions/${session.id}`)).json;
    return id !== session.claude_session_id && id;
  }, { timeoutMs: kSlowMs, stepMs: 1500 });
  await isIn("cleared", now);
  await api.post(`/api/sessions/${session.id}/restart`, {});
  await isIn("cleared", now);
  await api.must("DELETE", `/api/sessions/${session.id}`);
});

test("Lifecycle.ASessionInWhichNothingWasSaidStartsUnderTheSameId", { skip, timeout: 180_000 }, async () => {
  const session = await start("silent");
  await ready(session.id);
  const restarted = (await api.post(`/api/sessions/${session.id}/restart`, {})).json;
  assert.equal(restarted.claude_session_id, session.claude_session_id);
  await isIn("silent", session.claude_session_id);
  await ready(session.id);
  await api.must("DELETE", `/api/sessions/${session.id}`);
});

test("Lifecycle.ConversationsOfThisMachineAreFoundAndGoneOnWith", { skip, timeout: 240_000 }, async () => {
  const own = new Tmux();
  const environment = clientEnvironment({ home: dashboard.home, standInUrl: standIn.url });
  try {
    // By hand, as before there was a dashboard: one under the project roots, one elsewhere.
    own.start("a", [clientProgram(), "--", "made by hand in the project"], { cwd: dashboard.project, environment });
    own.start("b", [clientProgram(), "--", "made by hand elsewhere"], { cwd: outside, environment });
    for (const name of ["a", "b"]) await own.waitFor(name, /reply \d/, kSlowMs);
    await until("both are written down", async () => (await api.get("/api/conversations")).json.conversations.filter(({ first_prompt: text, messages }) => text?.startsWith("made by hand") && messages === 2).length === 2);
  } finally {
    await own.kill();
  }
  const all = (await api.get("/api/conversations")).json.conversations;
  const mine = all.find(({ first_prompt: text }) => text === "made by hand in the project");
  const other = all.find(({ first_prompt: text }) => text === "made by hand elsewhere");
  assert.deepEqual([mine.project, mine.startable, mine.why_not, mine.session, mine.messages], [dashboard.project, true, null, null, 2]);
  assert.ok(mine.bytes > 1000 && Math.abs(mine.last_activity / 1000 - Date.now()) < kSlowMs);
  assert.deepEqual([other.project, other.startable], [outside, false]);
  assert.match(other.why_not, /outside the allowed/);
  assert.equal((await api.send("POST", "/api/sessions", { json: { name: "no", conversation: other.id } })).status, 403);
  const imported = (await api.post("/api/sessions", { name: "imported", conversation: mine.id, cols: 100, rows: 30 })).json;
  assert.deepEqual([imported.claude_session_id, imported.project], [mine.id, dashboard.project]);
  await isIn("imported", mine.id);
  await shows(imported.id, /made by hand in the project/);
  await api.must("DELETE", `/api/sessions/${imported.id}`);
});

const hooksOf = (id, wanted) => until(`the hooks of ${id} are ${wanted}`, async () => {
  const { agent } = (await api.get(`/api/sessions/${id}`)).json;
  return agent?.hooks === wanted && agent;
}, { timeoutMs: kSlowMs });
const named = (name) => until(`there is a session ${name}`, async () => (await api.sessions()).find((session) => session.name === name && session.status === "active"), { timeoutMs: kSlowMs });
const giveHooks = (id, as = api) => as.send("POST", `/api/sessions/${id}/hooks`, { json: {} });
const gaveHooks = (id) => query(dashboard.settings.DATABASE_PATH, `SELECT actor, detail FROM audit_logs WHERE target = '${id}' AND action = 'session.hooks'`);

test("Lifecycle.AClientStartedByHandIsGivenHooksInItsSession", { skip, timeout: 300_000 }, async () => {
  const environment = clientEnvironment({ home: dashboard.home, standInUrl: standIn.url });
  dashboard.tmux.start("by-hand", [clientProgram(), "--", "made by hand, remember the word plover"], { cwd: dashboard.project, environment });
  const session = await named("by-hand");
  await hooksOf(session.id, "none");
  await shows(session.id, /reply \d/);
  await ready(session.id);
  const before = await until("the client is registered", () => registered("by-hand"));

  // While a tool waits for permission, and while it works, nothing is ended.
  dashboard.tmux.type("=by-hand:", "please run a tool");
  dashboard.tmux.key("=by-hand:", "Enter");
  await shows(session.id, /Do you want to proceed/);
  await until("it is refused", async () => (await giveHooks(session.id)).status === 409);
  assert.deepEqual([gaveHooks(session.id), registered("by-hand").sessionId], [[], before.sessionId]);
  dashboard.tmux.key("=by-hand:", "Escape");
  await until("the dialog is gone", async () => !/Do you want to proceed/.test(await screen(session.id)), { timeoutMs: kSlowMs });

  const given = await until("it is given its hooks", async () => {
    const answer = await giveHooks(session.id);
    return answer.status === 200 && answer.json;
  }, { timeoutMs: kSlowMs, stepMs: 500 });
  assert.deepEqual([given.id, given.name, given.adopted, given.claude_session_id], [session.id, "by-hand", false, before.sessionId]);
  await isIn("by-hand", before.sessionId);
  await shows(session.id, /the word plover/);
  const agent = await hooksOf(session.id, "live");
  assert.equal(agent.conversation, before.sessionId);
  assert.equal(gaveHooks(session.id).length, 1);
  assert.ok(gaveHooks(session.id)[0].startsWith("owner|") && gaveHooks(session.id)[0].includes(before.sessionId));
  assert.equal((await giveHooks(session.id)).status, 409, "it has them");
  await api.must("DELETE", `/api/sessions/${session.id}`);
});

test("Lifecycle.AClientInAShellIsGivenHooksBesideIt", { skip, timeout: 300_000 }, async () => {
  const environment = clientEnvironment({ home: dashboard.home, standInUrl: standIn.url });
  dashboard.tmux.start("shell", ["/bin/bash", "--norc", "-i"], { cwd: dashboard.project, environment: { ...environment, PS1: "PROMPT> " } });
  const session = await named("shell");
  assert.equal((await giveHooks(session.id)).status, 409, "no Claude Code runs in it");
  dashboard.tmux.type("=shell:", `${clientProgram()} -- 'remember the word dunlin'`);
  dashboard.tmux.key("=shell:", "Enter");
  await shows(session.id, /reply \d/);
  await hooksOf(session.id, "none");
  const given = await until("it is given its hooks", async () => {
    const answer = await giveHooks(session.id);
    return answer.status === 200 && answer.json;
  }, { timeoutMs: kSlowMs, stepMs: 500 });
  assert.notEqual(given.id, session.id);
  await isIn(given.name, given.claude_session_id);
  await shows(given.id, /the word dunlin/);
  await hooksOf(given.id, "live");
  await shows(session.id, /Resume this session with:[^]*PROMPT>\s*$/);
  assert.equal((await api.get(`/api/sessions/${session.id}`)).json.status, "active", "the shell stays");
  for (const { id } of [given, session]) await api.must("DELETE", `/api/sessions/${id}`);
});

/** A repository with one commit on `main`; `files` by name, as they are committed. */
function makeRepository(folder, files = {}) {
  mkdirSync(folder, { recursive: true });
  const git = (...words) => execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.org", ...words], { encoding: "utf8", env: { PATH: process.env.PATH, HOME: dashboard.home } });
  git("init", "-q", "-b", "main");
  for (const [name, text] of Object.entries({ "README.md": "demo\n", ...files })) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  git("add", "-A");
  git("commit", "-q", "-m", "begin");
  return git;
}
const hookThatMarks = (file) => JSON.stringify({ hooks: { SessionStart: [{ hooks: [{ type: "command", command: `touch ${file}` }] }] } });

test("Lifecycle.WhatAProjectRunsIsSeenBeforeItsFirstStart", { skip, timeout: 240_000 }, async () => {
  const project = path.join(dashboard.projects, "brings");
  const mark = path.join(dashboard.folder, "the-hook-ran");
  mkdirSync(path.join(project, ".claude"), { recursive: true });
  writeFileSync(path.join(project, ".claude/settings.json"), hookThatMarks(mark));
  const template = (await api.post("/api/templates", { name: "Greet", project, prompt: "greet me", env: { LIFE_TEST: "from the template" } })).json;
  const wish = { name: "brings", template: template.id, cols: 100, rows: 30 };
  const refused = await api.send("POST", "/api/sessions", { json: wish });
  assert.deepEqual([refused.status, refused.code, refused.json.error.folder], [409, "settings_unseen", project]);
  const shown = (await api.get(`/api/projects/settings?path=${encodeURIComponent(project)}`)).json;
  assert.deepEqual([shown.digest, shown.accepted, shown.known], [refused.json.error.digest, false, false]);
  assert.deepEqual(shown.files.flatMap(({ findings }) => findings).map(({ kind, text }) => [kind, text.includes(`touch ${mark}`)]), [["program", true]]);
  assert.equal((await api.send("POST", "/api/sessions", { json: { ...wish, accept_settings: "0".repeat(64) } })).code, "settings_unseen", "another digest accepts nothing");
  assert.deepEqual([(await api.sessions()).some(({ name }) => name === "brings"), existsSync(mark)], [false, false], "nothing was started");

  const session = (await api.post("/api/sessions", { ...wish, accept_settings: shown.digest })).json;
  await shows(session.id, /greet me[^]*reply \d/);
  assert.ok(existsSync(mark), "what was accepted runs");
  assert.match(readFileSync(`/proc/${panePid("brings")}/environ`, "latin1"), /LIFE_TEST=from the template/);
  assert.equal((await api.get(`/api/projects/settings?path=${encodeURIComponent(project)}`)).json.accepted, true);

  // Changed meanwhile: a restart ends nothing before it was seen.
  writeFileSync(path.join(project, ".mcp.json"), JSON.stringify({ mcpServers: { helper: { command: "/bin/true" } } }));
  const changed = await api.send("POST", `/api/sessions/${session.id}/restart`, { json: {} });
  assert.equal(changed.code, "settings_unseen");
  assert.equal((await api.get(`/api/sessions/${session.id}`)).json.status, "active");
  const again = (await api.get(`/api/projects/settings?path=${encodeURIComponent(project)}`)).json;
  assert.deepEqual([again.known, again.fresh.map(({ kind }) => kind)], [true, ["server"]]);
  await api.must("DELETE", `/api/sessions/${session.id}`);
  await api.must("DELETE", `/api/templates/${template.id}`);
});

test("Lifecycle.ANewWorkingTreeTakesTheAgentAndIsNeverRemovedWithWorkInIt", { skip, timeout: 300_000 }, async () => {
  const project = trees;
  const git = makeRepository(project);
  const session = await start("tree", { project, prompt: "remember the word otter", worktree: { branch: "fix/it" } });
  const tree = session.project;
  assert.equal(tree, path.join(project, ".claude/worktrees/fix-it"));
  await shows(session.id, /reply \d/);
  assert.equal((await isIn("tree", session.claude_session_id)).cwd, tree);
  assert.deepEqual((await api.get(`/api/git/status?path=${encodeURIComponent(tree)}`)).json.branch, "fix/it");

  writeFileSync(path.join(tree, "work.txt"), "not committed\n");
  const remove = (query = "") => api.send("DELETE", `/api/git/worktrees?path=${encodeURIComponent(tree)}${query}`);
  assert.match((await remove()).text, /somebody works in it/);
  await api.must("DELETE", `/api/sessions/${session.id}`);
  // It is refused as long as the client ends, and then for the work.
  await until("the client has left the working tree", async () => {
    const refused = await remove("&ignored_files=true&keep_branch=true");
    assert.equal(refused.status, 409, refused.text);
    return /work\.txt/.test(refused.text);
  }, { timeoutMs: kSlowMs });
  const { obstacles } = (await api.get(`/api/git/worktrees/obstacles?path=${encodeURIComponent(tree)}`)).json;
  assert.ok(obstacles.every(({ kind }) => kind !== "session"), JSON.stringify(obstacles));
  assert.equal(readFileSync(path.join(tree, "work.txt"), "utf8"), "not committed\n");

  // A branch can bring what the project does not: it is asked about where the tree is, and gone on with there.
  const mark = path.join(dashboard.folder, "the-branch-ran");
  git("checkout", "-q", "-b", "brings");
  mkdirSync(path.join(project, ".claude"), { recursive: true });
  writeFileSync(path.join(project, ".claude/settings.json"), hookThatMarks(mark));
  git("add", "-f", ".claude/settings.json");
  git("commit", "-q", "-m", "settings");
  git("checkout", "-q", "main");
  const unseen = await api.send("POST", "/api/sessions", { json: { name: "brings-tree", project, worktree: { branch: "brings" } } });
  assert.deepEqual([unseen.code, unseen.json.error.folder], ["settings_unseen", path.join(project, ".claude/worktrees/brings")]);
  assert.equal(existsSync(mark), false);
  const accepted = (await api.post("/api/sessions", { name: "brings-tree", project: unseen.json.error.folder, accept_settings: unseen.json.error.digest, cols: 100, rows: 30 })).json;
  await ready(accepted.id);
  assert.ok(existsSync(mark));
  await api.must("DELETE", `/api/sessions/${accepted.id}`);

  // A copy of the conversation in a tree of its own: the client finds it from there.
  const fork = (await api.post(`/api/sessions/${session.id}/fork`, { worktree: { branch: "other-try" }, prompt: "and in the copy", cols: 100, rows: 30 })).json;
  assert.equal(fork.project, path.join(project, ".claude/worktrees/other-try"));
  await shows(fork.id, /otter[^]*and in the copy/);
  await api.must("DELETE", `/api/sessions/${fork.id}`);

  git("-C", tree, "add", "-A");
  git("-C", tree, "commit", "-q", "-m", "work");
  assert.match((await remove()).text, /fix\/it/, "commits on its branch alone are named");
  assert.equal((await remove("&keep_branch=true")).status, 204);
  assert.deepEqual([existsSync(tree), git("show", "fix/it:work.txt")], [false, "not committed\n"]);
  assert.equal((await api.send("POST", `/api/sessions/${session.id}/resume`, { json: {} })).status, 404, "its folder is gone");
});

test("Lifecycle.AFleetComesBackAfterAReboot", { skip, timeout: 600_000 }, async () => {
  const before = [];
  for (let i = 0; i < kRebooted; i++) before.push(await start(`boot-${i}`, { prompt: `I am boot ${i}` }));
  for (const session of before) await shows(session.id, /reply \d/);
  const pids = before.map(({ name }) => panePid(name));
  // As a power cut leaves it: nothing ran to its end, and what lies in folders of the running system is gone.
  const server = Number(dashboard.tmux.run("display-message", "-p", "#{pid}"));
  await dashboard.kill("SIGKILL");
  process.kill(server, "SIGKILL");
  await until("the clients have ended", () => pids.every((pid) => !isAlive(pid)), { timeoutMs: kSlowMs });
  for (const entry of readdirSync(dashboard.tmux.folder)) rmSync(path.join(dashboard.tmux.folder, entry), { recursive: true });

  await dashboard.up();
  for (const { id } of before) await until(`${id} is lost`, async () => (await api.get(`/api/sessions/${id}`)).json.status === "lost");
  const results = (await api.post("/api/fleet/resume", {})).json.results.filter(({ name }) => name.startsWith("boot-"));
  assert.deepEqual(results.map(({ session, outcome, error }) => [session, outcome, error]).sort(), before.map(({ id }) => [id, "resumed", null]).sort());
  for (const session of before) {
    const client = await isIn(session.name, session.claude_session_id);
    assert.equal(client.cwd, session.project);
    await shows(session.id, new RegExp(`I am boot ${session.name.split("-")[1]}\\b`));
    await hooksOf(session.id, "live");
    const { cols, rows } = (await api.get(`/api/sessions/${session.id}`)).json;
    assert.deepEqual([cols, rows], [100, 30], "as its record says: the dashboard has not seen it run");
  }
  for (const { id } of before) await api.must("DELETE", `/api/sessions/${id}`);
});

test("Lifecycle.AFleetComesBackAfterTmuxWasKilled", { skip, timeout: 600_000 }, async () => {
  const before = [];
  for (let i = 0; i < kAgents; i++) {
    const project = path.join(dashboard.projects, i % 2 ? "demo" : `side-${i}`);
    mkdirSync(project, { recursive: true });
    before.push(await start(`fleet-${i}`, { project, prompt: `I am number ${i}` }));
  }
  for (const session of before) await shows(session.id, /reply \d/);
  const server = Number(dashboard.tmux.run("display-message", "-p", "#{pid}"));
  const pids = before.map(({ name }) => panePid(name));
  process.kill(server, "SIGKILL");
  for (const { id } of before) await until(`${id} is lost`, async () => (await api.get(`/api/sessions/${id}`)).json.status === "lost");
  await until("the clients have ended", () => pids.every((pid) => !isAlive(pid)), { timeoutMs: kSlowMs });

  const began = performance.now();
  // Twice at a time: each comes back once.
  const [first, second] = await Promise.all([api.post("/api/fleet/resume", {}), api.post("/api/fleet/resume", {})]);
  const took = performance.now() - began;
  const outcomes = [...first.json.results, ...second.json.results].filter(({ name }) => name.startsWith("fleet-"));
  for (const session of before) {
    const mine = outcomes.filter(({ session: id }) => id === session.id).map(({ outcome }) => outcome).sort();
    assert.ok(mine.filter((outcome) => outcome === "resumed").length === 1 && mine.every((outcome) => ["resumed", "running"].includes(outcome)), `${session.name}: ${mine} ${JSON.stringify(outcomes)}`);
  }
  let right = 0;
  for (const session of before) {
    const client = await isIn(session.name, session.claude_session_id);
    assert.equal(client.cwd, session.project);
    await shows(session.id, new RegExp(`I am number ${session.name.split("-")[1]}\\b`));
    right += 1;
  }
  assert.equal(dashboard.tmux.run("list-sessions", "-F", "#{session_name}").split("\n").filter((name) => name.startsWith("fleet-")).length, kAgents);
  const third = (await api.post("/api/fleet/resume", {})).json.results.filter(({ name }) => name.startsWith("fleet-"));
  assert.deepEqual(third, [], "nothing is lost any more");
  console.log(`Lifecycle: ${right} / ${kAgents} agents back with their conversation and folder, in ${Math.round(took)} ms`);
});
