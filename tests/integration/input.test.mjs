// Keys over cut sockets and kills of the dashboard: every acknowledged one reaches the program exactly once and in order.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { percentile, until } from "../harness/wait.mjs";

const kKeys = Number(process.env.INPUT_KEYS ?? 10_000);
const kCuts = Number(process.env.INPUT_CUTS ?? 100);
const kKills = Number(process.env.INPUT_KILLS ?? 20);
// Keys typed between two events, so that each event falls into typing.
const kKeysPerPause = 8;
const kPauseMs = 10;

let dashboard;
let api;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

/** A pane whose program writes every byte it is given to a file: the terminal changes nothing on the way. */
async function recorder(name) {
  const file = path.join(dashboard.project, `${name}.bin`);
  const session = await api.createSession({ name, project: dashboard.project, command: ["/bin/sh", "-c", 'stty raw -echo; echo READY; exec cat >"$0"', file] });
  return { session, file };
}

/** Each key is six bytes that say which it is, so that a lost, doubled or moved one is seen for what it is. */
const key = (number) => `k${String(number).padStart(5, "0")}`;

function compare(bytes, count) {
  const text = bytes.toString("latin1");
  const seen = text.match(/k\d{5}/g) ?? [];
  const counts = new Map();
  let reordered = 0;
  let last = -1;
  for (const one of seen) {
    const number = Number(one.slice(1));
    counts.set(number, (counts.get(number) ?? 0) + 1);
    if (number < last) reordered += 1;
    last = Math.max(last, number);
  }
  let lost = 0;
  for (let number = 0; number < count; ++number) if (!counts.has(number)) lost += 1;
  const doubled = [...counts.values()].filter((n) => n > 1).length;
  return { lost, doubled, reordered, foreign: bytes.length - seen.length * 6 };
}

test("Input.IsExactOverCutsAndKills", { skip, timeout: 540_000 }, async () => {
  const { session, file } = await recorder("keys");
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  await terminal.waitFor("READY");
  const events = [
    ...Array.from({ length: kCuts }, (_, i) => ({ at: Math.floor(((i + 0.5) * kKeys) / kCuts), what: "cut" })),
    ...Array.from({ length: kKills }, (_, i) => ({ at: Math.floor(((i + 0.7) * kKeys) / kKills), what: "kill" })),
  ].sort((a, b) => a.at - b.at);
  const began = performance.now();
  const ready = [];
  let crash = Promise.resolve();
  for (let number = 0; number < kKeys; ++number) {
    terminal.type(key(number));
    while (events.length > 0 && events[0].at <= number) {
      const { what } = events.shift();
      if (what === "cut") {
        // A connection that is not there cannot be cut: every cut counts.
        await until("the socket is connected", () => socket.connected && terminal.isOpen);
        socket.cut();
      } else {
        // Typing goes on while it is down: those keys wait in the client.
        await crash;
        crash = dashboard.crashAndRestart().then((milliseconds) => ready.push(milliseconds));
      }
    }
    if (number % kKeysPerPause === 0) await delay(kPauseMs);
  }
  await crash;
  await terminal.allAcked(60_000);
  await until("all bytes have arrived", () => statSync(file).size >= kKeys * 6);
  const found = compare(readFileSync(file), kKeys);
  console.log(`Input: ${kKeys} keys, ${kCuts} cuts, ${kKills} kills in ${Math.round((performance.now() - began) / 1000)} s: ${found.lost} lost, ${found.doubled} doubled, ` +
    `${found.reordered} reordered, ${found.foreign} foreign bytes; ${terminal.resent} sent again; ready again p50 ${Math.round(percentile(ready, 0.5))} ms`);
  assert.deepEqual(found, { lost: 0, doubled: 0, reordered: 0, foreign: 0 });
  assert.ok(socket.connections > kCuts, `${socket.connections} connections`);
  assert.deepEqual(terminal.faults, []);
  assert.deepEqual(terminal.errors, []);
  await socket.close();
});

test("Input.EveryByteArrivesAsItIs", { skip, timeout: 180_000 }, async () => {
  const { session, file } = await recorder("bytes");
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  await terminal.waitFor("READY");
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const paste = Buffer.from("paste ü 漢字 😀 ".repeat(2000));
  terminal.type(all);
  for (let at = 0; at < paste.length; at += 16 * 1024) terminal.type(paste.subarray(at, at + 16 * 1024));
  await terminal.allAcked();
  const expected = Buffer.concat([all, paste]);
  await until("all bytes have arrived", () => statSync(file).size >= expected.length);
  assert.ok(readFileSync(file).equals(expected), "the program got other bytes");
  await socket.close();
});

test("Input.ReachesAPaneInCopyMode", { skip, timeout: 180_000 }, async () => {
  const { session, file } = await recorder("copymode");
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  await terminal.waitFor("READY");
  dashboard.tmux.run("copy-mode", "-t", "=copymode:");
  terminal.type("through");
  await until("the keys went to the program, not to the mode", () => readFileSync(file, "utf8") === "through");
  await socket.close();
});

test("Input.TheSameNumberTwiceIsTypedOnce", { skip, timeout: 180_000 }, async () => {
  const { session, file } = await recorder("twice");
  const first = await TerminalSocket.connect(api);
  const client = "ab".repeat(16);
  const one = await first.open({ session: session.id, from: 0, client });
  await one.waitFor("READY");
  for (const text of ["A", "B", "C"]) one.type(text);
  await one.allAcked();
  await first.close();
  // The same page after a crash of its own: it does not know what was taken and sends all of it again, and more.
  const second = await TerminalSocket.connect(api);
  const two = await second.open({ session: session.id, from: 0, client });
  for (const text of ["A", "B", "C", "D"]) two.type(text);
  await two.allAcked();
  await until("the new one has arrived", () => readFileSync(file, "utf8").includes("D"));
  assert.equal(readFileSync(file, "utf8"), "ABCD");
  await second.close();
});

test("Input.TwoTypistsAreBothExact", { skip, timeout: 180_000 }, async () => {
  const { session, file } = await recorder("typists");
  const sockets = await Promise.all([TerminalSocket.connect(api), TerminalSocket.connect(api)]);
  const terminals = await Promise.all(sockets.map((socket) => socket.open({ session: session.id, from: 0 })));
  await terminals[0].waitFor("READY");
  const kEach = 500;
  for (let number = 0; number < kEach; ++number) {
    terminals.forEach((terminal, who) => terminal.type(`${"ab"[who]}${String(number).padStart(5, "0")}`));
    if (number === kEach / 2) sockets[0].cut();
    if (number % 10 === 0) await delay(1);
  }
  for (const terminal of terminals) await terminal.allAcked();
  await until("all bytes have arrived", () => statSync(file).size >= 2 * kEach * 6);
  const text = readFileSync(file, "utf8");
  for (const who of "ab") {
    const numbers = (text.match(new RegExp(`${who}\\d{5}`, "g")) ?? []).map((one) => Number(one.slice(1)));
    assert.deepEqual(numbers, Array.from({ length: kEach }, (_, i) => i), `typist ${who}`);
  }
  for (const socket of sockets) await socket.close();
});
