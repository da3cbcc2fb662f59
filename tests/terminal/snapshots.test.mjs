// Snapshots on xterm.js, which is what they are made for: at random places of every recording and of generated sessions, a fresh xterm.js
// that takes the snapshot shows what the model shows, and goes on like it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { cutSession, kHistoryLimit, recordings } from "./compare.mjs";
import { ModelDriver } from "./driver.mjs";
import { kProfiles, makeSession } from "./generator.mjs";
import { differences } from "./look.mjs";
import { forXterm } from "./named_differences.mjs";
import { XtermOracle } from "./xterm_oracle.mjs";

const kCuts = Number(process.env.TERMINAL_SNAPSHOT_CUTS ?? 10);
const kSessions = Number(process.env.TERMINAL_SNAPSHOT_SESSIONS ?? 40);
// What a page does before a snapshot: nothing of what was there before may shine through.
const kBefore = Buffer.from("before \x1b[31;44;1m\x1b[3;5r\x1b[?6h\x1b[?7l\x1b[4h\x1b(0\x0e\x1b[?1049h\x1b[?25l\x1b]2;old\x07unfinished \x1b]0;");
const kReset = Buffer.from("\x18\x1bc");

let driver;
let comparisons = 0;
const used = new Map();
before(() => {
  driver = new ModelDriver();
});
after(async () => {
  await driver?.end();
  console.log(`snapshots: ${comparisons} compared on xterm.js; known differences met: ${[...used].map(([name, times]) => `${name} ${times}`).join(", ") || "none"}`);
});

async function checkSnapshot(cols, rows, where) {
  const [look, snapshot] = await Promise.all([driver.shown(), driver.snapshot()]);
  const xterm = new XtermOracle(cols, rows, { scrollback: kHistoryLimit });
  try {
    await xterm.feed(kBefore);
    await xterm.feed(kReset);
    await xterm.feed(snapshot);
    comparisons += 1;
    const found = differences(...forXterm(look, xterm.look(), (name) => used.set(name, (used.get(name) ?? 0) + 1)), ["model", "xterm"]);
    assert.equal(found.length, 0, `${where}:\n${found.slice(0, 10).join("\n")}`);
  } finally {
    xterm.dispose();
  }
}

async function checkSession(session, name) {
  let { cols, rows } = session;
  let bytes = 0;
  driver.start(cols, rows, kHistoryLimit);
  for (const event of session.events) {
    if (event.resize) {
      [cols, rows] = event.resize;
      driver.resize(cols, rows);
    } else {
      driver.feed(event.feed);
      bytes += event.feed.length;
    }
    await checkSnapshot(cols, rows, `${name}, ${bytes} bytes`);
  }
}

for (const [number, recording] of recordings().entries()) {
  if (recording.name === "torture") continue; // made of characters whose width xterm.js sees differently
  test(`Snapshots.${recording.name}.ShowTheSameOnXterm`, { timeout: 120_000 }, () =>
    checkSession(cutSession(recording, kCuts, number + 101), recording.name));
}

// What generated sessions found, as short as it gets.
const kFound = {
  EarlyWrapBeforeAColouredWideCharacter: "\x1b[41m012345678漢",
  EarlyWrapBeforeALink: "012345678\x1b]8;;http://example.org/\x1b\\漢",
  EarlyWrapBehindAColouredCell: "\x1b[42m\x1b[K\x1b[m012345678漢",
  WrapIntoARowThatScrollsIn: "\r\n\r\n\x1b[41m0123456789\x1b[42mx\x1b[m\x1b[5Gy",
  WrapIntoAnErasedCell: "0123456789ab\x1b[G\x1b[43m\x1b[X",
  ErasedCellsBetweenPrintedOnes: "a\x1b[44m\x1b[3X\x1b[5Gb\x1b[m\x1b[8Gc",
  MarkOnALineDrawingLetter: "\x1b(0qo\u0301q",
};
for (const [name, bytes] of Object.entries(kFound)) {
  test(`Snapshots.${name}.ShowsTheSameOnXterm`, async () => {
    driver.start(10, 3, kHistoryLimit);
    driver.feed(Buffer.from(bytes));
    await checkSnapshot(10, 3, name);
  });
}

test("Snapshots.OfGeneratedSessionsShowTheSameOnXterm", { timeout: 3_600_000 }, async () => {
  const faults = [];
  for (let seed = 1; seed <= kSessions; ++seed) {
    const profile = kProfiles[seed % kProfiles.length];
    const checked = checkSession(makeSession(seed, profile, { plain: true }), `seed ${seed}, ${profile}`);
    const fault = await checked.then(() => undefined, (error) => error.message);
    if (fault) faults.push(fault);
  }
  assert.deepEqual(faults, []);
});
