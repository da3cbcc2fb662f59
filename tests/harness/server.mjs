// A dashboard under test: the real program with folders, a port and a tmux server of its own, ended and removed afterwards.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { Api } from "./api.mjs";
import { endSockets } from "./socket.mjs";
import { isAlive, Tmux } from "./tmux.mjs";
import { until } from "./wait.mjs";

export const kRepository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
// A start takes well under a second; a sanitized one on a busy machine some seconds.
const kReadyMs = 30_000;
// Draining is promised within 5 s.
const kStopMs = 30_000;
// How often a wait for readiness looks: small against the one second that a restart may take.
const kReadyStepMs = 4;

/** The program to test: DASHBOARD_BINARY, or the newest one under build/. Undefined when nothing is built. */
export function dashboardProgram() {
  if (process.env.DASHBOARD_BINARY) return path.resolve(process.env.DASHBOARD_BINARY);
  const built = ["release", "dev", "asan", "tsan"]
    .map((preset) => path.join(kRepository, "build", preset, "server/dashboard"))
    .filter((program) => existsSync(program));
  return built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

/** For `test(..., {skip})`: a reason where no program is built. Under `./dev test` one always is. */
export const skipWithoutProgram = dashboardProgram() ? false : "skipped: the dashboard is not built";

/** A password that no rule about weak ones can mind. */
export const kPassword = "quiet-lantern-39-harbour-violet";

const live = new Set();
// The last resort when a test file ends by an exception: nothing of ours stays behind.
process.on("exit", () => {
  for (const dashboard of live) dashboard.endNow();
});

export class Dashboard {
  #child;
  #logFd;
  #logStart = 0;

  /** Makes the folders; starts nothing. `settings` are environment variables over the defaults; undefined leaves one out. */
  constructor({ settings = {}, program = dashboardProgram(), wrapper = [] } = {}) {
    if (!program) throw new Error("the dashboard is not built: run ./dev build, or set DASHBOARD_BINARY");
    this.program = program;
    this.wrapper = wrapper; // argv to put before the program, e.g. ["strace", "-f", "-o", file]
    this.folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), "ccd-")));
    this.data = path.join(this.folder, "data");
    this.projects = path.join(this.folder, "projects");
    this.home = path.join(this.folder, "home");
    this.project = path.join(this.projects, "demo");
    this.logFile = path.join(this.folder, "dashboard.log");
    for (const folder of [this.data, this.project, this.home]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const sockets = path.join(this.folder, "tmux");
    mkdirSync(sockets, { mode: 0o700 });
    this.tmux = new Tmux({ folder: sockets });
    this.settings = {
      HOST: "127.0.0.1",
      PORT: "0",
      DATA_DIR: this.data,
      DATABASE_PATH: path.join(this.data, "dashboard.db"),
      ALLOWED_PROJECT_ROOTS: this.projects,
      ALLOWED_FILE_ROOTS: this.projects,
      TMUX_SOCKET: this.tmux.socket,
      CLAUDE_COMMAND: "claude",
      JWT_SECRET: randomBytes(48).toString("base64url"),
      ACCESS_LOG: path.join(this.folder, "access.log"),
      LOG_LEVEL: "info",
      LOG_FORMAT: "text",
      ...settings,
    };
    this.starts = 0;
  }

  /** A running one. */
  static async start(options) {
    const dashboard = new Dashboard(options);
    try {
      await dashboard.up();
    } catch (error) {
      await dashboard.remove();
      throw error;
    }
    return dashboard;
  }

  /** The whole environment of the program: nothing of this machine's own. */
  environment() {
    const passed = ["ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH", "PAGE_DIR"];
    const own = Object.fromEntries(passed.filter((name) => name in process.env).map((name) => [name, process.env[name]]));
    const base = {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: this.home,
      LANG: "C.UTF-8",
      SHELL: "/bin/bash",
      TMUX_TMPDIR: this.tmux.folder,
    };
    const all = { ...base, ...own, ...this.settings };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }
  get pid() {
    return this.#child?.pid;
  }
  get running() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process without waiting; `ended` becomes {code, signal}. */
  spawn() {
    live.add(this);
    this.starts += 1;
    this.#logStart = existsSync(this.logFile) ? statSync(this.logFile).size : 0;
    this.#logFd = openSync(this.logFile, "a");
    const argv = [...this.wrapper, this.program];
    this.#child = spawn(argv[0], argv.slice(1), {
      cwd: this.folder,
      env: this.environment(),
      stdio: ["ignore", this.#logFd, this.#logFd],
    });
    closeSync(this.#logFd);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    this.ended.catch(() => {});
  }

  /** Starts and waits for the ready line. Keeps the port over restarts. Returns the milliseconds from exec to ready. */
  async up() {
    const began = performance.now();
    this.spawn();
    const ready = /INFO main: ready port=(\d+)|"message":"ready".*"port":(\d+)/;
    try {
      const match = await until("the ready line in the dashboard's log", () => {
        const found = this.log({ lastStart: true }).match(ready);
        if (found) return found;
        if (!this.running) throw Object.assign(new Error(`it ended: exit code ${this.#child.exitCode} ${this.#child.signalCode ?? ""}`), { final: true });
        return undefined;
      }, { timeoutMs: kReadyMs, stepMs: kReadyStepMs });
      this.port = Number(match[1] ?? match[2]);
    } catch (error) {
      error.message += `\n--- dashboard's log ---\n${this.log({ lastStart: true }).slice(-4000)}\n---`;
      throw error;
    }
    this.settings.PORT = String(this.port);
    return performance.now() - began;
  }

  /** What it has logged; with `lastStart` only since the newest start. */
  log({ lastStart = false } = {}) {
    if (!existsSync(this.logFile)) return "";
    const bytes = readFileSync(this.logFile);
    return bytes.subarray(lastStart ? this.#logStart : 0).toString("utf8");
  }

  async kill(signal = "SIGKILL") {
    if (this.running) this.#child.kill(signal);
    return this.ended;
  }

  /** SIGTERM, and the exit within the promised time: {code, signal, milliseconds}. */
  async stop() {
    const began = performance.now();
    this.#child.kill("SIGTERM");
    const late = delay(kStopMs, "late", { ref: false });
    const end = await Promise.race([this.ended, late]);
    if (end === "late") {
      await this.kill();
      throw new Error(`the dashboard did not stop within ${kStopMs} ms of SIGTERM\n${this.log({ lastStart: true }).slice(-2000)}`);
    }
    return { ...end, milliseconds: performance.now() - began };
  }

  /** kill -9, start again, ready: the milliseconds from the kill to the answer of /health/ready. */
  async crashAndRestart() {
    const began = performance.now();
    await this.kill("SIGKILL");
    await this.up();
    await until("/health/ready answers 200", async () => (await fetch(`${this.url}/health/ready`)).status === 200, {
      timeoutMs: kReadyMs,
      stepMs: kReadyStepMs,
    });
    return performance.now() - began;
  }

  /** A program's login on this dashboard; the first call makes the account with the setup code. */
  async login({ name = "owner", password = kPassword } = {}) {
    const api = new Api(() => this.url);
    const state = await api.get("/api/auth/state");
    if (state.json.setup_required) await api.setup(this.setupCode(), name, password);
    else await api.login(name, password);
    return api;
  }

  setupCode() {
    return readFileSync(path.join(this.data, "setup-code"), "utf8").trim();
  }

  /** Ends everything that was started and removes the folder. */
  async remove() {
    if (this.port) endSockets(this.url);
    if (this.running) await this.kill("SIGKILL");
    await this.tmux.kill();
    await this.#endLeftovers();
    if (process.env.KEEP_TEST_FOLDERS) console.error(`kept: ${this.folder}`);
    else rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    live.delete(this);
  }

  /**
   * Programs that name our folder or our tmux socket in their command line end by themselves when tmux is gone. One may still have been
   * starting when it went (a tmux server, of a dashboard that was killed at its start): none may stay.
   */
  async #endLeftovers() {
    const mine = () => {
      try {
        return execFileSync("pgrep", ["-f", "--", `${this.folder}|${this.tmux.socket}`], { encoding: "utf8" }).trim().split("\n").map(Number)
          .filter((pid) => pid !== process.pid && isAlive(pid));
      } catch {
        return [];
      }
    };
    await until("the session's helpers have ended", () => mine().length === 0, { timeoutMs: 2000, stepMs: 50 }).catch(() => {
      for (const pid of mine()) process.kill(pid, "SIGKILL");
    });
  }

  /** Without waiting, for a process that is about to exit. */
  endNow() {
    if (this.running) this.#child.kill("SIGKILL");
    try {
      this.tmux.run("kill-server");
    } catch {
      // Not running.
    }
    if (!process.env.KEEP_TEST_FOLDERS) rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
