// A REST client for tests: what a program that uses the dashboard would do, with every response at hand.
import http from "node:http";

// No route takes this long, not even one that waits for an argon2 hash on a busy machine.
const kRequestMs = 30_000;

/** A response: status, headers, the body as bytes, text and (where it is JSON) a value. */
class Answer {
  constructor(status, headers, body) {
    Object.assign(this, { status, headers, body });
  }
  get text() {
    return this.body.toString("utf8");
  }
  get json() {
    return JSON.parse(this.text);
  }
  /** The error's code, where the body is one of the API's errors. */
  get code() {
    try {
      return this.json.error?.code;
    } catch {
      return undefined;
    }
  }
}

/**
 * One HTTP request with full control: nothing is added but Host (and Content-Length where there is a body), and `path` goes out byte for
 * byte as given, which fetch() would not do.
 */
export function request(url, { method = "GET", path = "/", headers = {}, body, agent, timeoutMs = kRequestMs } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const all = { ...headers };
    if (body !== undefined) all["content-length"] ??= Buffer.byteLength(body);
    const outgoing = http.request({ hostname, port, method, path, headers: all, agent, setDefaultHeaders: true }, (incoming) => {
      const pieces = [];
      incoming.on("data", (piece) => pieces.push(piece));
      incoming.on("end", () => resolve(new Answer(incoming.statusCode, incoming.headers, Buffer.concat(pieces))));
      incoming.on("error", reject);
    });
    outgoing.setTimeout(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms: ${method} ${path}`)));
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

export class Api {
  /** `url` may be a function: a dashboard's port is known only once it runs. */
  constructor(url) {
    this.baseUrl = typeof url === "function" ? url : () => url;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    this.accessToken = undefined;
    this.refreshToken = undefined;
  }

  /** The request with this login's bearer token; `json` becomes the body. Never throws for a status. */
  async send(method, path, { json, headers = {}, body, ...rest } = {}) {
    const all = { ...headers };
    if (this.accessToken && !("authorization" in all)) all.authorization = `Bearer ${this.accessToken}`;
    if (all.authorization === null) delete all.authorization;
    if (json !== undefined) {
      all["content-type"] ??= "application/json";
      body = JSON.stringify(json);
    }
    const options = { method, path, headers: all, body, agent: this.agent, ...rest };
    try {
      return await request(this.baseUrl(), options);
    } catch (error) {
      // A kept connection that the server closed in the meantime (a restart): once more on a new one, where that is harmless.
      if (method !== "GET" || !["ECONNRESET", "EPIPE"].includes(error.code)) throw error;
      return request(this.baseUrl(), { ...options, agent: undefined });
    }
  }

  /** The same, and an error unless the status is one of `expected`. */
  async must(method, path, options = {}, expected = [200, 201, 204]) {
    const answer = await this.send(method, path, options);
    if (!expected.includes(answer.status)) {
      const error = new Error(`${method} ${path}: ${answer.status} instead of ${expected.join("/")}: ${answer.text.slice(0, 500)}`);
      throw Object.assign(error, { status: answer.status });
    }
    return answer;
  }

  get(path, options) {
    return this.must("GET", path, options);
  }
  post(path, json, options = {}) {
    return this.must("POST", path, { json, ...options });
  }

  #keep(answer) {
    const login = answer.json;
    this.accessToken = login.access_token;
    this.refreshToken = login.refresh_token;
    return login;
  }
  async setup(code, name, password) {
    return this.#keep(await this.post("/api/auth/setup", { code, name, password, transport: "bearer" }));
  }
  async login(name, password) {
    return this.#keep(await this.post("/api/auth/login", { name, password, transport: "bearer" }));
  }
  async refresh() {
    const body = { refresh_token: this.refreshToken, transport: "bearer" };
    return this.#keep(await this.post("/api/auth/refresh", body, { headers: { authorization: null } }));
  }

  async sessions() {
    return (await this.get("/api/sessions")).json.sessions;
  }
  async session(id) {
    return (await this.sessions()).find((session) => session.id === id);
  }
  /** A session of `command`; 80 x 24 unless told. */
  async createSession({ name, project, command, cols = 80, rows = 24, ...rest }) {
    return (await this.post("/api/sessions", { name, project, command, cols, rows, ...rest })).json;
  }
  /** A ticket is good for sockets of the same origin only; a socket without an Origin is refused, a program's too. */
  async ticket(origin = this.baseUrl()) {
    return (await this.post("/api/ws-ticket", {}, { headers: { origin } })).json.ticket;
  }
  /** The session's log from `from` to its end (or `to`), read in pages. */
  async output(id, from = 0, to = Infinity) {
    const pieces = [];
    let at = from;
    for (;;) {
      const answer = await this.get(`/api/sessions/${id}/output?from=${at}&limit=${1 << 20}`);
      const end = Math.min(Number(answer.headers["x-log-end"]), to);
      const piece = answer.body.subarray(0, Math.max(0, end - at));
      pieces.push(piece);
      at += piece.length;
      if (at >= end || piece.length === 0) return { bytes: Buffer.concat(pieces), end: at };
    }
  }
}
