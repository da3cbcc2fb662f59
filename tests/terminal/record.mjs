// Makes the recordings in tests/fixtures/terminal again: node tests/terminal/record.mjs [NAME ...]
//
// Each is the output of a real program as tmux's pipe gets it (the bytes that come out of the pane's terminal), in NAME.raw, and in
// NAME.json beside it the program's version, the size of the pane, and where the size changed. Programs run in /srv/demo with an
// environment of their own, as a user and with processes that nobody else has, so that nothing of a machine is in them.
// Needs root (for the folder and the user), and: git htop less man-db mc nano python3 tig vim vttest whiptail dialog, and tests/claude.
import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { kRepository } from "../harness/server.mjs";
import { Tmux } from "../harness/tmux.mjs";
import { until } from "../harness/wait.mjs";
import { recordClaude } from "./record_claude.mjs";
import { programs } from "./record_programs.mjs";

const kFixtures = path.join(kRepository, "tests/fixtures/terminal");
const kDemo = "/srv/demo";
const kNobody = 65534;
// A program is still when it has written nothing for this long.
const kStillMs = 400;
const kScripts = path.dirname(fileURLToPath(import.meta.url));
// What must not be in a recording.
const kOfThisMachine = [/\/work\b/, /\/root\b/, /\/home\//, /\/tmp\//, /sk-ant/];

/** One pane that is recorded, and what a script does with it. */
export class Recording {
  constructor(name, { cols, rows }) {
    Object.assign(this, { name, cols, rows, size: [cols, rows], resizes: [] });
    this.file = path.join(kDemo, `.${name}.raw`);
    this.tmux = new Tmux();
  }

  start(argv, environment = {}, cwd = kDemo) {
    const variables = Object.entries({
      TERM: "tmux-256color", COLORTERM: "truecolor", HOME: kDemo, LANG: "C.UTF-8", PATH: "/usr/local/bin:/usr/bin:/bin:/usr/games",
      SHELL: "/bin/bash", USER: "demo", LOGNAME: "demo", TZ: "UTC", ...environment,
    }).map(([key, value]) => `${key}=${value}`);
    // Processes of its own (htop shows them), without the rights and the name of whoever records.
    const apart = ["unshare", "--pid", "--fork", "--mount-proc", "--uts", "sh", "-c", 'hostname demo; exec "$@"', "sh", "setpriv", `--reuid=${kNobody}`, `--regid=${kNobody}`, "--clear-groups"];
    this.tmux.run("-f", path.join(kRepository, "ops/tmux.conf"), "new-session", "-d", "-s", "rec", "-x", String(this.cols), "-y", String(this.rows),
      "-c", cwd, "--", ...apart, "env", "-i", ...variables, ...argv, ";", "pipe-pane", "-O", "-t", "=rec:", `exec cat >${this.file}`);
  }

  bytes() {
    return statSync(this.file, { throwIfNoEntry: false })?.size ?? 0;
  }
  async still(ms = kStillMs) {
    let before = -1;
    await until(`${this.name} is still`, async () => {
      const now = this.bytes();
      const same = now === before;
      before = now;
      if (!same) await delay(ms);
      return same;
    }, { timeoutMs: 60_000, stepMs: ms });
  }
  /** Keys by tmux's names, each after the screen is still. */
  async keys(...names) {
    for (const name of names) {
      this.tmux.key("rec", name);
      await this.still(120);
    }
  }
  /** Types as a person does, a few characters at a time. */
  async type(text, ms = 25) {
    for (const character of text) {
      this.tmux.type("rec", character === ";" ? "\\;" : character); // alone it would end the command
      await delay(ms);
    }
  }
  async line(text, ms) {
    await this.type(text, ms);
    this.tmux.key("rec", "Enter");
    await this.still();
  }
  shows(pattern, timeoutMs) {
    return this.tmux.waitFor("rec", pattern, timeoutMs);
  }
  /** Changes the pane's size when the screen is still, so that it is known at which byte. */
  async resize(cols, rows, stillMs = 800) {
    await this.still(stillMs);
    this.resizes.push({ at: this.bytes(), cols, rows });
    this.tmux.run("resize-window", "-t", "rec", "-x", String(cols), "-y", String(rows));
    await this.still(stillMs);
  }

  async finish(program) {
    await this.still();
    await this.tmux.kill();
    const bytes = readFileSync(this.file);
    const text = bytes.toString("latin1");
    for (const pattern of kOfThisMachine) {
      const at = text.search(pattern);
      if (at !== -1) throw new Error(`${this.name}: has ${pattern} in it: ${JSON.stringify(text.slice(Math.max(0, at - 40), at + 60))}`);
    }
    writeFileSync(path.join(kFixtures, `${this.name}.raw`), bytes);
    const [cols, rows] = this.size;
    const about = { program, cols, rows, bytes: bytes.length, ...(this.resizes.length ? { resizes: this.resizes } : {}) };
    writeFileSync(path.join(kFixtures, `${this.name}.json`), `${JSON.stringify(about, null, 2)}\n`);
    console.log(`${this.name}: ${bytes.length} bytes of ${program}`);
  }
}

function prepareFolder() {
  rmSync(kDemo, { recursive: true, force: true });
  mkdirSync(kDemo, { recursive: true });
  execFileSync("sh", [path.join(kScripts, "record_demo.sh"), kDemo, kScripts], { stdio: ["ignore", "ignore", "inherit"] });
  chownSync(kDemo, kNobody, kNobody);
  execFileSync("chown", ["-R", `${kNobody}:${kNobody}`, kDemo]);
}

const wanted = process.argv.slice(2);
mkdirSync(kFixtures, { recursive: true });
prepareFolder();
try {
  for (const [name, script] of Object.entries({ ...programs, ...recordClaude })) {
    if (wanted.length > 0 && !wanted.some((part) => name.startsWith(part))) continue;
    const recording = new Recording(name, { cols: script.cols ?? 100, rows: script.rows ?? 30 });
    try {
      await recording.finish(await script.run(recording));
    } finally {
      await recording.tmux.kill();
    }
  }
} finally {
  rmSync(kDemo, { recursive: true, force: true });
}
