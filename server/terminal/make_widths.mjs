// Makes widths.inc: asks a running tmux, by printing every code point and asking for the cursor's place, how many columns it takes.
//
//   node server/terminal/make_widths.mjs
//
// The pane's program is this file again, with --inside: what it prints tmux reads, and what tmux answers comes to its input.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const kSelf = fileURLToPath(import.meta.url);
const kTarget = path.join(path.dirname(kSelf), "widths.inc");
const kCodePoints = 0x110000;
const kBlock = 256; // code points of one row of the second table
const kBatch = 400; // questions at a time: the answers have to fit into the terminal's queue
const kDropped = 3; // as in widths.hpp: 0 combining, 1 narrow, 2 wide

const isCharacter = (code) => code >= 0xa0 && (code < 0xd800 || code > 0xdfff);

/** Runs in the pane. For each code point: "a", the character, where is the cursor. */
async function inside(resultFile) {
  process.stdin.setRawMode(true);
  let received = "";
  let wake = () => {};
  process.stdin.on("data", (data) => {
    received += data.toString("latin1");
    wake();
  });
  const widths = new Uint8Array(kCodePoints).fill(kDropped);
  widths.fill(1, 0x20, 0x7f);
  const ask = async (codes, text) => {
    process.stdout.write(codes.map(text).join(""));
    for (;;) {
      const answers = [...received.matchAll(/\x1b\[(\d+);(\d+)R/g)];
      if (answers.length === codes.length) {
        received = "";
        return answers.map((answer) => Number(answer[2]));
      }
      await new Promise((resolve) => (wake = resolve));
    }
  };
  // U+200D, the joiner, would take the next character along: its answer is that of its neighbours.
  widths[0x200d] = 0;
  const codes = Array.from({ length: kCodePoints }, (_, code) => code).filter((code) => isCharacter(code) && code !== 0x200d);
  for (let i = 0; i < codes.length; i += kBatch) {
    const batch = codes.slice(i, i + kBatch);
    const columns = await ask(batch, (code) => `\ra${String.fromCodePoint(code)}\x1b[6n`);
    batch.forEach((code, at) => (widths[code] = columns[at] - 2));
  }
  writeFileSync(resultFile, widths);
}

/** Of those that take no column: what is not in what tmux captures afterwards is dropped, the others combine. */
function tellDroppedApart(tmux, folder, widths) {
  const kRow = 40;
  const zero = Array.from(widths.keys()).filter((code) => isCharacter(code) && widths[code] === 0);
  let text = "";
  for (let i = 0; i < zero.length; i += kRow) text += zero.slice(i, i + kRow).map((code) => `a${String.fromCodePoint(code)}a`).join("") + "\r\n";
  writeFileSync(path.join(folder, "zero"), `${text}end`);
  tmux("new-session", "-d", "-s", "zero", "-x", "200", "-y", "50", `cat ${path.join(folder, "zero")}; exec sleep 1000`);
  let captured = "";
  do captured = tmux("capture-pane", "-p", "-t", "zero", "-S", "-");
  while (!captured.includes("end"));
  const kept = new Set(Array.from(captured, (character) => character.codePointAt(0)));
  for (const code of zero) if (!kept.has(code) && code !== 0x200d) widths[code] = kDropped;
}

function write(widths) {
  const blocks = new Map();
  const blockOf = [];
  for (let first = 0; first < kCodePoints; first += kBlock) {
    const bytes = [];
    for (let four = first; four < first + kBlock; four += 4) bytes.push(widths[four] | (widths[four + 1] << 2) | (widths[four + 2] << 4) | (widths[four + 3] << 6));
    const key = bytes.join(",");
    if (!blocks.has(key)) blocks.set(key, blocks.size);
    blockOf.push(blocks.get(key));
  }
  const lines = (numbers) => Array.from({ length: Math.ceil(numbers.length / 32) }, (_, i) => `    ${numbers.slice(i * 32, i * 32 + 32).join(",")},\n`).join("");
  let out = "// Made by make_widths.mjs from a running tmux: how many columns each code point takes. Do not edit.\n";
  out += `extern const std::uint8_t kBlockOf[${blockOf.length}] = {\n${lines(blockOf)}};\n`;
  out += `extern const std::uint8_t kBlocks[${blocks.size}][64] = {\n${[...blocks.keys()].map((key) => `  {\n${lines(key.split(","))}  },\n`).join("")}};\n`;
  writeFileSync(kTarget, out);
}

async function outside() {
  const folder = mkdtempSync(path.join(tmpdir(), "widths-"));
  const env = { PATH: process.env.PATH, LANG: "C.UTF-8", TERM: "xterm-256color", TMUX_TMPDIR: folder };
  const tmux = (...args) => execFileSync("tmux", ["-u", "-L", "widths", "-f", "/dev/null", ...args], { env, encoding: "utf8", maxBuffer: 1 << 28 });
  const result = path.join(folder, "result");
  try {
    tmux("set-option", "-g", "history-limit", "100000", ";", "set-option", "-g", "exit-empty", "off", ";", "new-session", "-d", "-x", "200", "-y", "50", process.execPath, kSelf, "--inside", result);
    while (!existsSync(result) || readFileSync(result).length < kCodePoints) await new Promise((resolve) => setTimeout(resolve, 100));
    const widths = new Uint8Array(readFileSync(result));
    tellDroppedApart(tmux, folder, widths);
    write(widths);
  } finally {
    tmux("kill-server");
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === "--inside") await inside(process.argv[3]);
else await outside();
