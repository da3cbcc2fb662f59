// Prints numbered lines at a steady rate until it is ended: node counter.mjs LINES_PER_SECOND [LINES_IN_ALL]
const perSecond = Number(process.argv[2]);
const all = Number(process.argv[3] ?? Infinity);
// Each line is 40 bytes with its line break: "#000000000" and dots.
const line = (number) => `#${String(number).padStart(9, "0")}${".".repeat(28)}\n`;
const began = performance.now();
let next = 0;

function print() {
  const due = Math.min(all, Math.floor(((performance.now() - began) / 1000) * perSecond));
  let text = "";
  for (; next < due; ++next) text += line(next);
  if (text) process.stdout.write(text);
  if (next >= all) {
    clearInterval(timer);
    process.stdout.write("END\n");
    process.stdin.resume(); // stay until somebody types or ends the pane
  }
}
const timer = setInterval(print, 5);
