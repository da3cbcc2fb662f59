// The recordings on xterm.js and on the model: what tmux cannot tell is the same, and where xterm.js and tmux disagree has a name.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { cutSession, kHistoryLimit, recordings } from "./compare.mjs";
import { ModelDriver } from "./driver.mjs";
import { differences } from "./look.mjs";
import { forXterm } from "./named_differences.mjs";
import { XtermOracle } from "./xterm_oracle.mjs";

const kCuts = 30;

let driver;
let comparisons = 0;
const used = new Map();
before(() => {
  driver = new ModelDriver();
});
after(async () => {
  await driver?.end();
  console.log(`xterm: ${comparisons} comparisons with xterm.js; known differences met: ${[...used].map(([name, times]) => `${name} ${times}`).join(", ") || "none"}`);
});

/** Up to the first change of size: tmux and xterm.js put lines together anew in different ways. */
function beforeResize(recording) {
  const end = recording.resizes?.[0]?.at ?? recording.bytes.length;
  return { ...recording, events: [{ feed: recording.bytes.subarray(0, end) }] };
}

for (const [number, recording] of recordings().entries()) {
  if (recording.name === "torture" || recording.name === "vttest") continue; // made of what terminals disagree about
  test(`Xterm.${recording.name}.ShowsTheSame`, { timeout: 120_000 }, async () => {
    const xterm = new XtermOracle(recording.cols, recording.rows, { scrollback: kHistoryLimit });
    driver.start(recording.cols, recording.rows, kHistoryLimit);
    let bytes = 0;
    for (const event of cutSession(beforeResize(recording), kCuts, number + 7).events) {
      driver.feed(event.feed);
      await xterm.feed(event.feed);
      bytes += event.feed.length;
      const [ours, theirs] = forXterm(await driver.shown(), xterm.look(), (name) => used.set(name, (used.get(name) ?? 0) + 1));
      comparisons += 1;
      const found = differences(ours, theirs, ["model", "xterm"]);
      assert.equal(found.length, 0, `${bytes} bytes:\n${found.slice(0, 10).join("\n")}`);
    }
    xterm.dispose();
  });
}

// What web/src/terminal/as_tmux.ts makes the same. Without it each of these differs.
const kMadeTheSame = {
  InsertedLines: "a\r\nb\r\nc\r\nd\r\ne\x1b[2;4H\x1b[2Lx",
  DeletedLines: "a\r\nb\r\nc\r\nd\r\ne\x1b[2;4H\x1b[2Mx",
  BehindTheLastColumn: "a\r\n0123456789\x1b[Mx",
  DeletedLinesOutsideOfTheRegion: "a\r\nb\r\nc\r\nd\r\ne\x1b[1;3r\x1b[4;2H\x1b[Mx\x1b[3;1H\n",
  InsertedLinesOutsideOfTheRegion: "a\r\nb\r\nc\r\nd\r\ne\x1b[4;5r\x1b[2;2H\x1b[Lx\x1b[3;1H\n",
  StringsThatAreNotAscii: "1\x1b_größer 日本\x1b\\2\x1b^é\x1b\\3\x1bXé\x1b\\4\x1b]2;\x07",
};
for (const [name, bytes] of Object.entries(kMadeTheSame)) {
  test(`Xterm.${name}.ShowTheSame`, async () => {
    const xterm = new XtermOracle(10, 5);
    driver.start(10, 5, kHistoryLimit);
    driver.feed(Buffer.from(bytes));
    await xterm.feed(Buffer.from(bytes));
    const [ours, theirs] = forXterm(await driver.shown(), xterm.look());
    assert.deepEqual(differences(ours, theirs, ["model", "xterm"]), []);
    xterm.dispose();
  });
}
