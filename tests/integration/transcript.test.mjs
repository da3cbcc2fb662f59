// Transcripts from outside: pages, growth, searches, images and subagents of a conversation; whatever lies in its file, and nothing
// but its file.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { request } from "../harness/api.mjs";
import { Dashboard, kPassword, kRepository, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { program } from "./support.mjs";

const kFixture = readFileSync(path.join(kRepository, "tests/claude/fixtures/conversation.jsonl"), "utf8");
const kPng = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const kMaxLine = 32 * 1024 * 1024;

let dashboard;
let owner;
let made = 0;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard({ settings: { CLAUDE_COMMAND: program("idle.mjs").join(" ") } });
  await dashboard.up();
  owner = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const prompt = (text, more = {}) => `${JSON.stringify({ type: "user", message: { role: "user", content: text }, ...more })}\n`;

/** A session of Claude Code, with the transcript that its client would write. */
class Agent {
  static async start(more = {}) {
    const agent = new Agent();
    const session = await owner.createSession({ name: `transcript-${++made}`, project: dashboard.project, ...more });
    agent.id = session.id;
    agent.conversation = session.claude_session_id;
    agent.projects = path.join(dashboard.home, ".claude/projects");
    agent.folder = path.join(agent.projects, `-folder-${made}`);
    agent.file = path.join(agent.folder, `${agent.conversation}.jsonl`);
    return agent;
  }
  write(text) {
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(this.file, text);
    return this;
  }
  async hook(fields = {}) {
    const curl = readFileSync(path.join(dashboard.data, "sessions", this.id, "claude-event.curl"), "utf8");
    const authorization = curl.match(/Authorization: (Bearer [\w-]+)/)[1];
    const event = { session_id: this.conversation, transcript_path: this.file, cwd: dashboard.project, hook_event_name: "UserPromptSubmit", prompt: "x", ...fields };
    const headers = { authorization, "content-type": "application/json" };
    const answer = await request(dashboard.url, { method: "POST", path: `/api/hooks/claude/${this.id}`, headers, body: JSON.stringify(event) });
    assert.ok(answer.status === 200 || answer.status === 204, answer.text);
  }
  get address() {
    return `/api/sessions/${this.id}/transcript`;
  }
  ask(query = "", api = owner) {
    return api.send("GET", this.address + query);
  }
  async page(query = "") {
    const answer = await this.ask(query);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }
}

const texts = (page) => page.entries.map(({ blocks, raw }) => blocks[0]?.text ?? raw);

test("Transcript.OneThatIsNotThereYetSaysWhy", { skip, timeout: 180_000 }, async () => {
  const agent = await Agent.start();
  assert.deepEqual(await agent.page(), { state: "none", reason: "Nothing has been said in this conversation yet." });
  assert.equal((await agent.page("/facts")).state, "none");
  assert.equal((await agent.page("/search?q=x")).state, "none");
  assert.deepEqual(await agent.page("/agents"), { agents: [] });
  assert.equal((await agent.ask("/line?offset=0")).status, 404);
  const shell = await owner.createSession({ name: "no-agent", project: dashboard.project, command: ["bash", "--norc"] });
  const answer = (await owner.get(`/api/sessions/${shell.id}/transcript`)).json;
  assert.equal(answer.state, "none");
  assert.match(answer.reason, /No Claude Code runs/);
  assert.equal((await owner.send("GET", "/api/sessions/nowhere/transcript")).status, 404);
});

test("Transcript.ARealOneIsPagedFromBothEnds", { skip, timeout: 180_000 }, async () => {
  // Found by its name: no hook has told of it.
  const agent = (await Agent.start()).write(kFixture);
  const offsets = [];
  for (let at = 0; at < Buffer.byteLength(kFixture); at = Buffer.from(kFixture).indexOf(10, at) + 1) offsets.push(at);
  const newest = await until("the transcript is found", async () => {
    const page = await agent.page("?limit=10");
    return page.state === "ready" && page;
  });
  assert.equal(newest.bytes, Buffer.byteLength(kFixture));
  assert.equal(newest.end, newest.bytes);
  const back = [...newest.entries];
  for (let begin = newest.begin; begin > 0;) {
    const page = await agent.page(`?before=${begin}&limit=7`);
    assert.equal(page.end, begin);
    back.unshift(...page.entries);
    begin = page.begin;
  }
  const forth = [];
  for (let from = 0; from < newest.bytes;) {
    const page = await agent.page(`?from=${from}&limit=9`);
    assert.equal(page.begin, from);
    forth.push(...page.entries);
    from = page.end;
  }
  assert.deepEqual(back.map(({ offset }) => offset), offsets);
  assert.deepEqual(forth, back);
  const kinds = new Set(forth.map(({ kind }) => kind));
  for (const kind of ["prompt", "reply", "result", "note", "state", "attachment", "compaction", "interruption", "failure", "summary"]) assert.ok(kinds.has(kind), kind);
  assert.ok(forth.every(({ kind }) => kind !== "raw"), "everything that the client wrote is understood");
  const call = forth.find(({ blocks }) => blocks[0]?.tool === "AskUserQuestion");
  const answer = forth.find(({ blocks, offset }) => offset > call.offset && blocks[0]?.kind === "tool_result" && blocks[0].tool_id === call.blocks[0].tool_id);
  assert.deepEqual(answer.result.answers, { "Which colour?": "Blue" });
  const [whole] = (await agent.page(`/line?offset=${answer.offset}`)).entries;
  assert.deepEqual(whole.blocks, answer.blocks);
  const facts = await agent.page("/facts");
  assert.deepEqual([facts.lines, facts.read, facts.compactions, facts.raw_lines], [offsets.length, facts.bytes, 1, 0]);
  assert.ok(facts.usage[0].messages > 0 && facts.cost_usd > 0);
  const audit = (await owner.get("/api/audit?action=transcript.")).json;
  assert.ok(audit.entries.some(({ action, target }) => action === "transcript.read" && target === agent.id));
});

test("Transcript.WhoeverReadsItLeavesOneTrace", { skip, timeout: 180_000 }, async () => {
  const rows = async (agent) => (await owner.get("/api/audit?action=transcript.read")).json.entries.filter(({ target }) => target === agent.id)
    .map(({ outcome, detail }) => [outcome, detail]);
  const read = [["ok", ""]];
  for (const first of ["?from=0", "?before=99999", "?at=1", "/line?offset=0", "/line?offset=0&entry=0&block=0", "/search?q=found", ""]) {
    const agent = (await Agent.start()).write(prompt([{ type: "text", text: "found" }]) + prompt("two"));
    await agent.hook();
    await agent.page("/facts");
    assert.deepEqual(await rows(agent), [], "numbers are no conversation");
    const answer = await agent.ask(first);
    assert.equal(answer.status, first.includes("block") ? 404 : 200, first + answer.text);
    if (!first.includes("block")) assert.deepEqual(await rows(agent), read, first);
    for (const more of ["?from=0", "", "?before=9", "/search?q=x", "/line?offset=0"]) await agent.page(more);
    assert.deepEqual(await rows(agent), read, `no row for each page behind ${first}`);
    const folder = path.join(agent.folder, agent.conversation, "subagents");
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "agent-a1.jsonl"), prompt("subtask", { isSidechain: true, agentId: "a1" }));
    await agent.page("/search?q=subtask&agent=a1");
    await agent.page("?agent=a1");
    assert.deepEqual(await rows(agent), [["ok", JSON.stringify({ agent: "a1" })], ...read], "a subagent's conversation is another");
  }
});

test("Transcript.WhoeverReadsATerminalLeavesATraceToo", { skip, timeout: 180_000 }, async () => {
  for (const first of ["/output", "/screen", "/lines", `/moment?at=${Date.now() * 1000 + 60_000_000}`]) {
    const session = await owner.createSession({ name: `read-${++made}`, project: dashboard.project, command: ["bash", "--norc"] });
    const rows = async () => (await owner.get("/api/audit?action=session.read")).json.entries.filter(({ target }) => target === session.id).length;
    await until(`${first} can be read`, async () => (await owner.send("GET", `/api/sessions/${session.id}${first}`)).status === 200);
    assert.equal(await rows(), 1, first);
    for (const more of ["/output", "/screen", "/lines"]) await owner.get(`/api/sessions/${session.id}${more}`);
    assert.equal(await rows(), 1, `one row, however it goes on after ${first}`);
  }
});

test("Transcript.ATimeLeadsToTheFirstLineOfItOrLater", { skip, timeout: 180_000 }, async () => {
  const time = (second) => new Date(Date.UTC(2026, 10, 23, 19, 0, second)).toISOString();
  const agent = (await Agent.start()).write(Array.from({ length: 50 }, (_, i) => prompt(`at ${i}`, { timestamp: time(i) })).join(""));
  await agent.hook();
  const at = (second) => agent.page(`?at=${Date.parse(time(second)) * 1000}&limit=1`);
  for (const second of [0, 1, 17, 49]) assert.deepEqual(texts(await at(second)), [`at ${second}`]);
  assert.deepEqual(texts(await at(-5)), ["at 0"]);
  assert.deepEqual(texts(await at(55)), []);
});

test("Transcript.QueriesAreChecked", { skip, timeout: 180_000 }, async () => {
  const agent = (await Agent.start()).write(prompt("one") + prompt("two"));
  await agent.hook();
  const refused = { "?before=x": "before", "?from=-1": "from", "?at=1.5": "at", "?limit=0": "limit", "?limit=501": "limit", "?agent=../x": "agent",
    "?agent=..": "agent", "?agent=a%2Fb": "agent", "/line": "offset", "/line?offset=0&block=9999": "block", "/line?offset=0&block=0&entry=2": "entry",
    "/search": "q", "/search?q=": "q", [`/search?q=${"x".repeat(257)}`]: "q", "/search?q=x&from=z": "from" };
  for (const [query, field] of Object.entries(refused)) {
    const answer = await agent.ask(query);
    assert.deepEqual([answer.status, answer.json.error.field], [400, field], query);
  }
  assert.equal((await agent.ask("?before=1&from=1")).status, 400);
  assert.deepEqual(texts(await agent.page("?from=9999999")), []);
  assert.deepEqual(texts(await agent.page("?before=9999999")), ["one", "two"]);
  assert.deepEqual(texts(await agent.page("?from=1")), ["two"], "from inside of a line: the next one");
  assert.equal((await agent.ask("/line?offset=1")).status, 404);
  await owner.post("/api/users", { name: "watcher", password: kPassword, role: "viewer" });
  const watcher = await dashboard.login({ name: "watcher" });
  assert.equal((await agent.ask("", watcher)).status, 200);
  assert.equal((await agent.ask("", watcher)).json.entries.length, 2);
});

test("Transcript.EveryPrefixOfARealFileGivesItsWholeLines", { skip, timeout: 120_000 }, async () => {
  const bytes = Buffer.from(kFixture);
  const agent = (await Agent.start()).write("");
  await agent.hook();
  let size = 0;
  for (let next = 1; next <= bytes.length; next += next % 3 === 0 ? 1 : 487) {
    appendFileSync(agent.file, bytes.subarray(size, next));
    size = next;
    const page = await agent.page("?limit=3");
    const whole = bytes.subarray(0, size).lastIndexOf(10) + 1;
    assert.equal(page.end, whole, `of ${size} bytes`);
    assert.ok(page.entries.every(({ kind }) => kind !== "raw"), `of ${size} bytes`);
    const tail = await agent.page(`?from=${page.end}`);
    assert.deepEqual([tail.entries.length, tail.end], [0, whole]);
  }
});

test("Transcript.HostileLinesAreShownRawAndHideNothing", { skip, timeout: 120_000 }, async () => {
  const lines = ["no JSON", '{"type":"user"', "\u0000\u0001", '"text"', "[".repeat(5000), `{"type":"user","message":{"content":"${"\\ud800"}"}}`, '{"type":"new-kind","x":1}'];
  const agent = (await Agent.start()).write(`${lines.join("\n")}\n`);
  appendFileSync(agent.file, Buffer.from([0xff, 0xfe, 0x0a]));
  appendFileSync(agent.file, `\n\n${prompt("behind them")}`);
  await agent.hook();
  const page = await agent.page();
  assert.deepEqual(page.entries.map(({ kind }) => kind), ["raw", "raw", "raw", "raw", "raw", "prompt", "raw", "raw", "prompt"]);
  assert.equal(page.entries[0].raw, "no JSON");
  assert.equal(texts(page).at(-1), "behind them");
});

test("Transcript.ALineOf32MiBIsRawAndTheNextIsThere", { skip, timeout: 120_000 }, async () => {
  const agent = (await Agent.start()).write(prompt("first needle"));
  const long = prompt("x".repeat(kMaxLine));
  appendFileSync(agent.file, long);
  appendFileSync(agent.file, prompt("last needle"));
  await agent.hook();
  const first = Buffer.byteLength(prompt("first needle"));
  assert.deepEqual(texts(await agent.page("?limit=1")), ["last needle"]);
  const page = await agent.page(`?from=${first}&limit=1`);
  assert.deepEqual([page.entries[0].kind, page.entries[0].bytes], ["raw", long.length - 1]);
  assert.ok(JSON.stringify(page).length < 100_000);
  assert.deepEqual(texts(await agent.page(`?from=${page.end}`)), ["last needle"]);
  const found = await agent.page("/search?q=needle");
  assert.deepEqual(found.hits.map(({ before }) => before), ["first ", "last "]);
  assert.equal((await agent.page("/facts")).lines, 3);
});

test("Transcript.WordsAreFoundStepByStep", { skip, timeout: 120_000 }, async () => {
  const agent = await Agent.start();
  agent.write(Array.from({ length: 250 }, (_, i) => prompt(`Line ${i} of the Größe test`)).join(""));
  appendFileSync(agent.file, prompt('say "hi"\nthere'));
  await agent.hook();
  const all = [];
  let steps = 0;
  for (let from = 0, done = false; !done; steps += 1) {
    const step = await agent.page(`/search?q=${encodeURIComponent("GRÖßE")}&from=${from}`);
    all.push(...step.hits);
    assert.ok(step.done || step.next > from);
    ({ next: from, done } = step);
  }
  assert.equal(all.length, 250);
  assert.ok(steps >= 3, "at most 100 hits a step");
  assert.deepEqual([all[7].before, all[7].match, all[7].after], ["Line 7 of the ", "Größe", " test"]);
  assert.deepEqual(texts(await agent.page(`?from=${all[7].offset}&limit=1`)), ["Line 7 of the Größe test"]);
  assert.equal((await agent.page(`/search?q=${encodeURIComponent('"hi"')}`)).hits.length, 1);
});

test("Transcript.ImagesComeByTheirBytesAndNeverAsAPage", { skip, timeout: 180_000 }, async () => {
  const source = (media_type, data) => ({ type: "image", source: { type: "base64", media_type, data } });
  const evil = Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>").toString("base64");
  const agent = (await Agent.start()).write(prompt([
    { type: "text", text: "see" }, source("image/png", kPng), source("image/svg+xml", evil), source("text/html", evil), source("image/png", "not base64!"),
    { type: "image", source: { type: "url", url: "http://127.0.0.1:1/x.png" } },
  ]));
  await agent.hook();
  const [entry] = (await agent.page()).entries;
  assert.deepEqual(entry.blocks.map(({ kind }) => kind), ["text", "image", "image", "image", "image", "image"]);
  assert.ok(!JSON.stringify(entry).includes(kPng), "its data stays in the file");
  const image = (block) => agent.ask(`/line?offset=${entry.offset}&entry=0&block=${block}`);
  const png = await image(1);
  assert.deepEqual([png.status, png.headers["content-type"], png.body.toString("base64")], [200, "image/png", kPng]);
  assert.match(png.headers["content-disposition"], /^inline; filename="image\.png"$/);
  for (const block of [2, 3]) {
    const other = await image(block);
    assert.deepEqual([other.headers["content-type"], other.headers["content-disposition"]], ["application/octet-stream", 'attachment; filename="document"']);
  }
  for (const block of [1, 2, 3]) {
    const { headers } = await image(block);
    assert.equal(headers["content-security-policy"], "default-src 'none'; sandbox");
    assert.equal(headers["x-content-type-options"], "nosniff");
  }
  for (const block of [0, 4, 5, 6, 1000]) assert.equal((await image(block)).status, 404, `block ${block}`);
});

test("Transcript.SubagentsAreFoundByTheirCalls", { skip, timeout: 180_000 }, async () => {
  const agent = (await Agent.start()).write(prompt("go"));
  await agent.hook();
  const folder = path.join(agent.folder, agent.conversation, "subagents");
  assert.deepEqual(await agent.page("/agents"), { agents: [] });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "agent-a1.jsonl"), prompt("subtask", { isSidechain: true, agentId: "a1" }));
  writeFileSync(path.join(folder, "agent-a1.meta.json"), JSON.stringify({ toolUseId: "toolu_7", agentType: "Explore", description: "look" }));
  symlinkSync(agent.file, path.join(folder, "agent-b2.jsonl"));
  const { agents } = await agent.page("/agents");
  assert.deepEqual(agents.map(({ id, tool_id, type, description }) => [id, tool_id, type, description]), [["a1", "toolu_7", "Explore", "look"]]);
  const page = await agent.page("?agent=a1");
  assert.deepEqual(texts(page), ["subtask"]);
  assert.deepEqual([page.entries[0].side, page.entries[0].agent], [true, "a1"]);
  assert.equal((await agent.page("?agent=none")).state, "none");
  assert.equal((await agent.ask("?agent=b2")).status, 403, "a link");
  assert.equal((await agent.page("/facts?agent=a1")).lines, 1);
  assert.equal((await agent.page("/search?q=subtask&agent=a1")).hits.length, 1);
});

test("Transcript.NothingButTheSessionsOwnFileIsOpened", { skip, timeout: 180_000 }, async () => {
  const secret = path.join(dashboard.folder, "secret.jsonl");
  writeFileSync(secret, prompt("a secret"));
  const asLink = await Agent.start();
  mkdirSync(asLink.folder, { recursive: true });
  symlinkSync(secret, asLink.file);
  await asLink.hook();
  const asFifo = await Agent.start();
  mkdirSync(asFifo.folder, { recursive: true });
  execFileSync("mkfifo", [asFifo.file]);
  await asFifo.hook();
  const asFolder = await Agent.start();
  mkdirSync(asFolder.file, { recursive: true });
  await asFolder.hook();
  const behindLink = await Agent.start();
  const elsewhere = path.join(dashboard.folder, "elsewhere");
  mkdirSync(elsewhere);
  writeFileSync(path.join(elsewhere, path.basename(behindLink.file)), prompt("a secret"));
  symlinkSync(elsewhere, behindLink.folder);
  await behindLink.hook();
  for (const agent of [asLink, asFifo, asFolder, behindLink]) {
    for (const query of ["", "?from=0", "/line?offset=0", "/search?q=secret", "/facts"]) {
      const answer = await agent.ask(query);
      assert.equal(answer.status, 403, query + answer.text);
      assert.ok(!answer.text.includes("a secret") && !answer.text.includes(dashboard.folder), "it says nothing of what is there");
    }
  }
  const denied = (await owner.get("/api/audit?action=transcript.")).json.entries.filter(({ target, outcome }) => target === asLink.id && outcome === "denied");
  assert.ok(denied.length > 0);

  // What a hook says of its place is held against where the agent was started to keep it.
  const other = path.join(dashboard.folder, "other-home/.claude/projects/-x");
  mkdirSync(other, { recursive: true });
  for (const place of [other, path.join(dashboard.home, ".claude/projects/-x/../../../../other-home/.claude/projects/-x"), path.join(dashboard.home, ".claude/projects-x/-x")]) {
    const agent = await Agent.start();
    mkdirSync(place, { recursive: true });
    const told = `${place}/${agent.conversation}.jsonl`;
    writeFileSync(told, prompt("a secret"));
    await agent.hook({ transcript_path: told });
    const answer = await agent.ask();
    assert.equal(answer.json.state, "none", told);
    assert.ok(!answer.text.includes("a secret"));
  }
  // Nor is another conversation's transcript this one's, nor a name that is none.
  const mine = (await Agent.start()).write(prompt("mine"));
  const yours = (await Agent.start()).write(prompt("yours"));
  await mine.hook({ transcript_path: yours.file });
  assert.deepEqual(texts(await mine.page()), ["mine"]);
  await mine.hook({ session_id: "../../../../etc/passwd", transcript_path: "/etc/passwd" }).catch(() => {});
  assert.ok(!(await mine.ask()).text.includes("root:"));
});

test("Transcript.NothingElseIsCountedAsItsUsage", { skip, timeout: 180_000 }, async () => {
  const message = { id: "m1", model: "opus", role: "assistant", content: [{ type: "text", text: "x" }], usage: { input_tokens: 7, output_tokens: 3 } };
  const reply = `${JSON.stringify({ type: "assistant", timestamp: new Date().toISOString(), message })}\n`;
  const elsewhere = path.join(dashboard.folder, "uncounted/projects/-x");
  mkdirSync(elsewhere, { recursive: true });
  const told = await Agent.start();
  const file = `${elsewhere}/${told.conversation}.jsonl`;
  writeFileSync(file, reply);
  await told.hook({ transcript_path: file });
  const linked = await Agent.start();
  mkdirSync(linked.folder, { recursive: true });
  symlinkSync(file, linked.file);
  await linked.hook();
  const honest = (await Agent.start()).write(reply);
  await honest.hook();
  const used = async ({ id }) => (await owner.get("/api/usage?by=session")).json.rows.find(({ key }) => key === id)?.input ?? 0;
  await until("the honest one is counted", async () => (await used(honest)) === 7);
  assert.deepEqual([await used(told), await used(linked)], [0, 0]);
});

test("Transcript.ASessionWithAHomeOfItsOwnIsReadThere", { skip, timeout: 180_000 }, async () => {
  const home = path.join(dashboard.folder, "own-home");
  const agent = await Agent.start({ env: { HOME: home } });
  const folder = path.join(home, ".claude/projects/-x");
  mkdirSync(folder, { recursive: true });
  agent.file = path.join(folder, `${agent.conversation}.jsonl`);
  writeFileSync(agent.file, prompt("at home"));
  await agent.hook();
  assert.deepEqual(texts(await agent.page()), ["at home"]);
});

test("Transcript.GrowthIsToldAFewTimesASecondAndReplacementToo", { skip, timeout: 120_000 }, async () => {
  const agent = await Agent.start();
  const socket = await TerminalSocket.connect(owner);
  const told = () => socket.messages.filter(({ type, session }) => type === "transcript" && session === agent.id);
  socket.sendText({ type: "watch_transcript", transcripts: [{ session: agent.id, agent: null }] });
  agent.write(prompt("one"));
  await agent.hook();
  const first = await until("it is told once it is there", () => told()[0]);
  assert.deepEqual([first.end, first.agent], [Buffer.byteLength(prompt("one")), null]);
  const began = performance.now();
  for (let i = 0; i < 200; i += 1) {
    appendFileSync(agent.file, prompt(`more ${i}`));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const bytes = readFileSync(agent.file).length;
  await until("the end is told", () => told().at(-1).end === bytes);
  const seconds = (performance.now() - began) / 1000;
  assert.ok(told().length <= 4 * seconds + 3, `${told().length} messages in ${seconds.toFixed(1)} s`);
  const { file } = told().at(-1);
  const page = await agent.page(`?from=${first.end}&limit=500`);
  assert.equal(page.file, file);
  assert.equal(texts(page).at(-1), "more 199");
  truncateSync(agent.file, first.end);
  await until("that it is shorter", () => told().at(-1).end === first.end);
  writeFileSync(`${agent.file}.new`, prompt("another file"));
  renameSync(`${agent.file}.new`, agent.file);
  const replaced = await until("that another is there", () => told().at(-1).file !== file && told().at(-1));
  assert.equal((await agent.page()).file, replaced.file);
  rmSync(path.dirname(agent.file), { recursive: true });
  agent.write(prompt("again"));
  await until("also after its folder was gone", () => told().at(-1).file !== replaced.file);
  // No more once nobody looks.
  socket.sendText({ type: "watch_transcript", transcripts: [] });
  socket.sendText({ type: "watch_transcript", transcripts: "all" });
  await until("the bad list is refused", () => socket.messages.some(({ type, code }) => type === "error" && code === "bad_message"));
  const count = told().length;
  appendFileSync(agent.file, prompt("unseen"));
  socket.sendText({ type: "watch_transcript", transcripts: [{ session: agent.id, agent: "none" }, { session: "nowhere", agent: null }] });
  socket.sendText({ type: "watch_transcript", transcripts: Array.from({ length: 17 }, (_, i) => ({ session: agent.id, agent: `a${i}` })) });
  await until("too many are refused", () => socket.messages.filter(({ code }) => code === "bad_message").length === 2);
  assert.equal(told().length, count);
  await socket.close();
});

test("Transcript.TheTerminalOfAMomentIsReplayed", { skip, timeout: 180_000 }, async () => {
  const session = await owner.createSession({ name: "moments", project: dashboard.project, command: ["bash", "--norc"], cols: 60, rows: 10 });
  const address = `/api/sessions/${session.id}/moment`;
  const socket = await TerminalSocket.connect(owner);
  const terminal = await socket.open({ session: session.id, from: "screen", cols: 60, rows: 10 });
  const shown = async (at) => (await owner.get(`${address}?at=${at}`)).json.lines.map(([, runs]) => runs.map(([text]) => text).join("")).join("\n");
  terminal.type("printf 'fir''st\\n'\r");
  await until("it printed", async () => (await owner.get(`/api/sessions/${session.id}/screen`)).text.includes("first"));
  const between = await until("time passes", async () => {
    const moment = (await owner.get(`${address}?at=${Date.now() * 1000}`)).json;
    // The record's times are exact to a tenth of a second.
    return Date.now() * 1000 - moment.last_at > 300_000 && Date.now() * 1000;
  });
  terminal.type("clear; printf 'sec''ond\\n'\r");
  await until("it printed again", async () => /^second/m.test((await owner.get(`/api/sessions/${session.id}/screen`)).text));
  assert.match(await shown(between), /^first/m);
  assert.doesNotMatch(await shown(between), /^second/m);
  await until("the record has its time", async () => /^second/m.test(await shown(Date.now() * 1000)));
  assert.doesNotMatch(await shown(Date.now() * 1000), /^first/m);
  const now = (await owner.get(`${address}?at=${Date.now() * 1000}`)).json;
  assert.deepEqual([now.cols, now.rows, now.exact], [60, 10, true]);
  assert.ok(now.first_at < between && between < now.last_at);
  assert.equal((await owner.send("GET", `${address}?at=1000`)).status, 404);
  assert.equal((await owner.send("GET", address)).json.error.field, "at");
  assert.equal((await owner.send("GET", "/api/sessions/nowhere/moment?at=1")).status, 404);
  await socket.close();
});

test("Transcript.ItIsThereAfterARestartAndAfterTheEnd", { skip, timeout: 120_000 }, async () => {
  const agent = (await Agent.start()).write(prompt("before"));
  await agent.hook();
  await until("its place is stored", async () => (await agent.page()).state === "ready");
  await dashboard.crashAndRestart();
  assert.deepEqual(texts(await agent.page()), ["before"]);
  await owner.must("DELETE", `/api/sessions/${agent.id}`);
  await until("it has ended", async () => (await owner.session(agent.id)).status === "exited");
  assert.deepEqual(texts(await agent.page()), ["before"]);
  assert.ok(existsSync(agent.file));
});
