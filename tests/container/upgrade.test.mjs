// Upgrades nobody notices: blue/green again and again under a typing client and a counting agent, and an upgrade that fails.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { endSockets, TerminalSocket } from "../harness/socket.mjs";
import { percentile, until } from "../harness/wait.mjs";
import { checkCounter } from "../integration/support.mjs";
import { needEngine, Stack } from "./stack.mjs";

const kUpgrades = Number(process.env.UPGRADES ?? 20);
const kKeyMs = 10;
const kPauseMs = 1000;
const kRollbackMs = 10_000;

let skip;
let stack;
let api;
before(async () => {
  skip = await needEngine({ prefer: "2" });
  if (skip) return;
  stack = await Stack.start();
  api = await stack.login();
}, { timeout: 900_000 });
after(async () => {
  if (stack) endSockets(stack.url);
  if (process.env.KEEP_STACK) return;
  await stack?.remove();
}, { timeout: 120_000 });

/** Types six-byte keys without a pause and notes how long each waits for its acknowledgement. */
class Typist {
  constructor(terminal) {
    Object.assign(this, { terminal, typed: 0, going: true, sent: [], acked: 0, waits: [] });
    this.done = this.#type();
  }
  async #type() {
    while (this.going) {
      this.terminal.type(`k${String(this.typed++ % 100_000).padStart(5, "0")}`);
      this.sent.push(performance.now());
      await delay(kKeyMs);
      this.#look();
    }
  }
  #look() {
    const now = performance.now();
    while (this.acked < this.terminal.ackedInput) this.waits.push(now - this.sent[this.acked++]);
  }
  /** The longest wait since the last call, also of keys that still wait. */
  async longestWait() {
    await until("typing goes on", () => this.sent.length === this.acked || this.sent.length - this.acked < 30, { timeoutMs: 30_000 });
    const longest = Math.max(...this.waits, 0);
    this.waits = [];
    return longest;
  }
  async stop() {
    this.going = false;
    await this.done;
  }
}

async function recorder(name) {
  const session = await api.createSession({ name, project: "/srv/projects", command: ["/bin/sh", "-c", 'stty raw -echo; echo READY; exec cat >"$0"', `/srv/projects/${name}.bin`] });
  return { session, file: path.join(stack.projects, `${name}.bin`) };
}
const counting = 'i=0; while :; do printf "#%09d....\\n" $i; i=$((i+1)); sleep 0.02; done';

test("Upgrade.TwentyTimesUnderATypistAndACountingAgent", { timeout: 1_200_000 }, async (t) => {
  if (skip) return t.skip(skip);
  for (const tag of ["test-a", "test-b"]) await stack.makeTag(tag);
  const { session, file } = await recorder("typist");
  const counter = await api.createSession({ name: "counter", project: "/srv/projects", command: ["/bin/sh", "-c", counting] });
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  await terminal.waitFor("READY");
  const viewer = await socket.open({ session: counter.id, from: 0, keep: true });
  const server = (await stack.inspect("tmux")).State.StartedAt;
  const typist = new Typist(terminal);
  await delay(500);
  await typist.longestWait();

  const waits = [];
  const took = [];
  for (let upgrade = 0; upgrade < kUpgrades; ++upgrade) {
    const began = performance.now();
    const out = await stack.must(`./scripts/blue-green.sh test-${"ab"[upgrade % 2]} --soak 0 --no-smoke`, { timeoutMs: 180_000 });
    took.push(performance.now() - began);
    waits.push(await typist.longestWait());
    if (waits.at(-1) > kPauseMs) console.log(`Upgrade: ${upgrade + 1}: a key waited ${Math.round(waits.at(-1))} ms\n${(await stack.sh("docker logs -t --tail 12 claude-code-dashboard; docker-compose logs -t --tail=40 nginx")).out}\n${out}`);
    await api.refresh();
  }
  await typist.stop();
  await terminal.allAcked(30_000);
  await until("every key has arrived", () => statSync(file).size >= typist.typed * 6, { timeoutMs: 20_000 });
  const text = readFileSync(file, "latin1");
  const keys = text.match(/k\d{5}/g) ?? [];
  const wrong = keys.filter((key, index) => Number(key.slice(1)) !== index % 100_000).length;
  await viewer.reaches((await api.output(counter.id, viewer.offset)).end);
  const seen = checkCounter(Buffer.concat(viewer.pieces));
  const stored = checkCounter((await api.output(counter.id)).bytes);
  console.log(`Upgrade: ${kUpgrades} upgrades, each with two handovers, ${Math.round(percentile(took, 0.5) / 1000)} s each; ${typist.typed} keys: ${typist.typed - keys.length} lost or doubled, ${wrong} out of place; ` +
    `agent: ${stored.lines} lines, ${stored.faults.length} gaps stored, ${seen.faults.length} seen; longest wait of a key per upgrade: p50 ${Math.round(percentile(waits, 0.5))} ms, p99 ${Math.round(percentile(waits, 0.99))} ms; ${socket.connections} connections`);
  assert.equal(text.length, typist.typed * 6);
  assert.equal(wrong, 0);
  assert.deepEqual(stored.faults, []);
  assert.deepEqual(seen.faults, []);
  assert.deepEqual(terminal.faults, []);
  assert.ok(stored.lines > 100);
  assert.ok(socket.connections > kUpgrades, "the pages were handed over");
  assert.equal((await stack.inspect("tmux")).State.StartedAt, server, "the tmux server was replaced");
  assert.ok(percentile(waits, 0.99) < kPauseMs, `a key waited ${Math.round(Math.max(...waits))} ms`);
  await socket.close();
});

test("Upgrade.AGreenThatIsNotHealthyChangesNothing", { timeout: 180_000 }, async (t) => {
  if (skip) return t.skip(skip);
  await stack.makeTag("test-broken", "test-a", 'USER root\\nRUN printf "#!/bin/sh\\\\nexit 1\\\\n" >/app/dashboard.sh\\nUSER claude\\n');
  const before = await stack.inspect("dashboard");
  const result = await stack.sh("./scripts/blue-green.sh test-broken", { timeoutMs: 120_000, env: { GREEN_HEALTH_SECONDS: "5" } });
  assert.equal(result.code, 1, result.out);
  assert.match(result.out, /nothing was switched/);
  assert.equal((await stack.inspect("dashboard")).Id, before.Id);
  assert.equal((await stack.health()).status, "healthy");
  assert.equal(await stack.id("dashboard-green"), "");
});

test("Upgrade.AGreenThatBreaksAfterTheSwitchIsTakenBackInTime", { timeout: 240_000 }, async (t) => {
  if (skip) return t.skip(skip);
  // Healthy as long as it stands by; it ends as soon as it serves.
  const script = '#!/bin/bash\\n/app/dashboard &\\nuntil curl -fsS -o /dev/null http://127.0.0.1:3000/health/ready; do sleep 0.2; done\\nsleep 1; kill -9 $!; sleep 1000\\n';
  await stack.must(`d=$(mktemp -d) && printf '${script}' >$d/fragile.sh && chmod 755 $d/fragile.sh && printf 'FROM claude-code-dashboard:test-a\\nCOPY fragile.sh /app/dashboard.sh\\n' >$d/Dockerfile && docker build -q -t claude-code-dashboard:test-fragile $d; rm -rf $d`);
  const { session, file } = await recorder("typist-2");
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  await terminal.waitFor("READY");
  const typist = new Typist(terminal);
  let broke;
  const watch = setInterval(async () => {
    if (broke === undefined && (await stack.health(stack.ports.GREEN_PORT)).status === undefined && (await stack.id("dashboard-green")) !== "") broke = performance.now();
  }, 200);
  const result = await stack.sh("./scripts/blue-green.sh test-fragile --soak 20 --no-smoke", { timeoutMs: 180_000 });
  clearInterval(watch);
  const back = performance.now();
  assert.equal(result.code, 1, result.out);
  assert.match(result.out, /taken back/);
  assert.equal((await stack.health()).status, "healthy");
  const longest = await typist.longestWait();
  await typist.stop();
  await terminal.allAcked(30_000);
  await until("every key has arrived", () => statSync(file).size >= typist.typed * 6, { timeoutMs: 20_000 });
  assert.equal(readFileSync(file).length, typist.typed * 6);
  console.log(`Upgrade: a green that breaks after the switch: taken back ${Math.round((back - (broke ?? back)) / 100) / 10} s after it broke; a key waited ${Math.round(longest)} ms at most; ${typist.typed} keys, none lost`);
  assert.ok(longest < kRollbackMs, `typing stood still for ${Math.round(longest)} ms`);
  await socket.close();
});
