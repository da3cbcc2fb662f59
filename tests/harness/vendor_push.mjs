// Google's push service as Chromium sees it, on this machine: check-in, registration, the MCS connection that messages come down on, and
// the address that the dashboard sends to, behind a CONNECT proxy. Chromium's own switches (--gcm-*) lead it here; nothing in Chromium is replaced.
//
// What Google does with a message is handing it on: it stays sealed here too, so it is read by Chromium or by nobody.
import { randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";
import tls from "node:tls";

import { bodyOf, vapidFault } from "./push_service.mjs";

// --- protocol buffers, as far as these few messages need them

function varint(number) {
  const bytes = [];
  let rest = BigInt(number);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}
const field = (number, wireType, content) => Buffer.concat([varint(number * 8 + wireType), content]);
const int = (number, value) => field(number, 0, varint(value));
const bytes = (number, value) => field(number, 2, Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)]));
function fixed64(number, value) {
  const eight = Buffer.alloc(8);
  eight.writeBigUInt64LE(BigInt(value));
  return field(number, 1, eight);
}

/** The length-delimited fields of a message, as [number, bytes]. */
function fields(message) {
  const found = [];
  let at = 0;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at];
      at += 1;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = number();
    if (key % 8 === 0) number();
    else if (key % 8 === 1) at += 8;
    else {
      const length = number();
      found.push([Math.floor(key / 8), message.subarray(at, at + length)]);
      at += length;
    }
  }
  return found;
}

// --- MCS: tags of its messages (google_apis/gcm/base/mcs_util.h), and the fields that are used

const kVersion = 41;
const kTag = { ping: 0, pong: 1, login: 2, loggedIn: 3, close: 4, iq: 7, data: 8 };
const kReceivedIds = 10; // of a login: persistent ids of messages that need not come again

export class VendorPush {
  /** `certificate`: { key, cert } for localhost; `sendHost`: the host that endpoints name, whose certificate `sendCertificate` is. */
  static async start({ certificate, sendCertificates }) {
    const vendor = new VendorPush();
    vendor.androidId = 4_242_424_242n;
    vendor.securityToken = 777_777_777n;
    vendor.registrations = new Map(); // token -> the form that Chromium sent
    vendor.sent = [];     // what the dashboard sent: { token, status, headers, body, fault }
    vendor.pending = [];  // messages on their way to Chromium: { id, bytes }
    vendor.link = null;   // the logged-in MCS connection
    vendor.front = https.createServer(certificate, (request, response) => void vendor.#front(request, response));
    vendor.mcs = tls.createServer(certificate, (socket) => vendor.#connected(socket));
    vendor.receivers = new Map(Object.entries(sendCertificates).map(([host, own]) => [host, https.createServer(own, (request, response) => void vendor.#send(host, request, response))]));
    vendor.proxy = http.createServer((_, response) => response.writeHead(405).end());
    vendor.proxied = []; // what was asked of the proxy
    vendor.proxy.on("connect", (request, socket) => vendor.#tunnel(request, socket));
    const listening = [vendor.front, vendor.mcs, vendor.proxy, ...vendor.receivers.values()];
    await Promise.all(listening.map((server) => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))));
    return vendor;
  }

  /** Switches for Chromium. */
  get switches() {
    const front = `https://localhost:${this.front.address().port}`;
    return [`--gcm-checkin-url=${front}/checkin`, `--gcm-registration-url=${front}/register`, `--gcm-mcs-endpoint=https://localhost:${this.mcs.address().port}`];
  }

  /** For the dashboard: NOTIFY_PROXY. */
  get proxyUrl() {
    return `http://127.0.0.1:${this.proxy.address().port}`;
  }

  async stop() {
    for (const server of [this.front, this.mcs, this.proxy, ...this.receivers.values()]) {
      server.closeAllConnections?.();
      server.close();
    }
    this.link?.destroy();
    for (const socket of this.tunnels ?? []) socket.destroy();
  }

  async #front(request, response) {
    const body = await bodyOf(request);
    if (request.url === "/checkin") {
      const reply = Buffer.concat([int(1, 1), int(3, Date.now()), int(9, 0), fixed64(7, this.androidId), fixed64(8, this.securityToken)]);
      return response.writeHead(200, { "content-type": "application/x-protobuffer" }).end(reply);
    }
    if (request.url !== "/register") return response.writeHead(404).end();
    if (request.headers.authorization !== `AidLogin ${this.androidId}:${this.securityToken}`) return response.end("Error=AUTHENTICATION_FAILED");
    const form = new URLSearchParams(body.toString());
    if (form.get("delete") === "true") {
      for (const [token, known] of this.registrations) if (known.get("X-subtype") === form.get("X-subtype")) this.registrations.delete(token);
      return response.end("token=deleted");
    }
    const token = randomBytes(24).toString("base64url");
    this.registrations.set(token, form);
    return response.end(`token=${token}`);
  }

  #connected(socket) {
    let buffer = Buffer.alloc(0);
    let versionSeen = false;
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.link === socket) this.link = null;
    });
    socket.on("data", (piece) => {
      buffer = Buffer.concat([buffer, piece]);
      if (!versionSeen && buffer.length > 0) {
        buffer = buffer.subarray(1);
        versionSeen = true;
      }
      for (;;) {
        const frame = takeFrame(buffer);
        if (!frame) return;
        buffer = frame.rest;
        this.#taken(socket, frame.tag, frame.message);
      }
    });
  }

  #taken(socket, tag, message) {
    if (tag === kTag.ping) return socket.write(Buffer.from([kTag.pong, 0]));
    if (tag !== kTag.login) return undefined;
    const received = new Set(fields(message).filter(([number]) => number === kReceivedIds).map(([, id]) => id.toString()));
    this.pending = this.pending.filter(({ id }) => !received.has(id));
    const reply = Buffer.concat([bytes(1, "1"), int(8, Date.now())]);
    socket.write(Buffer.concat([Buffer.from([kVersion, kTag.loggedIn]), varint(reply.length), reply]));
    this.link = socket;
    for (const waiting of this.pending) socket.write(waiting.frame);
    return undefined;
  }

  // The address that subscriptions of this browser name. What is right about a request is what Google's documents and RFC 8292 ask.
  async #send(host, request, response) {
    const body = await bodyOf(request);
    const token = request.url.split("/").at(-1);
    const form = this.registrations.get(token);
    const taken = { token, host, headers: request.headers, body };
    if (!form) return this.#answer(taken, response, 404);
    taken.fault = await vapidFault(request.headers.authorization, `https://${host}`, form.get("sender"));
    if (taken.fault) return this.#answer(taken, response, 403);
    const pair = (name, value) => bytes(7, Buffer.concat([bytes(1, name), bytes(2, value)]));
    const id = randomBytes(8).toString("hex");
    const stanza = Buffer.concat([
      bytes(2, id), bytes(3, form.get("sender")), bytes(5, form.get("app")), pair("subtype", form.get("X-subtype")),
      pair("content-encoding", request.headers["content-encoding"]), bytes(9, id), int(17, request.headers.ttl), int(18, Date.now()), bytes(21, body),
    ]);
    const waiting = { id, frame: Buffer.concat([Buffer.from([kTag.data]), varint(stanza.length), stanza]) };
    this.pending.push(waiting);
    this.link?.write(waiting.frame);
    return this.#answer(taken, response, 201);
  }

  #answer(taken, response, status) {
    this.sent.push({ ...taken, status });
    response.writeHead(status).end();
  }

  #tunnel(request, socket) {
    this.proxied.push(request.url);
    const receiver = this.receivers.get(request.url.replace(/:443$/, ""));
    socket.on("error", () => {});
    if (!receiver) return socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
    receiver.emit("connection", socket);
    (this.tunnels ??= new Set()).add(socket);
    return undefined;
  }
}

function takeFrame(buffer) {
  let size = 0;
  let at = 1;
  for (let shift = 0; ; shift += 7) {
    if (at >= buffer.length) return undefined;
    const byte = buffer[at];
    at += 1;
    size += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (buffer.length < at + size) return undefined;
  return { tag: buffer[0], message: buffer.subarray(at, at + size), rest: buffer.subarray(at + size) };
}
