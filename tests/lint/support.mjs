// What the lints share: the list of our own source files, C++ without its comments, and how findings are printed.
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const kRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
// Bigger files are data, not source.
const kSourceBytesMax = 1024 * 1024;

/** Tracked files and new ones that are not ignored, as `{path, text}`; binary and very large ones are left out. */
export function sourceFiles() {
  const list = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: kRoot,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const files = [];
  for (const name of new Set(list.split("\0").filter(Boolean))) {
    const full = path.join(kRoot, name);
    const status = statSync(full, { throwIfNoEntry: false });
    if (!status?.isFile() || status.size > kSourceBytesMax) continue;
    const bytes = readFileSync(full);
    if (bytes.includes(0)) continue;
    files.push({ path: name, text: bytes.toString("utf8") });
  }
  return files;
}

export function lineOf(text, index) {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < index; at = text.indexOf("\n", at + 1)) ++line;
  return line;
}

/** A finding at a character of the file's text. */
export function finding(file, index, message) {
  return { path: file.path, line: lineOf(file.text, index), message };
}

/** Every match of the global pattern as a finding. */
export function findAll(file, text, pattern, message) {
  return [...text.matchAll(pattern)].map((match) =>
    finding(file, match.index, typeof message === "function" ? message(match) : message));
}

const blank = (text) => text.replace(/[^\n]/g, " ");
const kComment = String.raw`\/\/[^\n]*|\/\*[\s\S]*?\*\/`;
const kRawString = String.raw`\bR"([^()\s\\]{0,16})\([\s\S]*?\)\1"`;
const kString = String.raw`"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'`;

/** The same text at the same places, with comments replaced by spaces. For C++, TypeScript and JavaScript. */
export function withoutComments(text) {
  const token = new RegExp(`${kRawString}|(${kComment})|${kString}|\`(?:\\\\.|[^\`\\\\])*\``, "g");
  return text.replace(token, (all, _delimiter, comment) => (comment === undefined ? all : blank(all)));
}

/** The same, and what stands inside string and character literals replaced by spaces too. */
export function withoutLiterals(text) {
  const token = new RegExp(`${kRawString}|${kComment}|${kString}`, "g");
  return text.replace(token, blank);
}

/** Where the bracket that opens at `open` closes, or the text's end. */
export function closing(text, open) {
  const pairs = { "(": ")", "[": "]", "{": "}" };
  let depth = 0;
  for (let at = open; at < text.length; ++at) {
    if (text[at] in pairs) ++depth;
    else if (")]}".includes(text[at]) && --depth === 0) return at;
  }
  return text.length;
}

/** For a lint that is run by itself: prints `file:line: message` and ends the process, 1 when there is a finding. */
export function runAlone(meta, lint) {
  if (process.argv[1] !== fileURLToPath(meta.url)) return;
  const findings = lint.check(sourceFiles());
  for (const { path: file, line, message } of findings) console.log(`${file}:${line}: ${message}`);
  process.exit(findings.length === 0 ? 0 : 1);
}
