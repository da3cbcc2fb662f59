// Every code point takes as many columns in the model as in tmux, alone, behind a letter and behind a joiner.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { until } from "../harness/wait.mjs";
import { ModelDriver } from "./driver.mjs";
import { TmuxOracle } from "./tmux_oracle.mjs";

const kFirst = 0xa0; // below are controls and ASCII
const kLast = 0x10ffff;
// Takes a joiner that the character before has left.
const kAfter = "\u0301";
const kAtOnce = 8192;
// tmux reads 4 KiB at once and forgets a joiner between two reads.
const kPieceBytes = 2048;
const kPrefixes = { alone: "", behindALetter: "a", behindAJoiner: "\u{1f469}\u200d" };

let oracle;
let driver;
before(async () => {
  oracle = await TmuxOracle.start();
  driver = new ModelDriver();
});
after(async () => {
  await oracle?.kill();
  await driver?.end();
});

const isSurrogate = (point) => point >= 0xd800 && point <= 0xdfff;

/** Where tmux's cursor stands after each, as it answers itself: "\r", the prefix, the character, "where is the cursor?". */
async function tmuxColumns(pane, prefix, from, count) {
  let answers = "";
  pane.onReply = (piece) => (answers += piece.toString("latin1"));
  let text = "";
  for (let point = from; point < from + count; ++point) text += `\r${isSurrogate(point) ? "" : prefix + String.fromCodePoint(point)}\x1b[6n${kAfter}`;
  for (let at = 0; at < text.length; ) {
    const end = text.length - at <= kPieceBytes / 4 ? text.length : text.lastIndexOf("\r", at + kPieceBytes / 4);
    await pane.feed(Buffer.from(text.slice(at, end)));
    at = end;
  }
  await until("tmux has answered", () => answers.split("R").length > count, { stepMs: 2, timeoutMs: 30_000 });
  return [...answers.matchAll(/\[1;(\d+)R/g)].map((match) => Number(match[1]) - 1);
}

for (const [name, prefix] of Object.entries(kPrefixes)) {
  test(`Widths.EveryCodePoint.${name}`, { timeout: 300_000 }, async () => {
    const pane = await oracle.pane(80, 4);
    const wrong = [];
    let compared = 0;
    for (let from = kFirst; from <= kLast; from += kAtOnce) {
      const count = Math.min(kAtOnce, kLast + 1 - from);
      const [theirs, ours] = await Promise.all([tmuxColumns(pane, prefix, from, count), driver.columns(prefix, from, count)]);
      assert.equal(theirs.length, count);
      for (let i = 0; i < count; ++i) {
        if (isSurrogate(from + i)) continue;
        compared += 1;
        if (ours[i] !== theirs[i]) wrong.push(`U+${(from + i).toString(16)}: model ${ours[i]}, tmux ${theirs[i]}`);
      }
    }
    await pane.close();
    console.log(`widths ${name}: ${compared} code points compared with tmux`);
    assert.equal(wrong.length, 0, `${wrong.length} differ:\n${wrong.slice(0, 40).join("\n")}`);
  });
}
