// The screen model's throughput against tmux's own parser: the same bytes, in turn, and what a model with scrollback weighs.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { kRepository } from "../tests/harness/server.mjs";
import { Tmux } from "../tests/harness/tmux.mjs";
import { until } from "../tests/harness/wait.mjs";
import { Dice } from "../tests/terminal/generator.mjs";
import { howOften } from "./engine.mjs";

const run = promisify(execFile);
const kProgram = path.join(kRepository, "build/release/bench/bench_model");
const kTicks = 100; // USER_HZ
const kRounds = howOften(5);
const kCols = 120;
const kRows = 40;
const kScrollback = 2000; // as ops/tmux.conf has it
const kFileBytes = 4_000_000;
// tmux's time is counted in hundredths of a second: long enough that one of them is under a percent.
const kTmuxRepeats = 12;
const kModelRepeats = 24;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const round = (value, digits = 2) => Number(value.toFixed(digits));
const spread = (values) => [round(Math.min(...values), 1), round(Math.max(...values), 1)];

const kWords = "the quick brown fox jumps over lazy dog error warning file function return value passed running build merge 0x7fff 3.14 [ok] src/main.cpp:42".split(" ");
const kWide = ["漢字", "日本語の文章", "テスト", "한국어", "中文输入法", "😀", "🚀🚀", "✅", "é", "ｆｕｌｌ", "👩‍👩‍👧", "ไทย"];

function fill(make) {
  const d = new Dice(7);
  const lines = [];
  for (let bytes = 0; bytes < kFileBytes; ) {
    const line = make(d, lines.length);
    bytes += Buffer.byteLength(line);
    lines.push(line);
  }
  return lines.join("");
}

const kTexts = {
  /** What a build writes: lines of 20 to 110 columns. */
  log: () => fill((d, i) => `[${String(i % 86400).padStart(5, "0")}] ${d.times(3, 16, () => d.of(kWords)).join(" ")}\r\n`),
  /** A full-screen program that draws everything again: an address and a colour every few cells. */
  tui: () => fill((d) => {
    const rows = Array.from({ length: kRows }, (_, y) => `\x1b[${y + 1};1H${d.times(8, 16, () =>
      `\x1b[${d.of(["1;", "", "4;", ""])}38;5;${d.below(256)}${d.of(["", `;48;2;${d.below(256)};${d.below(256)};${d.below(256)}`])}m${d.of(kWords)} `).join("")}\x1b[0m\x1b[K`);
    return `\x1b[?25l${rows.join("")}\x1b[?25h`;
  }),
  /** Wide characters, emoji, combining ones. */
  wide: () => fill((d) => `${d.times(4, 14, () => d.of(kWide)).join(d.of(["", " "]))}\r\n`),
};

/** Lines for the scrollback's memory only: 120 columns that change their 24-bit colours every few cells, which is the worst that programs write. */
const colourLines = () => fill((d) => `${d.times(16, 20, () => `\x1b[38;2;${d.below(256)};${d.below(256)};${d.below(256)}m${d.of(kWords).slice(0, 6)}`).join(" ")}\x1b[m\r\n`);

function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return { user: Number(fields[11]) / kTicks, system: Number(fields[12]) / kTicks };
}

/** One pane that prints the file again and again; done when tmux has answered the question behind it. */
async function tmuxRun(tmux, pid, file, number) {
  const gate = path.join(tmux.folder, `gate-${number}`);
  const done = path.join(tmux.folder, `done-${number}`);
  const files = Array.from({ length: kTmuxRepeats }, () => file).join(" ");
  const program = `stty raw -echo; while [ ! -e ${gate} ]; do sleep 0.02; done; cat ${files}; printf '\\033[6n'; dd bs=1 count=3 of=${done}.part 2>/dev/null; mv ${done}.part ${done}`;
  tmux.run("new-session", "-d", "-s", `run-${number}`, "-x", String(kCols), "-y", String(kRows), "--", "sh", "-c", program);
  const before = cpuOf(pid);
  const start = performance.now();
  writeFileSync(gate, "");
  await until("tmux has taken everything", () => readFileSync(done).length === 3, { timeoutMs: 120_000, stepMs: 5 });
  const wall = (performance.now() - start) / 1000;
  const after = cpuOf(pid);
  const bytes = readFileSync(file).length * kTmuxRepeats;
  const user = after.user - before.user;
  const system = after.system - before.system;
  return { bytes, wall, user, cpu: user + system };
}

async function modelRun(file, scrollback = kScrollback, repeats = kModelRepeats) {
  const { stdout } = await run(kProgram, [kCols, kRows, scrollback, repeats, file].map(String));
  const result = JSON.parse(stdout);
  return { ...result, cpu: result.user + result.system };
}

const rate = (field) => (result) => result.bytes / result[field] / 1e6;

function summary(rounds) {
  const ratios = (field) => rounds.map(({ model, tmux }) => rate(field)(model) / rate(field)(tmux));
  return {
    model_mb_s: round(median(rounds.map(({ model }) => rate("cpu")(model))), 1),
    tmux_mb_s_cpu: round(median(rounds.map(({ tmux }) => rate("cpu")(tmux))), 1),
    tmux_mb_s_user: round(median(rounds.map(({ tmux }) => rate("user")(tmux))), 1),
    tmux_mb_s_wall: round(median(rounds.map(({ tmux }) => rate("wall")(tmux))), 1),
    ratio_cpu: round(median(ratios("cpu")), 1), ratio_cpu_spread: spread(ratios("cpu")),
    ratio_user: round(median(ratios("user")), 1), ratio_user_spread: spread(ratios("user")),
    ratio_wall: round(median(ratios("wall")), 1), ratio_wall_spread: spread(ratios("wall")),
    snapshot_bytes: rounds[0].model.snapshot_bytes, snapshot_us: round(median(rounds.map(({ model }) => model.snapshot_us)), 0),
  };
}

/** A model that holds 10,000 lines of each text: its memory, as it counts itself and by how much the process grew, and what writing a keyframe takes. */
async function memory(files) {
  const result = {};
  for (const [name, file] of Object.entries(files)) {
    if (name === "tui") continue; // draws the screen again and scrolls nothing
    const model = await modelRun(file, 10_000, 1);
    result[name] = { lines: model.lines, model_mib: round(model.memory_bytes / 2 ** 20, 1), process_growth_mib: round(model.rss_growth_kib / 1024, 1), keyframe_ms: round(model.keyframe_us / 1000, 1) };
  }
  return result;
}

export async function model() {
  const folder = mkdtempSync(path.join(os.tmpdir(), "ccd-model-"));
  const tmux = new Tmux();
  try {
    const files = {};
    for (const [name, make] of Object.entries(kTexts)) {
      files[name] = path.join(folder, name);
      writeFileSync(files[name], make());
    }
    const colours = path.join(folder, "colours");
    writeFileSync(colours, colourLines());
    tmux.run("-f", path.join(kRepository, "ops/tmux.conf"), "new-session", "-d", "-s", "keep", "--", "sleep", "3600");
    const pid = Number(tmux.run("display-message", "-p", "#{pid}"));
    const texts = {};
    let number = 0;
    for (const [name, file] of Object.entries(files)) {
      const rounds = [];
      for (let i = 0; i < kRounds; ++i) rounds.push({ tmux: await tmuxRun(tmux, pid, file, ++number), model: await modelRun(file) });
      texts[name] = summary(rounds);
    }
    return {
      what: `MB/s of the screen model against a tmux pane of the same size (${kCols}x${kRows}, ${kScrollback} lines of scrollback), same bytes, in turn; medians of ${kRounds} rounds`,
      ratios: "ratio_cpu: bytes per second of the process's CPU time, user and system, model over tmux's server; ratio_user: user time only, so without tmux's reading of the terminal; ratio_wall: from the first byte to tmux's answer behind the last",
      texts,
      with_10000_lines: await memory({ ...files, colours }),
      target: "at least 10 for each text",
    };
  } finally {
    await tmux.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}
