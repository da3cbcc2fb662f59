// Prints, in answer to lines on standard input, what tests of the screen want to see: "lines N", "flood BYTES",
// "draw SEED" (a redrawing program: moves, colours, inserted and deleted lines, wide characters; ends with "drawn SEED" in the last row).
import { createInterface } from "node:readline";

process.stdout.write("ready\n");
const log = (i) => `line ${String(i).padStart(7, "0")} \x1b[3${i % 8}mcolour\x1b[0m and some text to make it a usual length\n`;

createInterface({ input: process.stdin, terminal: false }).on("line", (line) => {
  const [word, count] = line.trim().split(" ");
  if (word === "lines") {
    let out = "";
    for (let i = 0; i < Number(count); ++i) out += log(i);
    process.stdout.write(out + "done\n");
  }
  if (word === "draw") {
    let state = Number(count) + 1;
    const random = (n) => (state = (state * 1103515245 + 12345) % 2147483648) % n;
    let out = "";
    for (let i = 0; i < 60; ++i) {
      out += `\x1b[${1 + random(20)};${1 + random(60)}H\x1b[3${random(8)};4${random(8)}mcell ${random(1000)} caf\u00e9\x1b[0m`;
      // Before the lines: xterm.js puts the cursor into the first column after inserting or deleting some, tmux leaves it.
      if (random(8) === 0) out += `\x1b[${random(3)}K`;
      if (random(6) === 0) out += `\x1b[${1 + random(3)}L`;
      if (random(6) === 0) out += `\x1b[${1 + random(3)}M`;
      if (random(5) === 0) out += `\x1b[${2 + random(5)};${10 + random(8)}r\x1b[10;1H\n\n\x1b[r`;
    }
    // Wide characters are never overwritten by halves: what capture-pane prints of a torn one is no picture of the screen.
    out += `\x1b[22;1H\x1b[2K\u4f60\u597d ${count} \u{1f600} wide`;
    process.stdout.write(`${out}\x1b[24;1H\x1b[2Kdrawn ${count}`);
  }
  if (word === "flood") {
    let block = "";
    for (let i = 0; block.length < 65536; ++i) block += log(i);
    const more = (left) => {
      if (left <= 0) return process.stdout.write("flooded\n");
      process.stdout.write(block, () => more(left - block.length));
    };
    more(Number(count));
  }
});
