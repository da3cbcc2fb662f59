// A push service on this machine, and the browsers that subscribe to it: what is sent is decrypted as a user agent does it (RFC 8291), with
// WebCrypto and keys of its own, and the sender's token is verified (RFC 8292). Nothing of the dashboard's own code is in here.
import { randomBytes, webcrypto } from "node:crypto";
import http from "node:http";

import { until } from "./wait.mjs";

const { subtle } = webcrypto;
const kCurve = { name: "ECDH", namedCurve: "P-256" };
const kMaxBody = 4096;
const kMaxExpirySeconds = 24 * 3600;

const base64url = (bytes) => Buffer.from(bytes).toString("base64url");
const unbase64url = (text) => Buffer.from(text, "base64url");

async function hkdf(secret, salt, info, bytes) {
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  return Buffer.from(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, bytes * 8));
}

/** A browser's side of a subscription: its keys, and reading what comes. */
export class UserAgent {
  static async make() {
    const agent = new UserAgent();
    agent.pair = await subtle.generateKey(kCurve, true, ["deriveBits"]);
    agent.publicKey = Buffer.from(await subtle.exportKey("raw", agent.pair.publicKey));
    agent.auth = randomBytes(16);
    return agent;
  }

  get keys() {
    return { p256dh: base64url(this.publicKey), auth: base64url(this.auth) };
  }

  /** The text of one message in the coding aes128gcm, or an error that says what is wrong with it. */
  async decrypt(body) {
    const salt = body.subarray(0, 16);
    const recordSize = body.readUInt32BE(16);
    const sender = body.subarray(21, 21 + body[20]);
    if (sender.length !== 65 || sender[0] !== 4) throw new Error("the key id is not the sender's public key");
    const sealed = body.subarray(21 + sender.length);
    if (sealed.length > recordSize) throw new Error("a push message has one record");
    const peer = await subtle.importKey("raw", sender, kCurve, false, []);
    const shared = Buffer.from(await subtle.deriveBits({ name: "ECDH", public: peer }, this.pair.privateKey, 256));
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.publicKey, sender]);
    const secret = await hkdf(shared, this.auth, info, 32);
    const key = await subtle.importKey("raw", await hkdf(secret, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16), "AES-GCM", false, ["decrypt"]);
    const iv = await hkdf(secret, salt, Buffer.from("Content-Encoding: nonce\0"), 12);
    const plain = Buffer.from(await subtle.decrypt({ name: "AES-GCM", iv, tagLength: 128 }, key, sealed));
    let end = plain.length;
    while (end > 0 && plain[end - 1] === 0) end -= 1;
    if (plain[end - 1] !== 2) throw new Error("the last record does not end with its delimiter");
    return plain.subarray(0, end - 1).toString("utf8");
  }
}

/** What is wrong with the header Authorization for this origin, or undefined. `key`: the subscription's application server key. */
export async function vapidFault(header, origin, key) {
  const match = /^vapid t=([\w-]+\.[\w-]+\.[\w-]+), ?k=([\w-]+)$/.exec(header ?? "");
  if (!match) return `no vapid header: ${header}`;
  const [, token, sender] = match;
  if (sender !== key) return "another key than the subscription's";
  const [head, claims, signature] = token.split(".");
  const { alg } = JSON.parse(unbase64url(head));
  const { aud, exp, sub } = JSON.parse(unbase64url(claims));
  if (alg !== "ES256") return `alg ${alg}`;
  if (aud !== origin) return `aud ${aud} for ${origin}`;
  const left = exp - Date.now() / 1000;
  if (!(left > 0 && left <= kMaxExpirySeconds)) return `exp ${exp}`;
  if (!/^(mailto:|https:)/.test(sub)) return `sub ${sub}`;
  const verifier = await subtle.importKey("raw", unbase64url(sender), { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  const good = await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, verifier, unbase64url(signature), Buffer.from(`${head}.${claims}`));
  return good ? undefined : "the signature is not the key's";
}

export async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

export class PushService {
  /** Listens on loopback, without TLS. */
  static async start() {
    const service = new PushService();
    service.subscriptions = new Map(); // id -> { agent, key, answers }
    service.messages = []; // in the order of arrival: { id, headers, body, text (decrypted), json, fault, at, status }
    service.server = http.createServer((request, response) => void service.#take(request, response));
    await new Promise((resolve) => service.server.listen(0, "127.0.0.1", resolve));
    service.url = `http://127.0.0.1:${service.server.address().port}`;
    return service;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** A new browser that subscribes with the application server's key: what PushManager.subscribe() gives its page. */
  async subscribe(applicationServerKey) {
    const id = randomBytes(16).toString("base64url");
    const agent = await UserAgent.make();
    this.subscriptions.set(id, { agent, key: applicationServerKey, answers: [] });
    return { id, endpoint: `${this.url}/send/${id}`, keys: agent.keys };
  }

  /** The next requests for this browser are answered so, `{ status, headers }`, instead of with 201; "hang" never answers. */
  answer(id, ...answers) {
    this.subscriptions.get(id).answers.push(...answers);
  }

  /** Messages of this browser that the service took. */
  of(id) {
    return this.messages.filter((message) => message.id === id && message.status === 201);
  }

  /** The first message of this browser that matches, once it is there. */
  async next(id, matches = () => true, { timeoutMs } = {}) {
    return until(`a push message for ${id}`, () => this.of(id).find((message) => matches(message.json)), { timeoutMs });
  }

  async #take(request, response) {
    const body = await bodyOf(request);
    const id = request.url.slice("/send/".length);
    const subscription = this.subscriptions.get(id);
    if (!subscription) return response.writeHead(404).end();
    const message = { id, method: request.method, headers: request.headers, body, at: performance.now() };
    const fault = await this.#fault(request, body, subscription);
    if (fault) Object.assign(message, { fault });
    else message.text = await subscription.agent.decrypt(body).catch((error) => void (message.fault = String(error)));
    try {
      message.json = JSON.parse(message.text);
    } catch {
      message.fault ??= "the text is no JSON";
    }
    const answer = message.fault ? { status: 400 } : (subscription.answers.shift() ?? { status: 201 });
    message.status = answer === "hang" ? 0 : answer.status;
    this.messages.push(message);
    if (answer === "hang") return undefined;
    return response.writeHead(answer.status, answer.headers).end(message.fault ?? "");
  }

  async #fault(request, body, { key }) {
    if (request.method !== "POST") return `method ${request.method}`;
    if (request.headers["content-encoding"] !== "aes128gcm") return `content-encoding ${request.headers["content-encoding"]}`;
    if (!/^\d+$/.test(request.headers.ttl ?? "")) return `ttl ${request.headers.ttl}`;
    if (!["very-low", "low", "normal", "high"].includes(request.headers.urgency ?? "normal")) return `urgency ${request.headers.urgency}`;
    if (!/^[\w-]{1,32}$/.test(request.headers.topic ?? "x")) return `topic ${request.headers.topic}`;
    if (body.length > kMaxBody) return `${body.length} bytes`;
    return vapidFault(request.headers.authorization, this.url, key);
  }
}
