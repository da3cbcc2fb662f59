// Runs the whole deployment runbook against a real stack, row by row, and writes what happened to build/runbook.md.
//
// usage: node tests/runbook/run.mjs [--keep]      ./dev test runbook calls it after ./dev build
//
// Needs root and Docker (tests/container/engine.sh starts one), and a machine on which /app/data and /mnt/backups are free and ports 3000 to 3002 too.
// The clones are compiled as an operator's would be; what the checkout has compiled they find in the compiler cache. --keep leaves the stack for a look.
// deployment-runbook.md is the operators' runbook as they have it: every command of it must be in the table. Ends with the line `N passed, N failed, N skipped`; skipped are the rows that cannot run here.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { forgetImages, giveImageFiles, kRepository, makeImageFiles, makeRepository, needEngine, sh } from "../container/stack.mjs";
import { commandsOf, unchecked } from "./own_runbook.mjs";
import { State } from "./state.mjs";
import { table } from "./table.mjs";

const kReport = path.join(kRepository, "build/runbook.md");
const kSpec = path.join(kRepository, "tests/runbook/deployment-runbook.md");
const options = new Set(process.argv.slice(2));

/** Every command line of the runbook's bash blocks that is in no row's `printed`. */
function missingCommands(rows) {
  const plain = (text) => text.replace(/\s+/g, " ").trim();
  const all = rows.map(({ printed }) => plain(printed));
  const missing = [];
  const blocks = [...readFileSync(kSpec, "utf8").matchAll(/^( *)```bash\n([\s\S]*?)^ *```/gm)];
  let count = 0;
  for (const [, , block] of blocks) {
    const lines = block.replace(/\\\n\s*/g, "").split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
    for (const line of lines) {
      count += 1;
      if (!all.some((printed) => printed.includes(plain(line)) || plain(line).includes(printed))) missing.push(line);
    }
  }
  return { count, missing };
}

function check(row, result, expect) {
  const wanted = row.code ?? 0;
  const ended = row.stops && result.code === 124;
  if (!ended && wanted !== "any" && result.code !== wanted) throw new Error(`exit code ${result.code} instead of ${wanted}`);
  if (expect instanceof RegExp && !expect.test(result.out)) throw new Error(`the output has no ${expect}`);
}

async function runRow(row, s) {
  s.notes = [];
  s.cannot = undefined;
  if (row.not) return { state: "skipped", how: `not run: ${row.not}`, out: "" };
  if (row.claim) {
    await row.claim();
    return { state: "passed", how: "checked", out: "" };
  }
  await row.before?.();
  const command = typeof row.run === "function" ? row.run() : (row.run ?? row.printed);
  const env = typeof row.env === "function" ? row.env() : row.env;
  const result = await sh(command, { cwd: row.cwd?.() ?? s.folder, env, tty: true, input: row.input ?? "", timeoutMs: (row.timeout ?? 120) * 1000 });
  try {
    check(row, result, row.expect);
    if (typeof row.expect === "function" && (await row.expect(result)) === false) throw new Error("not as expected");
  } catch (error) {
    error.message += `\n${result.out.trim().slice(-1500)}`;
    throw error;
  }
  if (s.cannot) return { state: "skipped", how: `not run: ${s.cannot}`, out: result.out };
  const how = row.ours ? "ours" : row.run ? `as \`${command.slice(0, 160)}\`: ${row.why}` : "word for word";
  return { state: "passed", how, out: result.out };
}

const counts = { passed: 0, failed: 0, skipped: 0, exact: 0 };
const report = ["# The runbook, row by row", "", "Made by `./dev test runbook`.", "", "| # | section | runbook | how | result | first lines |", "|---|---|---|---|---|---|"];
const cell = (text) => text.replace(/\|/g, "\\|").replace(/\s*\n\s*/g, " ⏎ ");

function finish(code) {
  mkdirSync(path.dirname(kReport), { recursive: true });
  writeFileSync(kReport, `${report.join("\n")}\n\n${counts.passed} passed (${counts.exact} word for word), ${counts.failed} failed, ${counts.skipped} skipped\n`);
  console.log(`${counts.exact} rows word for word; the table with its output: build/runbook.md`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = code;
}

/** Why this machine cannot be used, or undefined. */
async function unfit() {
  const engine = await needEngine();
  if (engine) return engine;
  for (const folder of ["/app/data", "/mnt/backups"]) {
    if (existsSync(folder) && readdirSync(folder).length > 0) return `${folder} is not empty: a deployment of somebody's?`;
  }
  const ports = (await sh("ss -ltnH | grep -E '127.0.0.1:(3000|3001|3002|8443) |\\*:3000 '")).out.trim();
  return ports ? `ports are in use: ${ports.split("\n")[0]}` : undefined;
}

const began = performance.now();
const reason = process.getuid() === 0 ? await unfit() : "needs root";
if (reason) {
  console.log(`skip  the runbook: ${reason}`);
  counts.skipped = 1;
  finish(0);
} else {
  const s = new State();
  try {
    await makeImageFiles();
    await forgetImages();
    s.repository = await makeRepository();
    for (const folder of [s.devParent, s.prodParent]) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { recursive: true });
    }
    s.giveImageFiles = giveImageFiles;
    const rows = table(s);
    const own = readFileSync(path.join(kRepository, "docs/RUNBOOK.md"), "utf8");
    for (const [name, { count, missing }] of [["the runbook", missingCommands(rows)], ["docs/RUNBOOK.md", { count: commandsOf(own).length, missing: unchecked(own, rows) }]]) {
      const good = missing.length === 0 && count > 0;
      counts[good ? "passed" : "failed"] += 1;
      console.log(`${good ? "ok   " : "FAIL "} the table has all ${count} commands of ${name}${good ? "" : `; missing: ${missing.join(" ; ")}`}`);
    }
    for (const [index, row] of rows.entries()) {
      const start = performance.now();
      let outcome;
      try {
        outcome = await runRow(row, s);
      } catch (error) {
        outcome = { state: "failed", how: row.run ? `as \`${typeof row.run === "function" ? row.run() : row.run}\`` : "word for word", out: error.message, error };
      }
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      counts[outcome.state] += 1;
      if (outcome.how === "word for word" && outcome.state === "passed") counts.exact += 1;
      const word = { passed: "ok   ", failed: "FAIL ", skipped: "skip " }[outcome.state];
      console.log(`${word} ${String(index + 1).padStart(3)} ${row.section}: ${row.printed}${outcome.how === "word for word" ? "" : ` (${outcome.how})`} ${seconds} s${s.notes.map((note) => `\n          ${note}`).join("")}`);
      if (outcome.error) console.log(outcome.error.message.split("\n").map((line) => `          ${line}`).join("\n"));
      const first = [...s.notes, ...outcome.out.trim().split("\n").slice(0, 6)].join("\n").slice(0, 500);
      report.push(`| ${index + 1} | ${cell(row.section)} | \`${cell(row.printed)}\` | ${cell(outcome.how)} | ${outcome.state} (${seconds} s) | ${cell(first)} |`);
    }
  } catch (error) {
    counts.failed += 1;
    console.log(`FAIL  ${error.stack}`);
  } finally {
    if (!options.has("--keep")) await s.remove();
    console.log(`runbook: ${Math.round((performance.now() - began) / 1000)} s`);
    finish(counts.failed === 0 && counts.passed > 0 ? 0 : 1);
  }
}
