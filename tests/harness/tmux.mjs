// A private tmux server of one test, driven as a person would: by keys and by looking at the screen.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { until } from "./wait.mjs";

// One tmux command answers in milliseconds; a server that hangs must not hang the test.
const kCommandMs = 30_000;

/** A name for `tmux -L` that no other test uses. */
export function uniqueSocketName() {
  return `ccd-test-${process.pid}-${randomBytes(4).toString("hex")}`;
}

export class Tmux {
  /**
   * `folder` is where tmux keeps its sockets (TMUX_TMPDIR); `socket` the -L name. A Tmux made without a folder owns a new one and removes
   * it in `kill`.
   */
  constructor({ folder, socket = uniqueSocketName() } = {}) {
    this.owned = folder === undefined;
    this.folder = folder ?? mkdtempSync(path.join(os.tmpdir(), "ccd-tmux-"));
    this.socket = socket;
  }

  run(...args) {
    return execFileSync("tmux", ["-L", this.socket, ...args], {
      encoding: "utf8",
      timeout: kCommandMs,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TMUX_TMPDIR: this.folder, TMUX: undefined, LANG: "C.UTF-8" },
    });
  }

  /** Starts a detached session with an argv and exactly the given environment. Also starts the server, without any user's config. */
  start(name, argv, { cwd = this.folder, environment = {}, cols = 100, rows = 40 } = {}) {
    const variables = Object.entries({ TERM: "tmux-256color", ...environment }).map(([key, value]) => `${key}=${value}`);
    this.run("-f", "/dev/null", "new-session", "-d", "-s", name, "-x", String(cols), "-y", String(rows), "-c", cwd, "--",
      "env", "-i", ...variables, ...argv);
  }

  /** The visible screen as text. */
  screen(target) {
    return this.run("capture-pane", "-p", "-t", target).replace(/\s+$/, "");
  }

  title(target) {
    return this.run("display-message", "-p", "-t", target, "#{pane_title}").trim();
  }

  type(target, text) {
    this.run("send-keys", "-t", target, "-l", "--", text);
  }

  key(target, ...names) {
    this.run("send-keys", "-t", target, ...names);
  }

  async waitFor(target, pattern, timeoutMs = 30_000) {
    try {
      return await until(`the screen shows ${pattern}`, () => this.screen(target).match(pattern), { timeoutMs, stepMs: 50 });
    } catch (error) {
      error.message += `\n--- screen ---\n${this.screen(target)}\n---`;
      throw error;
    }
  }

  /** Ends the server and waits until the panes' programs are gone, so that their folders can be removed. */
  async kill() {
    let pids = [];
    try {
      pids = this.run("list-panes", "-a", "-F", "#{pane_pid}").trim().split("\n").filter(Boolean).map(Number);
    } catch {
      // No server, or none of its sessions is left.
    }
    try {
      this.run("kill-server");
    } catch {
      // Not running: nothing to end.
    }
    await until("the panes' programs have ended", () => pids.every((pid) => !isAlive(pid))).catch(() => {
      for (const pid of pids.filter(isAlive)) process.kill(pid, "SIGKILL");
    });
    if (this.owned) rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Whether the process exists and has not ended (a zombie has ended). */
export function isAlive(pid) {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
