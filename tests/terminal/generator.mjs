// Makes up sessions that look like real ones, always the same for the same seed: prompts, progress bars, full-screen programs,
// agents at work, wide and combining characters, sizes that change, and sequences that are valid, odd or broken.
//
// A session is a list of events, `{feed: Buffer, seconds}` or `{resize: [cols, rows], seconds}`: seconds is how long a person, a program or
// an agent would have taken, so that a sum of sessions can be compared to a day.

const E = "\x1b";

/** mulberry32: small, fast, and good enough for choosing. */
export class Dice {
  constructor(seed) {
    this.state = seed >>> 0;
  }
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  below(n) {
    return Math.floor(this.next() * n);
  }
  between(low, high) {
    return low + this.below(high - low + 1);
  }
  chance(p) {
    return this.next() < p;
  }
  of(list) {
    return list[this.below(list.length)];
  }
  times(low, high, make) {
    return Array.from({ length: this.between(low, high) }, (_, i) => make(i));
  }
}

const kWords = ("the quick brown fox jumps over lazy dog error warning note file function return value test passed failed running build commit merge branch " +
  "src/main.cpp:42 --verbose 0x7fff 3.14 [ok] (12) {json} \"quoted\" größer naïve Ελλάδα Привет שלום").split(" ");
const kWide = ["漢字", "日本語", "テスト", "한국어", "中文输入", "😀", "🚀", "✅", "🙏🏽", "👩‍👩‍👧", "🇩🇪", "❤️", "ｆｕｌｌ", "１２３"];
// Characters that tmux and xterm.js see in the same columns.
const kPlainWide = ["漢字", "日本語", "テスト", "한국어", "中文输入", "😀", "🚀", "✅", "ｆｕｌｌ", "１２３"];
const kPlainMarks = ["e\u0301", "a\u0308", "o\u0302\u0323", "x\u0336"];
const kMarks = ["e\u0301", "a\u0308", "o\u0302\u0323", "\u0301", "\u200b", "\u200dé", "z\u200d\u0301", "\ufe0f", "ไทย", "नमस्ते", "\u1100\u1161\u11a8", "x\u0336"];

const words = (d, low, high) => d.times(low, high, () => (d.chance(0.06) ? d.of(d.plain ? kPlainWide : kWide) : d.chance(0.02) ? d.of(d.plain ? kPlainMarks : kMarks) : d.of(kWords))).join(" ");

function colour(d, which) {
  const kind = d.below(6);
  if (kind < 3) return String((d.chance(0.3) ? which + 60 : which) + d.below(8));
  if (kind === 3) return `${which + 8};5;${d.below(256)}`;
  if (kind === 4) return `${which + 8};2;${d.below(256)};${d.below(256)};${d.below(256)}`;
  return d.of([`${which + 8}:2::${d.below(256)}:${d.below(256)}:${d.below(256)}`, `${which + 8}:2:${d.below(256)}:${d.below(256)}:${d.below(256)}`, `${which + 8}:5:${d.below(256)}`, String(which + 9)]);
}

function sgr(d) {
  const parts = d.times(1, 3, () => d.of([
    () => colour(d, 30), () => colour(d, 30), () => colour(d, 40), () => d.of(["1", "2", "3", "4", "5", "7", "8", "9", "53", "21"]),
    () => d.of(["22", "23", "24", "25", "27", "28", "29", "55", "39", "49", "59"]), () => d.of(["0", "", "0"]), () => `4:${d.below(6)}`, () => d.of(["58;5;9", "58:2::1:2:3", "58;2;200;100;50"]),
  ])());
  return `${E}[${parts.join(";")}m`;
}

const styled = (d, text) => (d.chance(0.5) ? `${sgr(d)}${text}${E}[m` : text);

/** Something printed under a prompt, with the prompt before it. */
function shellCommand(d, { cols }) {
  const prompt = `\r\n${E}[1;32mdemo${E}[0m:${E}[34m~/${d.of(kWords).replace(/[^a-z]/g, "")}${E}[0m$ `;
  const typed = d.of(["ls", "git log --graph", "make", "grep -rn", "cat", "npm test"]);
  const lines = d.times(0, 30, () => styled(d, words(d, 0, d.of([6, 6, 12, 40]))) + (d.chance(0.1) ? `\t${d.of(kWords)}` : ""));
  const typing = [...typed].map((c) => c + (d.chance(0.05) ? `x\b${E}[K` : "")).join("");
  const completion = d.chance(0.2) ? `\x07\r\n${words(d, 3, 20)}${prompt}${typed}` : "";
  const redraw = d.chance(0.15) ? `\r${E}[C${E}[${d.between(1, cols)}C${E}[K\b\b` : "";
  return { text: `${prompt}${typing}${completion}${redraw}\r\n${lines.join("\r\n")}`, seconds: 4 + lines.length * 0.1 };
}

function progress(d, { cols }) {
  const width = Math.max(1, Math.min(40, cols - 20));
  const steps = d.between(3, 30);
  const style = d.of(["bar", "two", "spinner", "over"]);
  let text = style === "two" ? "\r\n\r\n" : "\r\n";
  for (let i = 0; i <= steps; ++i) {
    const full = Math.floor((width * i) / steps);
    const bar = `[${"=".repeat(full)}${i < steps ? ">" : ""}${" ".repeat(width - full)}]`;
    if (style === "bar") text += `${d.chance(0.4) ? `\r${E}[K${styled(d, `   Compiling ${d.of(kWords)}`)}\r\n` : ""}\r${E}[36m Building${E}[m ${bar} ${i}/${steps}`;
    else if (style === "two") text += `${E}[2A${E}[2K\r${bar}\r\n${E}[2K${d.of(d.plain ? kPlainWide : kWide)} ${"█".repeat(full)}${"░".repeat(width - full)}\r\n`;
    else if (style === "spinner") text += `\r${E}[?25l${E}[38;5;${d.below(256)}m${"⠋⠙⠹⠸⠼⠴⠦⠧"[i % 8]}${E}[0m ${words(d, 1, 5)}${E}[K`;
    else text += `\r${"#".repeat(d.between(1, cols + 4))}${d.chance(0.5) ? `${E}[1K` : ""}`;
  }
  return { text: `${text}${E}[?25h\r\n`, seconds: steps * 0.5 };
}

/** A program like Claude Code on the main screen: a box at the bottom that is drawn over again with relative moves. */
function agent(d, { cols, rows }) {
  const height = Math.max(1, Math.min(rows - 2, d.between(3, 8)));
  const box = (inner) => {
    const line = "─".repeat(Math.max(0, cols - 2));
    const middle = d.times(height - 2, height - 2, () => `│ ${inner()}${E}[${cols}G│`);
    return [`${E}[38;5;${d.below(256)}m╭${line}╮${E}[39m`, ...middle, `╰${line}╯`].slice(0, height);
  };
  let text = `${E}]0;${d.of(["✳", "◐", "◑"])} ${d.of(kWords)}\x07`;
  const rounds = d.between(2, 10);
  for (let i = 0; i < rounds; ++i) {
    const update = box(() => words(d, 0, 4).slice(0, Math.max(0, cols - 6)));
    const held = d.chance(0.5);
    if (held) text += `${E}[?2026h`;
    if (i > 0) text += d.chance(0.5) ? `${E}[${height}A\r${E}[J` : `${`${E}[2K${E}[1A`.repeat(height)}${E}[2K${E}[G`;
    if (d.chance(0.4)) text += `${styled(d, `⏺ ${words(d, 3, 25)}`)}\r\n`;
    text += `${update.join("\r\n")}\r\n`;
    if (held) text += `${E}[?2026l`;
  }
  return { text, seconds: rounds * d.between(1, 8) };
}

/** A full-screen program: absolute addresses, regions, inserted and deleted lines; it may stay on the alternate screen. */
function fullScreen(d, { cols, rows }) {
  const y = () => d.between(1, rows);
  const x = () => d.between(1, cols);
  const alternate = d.of(["1049", "1049", "1047", "47"]);
  let text = d.chance(0.7) ? `${E}[?${alternate}h${E}[?1h${E}=${E}[H${E}[2J` : "";
  const parts = d.between(5, 40);
  for (let i = 0; i < parts; ++i) {
    text += d.of([
      () => `${E}[${y()};${x()}H${styled(d, words(d, 1, 8))}`, () => `${E}[${y()};1H${sgr(d)}${E}[K${words(d, 1, 4)}${E}[m`,
      () => `${E}[${y()};${y()}r${E}[${y()};1H${d.of([`${E}M`, "\n", `${E}D`, `${E}[2S`, `${E}[3T`, `${E}[L`, `${E}[2M`])}${words(d, 1, 5)}${E}[r`,
      () => `${E}[${x()}G${E}[${d.between(1, 9)}${d.of(["@", "P", "X", "b", "C", "D", "A", "B", "E", "F", "I", "Z", "d", "`", "a", "e"])}${d.of(kWords)}`,
      () => `${sgr(d)}${E}[${d.below(3)}${d.of(["J", "K"])}${E}[m`, () => `${E}(0${"lqkxmjtunvw"[d.below(11)]}${"q".repeat(d.below(12))}${E}(B`,
      () => `${E}7${E}[${y()};${x()}H${words(d, 1, 3)}${E}8`, () => `${E}[4h${d.of(d.plain ? kPlainWide : kWide)}${d.of(kWords)}${E}[4l`,
      () => `${E}[?${d.of(["25", "7", "1000", "1002", "1003", "1006", "2004", "1004", "12", "5"])}${d.of(["h", "l"])}`,
    ])();
  }
  if (d.chance(0.8)) text += `${E}[?7h${E}[?25h${E}[r${E}[?1l${E}>${E}[${rows};1H${E}[?${alternate}l`;
  return { text, seconds: parts * 0.4 };
}

/** A flood of plain lines, some of them much longer than the screen is wide. */
function log(d) {
  const lines = d.times(20, 200, (i) => `${i} ${words(d, 2, d.chance(0.05) ? 120 : 14)}`);
  return { text: `${lines.join("\r\n")}\r\n`, seconds: lines.length * 0.05 };
}

const kOdd = [
  `${E}c`, `${E}[!p`, `${E}#8`, `${E}[?6h`, `${E}[?6l`, `${E}[?7l`, `${E}[?7h`, `${E}[?3h`, `${E}[?3l`, `${E}[s`, `${E}[u`, `${E}7`, `${E}8`, `${E}H`, `${E}[g`, `${E}[3g`, `${E}D`, `${E}E`, `${E}M`,
  `${E})0\x0e`, "\x0f", `${E}(0`, `${E}(B`, `${E})B`, `${E}[20h`, `${E}[20l`, `${E}[4h`, `${E}[4l`, `${E}[?1049h`, `${E}[?1049l`, `${E}[?47h`, `${E}[?47l`, `${E}[3J`, `${E}[2J`,
  `${E}]8;;https://example.org/x\x07`, `${E}]8;;\x07`, `${E}]2;title ${E}\\`, `${E}]0;\x07`, `${E}kname${E}\\`, `${E}P1$tx${E}\\`, `${E}_apc${E}\\`, `${E}]52;c;eA==\x07`, `${E}[22;2t`, `${E}[23;2t`,
  "\x00", "\x07", "\x0b", "\x0c", "\x18", "\x1a", "\x7f", `${E}${E}[1m`, `${E}[31;`, `${E}[999;999H`, `${E}[0;0H`, `${E}[b`, `${E}[500b`, `${E}[1;1r`, `${E}[5;2r`, `${E}[?1;7l`, `${E}[>4;1m`, `${E}[?2026h`,
];

/** What no program means to write: random finals and numbers, cut sequences, broken UTF-8. */
function hostile(d) {
  const number = () => d.of(["", "0", "1", "2", String(d.below(200)), String(d.below(100000)), "99999999999", `${d.below(9)}:${d.below(9)}`]);
  const parts = d.times(5, 40, () => d.of([
    () => Buffer.from(d.of(kOdd)), () => Buffer.from(words(d, 1, 6)), () => Buffer.from(d.of(d.plain ? kPlainWide : kWide) + d.of(d.plain ? kPlainMarks : kMarks)), () => Buffer.from(sgr(d)),
    () => Buffer.from(`${E}[${d.of(["", "", "", "?", ">", "<", "=", "!"])}${d.times(0, 4, number).join(";")}${d.of(["", "", "", " ", "$", "'"])}${String.fromCharCode(d.between(0x40, 0x7e))}`),
    () => Buffer.from(`${E}${String.fromCharCode(d.between(0x20, 0x7e))}`), () => Buffer.from(d.times(1, 6, () => d.below(256))), () => Buffer.from(d.of(["\r\n", "\n", "\r", "\b", "\t", "\r\n\r\n"])),
    () => Buffer.from(d.of(d.plain ? kPlainWide : kWide)).subarray(0, d.between(1, 5)),
  ])());
  return { bytes: Buffer.concat(parts), seconds: 10 };
}

const kSteps = { shellCommand, progress, agent, fullScreen, log, hostile };
const kWeights = {
  shell: ["shellCommand", "shellCommand", "shellCommand", "progress", "log", "fullScreen"],
  agent: ["agent", "agent", "agent", "shellCommand", "progress"],
  screen: ["fullScreen", "fullScreen", "fullScreen", "shellCommand"],
  hostile: ["hostile", "hostile", "fullScreen", "shellCommand"],
};
export const kProfiles = Object.keys(kWeights);

const kSizes = [[80, 24], [80, 24], [100, 40], [120, 36], [40, 12], [132, 43], [20, 8], [61, 17]];

/** One session of about `steps` steps. `resizes` false keeps its size; `plain` leaves out joined, varied and zero width characters. */
export function makeSession(seed, profile, { steps = 12, resizes = true, plain = false } = {}) {
  const d = new Dice(seed);
  d.plain = plain;
  let [cols, rows] = d.of(kSizes);
  const session = { seed, profile, cols, rows, events: [], seconds: 0 };
  for (let i = 0; i < steps; ++i) {
    if (resizes && i > 0 && d.chance(0.15)) {
      [cols, rows] = d.chance(0.5) ? d.of(kSizes) : [Math.max(2, cols + d.between(-9, 9)), Math.max(2, rows + d.between(-5, 5))];
      session.events.push({ resize: [cols, rows], seconds: 1 });
    }
    const { text, bytes, seconds } = kSteps[d.of(kWeights[profile])](d, { cols, rows });
    session.events.push({ feed: bytes ?? Buffer.from(text), seconds });
  }
  session.seconds = session.events.reduce((sum, event) => sum + event.seconds, 0);
  return session;
}
