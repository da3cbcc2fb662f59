// Prints, in answer to lines on standard input, what tests of the screen want to see: "lines N", "flood BYTES", "open", "shut".
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
