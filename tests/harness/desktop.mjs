// A desktop that shows notifications: a D-Bus session of the test's own, with a program on it that takes org.freedesktop.Notifications, as a
// desktop's shell does. What programs show can be read, and pressed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { until, within } from "./wait.mjs";

// Debian's own: another Python has not Debian's modules.
const kPython = "/usr/bin/python3";
const kShell = path.join(path.dirname(fileURLToPath(import.meta.url)), "desktop_shell.py");
const kStartMs = 30_000;

const works = (program, ...argv) => spawnSync(program, argv, { stdio: "ignore" }).status === 0;
/** For `test(..., {skip})`. ./dev test installs what is missing. */
export const skipWithoutDesktop =
  works("dbus-daemon", "--version") && works(kPython, "-c", "import dbus, gi") ? false : "skipped: no dbus-daemon, python3-dbus or python3-gi";

export class Desktop {
  static async start() {
    const desktop = new Desktop();
    desktop.shown = []; // in the order of showing: { id, app, summary, body, actions: [[key, label]] }
    desktop.closed = []; // ids
    desktop.bus = spawn("dbus-daemon", ["--session", "--nofork", "--print-address=1"], { stdio: ["ignore", "pipe", "ignore"] });
    const [address] = await within("the address of the bus", kStartMs, once(createInterface({ input: desktop.bus.stdout }), "line"));
    desktop.address = address;
    desktop.shell = spawn(kPython, [kShell], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: address } });
    createInterface({ input: desktop.shell.stdout }).on("line", (line) => desktop.#heard(JSON.parse(line)));
    await until("the desktop takes notifications", () => desktop.ready, { timeoutMs: kStartMs });
    return desktop;
  }

  /** For a program that shows notifications. */
  get environment() {
    return { DBUS_SESSION_BUS_ADDRESS: this.address };
  }

  #heard(message) {
    if (message.ready) this.ready = true;
    if (message.closed) this.closed.push(message.closed);
    if (message.shown) this.shown.push(message.shown);
  }

  /** The newest notification that matches, once it is shown. */
  async notification(matches, { timeoutMs } = {}) {
    return until("a notification on the desktop", () => this.shown.findLast(matches), { timeoutMs, stepMs: 20 });
  }

  /** Presses the button with this label, or the notification itself ("default"). */
  press(notification, label) {
    const [key] = label === "default" ? ["default"] : (notification.actions.find(([, text]) => text === label) ?? []);
    if (key === undefined) throw new Error(`no button ${label}: ${JSON.stringify(notification.actions)}`);
    this.shell.stdin.write(`${JSON.stringify({ press: notification.id, key })}\n`);
  }

  async stop() {
    for (const child of [this.shell, this.bus]) {
      if (!child || child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
  }
}
