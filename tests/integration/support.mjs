// What the integration tests share: public test data where it lies, a look into the database, and programs that run in panes.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { kRepository } from "../harness/server.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));

/** A file of the public test data, or undefined where there is none (a user's clone has none). */
export function testData(name) {
  const folder = process.env.TEST_DATA ?? path.join(kRepository, "../shared/data");
  const file = path.join(folder, name);
  return existsSync(file) ? file : undefined;
}

/** The argv of a program of tests/integration/programs, run by this very Node. */
export function program(name, ...argv) {
  return [process.execPath, path.join(here, "programs", name), ...argv.map(String)];
}

/** Rows of a query, each a string with '|' between columns, by Debian's sqlite3 as the operators' runbook does. */
export function query(database, sql) {
  const out = execFileSync("sqlite3", ["-readonly", database, sql], { encoding: "utf8", timeout: 10_000 });
  return out.split("\n").filter(Boolean);
}

/** Numbered lines of counter.mjs: the first and last number, and what is not as it should be (at most 10 findings). */
export function checkCounter(bytes) {
  const faults = [];
  let expected;
  let lines = 0;
  for (const line of bytes.toString("latin1").split("\r\n").slice(0, -1)) {
    if (line === "END") continue;
    const match = line.match(/^#(\d{9})\.+$/);
    if (!match) {
      if (lines > 0 && faults.length < 10) faults.push(`after ${expected - 1}: ${JSON.stringify(line.slice(0, 60))}`);
      continue;
    }
    const number = Number(match[1]);
    if (expected !== undefined && number !== expected && faults.length < 10) faults.push(`${number} where ${expected} was due`);
    expected = number + 1;
    lines += 1;
  }
  return { lines, next: expected ?? 0, faults };
}

/** The running children of a process, each with its argv. */
export function childrenOf(parent) {
  const found = [];
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const ppid = Number(readFileSync(`/proc/${name}/status`, "utf8").match(/^PPid:\s+(\d+)/m)[1]);
      if (ppid === parent) found.push({ pid: Number(name), argv: readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(0, -1) });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}
