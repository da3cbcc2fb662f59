// Reads what one part of `./dev test` printed: node tests/failures.mjs gtest|node|page LOG EXIT_CODE
//
// Prints each failed test with its message, shortened, and as the last line `N passed, N failed, N skipped`. The end of a run's output
// is all that some people see of it: ./dev prints these there.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

// A message longer than that is told by its beginning and its end; the log has all of it.
const kFirstLines = 20;
const kLastLines = 10;
const kLineLength = 300;

export function shorten(text) {
  const lines = text.split("\n").map((line) => (line.length > kLineLength ? `${line.slice(0, kLineLength)} ...` : line));
  while (lines.at(-1)?.trim() === "") lines.pop();
  const left = lines.length - kFirstLines - kLastLines;
  return left <= 1 ? lines.join("\n") : [...lines.slice(0, kFirstLines), `... ${left} lines more`, ...lines.slice(-kLastLines)].join("\n");
}

/** What `ctest --verbose` printed of GoogleTest programs; they may have run at the same time. */
function fromGtest(log) {
  const verdict = { passed: 0, failed: [], skipped: 0 };
  const programs = new Map();
  for (const line of log.split("\n")) {
    const [, number, text] = line.match(/^(\d+): (.*)$/) ?? [];
    if (number === undefined) continue;
    if (!programs.has(number)) programs.set(number, { said: [], failed: 0, running: undefined });
    const program = programs.get(number);
    program.said.push(text);
    const [, word, name] = text.match(/^\[ +(RUN|OK|FAILED|SKIPPED) +\] ([^ ,]+?)(?:, where .*)?(?: \(\d+ ms\))?$/) ?? [];
    if (word === "RUN") Object.assign(program, { running: name, said: [] });
    // Without a time it is the program's list at its end.
    if (!word || word === "RUN" || !/ms\)$/.test(text)) continue;
    if (word === "OK") verdict.passed++;
    if (word === "SKIPPED") verdict.skipped++;
    if (word === "FAILED") {
      program.failed++;
      verdict.failed.push({ name, text: program.said.slice(0, -1).join("\n") });
    }
    Object.assign(program, { running: undefined, said: [] });
  }
  // CTest's own list: what crashed, hung or was not there printed no verdict.
  for (const [, number, name, why] of log.matchAll(/^\t *(\d+) - (\S+) \((.+)\)$/gm)) {
    const program = programs.get(number);
    if (program?.failed) continue;
    const where = program?.running ? ` in ${program.running}` : "";
    verdict.failed.push({ name: `${name}${where} (${why})`, text: (program?.said ?? []).slice(-kFirstLines).join("\n") });
  }
  return verdict;
}

/** What tests/harness/reporter.mjs and tests/runbook/run.mjs print. */
function fromNode(log) {
  const [, passed, failed, skipped] = [...log.matchAll(/(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1) ?? [0, 0, 0, 0];
  const verdict = { passed: Number(passed), failed: [], skipped: Number(skipped) };
  for (const [, name, text] of log.matchAll(/^FAIL +(.+?)(?: \(?[\d.]+ s\)?)?\n((?: {4}.*\n?)*)/gm)) verdict.failed.push({ name, text });
  while (verdict.failed.length < Number(failed)) verdict.failed.push({ name: "a test that is not named", text: log.slice(-2000) });
  return verdict;
}

/** Vitest's JSON. */
function fromPage(json) {
  const files = JSON.parse(json).testResults;
  const tests = files.flatMap((file) => file.assertionResults);
  const failed = tests.filter(({ status }) => status === "failed");
  const broken = files.filter(({ status, assertionResults }) => status === "failed" && !assertionResults.some((t) => t.status === "failed"));
  return {
    passed: tests.filter(({ status }) => status === "passed").length,
    failed: [
      ...failed.map(({ fullName, failureMessages }) => ({ name: fullName, text: failureMessages.join("\n") })),
      ...broken.map(({ name, message }) => ({ name, text: message })),
    ],
    skipped: tests.filter(({ status }) => status === "skipped" || status === "todo" || status === "pending").length,
  };
}

export function verdictOf(kind, log, exitCode) {
  let verdict;
  try {
    verdict = { gtest: fromGtest, node: fromNode, page: fromPage }[kind](log);
  } catch (error) {
    verdict = { passed: 0, failed: [{ name: "its output cannot be read", text: String(error) }], skipped: 0 };
  }
  if (verdict.failed.length > 0) return verdict;
  if (exitCode !== 0) verdict.failed.push({ name: `exit code ${exitCode}`, text: log.slice(-2000) });
  else if (verdict.passed === 0) verdict.failed.push({ name: "no test ran", text: log.slice(-2000) });
  return verdict;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [kind, file, exitCode] = process.argv.slice(2);
  const { passed, failed, skipped } = verdictOf(kind, readFileSync(file, "utf8"), Number(exitCode));
  for (const { name, text } of failed) console.log(`FAIL ${name}\n${shorten(text).replace(/^(?=.)/gm, "    ")}`);
  console.log(`${passed} passed, ${failed.length} failed, ${skipped} skipped`);
}
