// The terminal socket from outside: output by offset, input by number, credit, many viewers, sizes, and frames that are wrong.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { encodeFrame, kFrame, openWebSocket, TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { checkCounter, program } from "./support.mjs";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

let dashboard;
let api;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const session = (name, command) => api.createSession({ name, project: dashboard.project, command, cols: 80, rows: 24 });
const shell = (name) => session(name, ["/bin/sh"]);

test("Socket.ShowsWhatIsTypedAndAcknowledgesIt", { skip, timeout: 180_000 }, async () => {
  const { id } = await shell("echo");
  const socket = await TerminalSocket.connect(api);
  await until("hello and the sessions", () => socket.messages.some((m) => m.type === "hello") && socket.messages.some((m) => m.type === "session" && m.session.id === id));
  const terminal = await socket.open({ session: id, from: 0 });
  assert.equal(terminal.opened.session, id);
  assert.deepEqual([terminal.opened.cols, terminal.opened.rows], [80, 24]);
  assert.ok(terminal.opened.credit > 0);
  const number = terminal.type("echo sum-$((40+2))\n");
  await terminal.waitFor("sum-42");
  await terminal.allAcked();
  assert.equal(number, 1);
  assert.equal(terminal.ackedInput, 1);
  assert.deepEqual(terminal.faults, []);
  await socket.close();
});

test("Socket.AnEchoBringsItsAcknowledgementToWhoTakesIt", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("one-frame", ["/bin/sh", "-c", "stty raw -echo; printf ready; exec cat"]);
  const socket = await TerminalSocket.connect(api);
  const takes = await socket.open({ session: id, from: 0 });
  const older = await socket.open({ session: id, from: 0, echo: false });
  await takes.waitFor("ready");
  await older.waitFor("ready");
  for (const terminal of [takes, older]) {
    for (let i = 1; i <= 50; ++i) {
      const { bytes } = terminal;
      terminal.type("k");
      await until("its echo", () => terminal.bytes > bytes);
      await terminal.allAcked();
      assert.equal(terminal.ackedInput, i);
    }
  }
  // Most come together; on a busy machine an acknowledgement may be sooner.
  assert.ok(takes.echoes > 0, "no echo came with its acknowledgement");
  assert.equal(older.echoes, 0);
  assert.equal(takes.text, `ready${"k".repeat(100)}`);
  assert.equal(older.digest(), takes.digest());
  assert.deepEqual([...takes.faults, ...older.faults], []);
  await socket.close();
});

test("Socket.ResumesFromAnOffset", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("resume", program("counter.mjs", 20_000, 5000));
  const socket = await TerminalSocket.connect(api);
  const all = await socket.open({ session: id, from: 0, keep: true });
  await all.waitFor("END");
  const bytes = Buffer.concat(all.pieces);
  assert.equal(all.first, 0);
  for (const from of [0, 1, 39, Math.floor(bytes.length / 2), bytes.length - 1, bytes.length]) {
    const part = await socket.open({ session: id, from });
    assert.equal(part.opened.offset, from);
    await part.reaches(bytes.length);
    assert.equal(part.digest(), sha256(bytes.subarray(from)), `from ${from}`);
    part.close();
  }
  const log = await api.output(id);
  assert.equal(sha256(log.bytes.subarray(0, bytes.length)), sha256(bytes), "the socket shows what the record holds");
  // An offset that the record does not reach yet is no place to continue from.
  const beyond = await socket.open({ session: id, from: bytes.length + 1_000_000 }).then((t) => t.opened.offset, (error) => error.message);
  assert.ok(typeof beyond === "string" || beyond <= bytes.length, `opened at ${beyond}`);
  await socket.close();
});

test("Socket.TwoViewersSeeTheSameAndBothMayType", { skip, timeout: 180_000 }, async () => {
  const { id } = await shell("pair");
  const [one, two] = await Promise.all([TerminalSocket.connect(api), TerminalSocket.connect(api)]);
  const a = await one.open({ session: id, from: 0 });
  const b = await two.open({ session: id, from: 0 });
  a.type("echo from-$((1+0))\n");
  await b.waitFor("from-1");
  b.type("echo from-$((1+1))\n");
  await a.waitFor("from-2");
  await until("both are at the end", () => a.offset === b.offset && a.bytes === b.bytes);
  assert.equal(a.digest(), b.digest());
  await until("both are counted", async () => (await api.session(id)).viewers === 2);
  await two.close();
  await until("one has left", async () => (await api.session(id)).viewers === 1);
  await one.close();
});

test("Socket.ANewViewerWithoutAnOffsetStartsNearTheEnd", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("tail", program("counter.mjs", 200_000, 100_000));
  await until("all is recorded", async () => Number((await api.get(`/api/sessions/${id}/output?limit=1`)).headers["x-log-end"]) >= 4_000_000);
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: id });
  await terminal.waitFor("END");
  assert.ok(terminal.first > 0 && terminal.bytes < 1_000_000, `${terminal.bytes} bytes from ${terminal.first}`);
  assert.deepEqual(checkCounter(Buffer.from(terminal.text.slice(terminal.text.indexOf("\n") + 1))).faults, []);
  await socket.close();
});

test("Socket.AViewerWhoDoesNotAcknowledgeGetsItsCreditAndHurtsNobody", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("credit", ["/bin/cat"]);
  const sockets = await Promise.all(Array.from({ length: 4 }, () => TerminalSocket.connect(api)));
  const silent = await sockets[0].open({ session: id, from: 0, acks: "never" });
  const stopped = await sockets[1].open({ session: id, from: 0 });
  const reader = await sockets[2].open({ session: id, from: 0 });
  const credit = silent.opened.credit;
  sockets[1].pause();
  const flood = await session("flood", program("counter.mjs", 25_000, 100_000)); // 4 MB in 4 s: nobody is shown only every fifteenth of a second
  const rivals = await Promise.all([
    sockets[0].open({ session: flood.id, from: 0, acks: "never" }),
    sockets[2].open({ session: flood.id, from: 0 }),
    sockets[3].open({ session: flood.id, from: 0 }),
  ]);
  const [stalled, ...readers] = rivals;
  const began = performance.now();
  for (const terminal of readers) await terminal.waitFor("END", 60_000);
  const seconds = (performance.now() - began) / 1000;
  // What the silent one has: what a viewer begins with, and never more than the credit that a quick one comes to.
  assert.ok(stalled.bytes <= credit, `${stalled.bytes} bytes for a credit of ${credit}`);
  assert.ok(stalled.bytes >= 64 * 1024, `only ${stalled.bytes} bytes came of a credit of ${credit}`);
  for (const terminal of readers) assert.deepEqual(terminal.faults, []);
  // On a machine that stalls, what came meanwhile comes at once, and is skimmed.
  const whole = readers.filter((terminal) => terminal.snapshots === 0);
  if (whole.length === 2) assert.equal(readers[0].digest(), readers[1].digest());
  console.log(`Socket: 4 MB reached two readers in ${seconds.toFixed(1)} s beside two viewers that had stopped; one of them got ${stalled.bytes} of ${credit} bytes`);
  // Credit comes back: it goes on to the very end.
  stalled.acks = "always";
  stalled.ack();
  await stalled.waitFor("END");
  assert.ok(stalled.snapshots > 0, "what it has missed was sent to it instead of what is on the screen");
  // Keys of others on other sessions pass at once.
  reader.type("hello\n");
  await reader.waitFor("hello");
  sockets[1].unpause();
  await stopped.waitFor("hello");
  for (const socket of sockets) await socket.close();
});

test("Socket.ThePaneHasTheSizeOfWhoseTurnItIs", { skip, timeout: 180_000 }, async () => {
  const { id } = await shell("size");
  const socket = await TerminalSocket.connect(api);
  const wide = await socket.open({ session: id, from: 0, cols: 120, rows: 40 });
  const paneSize = () => dashboard.tmux.run("display-message", "-p", "-t", "=size:", "#{pane_width}x#{pane_height}").trim();
  await until("the first viewer's size", () => paneSize() === "120x40");
  const narrow = await socket.open({ session: id, from: 0, cols: 50, rows: 20 });
  assert.deepEqual([narrow.opened.cols, narrow.opened.rows, narrow.opened.yours], [120, 40, false]);
  narrow.fit();
  await until("the other's size after its fit", () => paneSize() === "50x20");
  await until("both are told", () => wide.sizes.at(-1)?.cols === 50 && wide.sizes.at(-1)?.yours === false && narrow.sizes.at(-1)?.yours === true);
  narrow.resize(60, 22);
  await until("its window's new size", () => paneSize() === "60x22");
  // Who types after the other has been quiet gets the turn. tmux tells the program about a new size a moment later: ask again.
  wide.resize(130, 41);
  await until("the program has the size of who types", () => {
    wide.type("stty size\n");
    return /41 130/.test(wide.text);
  }, { stepMs: 300 });
  for (const [cols, rows] of [[0, 0], [-1, 5], [100_000, 10], [10.5, 10]]) narrow.resize(cols, rows);
  await until("wrong sizes are refused", () => narrow.errors.length === 4);
  assert.equal(paneSize(), "130x41");
  await socket.close();
});

test("Socket.SurvivesWhatNoClientShouldSend", { skip, timeout: 180_000 }, async () => {
  const { id } = await shell("fuzzed");
  const pid = dashboard.pid;
  const random = (length, seed) => Buffer.from(Array.from({ length }, (_, i) => (i * 7919 + seed * 104729) % 256));
  const open = (channel, extra = {}) => JSON.stringify({ type: "open", channel, session: id, client: "0".repeat(32), cols: 80, rows: 24, from: "screen", ...extra });
  const messages = {
    "an empty binary": Buffer.alloc(0),
    "a short frame": Buffer.from([3, 0, 0]),
    "a header without its last byte": encodeFrame(kFrame.input, 1, 1).subarray(0, 12),
    "an unknown type": encodeFrame(99, 1, 1, Buffer.from("x")),
    "a server's frame": encodeFrame(kFrame.data, 1, 0, Buffer.from("x")),
    "input for a channel that is not open": encodeFrame(kFrame.input, 77, 1, Buffer.from("x")),
    "input without bytes": encodeFrame(kFrame.input, 1, 1),
    "input with number 0": encodeFrame(kFrame.input, 1, 0, Buffer.from("x")),
    "input with the largest number": encodeFrame(kFrame.input, 1, 0xffffffffffffffffn, Buffer.from("x")),
    "an acknowledgement of the future": encodeFrame(kFrame.ackOutput, 1, 0xffffffffffffn),
    "an acknowledgement of the past": encodeFrame(kFrame.ackOutput, 1, 0),
    "no JSON": "hello",
    "half JSON": "{\"type\":\"open\"",
    "an array": "[1,2,3]",
    "deep JSON": "[".repeat(20_000),
    "no type": "{}",
    "an unknown type of message": JSON.stringify({ type: "dance", channel: 1 }),
    "open without anything": JSON.stringify({ type: "open" }),
    "an unknown session": open(2, { session: "nowhere" }),
    "a session that is a path": open(2, { session: "../../etc" }),
    "a client that is no hex": open(2, { client: "z".repeat(32) }),
    "a short client": open(2, { client: "00" }),
    "a channel that is a word": open("x"),
    "a channel below 0": open(-1),
    "a channel that is too large": open(2 ** 32),
    "no size": open(2, { cols: undefined }),
    "a size of 0": open(2, { cols: 0, rows: 0 }),
    "an offset below 0": open(2, { from: -5 }),
    "an offset that is a word": open(2, { from: "head" }),
    "the same channel again": open(1),
    "close of nothing": JSON.stringify({ type: "close", channel: 12_345 }),
    "resize of nothing": JSON.stringify({ type: "resize", channel: 12_345, cols: 80, rows: 24 }),
    "noise": random(5000, 3),
  };
  for (const [what, message] of Object.entries(messages)) {
    const ws = await openWebSocket(api);
    ws.send(open(1));
    await until("the channel is open", () => ws.seen.some(({ text }) => text?.type === "opened"));
    ws.send(message);
    // Still alive after it: a resize is answered by this very socket.
    ws.send(open(9));
    const outcome = await Promise.race([ws.closed, until(`an answer after ${what}`, () => ws.seen.some(({ text }) => text?.type === "opened" && text.channel === 9))]);
    if (outcome?.code !== undefined) assert.ok([1002, 1003, 1007, 1008, 1009].includes(outcome.code), `${what}: closed with ${outcome.code}`);
    ws.terminate();
    assert.equal(dashboard.pid, pid);
    assert.equal(dashboard.running, true, `${what} ended the dashboard`);
  }
  const ws = await openWebSocket(api);
  ws.send(Buffer.alloc(1024 * 1024));
  // 1009; or a plain cut, when the rest of the message was still on its way as the server closed.
  assert.ok([1009, 1006].includes((await ws.closed).code), "a message over the limit");
  const text = await openWebSocket(api);
  text._socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]));
  assert.equal((await text.closed).code, 1007, "a text that is not UTF-8");
  // The session itself has seen none of it.
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: id, from: 0 });
  terminal.type("echo fine-$((1+1))\n");
  await terminal.waitFor("fine-2");
  await socket.close();
});

test("Socket.TellsErrorsOnTheirChannel", { skip, timeout: 180_000 }, async () => {
  const socket = await TerminalSocket.connect(api);
  await assert.rejects(socket.open({ session: "nowhere" }), /unknown_session/);
  const { id } = await session("short-lived", ["/bin/true"]);
  await until("it has ended", async () => (await api.session(id)).status === "exited");
  const terminal = await socket.open({ session: id, from: 0 });
  terminal.type("x");
  await until("input for an ended session is refused", () => terminal.errors.length > 0);
  await socket.close();
});

test("Socket.KeepsManyTerminalsApart", { skip, timeout: 180_000 }, async () => {
  const kTerminals = 8;
  const socket = await TerminalSocket.connect(api);
  const terminals = [];
  for (let i = 0; i < kTerminals; ++i) {
    const { id } = await session(`many-${i}`, ["/bin/sh", "-c", "stty -echo; while read x; do echo \"$x-$x\"; done"]);
    terminals.push(await socket.open({ session: id, from: 0 }));
  }
  for (let round = 0; round < 20; ++round) terminals.forEach((terminal, i) => terminal.type(`t${i}r${round}\n`));
  for (const [i, terminal] of terminals.entries()) await terminal.waitFor(`t${i}r19-t${i}r19`);
  for (const [i, terminal] of terminals.entries()) {
    const lines = terminal.text.split("\r\n").filter((line) => /-/.test(line));
    assert.deepEqual(lines.filter((line) => !line.includes(`t${i}r`)), [], `terminal ${i} shows another's output`);
    assert.deepEqual(terminal.faults, []);
  }
  await socket.close();
});
