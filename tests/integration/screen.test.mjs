// The screen that the dashboard computes from the record: equal to tmux, there at once, kept over restarts, shared by many viewers.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, test } from "node:test";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { promised, until } from "../harness/wait.mjs";
import { program } from "./support.mjs";

const kFirstScreenBytes = 64 * 1024;
const kPng = Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), Buffer.alloc(2000, 7)]);

let dashboard;
let api;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const session = (name, command, size = {}) => api.createSession({ name, project: dashboard.project, command, cols: 80, rows: 24, ...size });
const painter = (name) => session(name, program("paint.mjs"));
// From this machine, without a login.
const metric = async (name) => Number((await api.get("/metrics", { headers: { authorization: null } })).text.match(new RegExp(`^(?:\\w+_)?${name} (\\S+)`, "m"))?.[1] ?? 0);
const trimmed = (text) => text.replace(/[ \n]+$/, "");
const tmuxScreen = (name) => trimmed(dashboard.tmux.run("capture-pane", "-p", "-t", `=${name}:`));
const screenOf = async (id) => trimmed((await api.get(`/api/sessions/${id}/screen`)).text);
/** The dashboard's screen of the session is what tmux shows. */
const agrees = (name, id) => until(`the screen of ${name} is tmux's`, async () => (await screenOf(id)) === tmuxScreen(name));
const lines = async (id, query = "") => (await api.get(`/api/sessions/${id}/lines${query}`)).json;
const textOf = (line) => line.runs.map((run) => run[0]).join("");

test("Screen.IsWhatTmuxShows", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("equal", ["/bin/bash", "--norc", "-i"]);
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: id });
  for (const [typed, shown] of [
    ["PS1='> '; echo one-$((1+1))\n", "one-2"],
    ["printf '\\033[2J\\033[5;10Hhere\\033[31mred\\033[0m wide: \\344\\275\\240\\345\\245\\275\\n'\n", "here"],
    ["seq 1 200\n", "200"],
    ["printf '\\033[?1049h\\033[3;3Halternate'; sleep 0.3; printf '\\033[?1049l'; echo back\n", "back"],
  ]) {
    terminal.type(typed);
    await terminal.waitFor(shown);
    await agrees("equal", id);
  }
  await socket.close();
});

test("Screen.OpensWithASnapshotAtAnOffsetAndGoesOnFromThere", { skip, timeout: 180_000 }, async () => {
  const { id } = await painter("open");
  const socket = await TerminalSocket.connect(api);
  const writer = await socket.open({ session: id, from: 0 });
  await writer.waitFor("ready");
  writer.type("lines 3000\n");
  await writer.waitFor("done");
  const viewer = await socket.open({ session: id });
  await until("a snapshot", () => viewer.snapshots === 1);
  assert.ok(viewer.screen.length <= kFirstScreenBytes, `${viewer.screen.length} bytes`);
  assert.match(viewer.screen.toString(), /^(\x1b\[\?1049l)?\x1bc/, "it begins with a full reset");
  assert.match(viewer.text, /done/);
  await until("what it holds is told", () => viewer.history);
  assert.ok(viewer.history.lines > 0 && viewer.history.kept >= 2900, JSON.stringify(viewer.history));
  const at = viewer.offset;
  writer.type("lines 1\n");
  await until("both have the same", () => viewer.offset === writer.offset && viewer.offset > at && /done\r\n$/.test(viewer.text));
  assert.deepEqual([viewer.faults, viewer.snapshots, writer.faults], [[], 1, []]);
  viewer.scrollback(2000);
  await until("a snapshot with scrollback", () => viewer.snapshots === 2 && viewer.history.lines === 2000);
  assert.match(viewer.screen.toString(), /line 0001100/);
  viewer.scrollback(10_001);
  await until("too much is refused", () => viewer.errors.length === 1);
  await socket.close();
});

test("Screen.LittleThatWasMissedComesAsBytesMuchAsAScreen", { skip, timeout: 180_000 }, async () => {
  const { id } = await painter("missed");
  const socket = await TerminalSocket.connect(api);
  const writer = await socket.open({ session: id, from: 0, keep: true });
  await writer.waitFor("ready");
  const early = writer.offset;
  writer.type("lines 1000\n"); // 70 KB
  await writer.waitFor("done");
  const near = await socket.open({ session: id, from: early });
  await near.reaches(writer.offset);
  assert.deepEqual([near.snapshots, near.faults], [0, []]);
  writer.type("lines 8000\n");
  await until("it is all there", () => writer.offset > 600_000 && /line 0007999[\s\S]*done/.test(writer.text));
  const far = await socket.open({ session: id, from: early });
  await until("a screen", () => far.snapshots === 1);
  assert.ok(far.offset >= writer.offset - kFirstScreenBytes);
  writer.resize(100, 30);
  await until("the new size", () => writer.sizes.at(-1)?.cols === 100);
  const other = await socket.open({ session: id, from: writer.offset - 10, cols: 100, rows: 30 });
  await until("bytes for another size are not shown", () => other.snapshots === 1);
  await socket.close();
});

test("Screen.LinesAreNumberedAndReadInPages", { skip, timeout: 180_000 }, async () => {
  const { id } = await painter("pages");
  const socket = await TerminalSocket.connect(api);
  const writer = await socket.open({ session: id });
  await writer.waitFor("ready");
  writer.type("lines 500\n");
  await writer.waitFor("done");
  const last = await lines(id, "?count=30");
  assert.equal(last.lines.length, 30);
  assert.equal(last.end - last.top, 24);
  const done = last.lines.find((line) => textOf(line) === "done");
  const page = await lines(id, `?from=${done.n - 400}&count=100`);
  assert.deepEqual(page.lines.map((line) => line.n), Array.from({ length: 100 }, (_, i) => done.n - 400 + i));
  assert.match(textOf(page.lines[0]), /^line 0000100 colour and some text/);
  const [, , foreground] = page.lines[1].runs.find((run) => run[0] === "colour");
  assert.equal(foreground, (1 << 24) | 5, "line 101 is in colour 5");
  assert.equal((await api.send("GET", `/api/sessions/${id}/lines?count=1001`)).status, 400);
  assert.equal((await api.send("GET", "/api/sessions/nowhere/lines")).status, 404);
  await socket.close();
});

test("Screen.IsThereAfterAKillAndAfterItsMemoryWasGivenBack", { skip, timeout: 180_000 }, async () => {
  const own = await Dashboard.start();
  try {
    const login = await own.login();
    const { id } = await login.createSession({ name: "kept", project: own.project, command: program("paint.mjs"), cols: 90, rows: 20 });
    const socket = await TerminalSocket.connect(login);
    const writer = await socket.open({ session: id, cols: 90, rows: 20 });
    await writer.waitFor("ready");
    for (let i = 0; i < 3; ++i) {
      const before = writer.offset;
      writer.type("flood 5000000\n");
      await until(`5 MB more`, () => writer.offset > before + 5_000_000 && /flooded/.test(writer.text));
    }
    await until("a keyframe", () => existsSync(path.join(own.data, "sessions", id, "keyframes")) && readdirSync(path.join(own.data, "sessions", id, "keyframes")).length > 0);
    const shown = async () => trimmed((await login.get(`/api/sessions/${id}/screen`)).text);
    const expected = trimmed(own.tmux.run("capture-pane", "-p", "-t", "=kept:"));
    await until("it agrees with tmux", async () => (await shown()) === expected);
    await socket.close();
    own.kill("SIGKILL");
    await own.up();
    assert.equal(await shown(), expected, "computed again from the keyframe and what follows it");
    const page = (await login.get(`/api/sessions/${id}/lines?count=1000`)).json;
    assert.ok(page.top - page.first >= 9_000, `${page.top - page.first} lines of scrollback`);
  } finally {
    await own.remove();
  }
});

test("Screen.AFloodIsSkimmedAndCtrlCIsSeenAtOnce", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("skim", ["/bin/bash", "--norc", "-i"]);
  const socket = await TerminalSocket.connect(api);
  const viewer = await socket.open({ session: id });
  viewer.type("PS1='prompt> '\n");
  await viewer.waitFor("prompt> ");
  viewer.type("yes 'a line of a program that prints without end, faster than anybody reads'\n");
  await until("it floods", () => viewer.snapshots >= 5);
  const snapshots = viewer.snapshots;
  const began = performance.now();
  await delay(1000);
  const rate = (viewer.snapshots - snapshots) / ((performance.now() - began) / 1000);
  assert.ok(rate <= 17, `${rate} snapshots a second`);
  const typed = performance.now();
  viewer.type("\x03");
  await viewer.waitFor(/\^C[\s\S]*prompt> /);
  const took = performance.now() - typed;
  console.log(`Screen: ${rate.toFixed(1)} snapshots a second in a flood`);
  promised("Screen: Ctrl-C was seen in a flood", took, 500);
  await agrees("skim", id);
  await socket.close();
});

test("Screen.WhatTmuxShowsOtherwiseIsFoundAndRepaired", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("drift", ["/bin/sh", "-c", "printf 'first line\\nsecond line\\n'; exec sleep 1000"]);
  const socket = await TerminalSocket.connect(api);
  const viewer = await socket.open({ session: id });
  await viewer.waitFor("second line");
  await until("it was compared", async () => (await metric("terminal_model_checks_total")) > 0);
  const before = await metric("terminal_model_drift_total");
  assert.equal(before, 0, "no screen of this file's tests has differed");
  // tmux resets the pane's screen without a byte in its pipe: no model can know.
  dashboard.tmux.run("send-keys", "-R", "-t", "=drift:");
  dashboard.tmux.run("resize-window", "-t", "=drift:", "-x", "81", "-y", "24");
  await until("it was found", async () => (await metric("terminal_model_drift_total")) === before + 1);
  await agrees("drift", id);
  assert.match(readFileSync(dashboard.logFile, "utf8"), /WARN sessions: the screen's model differed from tmux/);
  await socket.close();
});

test("Screen.SmallPicturesComeTwiceASecondAndOnlyWhatChanged", { skip, timeout: 180_000 }, async () => {
  const { id } = await painter("thumb");
  const quiet = await session("quiet", ["/bin/sh", "-c", "echo still here; exec sleep 1000"]);
  const socket = await TerminalSocket.connect(api);
  const writer = await socket.open({ session: id });
  await writer.waitFor("ready");
  socket.sendText({ type: "thumbs", sessions: [id, quiet.id, "nowhere"] });
  const thumbs = (of) => socket.messages.filter((m) => m.type === "thumb" && m.session === of);
  await until("both whole", () => thumbs(id).length === 1 && thumbs(quiet.id).length === 1);
  assert.deepEqual([thumbs(id)[0].all, thumbs(id)[0].cols, thumbs(id)[0].rows, thumbs(id)[0].lines.length], [true, 80, 24, 24]);
  assert.equal(textOf({ runs: thumbs(quiet.id)[0].lines[0][1] }), "still here");
  writer.type("nothing\n");
  await until("the echo", () => thumbs(id).length >= 2);
  const change = thumbs(id).at(-1);
  assert.equal(change.all, false);
  assert.ok(change.lines.length <= 2, JSON.stringify(change.lines));
  assert.equal(thumbs(quiet.id).length, 1, "what does not change is not sent again");
  const count = thumbs(id).length;
  const began = performance.now();
  writer.type("flood 20000000\n");
  await writer.waitFor("flooded");
  const seconds = (performance.now() - began) / 1000;
  assert.ok(thumbs(id).length - count <= seconds * 2 + 2, `${thumbs(id).length - count} in ${seconds} s`);
  socket.sendText({ type: "thumbs", sessions: Array.from({ length: 201 }, () => id) });
  await until("too many are refused", () => socket.messages.some((m) => m.type === "error" && m.code === "bad_message"));
  await socket.close();
});

test("Screen.TellsWhoIsHereAndWhoTypes", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("people", ["/bin/cat"]);
  await api.post("/api/users", { name: "anna", password: "harbour-39-lantern-violet-quiet", role: "member" });
  const anna = await dashboard.login({ name: "anna", password: "harbour-39-lantern-violet-quiet" });
  const mine = await TerminalSocket.connect(api);
  const hers = await TerminalSocket.connect(anna);
  const one = await mine.open({ session: id });
  const two = await hers.open({ session: id, cols: 60, rows: 20 });
  const other = (terminal) => terminal.people?.find((person) => !person.you);
  await until("both know of each other", () => other(one)?.name === "anna" && other(two) !== undefined);
  assert.deepEqual([other(one).typing, other(one).holds, one.people.find((p) => p.you).holds], [false, false, true]);
  two.type("hello\n");
  await until("she types", () => other(one).typing);
  await until("she has stopped", () => !other(one).typing);
  await hers.close();
  await until("she has left", () => one.people.length === 1);
  await mine.close();
});

test("Screen.APictureBecomesAFileInTheProject", { skip, timeout: 180_000 }, async () => {
  const { id } = await session("picture", ["/bin/cat"]);
  const send = (body, headers = {}, as = api) => as.send("POST", `/api/sessions/${id}/uploads`, { body, headers: { "content-type": "image/png", ...headers } });
  const answer = await send(kPng, { "x-file-name": encodeURIComponent("my shot.png") });
  assert.equal(answer.status, 201, answer.text);
  const file = answer.json.path;
  assert.ok(file.startsWith(`${dashboard.project}/.dashboard-uploads/`) && file.endsWith(".png") && /my-shot/.test(file), file);
  assert.deepEqual(readFileSync(file), kPng);
  assert.equal((await send(Buffer.from("#!/bin/sh\n"))).status, 400);
  const large = Buffer.concat([kPng, Buffer.alloc(3 * 1024 * 1024)]);
  assert.equal((await send(large)).status, 201, "larger than other bodies");
  assert.equal((await send(Buffer.concat([kPng, Buffer.alloc(11 * 1024 * 1024)]))).status, 413);
  assert.equal((await send(large, { authorization: null })).status, 413, "who is not logged in sends no more than anybody");
  assert.equal((await send(kPng, { authorization: null })).status, 401);
});

test("Screen.AllRecordsTogetherStayInTheirBudget", { skip, timeout: 180_000 }, async () => {
  const kTotal = 8 * 1024 * 1024;
  // The budget comes at the second start: a server looks after it at its start and every minute, and the records are to be over it then.
  const own = await Dashboard.start({ settings: { RECORD_BYTES_PER_SESSION: "4194304", RECORD_BYTES_TOTAL: "0" } });
  try {
    const login = await own.login();
    const ids = [];
    for (let i = 0; i < 4; ++i) {
      const { id } = await login.createSession({ name: `old-${i}`, project: own.project, command: ["/bin/sh", "-c", "yes 'a line of output that fills a record' | head -c 6000000; echo END; read x"] });
      ids.push(id);
      // A program that ends in the middle of a flood may take its last lines along: tmux 3.3a does not read what the kernel still holds then.
      await until("its last line is recorded", async () => /END/.test((await login.get(`/api/sessions/${id}/screen`)).text));
      own.tmux.key(`=old-${i}:`, "Enter");
      await until("it has ended", async () => (await login.session(id)).status === "exited");
    }
    const bytesOf = (id) => readdirSync(path.join(own.data, "sessions", id, "log")).reduce((all, name) => all + statSync(path.join(own.data, "sessions", id, "log", name)).size, 0);
    const sizes = () => ids.map(bytesOf);
    const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);
    assert.ok(sum(sizes()) > kTotal, `${sizes()} bytes before`);
    await own.stop();
    own.settings.RECORD_BYTES_TOTAL = String(kTotal);
    await own.up();
    // What a tap still wrote at the start is looked at again within a minute.
    await until("the records fit", () => {
      const now = sizes();
      assert.ok(sum(now) <= kTotal, `${now} bytes\n${own.log({ lastStart: true }).slice(-3000)}`);
      return true;
    }, { timeoutMs: 90_000 });
    await until("what ended last is still there", async () => /END/.test((await login.get(`/api/sessions/${ids[3]}/screen`)).text));
  } finally {
    await own.remove();
  }
});

const mountable = skip || (process.getuid() === 0 ? false : "skipped: only root can mount a small disk");
test("Screen.AFullDiskStopsNeitherTheAgentNorViewing", { skip: mountable, timeout: 180_000 }, async () => {
  const own = new Dashboard({});
  own.settings.DATABASE_PATH = path.join(own.folder, "database", "dashboard.db");
  mkdirSync(path.dirname(own.settings.DATABASE_PATH), { mode: 0o700 });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", own.data]);
  try {
    await own.up();
    const login = await own.login();
    const { id } = await login.createSession({ name: "full", project: own.project, command: ["/bin/bash", "--norc", "-i"], cols: 80, rows: 24 });
    const socket = await TerminalSocket.connect(login);
    const viewer = await socket.open({ session: id });
    const filler = path.join(own.data, "filler");
    const fill = () => {
      const fd = openSync(filler, "a");
      try {
        for (;;) writeSync(fd, Buffer.alloc(4096));
      } catch (error) {
        assert.equal(error.code, "ENOSPC");
      } finally {
        closeSync(fd);
      }
    };
    fill();
    // More than what the log's last page still takes.
    viewer.type("seq 1 20000; echo full-$((40+2))\n");
    await viewer.waitFor("full-42");
    viewer.type("echo again-$((50+2))\n");
    await viewer.waitFor("again-52");
    await viewer.allAcked();
    const agree = () => until("the screen is tmux's", async () => trimmed((await login.get(`/api/sessions/${id}/screen`)).text) === trimmed(own.tmux.run("capture-pane", "-p", "-t", "=full:")));
    await agree();
    rmSync(filler);
    // Ten times a second the tap looks whether there is room again: what is printed before is shown, but not kept.
    let said = 0;
    await until("the record goes on", async () => {
      viewer.type(`echo room-$((60+2))-${++said}\n`);
      await viewer.waitFor(`room-62-${said}`);
      const text = (await login.output(id)).bytes.toString();
      assert.ok(text.includes("room-62"), `it ends with ${JSON.stringify(text.slice(-200))}`);
      assert.ok(!text.includes("again-52"), "there was room for it");
      return true;
    });
    await viewer.allAcked();
    await agree();
    await socket.close();
  } finally {
    await own.stop().catch(() => {});
    await own.tmux.kill?.();
    execFileSync("umount", ["-l", own.data]);
    await own.remove();
  }
});
