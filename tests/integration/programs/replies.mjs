// Prints what tries to make a terminal answer, once a key was pressed, and writes the answers to a file: node replies.mjs FILE TEXT
import { renameSync, writeFileSync } from "node:fs";

const [file, text] = process.argv.slice(2);
// tmux answers within milliseconds; a page's answer would need a round trip.
const kQuietMs = 1000;

process.stdin.setRawMode(true);
process.stdout.write("PRESS\r\n");
process.stdin.once("data", () => {
  const answers = [];
  process.stdin.on("data", (bytes) => answers.push(bytes));
  process.stdout.write(Buffer.from(text, "base64"));
  setTimeout(() => {
    writeFileSync(`${file}.new`, Buffer.concat(answers));
    renameSync(`${file}.new`, file);
    process.stdout.write("\r\nASKED\r\n");
  }, kQuietMs);
});
