// The first oracle: a private tmux whose panes take exact bytes and tell what they show.
//
// A pane runs a `cat` of a FIFO in a raw terminal, so that it gets the bytes as they are. Its pipe tells when they have been taken in:
// tmux writes to the pipe and parses in one step, before it looks at the next command. Commands go over one control connection that
// is there from the beginning (one that connects while sessions come and go can end a tmux 3.3a).
import { execFileSync, spawn } from "node:child_process";
import { constants, openSync, rmSync } from "node:fs";
import net from "node:net";
import path from "node:path";

import { kRepository } from "../harness/server.mjs";
import { Tmux } from "../harness/tmux.mjs";
import { within } from "../harness/wait.mjs";
import { captureRows } from "./capture.mjs";
import { withoutStyles } from "./look.mjs";

// tmux answers in a millisecond; megabytes on a busy machine take seconds.
const kAnswerMs = 30_000;

// What display-message is asked for, in this order.
const kFields = [
  "cursor_x", "cursor_y", "alternate_on", "cursor_flag", "insert_flag", "keypad_cursor_flag", "keypad_flag", "origin_flag", "wrap_flag",
  "mouse_standard_flag", "mouse_button_flag", "mouse_all_flag", "mouse_utf8_flag", "mouse_sgr_flag", "scroll_region_upper",
  "scroll_region_lower", "history_size", "pane_width", "pane_height",
];

/** The lines of a control connection as answers, in the order of the commands. */
class Control {
  #rest = "";
  #waiting = [];
  #block;

  constructor(child) {
    this.child = child;
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (piece) => this.#take(piece));
    child.on("close", () => {
      for (const { reject } of this.#waiting) reject(new Error("tmux's control connection has ended"));
    });
  }

  #take(piece) {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      if (!this.#block) {
        const begin = line.match(/^%begin (\d+ \d+) (\d+)$/);
        // Bit 0 of the last number: the command came from this client, not from the attach itself.
        if (begin) this.#block = { id: begin[1], ours: (Number(begin[2]) & 1) === 1, lines: [] };
      } else if (line.startsWith(`%end ${this.#block.id}`) || line.startsWith(`%error ${this.#block.id}`)) {
        const block = this.#block;
        this.#block = undefined;
        if (!block.ours) continue;
        const { resolve, reject } = this.#waiting.shift();
        if (line.startsWith("%end")) resolve(block.lines);
        else reject(new Error(`tmux: ${block.lines.join("\n")}`));
      } else {
        this.#block.lines.push(line);
      }
    }
  }

  /** Sends commands as one line, which tmux runs in one go, and returns the lines of each one's answer. */
  send(...commands) {
    const answers = commands.map(() => new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })));
    this.child.stdin.write(`${commands.join(" ; ")}\n`);
    return within(`tmux answers ${commands[0]}`, kAnswerMs, Promise.all(answers));
  }
}

/** A FIFO's end as a socket. Opened for both directions, so that opening does not wait and reading does not end with a writer. */
function openFifo(file, direction) {
  const fd = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  return new net.Socket({ fd, readable: direction === "read", writable: direction === "write" });
}

class Pane {
  #taken = 0;
  #fed = 0;
  #waiting = [];

  constructor(oracle, id, files) {
    Object.assign(this, { oracle, id, files });
    this.input = openFifo(files.input, "write");
    this.output = openFifo(files.output, "read");
    this.replies = openFifo(files.replies, "read");
    this.output.on("data", (piece) => {
      this.#taken += piece.length;
      while (this.#waiting.length > 0 && this.#waiting[0].at <= this.#taken) this.#waiting.shift().resolve();
    });
    this.onReply = () => {};
    this.replies.on("data", (piece) => this.onReply(piece));
  }

  /** Resolves when tmux has taken in all of the bytes. */
  feed(bytes) {
    if (bytes.length === 0) return Promise.resolve();
    this.#fed += bytes.length;
    const at = this.#fed;
    const done = new Promise((resolve) => this.#waiting.push({ at, resolve }));
    this.input.write(bytes);
    return within(`tmux takes ${bytes.length} bytes`, kAnswerMs, done);
  }

  async resize(cols, rows) {
    await this.oracle.control.send(`resize-window -t ${this.id} -x ${cols} -y ${rows}`);
  }

  /** What the pane shows, as look.mjs describes it; with `history` also the scrollback. */
  async look({ history = false } = {}) {
    const format = kFields.map((name) => `#{${name}}`).join(" ");
    const capture = `capture-pane -p -e -N -t ${this.id}`;
    const [[numbers], [tabs], [title], screen, past] = await this.oracle.control.send(
      `display-message -p -t ${this.id} "${format}"`,
      `display-message -p -t ${this.id} "#{pane_tabs}"`,
      `display-message -p -t ${this.id} "#{pane_title}"`,
      capture,
      ...(history ? [`${capture} -S - -E -1`] : []),
    );
    const value = Object.fromEntries(numbers.split(" ").map((text, i) => [kFields[i], Number(text)]));
    // Without scrollback tmux takes "up to line -1" for the screen's first line.
    const scrollback = history && value.history_size > 0 ? captureRows(past) : [];
    return {
      size: [value.pane_width, value.pane_height],
      cursor: [value.cursor_x, value.cursor_y],
      cursorVisible: value.cursor_flag === 1,
      alternate: value.alternate_on === 1,
      modes: {
        insert: value.insert_flag === 1, cursorKeys: value.keypad_cursor_flag === 1, keypad: value.keypad_flag === 1,
        origin: value.origin_flag === 1, wrap: value.wrap_flag === 1,
        mouse: value.mouse_all_flag ? 1003 : value.mouse_button_flag ? 1002 : value.mouse_standard_flag ? 1000 : 0,
        mouseUtf8: value.mouse_utf8_flag === 1, mouseSgr: value.mouse_sgr_flag === 1,
      },
      region: [value.scroll_region_upper, value.scroll_region_lower],
      tabs,
      title,
      rows: captureRows(screen),
      historySize: value.history_size,
      ...(history ? { history: scrollback } : {}),
    };
  }

  /** Scrollback and screen as text, one line where the terminal wrapped. */
  async joined() {
    const [lines] = await this.oracle.control.send(`capture-pane -p -e -N -J -S - -t ${this.id}`);
    return captureRows(lines).map((row) => withoutStyles(row));
  }

  async close() {
    await this.oracle.control.send(`kill-session -t ${this.id}`).catch(() => {});
    for (const socket of [this.input, this.output, this.replies]) socket.destroy();
    for (const file of Object.values(this.files)) rmSync(file, { force: true });
  }
}

export class TmuxOracle {
  #count = 0;

  /** Starts the server with the product's own configuration. */
  static async start({ historyLimit = 2000 } = {}) {
    const oracle = new TmuxOracle();
    oracle.tmux = new Tmux();
    oracle.folder = oracle.tmux.folder;
    oracle.tmux.run("-f", path.join(kRepository, "ops/tmux.conf"), "new-session", "-d", "-s", "keep", "--", "sleep", "86400", ";",
      "set-option", "-g", "history-limit", String(historyLimit));
    const child = spawn("tmux", ["-u", "-C", "-L", oracle.tmux.socket, "attach-session", "-t", "=keep", "-f", "no-output,ignore-size"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, TMUX_TMPDIR: oracle.folder, TMUX: undefined, LANG: "C.UTF-8", LC_ALL: "C.UTF-8" },
    });
    oracle.control = new Control(child);
    [[oracle.pid]] = await oracle.control.send('display-message -p "#{pid}"');
    oracle.pid = Number(oracle.pid);
    return oracle;
  }

  async pane(cols, rows) {
    const number = ++this.#count;
    const file = (kind) => path.join(this.folder, `${kind}-${number}`);
    const files = { input: file("input"), output: file("output"), replies: file("replies") };
    execFileSync("mkfifo", Object.values(files));
    // What tmux answers to queries is drained: it must not fill the terminal's own queue.
    const program = `stty raw -echo; cat ${files.input} & exec cat >${files.replies}`;
    const [[id]] = await this.control.send(
      `new-session -d -P -F "#{pane_id}" -s p${number} -x ${cols} -y ${rows} -- sh -c '${program}'`,
      `pipe-pane -O -t =p${number}: 'exec cat >${files.output}'`,
      `select-pane -t =p${number}: -T ""`, // tmux begins with the machine's name
    );
    return new Pane(this, id, files);
  }

  async kill() {
    this.control.child.stdin.end();
    await this.tmux.kill();
  }
}
