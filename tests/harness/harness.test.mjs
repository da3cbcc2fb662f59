// The harness itself: waits end, frames are what docs/protocol.md says, and a server that breaks the protocol is found out.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { WebSocketServer } from "ws";

import { shorten, verdictOf } from "../failures.mjs";
import { decodeFrame, encodeFrame, kFrame, TerminalSocket } from "./socket.mjs";
import { percentile, until } from "./wait.mjs";

/** A socket server that answers `open` at offset 0 and lets the test speak for itself. */
async function fakeServer(onOpen, onFrame = () => {}) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const sockets = new Set();
  server.on("connection", (ws) => {
    sockets.add(ws);
    ws.on("message", (bytes, binary) => {
      if (binary) return onFrame(ws, decodeFrame(bytes));
      const message = JSON.parse(bytes);
      if (message.type !== "open") return;
      const offset = message.from === "screen" ? 0 : message.from;
      ws.send(JSON.stringify({ type: "opened", channel: message.channel, session: message.session, offset, end: offset, cols: 80, rows: 24, credit: 1000 }));
      onOpen(ws, message, offset);
    });
  });
  const api = { baseUrl: () => `http://127.0.0.1:${server.address().port}`, ticket: async () => "T" };
  const stop = () => {
    for (const ws of sockets) ws.terminate();
    server.close();
  };
  return { api, stop };
}

test("Harness.UntilNamesWhatWasMissing", async () => {
  await assert.rejects(until("the moon", () => false, { timeoutMs: 50 }), /not within 50 ms: the moon/);
  assert.equal(await until("a value", () => 7), 7);
});

test("Harness.PercentileIsNearestRank", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.deepEqual([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1), percentile([3], 0.5)], [50, 99, 100, 3]);
});

test("Harness.FramesAreLittleEndian", () => {
  const frame = encodeFrame(kFrame.input, 0x01020304, 0x0506, Buffer.from("hi"));
  assert.equal(frame.toString("hex"), "03" + "04030201" + "0605000000000000" + "6869");
  assert.deepEqual({ ...decodeFrame(frame), payload: "hi" }, { type: 3, channel: 0x01020304, number: 0x0506, payload: "hi" });
});

test("Harness.TerminalHashesAndFindsGapsAndDoubles", async () => {
  const { api, stop } = await fakeServer((ws, { channel }) => {
    ws.send(encodeFrame(kFrame.data, channel, 0, Buffer.from("abc")));
    ws.send(encodeFrame(kFrame.data, channel, 3, Buffer.from("def")));
    ws.send(encodeFrame(kFrame.data, channel, 5, Buffer.from("f")));
    ws.send(encodeFrame(kFrame.data, channel, 9, Buffer.from("x")));
  });
  const socket = await TerminalSocket.connect(api);
  try {
    const terminal = await socket.open({ session: "s" });
    await until("all has come", () => terminal.bytes === 8);
    assert.deepEqual(terminal.faults, ["data at 5, expected 6", "data at 9, expected 6"]);
    assert.equal(terminal.digest(), createHash("sha256").update("abcdeffx").digest("hex"));
  } finally {
    await socket.close();
    stop();
  }
});

test("Harness.TerminalResumesAndResendsInOrder", async () => {
  const taken = [];
  let connections = 0;
  const { api, stop } = await fakeServer(
    (ws, { channel }, offset) => {
      connections += 1;
      ws.send(encodeFrame(kFrame.data, channel, offset, Buffer.from("0123456789")));
    },
    (ws, { type, channel, number, payload }) => {
      if (type !== kFrame.input) return;
      taken.push(`${number}${payload}`);
      // The first connection takes the first input only and then breaks.
      if (connections === 1 && number === 2) ws.terminate();
      else ws.send(encodeFrame(kFrame.ackInput, channel, number));
    },
  );
  const socket = await TerminalSocket.connect(api);
  try {
    const terminal = await socket.open({ session: "s" });
    await terminal.reaches(10);
    for (const key of "abcd") terminal.type(key);
    await terminal.allAcked();
    await terminal.reaches(20);
    assert.equal(socket.connections, 2);
    assert.deepEqual(terminal.faults, []);
    assert.equal(terminal.offset, 20);
    assert.deepEqual(taken.slice(-3), ["2b", "3c", "4d"]);
    assert.equal(taken[0], "1a");
  } finally {
    await socket.close();
    stop();
  }
});

test("Harness.ARefusedConnectionIsTriedAgainWhateverItsPort", async () => {
  const { api, stop } = await fakeServer(() => {});
  let tries = 0;
  const restarting = {
    baseUrl: api.baseUrl,
    ticket: async () => {
      tries += 1;
      if (tries === 2) throw new Error("connect ECONNREFUSED 127.0.0.1:40123");
      return "T";
    },
  };
  const socket = await TerminalSocket.connect(restarting);
  try {
    socket.cut();
    await until("it is connected again", () => socket.connections === 2);
    restarting.ticket = async () => {
      tries += 1;
      throw Object.assign(new Error("POST /api/ws-ticket: 401"), { status: 401 });
    };
    socket.cut();
    await until("its login is over", () => tries === 4);
    await until("it does not try again", () => socket.lastError.status === 401 && !socket.connected);
    assert.equal(tries, 4);
  } finally {
    await socket.close();
    stop();
  }
});

test("Harness.VerdictNamesWhatFailedAndWhatCrashed", () => {
  const log = [
    "1: [ RUN      ] A.Good", "2: [ RUN      ] B.Crashes", "1: [       OK ] A.Good (0 ms)", "2: about to crash",
    "1: [ RUN      ] A.Bad/1", "1: a_test.cpp:7: Failure", "1: [  FAILED  ] A.Bad/1, where GetParam() = (1, 2) (3 ms)",
    "1: [ RUN      ] A.NotHere", "1: skipped: no data", "1: [  SKIPPED ] A.NotHere (0 ms)",
    "1: [  FAILED  ] 1 test, listed below:", "1: [  FAILED  ] A.Bad/1, where GetParam() = (1, 2)",
    "", "The following tests FAILED:", "\t  1 - unit.a (Failed)", "\t  2 - unit.b (SEGFAULT)", "\t 10 - unit.c (Not Run)", "Errors while running CTest",
  ].join("\n");
  assert.deepEqual(verdictOf("gtest", log, 8), {
    passed: 1,
    failed: [
      { name: "A.Bad/1", text: "a_test.cpp:7: Failure" },
      { name: "unit.b in B.Crashes (SEGFAULT)", text: "about to crash" },
      { name: "unit.c (Not Run)", text: "" },
    ],
    skipped: 1,
  });
});

test("Harness.VerdictReadsTheReportersAndNeverPassesAnEmptyRun", () => {
  const log = "ok   X.One (0.01 s)\nFAIL X.Two (1.20 s)\n    Error: not within 5 ms: a\n        at b.mjs:1\nskip X.Three: no data\nx: 1 passed, 1 failed, 1 skipped\n";
  assert.deepEqual(verdictOf("node", log, 1), {
    passed: 1, failed: [{ name: "X.Two", text: "    Error: not within 5 ms: a\n        at b.mjs:1\n" }], skipped: 1,
  });
  const page = { testResults: [
    { status: "failed", name: "a.test.ts", assertionResults: [{ status: "passed" }, { status: "failed", fullName: "a b", failureMessages: ["why"] }] },
    { status: "failed", name: "c.test.ts", message: "cannot be loaded", assertionResults: [] },
  ] };
  assert.deepEqual(verdictOf("page", JSON.stringify(page), 1), {
    passed: 1, failed: [{ name: "a b", text: "why" }, { name: "c.test.ts", text: "cannot be loaded" }], skipped: 0,
  });
  for (const [kind, text] of [["gtest", ""], ["node", ""], ["page", "npm ERR!"], ["page", '{"testResults":[]}']]) {
    assert.equal(verdictOf(kind, text, 0).failed.length, 1, `${kind}: ${text}`);
  }
  assert.match(verdictOf("node", "x: 3 passed, 0 failed, 0 skipped\n", 1).failed[0].name, /exit code 1/);
});

test("Harness.LongMessagesKeepTheirBeginningAndTheirEnd", () => {
  const text = Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\n");
  assert.match(shorten(text), /^line 0\n[^]*line 19\n\.\.\. 70 lines more\nline 90\n[^]*line 99$/);
  assert.equal(shorten("one\n\n"), "one");
  assert.equal(shorten("y".repeat(1000)).length, 304);
});
