// A client of the terminal socket (docs/protocol.md) that does what the page does: credit, input numbers, resending and resuming.
//
// One Terminal is one channel. Its bytes are checked for being contiguous and hashed, so that a test can compare them with the log.
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import WebSocket from "ws";

import { until } from "./wait.mjs";

export const kFrame = { data: 1, snapshot: 2, input: 3, ackOutput: 4, ackInput: 5, echo: 6 };
const kHeaderBytes = 13;
// Tries to come back this often while the dashboard is down; a real page waits longer.
const kReconnectMs = 20;
// What a Terminal keeps of the newest output for tests that look for a text.
const kTailBytes = 256 * 1024;
// Inputs sent and not acknowledged: the rest waits here, as in the page.
const kWindowInputs = 256;

export function encodeFrame(type, channel, number, payload = Buffer.alloc(0)) {
  const frame = Buffer.alloc(kHeaderBytes + payload.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32LE(channel, 1);
  frame.writeBigUInt64LE(BigInt(number), 5);
  payload.copy(frame, kHeaderBytes);
  return frame;
}

export function decodeFrame(bytes) {
  return {
    type: bytes.readUInt8(0),
    channel: bytes.readUInt32LE(1),
    number: Number(bytes.readBigUInt64LE(5)),
    payload: bytes.subarray(kHeaderBytes),
  };
}

/** A WebSocket with a ticket, open. For tests of the protocol itself; terminals use TerminalSocket. `origin: null` sends none. */
export async function openWebSocket(api, { ticket, origin = api.baseUrl(), subprotocols, headers } = {}) {
  ticket ??= await api.ticket();
  const url = `${api.baseUrl().replace(/^http/, "ws")}/ws`;
  const socket = new WebSocket(url, subprotocols ?? ["ccd.v1", `ticket.${ticket}`], { origin: origin ?? undefined, headers, perMessageDeflate: false });
  socket.seen = []; // every message, parsed: {text} or {frame}
  socket.on("message", (bytes, binary) => {
    socket.seen.push(binary ? { frame: decodeFrame(bytes) } : { text: JSON.parse(bytes.toString("utf8")) });
  });
  socket.closed = new Promise((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
    socket.once("unexpected-response", (_, response) => {
      response.resume();
      reject(Object.assign(new Error(`the upgrade was answered with ${response.statusCode}`), { status: response.statusCode }));
    });
  });
  socket.on("error", () => {});
  return socket;
}

/** One channel: a session as one viewer sees it. */
class Terminal {
  constructor(socket, channel, options) {
    this.socket = socket;
    this.channel = channel;
    this.session = options.session;
    this.client = options.client ?? randomBytes(16).toString("hex");
    this.size = { cols: options.cols ?? 80, rows: options.rows ?? 24 };
    this.from = options.from ?? "screen";
    this.acks = options.acks ?? "always"; // or "never": a viewer who stalls
    this.echo = options.echo ?? true;     // takes ECHO frames, as the page does
    this.keep = options.keep ?? false;    // keep all bytes, not only the hash and the newest
    this.first = undefined;   // offset of the first byte seen
    this.offset = undefined;  // next byte expected
    this.opened = undefined;  // the newest `opened` message
    this.openedCount = 0;
    this.sizes = [];
    this.snapshots = 0;
    this.faults = [];         // what broke the protocol's promises
    this.errors = [];         // `error` messages for this channel
    this.resets = 0;
    this.echoes = 0;          // outputs that carried an acknowledgement
    this.bytes = 0;
    this.pieces = [];
    this.tail = Buffer.alloc(0);
    this.hash = createHash("sha256");
    this.nextInput = 1;
    this.unacked = new Map(); // input number -> bytes
    this.sentUpTo = 0;        // the highest number sent on this connection
    this.ackedInput = 0;
    this.resent = 0;
  }

  get text() {
    return this.tail.toString("utf8");
  }
  digest() {
    return this.hash.copy().digest("hex");
  }

  /** Types; returns the input's number. */
  type(text) {
    const number = this.nextInput++;
    this.unacked.set(number, Buffer.from(text));
    this.#pumpInput();
    return number;
  }
  async allAcked(timeoutMs = 30_000) {
    await until(`every input is acknowledged (${this.unacked.size} are not)`, () => this.unacked.size === 0, { timeoutMs });
  }
  async waitFor(pattern, timeoutMs) {
    const found = () => (typeof pattern === "string" ? this.text.includes(pattern) : this.text.match(pattern));
    try {
      return await until(`output with ${pattern}`, found, { timeoutMs });
    } catch (error) {
      error.message += `\n--- newest output ---\n${JSON.stringify(this.text.slice(-1500))}`;
      throw error;
    }
  }
  /** Waits until everything below `offset` has come. */
  async reaches(offset, timeoutMs = 30_000) {
    await until(`output up to ${offset} (is at ${this.offset})`, () => this.offset >= offset, { timeoutMs });
  }
  resize(cols, rows) {
    this.size = { cols, rows };
    this.socket.sendText({ type: "resize", channel: this.channel, cols, rows });
  }
  /** Asks for a snapshot with so many lines of scrollback. */
  scrollback(lines) {
    this.socket.sendText({ type: "scrollback", channel: this.channel, lines });
  }
  fit() {
    this.socket.sendText({ type: "fit", channel: this.channel });
  }
  close() {
    this.socket.sendText({ type: "close", channel: this.channel });
    this.socket.terminals.delete(this.channel);
  }
  /** Returns credit by hand, for viewers with acks: "never". */
  ack(offset = this.offset) {
    this.socket.sendFrame(kFrame.ackOutput, this.channel, offset);
  }

  // --- called by the socket

  sendOpen() {
    this.sentUpTo = 0;
    this.isOpen = false;
    this.socket.sendText({
      type: "open", channel: this.channel, session: this.session, client: this.client, ...this.size, from: this.offset ?? this.from,
      echo: this.echo,
    });
  }
  onText(message) {
    switch (message.type) {
      case "opened":
        this.opened = message;
        this.openedCount += 1;
        this.isOpen = true;
        if (this.offset === undefined) this.first = this.offset = message.offset;
        else if (message.offset !== this.offset) this.#fault(`opened at ${message.offset}, asked for ${this.offset}`);
        this.#resend();
        break;
      case "size":
        this.sizes.push(message);
        break;
      case "history":
        this.history = message;
        break;
      case "people":
        this.people = message.people;
        break;
      case "input_reset":
        this.resets += 1;
        this.#resend();
        break;
      case "error":
        this.errors.push(message);
        break;
      case "closed":
        this.closed = message;
        break;
    }
  }
  onFrame({ type, number, payload }) {
    if (type === kFrame.data) this.#data(number, payload);
    else if (type === kFrame.snapshot) {
      this.snapshots += 1;
      // Nothing was received before the first one: then the stretch that is hashed begins here.
      if (this.bytes === 0) this.first = number;
      this.offset = number;
      this.screen = payload;
      this.tail = Buffer.from(payload).subarray(-kTailBytes);
      if (this.acks === "always") this.ack();
    } else if (type === kFrame.ackInput) this.#inputTaken(number);
    else if (type === kFrame.echo) {
      this.echoes += 1;
      this.#data(number, payload.subarray(8));
      this.#inputTaken(Number(payload.readBigUInt64LE(0)));
    }
    else this.#fault(`frame of type ${type}`);
  }
  #data(number, payload) {
    if (this.offset !== undefined && number !== this.offset) this.#fault(`data at ${number}, expected ${this.offset}`);
    this.first ??= number;
    this.offset = number + payload.length;
    this.bytes += payload.length;
    this.hash.update(payload);
    if (this.keep) this.pieces.push(Buffer.from(payload));
    this.tail = Buffer.concat([this.tail, payload]).subarray(-kTailBytes);
    if (this.acks === "always") this.ack();
  }
  #inputTaken(number) {
    if (number >= this.nextInput) this.#fault(`acknowledged input ${number}, which was never sent`);
    this.ackedInput = Math.max(this.ackedInput, number);
    for (const sent of this.unacked.keys()) {
      if (sent > number) break;
      this.unacked.delete(sent);
    }
    this.#pumpInput();
  }
  #resend() {
    this.sentUpTo = this.ackedInput;
    this.resent += this.unacked.size;
    this.#pumpInput();
  }
  /** Sends what is due, in order, up to the window. */
  #pumpInput() {
    if (!this.isOpen || !this.socket.connected) return;
    const limit = this.ackedInput + kWindowInputs;
    for (let number = Math.max(this.sentUpTo, this.ackedInput) + 1; number < this.nextInput && number <= limit; ++number) {
      this.socket.sendFrame(kFrame.input, this.channel, number, this.unacked.get(number));
      this.sentUpTo = number;
    }
  }
  #fault(what) {
    if (this.faults.length < 20) this.faults.push(what);
  }
}

const openSockets = new Set();

/** Ends every socket to the address: what a failed test left open would go on trying to come back. */
export function endSockets(url) {
  for (const socket of openSockets) if (socket.url === url) socket.end();
}

export class TerminalSocket {
  /** A connected socket that comes back by itself until close(). */
  static async connect(api, { reconnect = true } = {}) {
    const socket = new TerminalSocket(api, { reconnect });
    await socket.#connect();
    return socket;
  }
  constructor(api, { reconnect }) {
    this.api = api;
    this.url = api.baseUrl();
    openSockets.add(this);
    this.reconnect = reconnect;
    this.terminals = new Map();
    this.nextChannel = 1;
    this.messages = []; // text messages without a channel: hello, session, session_removed, error
    this.connections = 0;
    this.closeCodes = [];
    this.connected = false;
    this.ending = false;
  }

  async open(options) {
    const terminal = new Terminal(this, this.nextChannel++, options);
    this.terminals.set(terminal.channel, terminal);
    terminal.sendOpen();
    await until(`session ${terminal.session} is opened`, () => {
      if (terminal.errors.length > 0) {
        throw Object.assign(new Error(`open was refused: ${JSON.stringify(terminal.errors[0])}`), { final: true });
      }
      return terminal.openedCount > 0;
    });
    return terminal;
  }

  sendText(message) {
    if (this.connected) this.ws.send(JSON.stringify(message));
  }
  sendFrame(type, channel, number, payload) {
    if (this.connected) this.ws.send(encodeFrame(type, channel, number, payload));
  }

  /** Cuts the connection as a lost network would: no close frame. */
  cut() {
    this.ws?.terminate();
  }
  /** Stops taking bytes from the connection: what a suspended page does. */
  pause() {
    this.ws._socket.pause();
  }
  unpause() {
    this.ws._socket.resume();
  }
  /** At once, for good. */
  end() {
    this.ending = true;
    openSockets.delete(this);
    this.ws?.terminate();
  }
  async close() {
    this.ending = true;
    openSockets.delete(this);
    if (!this.connected) return;
    const closed = this.ws.closed;
    this.ws.close(1000);
    await Promise.race([closed, delay(2000, undefined, { ref: false })]);
    this.ws.terminate();
  }

  async #connect() {
    const ws = await openWebSocket(this.api);
    this.ws = ws;
    this.connected = true;
    this.connections += 1;
    ws.removeAllListeners("message");
    for (const { text } of ws.seen) if (text) this.#onText(text);
    ws.on("message", (bytes, binary) => {
      if (this.ws !== ws) return;
      if (!binary) return this.#onText(JSON.parse(bytes.toString("utf8")));
      const frame = decodeFrame(bytes);
      this.terminals.get(frame.channel)?.onFrame(frame);
    });
    ws.closed.then(({ code }) => this.#onClose(ws, code));
    for (const terminal of this.terminals.values()) terminal.sendOpen();
  }
  #onText(message) {
    if (message.channel !== undefined) this.terminals.get(message.channel)?.onText(message);
    else this.messages.push(message);
  }
  #onClose(ws, code) {
    if (this.ws !== ws) return;
    this.connected = false;
    this.closeCodes.push(code);
    for (const terminal of this.terminals.values()) terminal.isOpen = false;
    if (this.reconnect && !this.ending && code !== 4401) this.#comeBack();
  }
  async #comeBack() {
    while (!this.ending) {
      try {
        await this.#connect();
        if (this.ending) this.ws.terminate();
        return;
      } catch (error) {
        this.lastError = error;
        if (error.status === 401) return; // the login is over
        await delay(kReconnectMs);
      }
    }
  }
}
