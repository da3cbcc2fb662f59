// Runs the tests that are written in JavaScript: node tests/run.mjs [lint|terminal|integration|e2e|container|all] [filter]
//
// `filter` picks files whose name contains it, or else tests whose name matches it. Each part ends with a line
// `PART: N passed, N failed, N skipped`; the exit code is 0 only when nothing failed and something passed.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const kParts = {
  lint: { folders: ["lint"], files: 4, minutes: 2 },
  // Each waits for tmux most of the time.
  terminal: { folders: ["terminal"], files: 2, minutes: 30 },
  // One file at a time: they measure times, and each starts programs of its own.
  integration: { folders: ["harness", "claude", "integration"], files: 1, minutes: 30 },
  e2e: { folders: ["e2e"], files: 1, minutes: 20 },
  // On a Docker Engine; not part of `all`.
  container: { folders: ["container"], files: 1, minutes: 40, extra: true },
};
// Tests name their own, shorter limits; this one ends a file that hangs outside of any test.
const kFileMinutes = 10;

function testFiles(folder) {
  if (!existsSync(path.join(here, folder))) return [];
  return readdirSync(path.join(here, folder))
    .filter((name) => name.endsWith(".test.mjs"))
    .sort()
    .map((name) => path.join(here, folder, name));
}

function runPart(name, filter) {
  const { folders, files: concurrency, minutes } = kParts[name];
  const all = folders.flatMap(testFiles);
  const chosen = filter ? all.filter((file) => path.basename(file, ".test.mjs").includes(filter)) : all;
  const byName = filter && chosen.length === 0;
  const argv = [
    "--test",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${kFileMinutes * 60_000}`,
    `--test-reporter=${pathToFileURL(path.join(here, "harness/reporter.mjs"))}`,
    "--test-reporter-destination=stdout",
    ...(byName ? [`--test-name-pattern=${filter}`] : []),
    ...(byName ? all : chosen),
  ];
  return new Promise((resolve) => {
    let output = "";
    const child = spawn(process.execPath, argv, {
      cwd: path.dirname(here),
      detached: true, // a process group of its own, so that its end is the end of every test file
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TEST_PART: name },
    });
    const endGroup = () => {
      try {
        process.kill(-child.pid, "SIGTERM");
      } catch {
        // It has ended.
      }
    };
    process.once("SIGINT", endGroup).once("SIGTERM", endGroup);
    const limit = setTimeout(() => {
      console.error(`${name}: not done within ${minutes} minutes, ended`);
      endGroup();
    }, minutes * 60_000);
    child.stdout.on("data", (piece) => {
      process.stdout.write(piece);
      output = (output + piece).slice(-4096);
    });
    child.on("close", (code) => {
      clearTimeout(limit);
      process.off("SIGINT", endGroup).off("SIGTERM", endGroup);
      const summary = output.match(/: (\d+) passed, (\d+) failed, (\d+) skipped\n$/);
      if (!summary) console.log(`${name}: 0 passed, 1 failed, 0 skipped`);
      resolve(code === 0 && summary !== null && summary[2] === "0" && summary[1] !== "0");
    });
  });
}

const [part = "all", filter] = process.argv.slice(2);
const parts = part === "all" ? Object.keys(kParts).filter((name) => !kParts[name].extra) : [part];
if (!parts.every((name) => name in kParts)) {
  console.error(`usage: node tests/run.mjs [${Object.keys(kParts).join("|")}|all] [filter]`);
  process.exit(2);
}
let good = true;
for (const name of parts) good = (await runPart(name, filter)) && good;
process.exit(good ? 0 : 1);
