// Drives the screen model through the program model-driver: models that take bytes and sizes and tell what they show.
//
// Wire: to the program a byte that names the command, four bytes little endian with the payload's length, the payload; back four
// bytes of length and the answer. `n`, `f` and `r` have no answer, so that a feed and the look after it are one round.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";

import { kRepository } from "../harness/server.mjs";
import { within } from "../harness/wait.mjs";
import { modelLineRow } from "./capture.mjs";

const kAnswerMs = 120_000;

/** MODEL_DRIVER, or the newest one that is built. */
export function driverProgram() {
  if (process.env.MODEL_DRIVER) return process.env.MODEL_DRIVER;
  const build = path.join(kRepository, "build");
  const programs = (existsSync(build) ? readdirSync(build) : [])
    .map((preset) => path.join(build, preset, "tests/terminal/model-driver"))
    .filter((file) => existsSync(file))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (programs.length === 0) throw new Error("model-driver is not built: ./dev test terminal builds it");
  return programs[0];
}

export class ModelDriver {
  #rest = Buffer.alloc(0);
  #waiting = [];

  constructor(program = driverProgram()) {
    this.child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdout.on("data", (piece) => this.#take(piece));
    this.child.on("close", (code, signal) => {
      this.ended = new Error(`model-driver has ended (${signal ?? code})`);
      for (const { reject } of this.#waiting) reject(this.ended);
    });
    this.child.stdin.on("error", () => {}); // told by "close"
  }

  #take(piece) {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    while (this.#rest.length >= 4) {
      const length = this.#rest.readUInt32LE(0);
      if (this.#rest.length < 4 + length) return;
      this.#waiting.shift().resolve(this.#rest.subarray(4, 4 + length));
      this.#rest = this.#rest.subarray(4 + length);
    }
  }

  #send(command, payload = "") {
    const bytes = Buffer.from(payload);
    const head = Buffer.alloc(5);
    head.write(command, 0, "latin1");
    head.writeUInt32LE(bytes.length, 1);
    this.child.stdin.write(head);
    if (bytes.length > 0) this.child.stdin.write(bytes);
  }

  #ask(command, payload) {
    if (this.ended) return Promise.reject(this.ended);
    const answer = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#send(command, payload);
    return within(`model-driver answers ${command}`, kAnswerMs, answer);
  }

  /** A fresh model in place of the one before. `historyLimit` is in lines. */
  start(cols, rows, historyLimit = 2000) {
    this.#send("n", `${cols} ${rows} ${historyLimit}`);
  }
  feed(bytes) {
    this.#send("f", bytes);
  }
  resize(cols, rows) {
    this.#send("r", `${cols} ${rows}`);
  }
  /** What the model shows, as look.mjs describes it; with `history` also the scrollback. */
  async look({ history = false } = {}) {
    return JSON.parse((await this.#ask("d", history ? "history" : "")).toString("utf8"));
  }
  /** The same as viewers are shown it: halves of wide characters are blank. */
  async shown() {
    return JSON.parse((await this.#ask("d", "shown")).toString("utf8"));
  }
  /** The scrollback, read from the pages that viewers get. */
  async pages() {
    return JSON.parse((await this.#ask("d", "pages")).toString("utf8")).historyLines.map(modelLineRow);
  }
  snapshot() {
    return this.#ask("s");
  }
  async text() {
    return (await this.#ask("t")).toString("utf8");
  }
  /** Scrollback and main screen as text, one line where the terminal wrapped. */
  async joined() {
    return (await this.#ask("j")).toString("utf8").split("\n").slice(0, -1);
  }
  /** The cursor's column after `\r`, the prefix and each of `count` code points from `from` on; surrogates without the prefix. */
  async columns(prefix, from, count) {
    return [...(await this.#ask("w", `${from} ${count} ${prefix}`))];
  }
  /**
   * Checks the properties on what was fed since `start`: any chunking gives the same screen, and a fresh model that takes a snapshot and
   * then the rest ends like one that took everything. Returns {comparisons, findings: [text]}.
   */
  async properties(seed, cuts) {
    return JSON.parse((await this.#ask("p", `${seed} ${cuts}`)).toString("utf8"));
  }
  /** Bytes of memory that the model holds, as it counts them itself. */
  async memory() {
    return Number((await this.#ask("m")).toString("latin1"));
  }

  async end() {
    if (this.ended) return;
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    this.child.stdin.end();
    await within("model-driver ends", kAnswerMs, ended);
  }
}
