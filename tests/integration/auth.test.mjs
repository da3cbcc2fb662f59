// Logins from outside: nothing works without one, forged ones count for nothing, foreign pages get nowhere, ended ones end at once.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Api, request } from "../harness/api.mjs";
import { Dashboard, kPassword, skipWithoutProgram as skip } from "../harness/server.mjs";
import { openWebSocket, TerminalSocket } from "../harness/socket.mjs";
import { promised, until } from "../harness/wait.mjs";

// Revocation is promised within this time, for requests and open sockets.
const kRevokedMs = 1000;
// An old refresh token is good for this long after its use, so that lost answers do no harm.
const kRefreshGraceMs = 10_000;
const kNowhere = "00000000000000000000";

// Every route that needs a login. /ws has its own tests below; the open ones are in `open`.
const kRoutes = [
  ["POST", "/api/auth/logout"], ["GET", "/api/auth/me"], ["POST", "/api/auth/password"], ["GET", "/api/auth/sessions"],
  ["DELETE", `/api/auth/sessions/${kNowhere}`], ["GET", "/api/users"], ["POST", "/api/users"], ["POST", "/api/ws-ticket"],
  ["GET", "/api/sessions"], ["POST", "/api/sessions"], ["GET", `/api/sessions/${kNowhere}`], ["PATCH", `/api/sessions/${kNowhere}`],
  ["DELETE", `/api/sessions/${kNowhere}`], ["GET", `/api/sessions/${kNowhere}/output`], ["GET", `/api/sessions/${kNowhere}/screen`],
  ["GET", `/api/sessions/${kNowhere}/lines`], ["POST", `/api/sessions/${kNowhere}/uploads`], ["GET", `/api/sessions/${kNowhere}/events`],
  ["GET", `/api/sessions/${kNowhere}/transcript`], ["GET", `/api/sessions/${kNowhere}/transcript/line`], ["GET", `/api/sessions/${kNowhere}/transcript/search`],
  ["GET", `/api/sessions/${kNowhere}/transcript/facts`], ["GET", `/api/sessions/${kNowhere}/transcript/agents`], ["GET", `/api/sessions/${kNowhere}/moment`],
  ["GET", "/api/attention"], ["GET", `/api/attention/${kNowhere}`], ["POST", `/api/attention/${kNowhere}`], ["POST", `/api/hooks/claude/${kNowhere}`],
  ["POST", `/api/sessions/${kNowhere}/resume`], ["POST", `/api/sessions/${kNowhere}/restart`], ["POST", `/api/sessions/${kNowhere}/hooks`], ["POST", `/api/sessions/${kNowhere}/fork`],
  ["POST", "/api/fleet/resume"], ["GET", "/api/conversations"], ["GET", "/api/templates"], ["POST", "/api/templates"],
  ["PUT", `/api/templates/${kNowhere}`], ["DELETE", `/api/templates/${kNowhere}`], ["GET", "/api/projects/settings"], ["POST", "/api/projects/settings"],
  ["GET", "/api/git/status"], ["GET", "/api/git/diff"], ["GET", "/api/git/worktrees"], ["POST", "/api/git/worktrees"], ["DELETE", "/api/git/worktrees"],
  ["GET", "/api/git/worktrees/obstacles"],
  ["GET", "/api/projects"], ["GET", "/api/files"], ["GET", "/api/files?path=/etc/passwd"], ["GET", "/api/audit"], ["GET", "/api/openapi.json"],
  ["GET", `/api/sessions/${kNowhere}/prompts`], ["POST", `/api/sessions/${kNowhere}/prompt`], ["PUT", `/api/sessions/${kNowhere}/after-limit`],
  ["GET", "/api/prompts/history"], ["POST", "/api/prompts"], ["GET", `/api/prompts/${kNowhere}`], ["DELETE", `/api/prompts/${kNowhere}`], ["GET", "/api/schedules"], ["POST", "/api/schedules"],
  ["GET", `/api/schedules/${kNowhere}`], ["PUT", `/api/schedules/${kNowhere}`], ["DELETE", `/api/schedules/${kNowhere}`], ["GET", "/api/sending"], ["PUT", "/api/sending"], ["GET", "/api/usage"],
  ["GET", "/api/usage.csv"], ["GET", "/api/budgets"], ["POST", "/api/budgets"], ["DELETE", `/api/budgets/${kNowhere}`],
  ["GET", "/api/notify"], ["PUT", "/api/notify/preferences"], ["POST", "/api/notify/devices"], ["DELETE", `/api/notify/devices/${kNowhere}`],
  ["POST", `/api/notify/devices/${kNowhere}/test`], ["GET", "/api/notify/webhooks"], ["POST", "/api/notify/webhooks"],
  ["PUT", `/api/notify/webhooks/${kNowhere}`], ["DELETE", `/api/notify/webhooks/${kNowhere}`], ["POST", `/api/notify/webhooks/${kNowhere}/secret`],
  ["POST", `/api/notify/webhooks/${kNowhere}/test`], ["GET", `/api/notify/webhooks/${kNowhere}/deliveries`],
];
const kMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];

const base64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

let dashboard;
let owner;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  owner = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

/** Tokens that must open nothing, by what is wrong with them. `real` is a valid one to take apart. */
function badTokens(real, revoked, secret) {
  const [header, payload, signature] = real.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  const signed = (head, body, key) => {
    const text = `${base64(head)}.${base64(body)}`;
    return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
  };
  const head = JSON.parse(Buffer.from(header, "base64url"));
  const flipped = signature.startsWith("A") ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
  const past = Math.floor(Date.now() / 1000) - 3600;
  return {
    none: undefined,
    word: "expired",
    revoked,
    "flipped signature": `${header}.${payload}.${flipped}`,
    "no signature": `${header}.${payload}.`,
    "two parts": `${header}.${payload}`,
    "alg none": `${base64({ ...head, alg: "none" })}.${payload}.`,
    "alg None with signature": `${base64({ ...head, alg: "None" })}.${payload}.${signature}`,
    "expired, unsigned": `${header}.${base64({ ...claims, exp: past })}.${signature}`,
    "expired, signed by the raw JWT_SECRET": signed(head, { ...claims, exp: past }, secret),
    "signed by the raw JWT_SECRET": signed(head, claims, secret),
    "signed by an empty key": signed(head, claims, ""),
    "with jwk": signed({ ...head, jwk: { kty: "oct", k: base64("key") } }, claims, "key"),
    "with kid path": signed({ ...head, kid: "/dev/null" }, claims, ""),
    "more after it": `${real}.x`,
    "a space in it": `${header}. ${payload}.${signature}`,
  };
}

test("Auth.NoRouteOpensWithoutAValidToken", { skip, timeout: 180_000 }, async () => {
  const leaving = new Api(dashboard.url);
  await leaving.login("owner", kPassword);
  const revoked = leaving.accessToken;
  await leaving.post("/api/auth/logout", {});
  const tokens = badTokens(owner.accessToken, revoked, dashboard.settings.JWT_SECRET);
  const api = new Api(dashboard.url);
  const opened = [];
  let tried = 0;
  for (const [what, token] of Object.entries(tokens)) {
    const authorization = token === undefined ? null : `Bearer ${token}`;
    for (const [method, path] of kRoutes) {
      const json = method === "GET" ? undefined : {};
      const { status } = await api.send(method, path, { json, headers: { authorization } });
      tried += 1;
      if (status !== 401 && status !== 403) opened.push(`${what}: ${method} ${path}: ${status}`);
    }
  }
  for (const authorization of ["Basic b3duZXI6eA==", "Bearer", "Bearer ", owner.accessToken, `bearer  ${owner.accessToken}`, `Token ${owner.accessToken}`]) {
    const { status } = await api.send("GET", "/api/sessions", { headers: { authorization } });
    if (status !== 401) opened.push(`Authorization: ${authorization.slice(0, 12)}...: ${status}`);
  }
  for (const path of [`/api/sessions?token=${owner.accessToken}`, `/api/sessions?access_token=${owner.accessToken}`]) {
    const { status } = await api.send("GET", path);
    if (status !== 401) opened.push(`token in the URL: ${status}`);
  }
  console.log(`Auth: ${tried} requests over ${kRoutes.length} routes and ${Object.keys(tokens).length} bad tokens, ${opened.length} opened`);
  assert.deepEqual(opened, []);
});

test("Auth.OtherMethodsOfGuardedPathsDoNothing", { skip, timeout: 180_000 }, async () => {
  const api = new Api(dashboard.url);
  const odd = [];
  for (const path of new Set(kRoutes.map(([, p]) => p))) {
    for (const method of kMethods) {
      const { status } = await api.send(method, path, {});
      if (![400, 401, 403, 405, 501].includes(status)) odd.push(`${method} ${path}: ${status}`);
    }
  }
  assert.deepEqual(odd, []);
});

test("Auth.TheContractNamesTheSameRoutes", { skip, timeout: 180_000 }, async (t) => {
  const answer = await owner.send("GET", "/api/openapi.json");
  if (answer.status === 404) return t.skip("skipped: this build carries no openapi.json");
  assert.equal(answer.status, 200);
  const open = new Set(["GET /health", "GET /health/live", "GET /health/ready", "GET /health/details", "GET /metrics", "GET /api/auth/state", "POST /api/auth/setup",
    "POST /api/auth/login", "POST /api/auth/refresh", "POST /api/attention/{id}/action", "GET /ws"]);
  const documented = Object.entries(answer.json.paths).flatMap(([path, item]) =>
    Object.keys(item).filter((m) => /^(get|post|put|patch|delete)$/.test(m)).map((m) => `${m.toUpperCase()} ${path}`));
  const tested = new Set(kRoutes.map(([method, path]) => `${method} ${path.split("?")[0].replace(kNowhere, "{id}")}`));
  assert.deepEqual(documented.filter((route) => !open.has(route) && !tested.has(route)), [], "documented, but not in this test's list");
  assert.deepEqual([...tested].filter((route) => !documented.includes(route)), [], "tested, but not documented");
});

test("Auth.LoginHealthAndPageAreOpen", { skip, timeout: 180_000 }, async () => {
  const api = new Api(dashboard.url);
  assert.deepEqual((await api.get("/api/auth/state")).json, { setup_required: false, authenticated: false, user: null });
  for (const path of ["/health/live", "/health/ready"]) assert.equal((await api.send("GET", path)).status, 200, path);
  assert.ok([200, 503].includes((await api.send("GET", "/health")).status));
  assert.equal((await api.send("GET", "/")).status, 200);
  assert.equal((await api.send("GET", "/metrics")).status, 200);
  for (const path of ["/metrics", "/health/details"]) {
    assert.equal((await api.send("GET", path)).status, 200, path);
    assert.equal((await api.send("GET", path, { headers: { "x-forwarded-for": "203.0.113.9" } })).status, 401, path);
  }
});

test("Auth.CurlWithTheWordExpiredIs401", { skip, timeout: 180_000 }, async () => {
  const answer = await request(dashboard.url, { path: "/api/sessions", headers: { authorization: "Bearer expired" } });
  assert.equal(answer.status, 401);
  assert.equal(answer.json.error.code, "unauthorized");
  assert.match(answer.headers["www-authenticate"], /^Bearer/);
});

test("Auth.SocketsNeedAFreshTicketOfTheSameOrigin", { skip, timeout: 180_000 }, async () => {
  const refused = async (what, options) => {
    const status = await openWebSocket(owner, options).then((ws) => (ws.terminate(), "opened"), (error) => error.status);
    assert.ok([400, 401, 403, 426].includes(status), `${what}: ${status}`);
  };
  const used = await owner.ticket();
  (await openWebSocket(owner, { ticket: used })).terminate();
  await refused("a used ticket", { ticket: used });
  await refused("no ticket", { subprotocols: ["ccd.v1"] });
  await refused("no protocol", { subprotocols: [] });
  await refused("a made-up ticket", { ticket: "A".repeat(43) });
  await refused("the access token instead", { subprotocols: ["ccd.v1"], headers: { authorization: `Bearer ${owner.accessToken}` } });
  await refused("a foreign origin", { origin: "https://evil.example" });
  await refused("another port's origin", { origin: `http://localhost:${dashboard.port + 1}` });
  await refused("no origin at all", { origin: null });
  const elsewhere = `http://localhost:${dashboard.port}`;
  await refused("another of our own origins", { ticket: await owner.ticket(), origin: elsewhere });
  (await openWebSocket(owner, { ticket: await owner.ticket(elsewhere), origin: elsewhere })).terminate();
});

test("Auth.ATicketOpensOneSocketOfManyAtOnce", { skip, timeout: 180_000 }, async () => {
  const kTries = 20;
  let opened = 0;
  for (let round = 0; round < 10; ++round) {
    const ticket = await owner.ticket();
    const tries = Array.from({ length: kTries }, () => openWebSocket(owner, { ticket }).then((ws) => (ws.terminate(), 1), () => 0));
    const winners = (await Promise.all(tries)).reduce((sum, won) => sum + won, 0);
    assert.equal(winners, 1, `round ${round}`);
    opened += winners;
  }
  console.log(`Auth: ${opened} sockets opened by 10 tickets in ${10 * kTries} concurrent tries`);
});

test("Auth.ForeignHostNamesAreRefusedEverywhere", { skip, timeout: 180_000 }, async () => {
  const port = dashboard.port;
  const status = async (host, path) => (await request(dashboard.url, { path, headers: { host } })).status;
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
    assert.equal(await status(host, "/health/live"), 200, host);
  }
  const foreign = ["evil.example", `evil.example:${port}`, "localhost", "127.0.0.1", `127.0.0.1:${port + 1}`, `localhost.evil.example:${port}`,
    `evil-localhost:${port}`, `127.0.0.1.evil.example:${port}`, `2130706433:${port}`, `0x7f.1:${port}`, `127.1:${port}`, `0.0.0.0:${port}`,
    `[::ffff:127.0.0.1]:${port}`, `[::]:${port}`, `localhost:${port}@evil.example`, `evil.example@localhost:${port}`, `user@localhost:${port}`,
    `localhost.:${port}`, `localhost:${port}.`, `localhost:0${port}`, `localhost:${port}/`, `localhost:${port},evil.example`, `*:${port}`, `:${port}`, "null"];
  for (const host of foreign) {
    for (const path of ["/health", "/health/live", "/", "/api/auth/state", "/api/sessions", "/metrics"]) {
      const got = await status(host, path);
      assert.ok([400, 421].includes(got), `Host: ${host} ${path}: ${got}`);
    }
  }
});

// --- a page's login: cookies

async function pageLogin() {
  const answer = await request(dashboard.url, {
    method: "POST", path: "/api/auth/login",
    headers: { "content-type": "application/json", origin: dashboard.url, "sec-fetch-site": "same-origin" },
    body: JSON.stringify({ name: "owner", password: kPassword }),
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal("access_token" in answer.json, false, "a page gets no token to read");
  const set = answer.headers["set-cookie"];
  for (const cookie of set) {
    assert.match(cookie, /; HttpOnly/i);
    assert.match(cookie, /; SameSite=Strict/i);
    assert.match(cookie, /; Path=\//i);
  }
  return set.map((cookie) => cookie.split(";")[0]).join("; ");
}

test("Auth.ForeignPagesChangeNothing", { skip, timeout: 180_000 }, async () => {
  const session = await owner.createSession({ name: "csrf-target", project: dashboard.project, command: ["/bin/sh"] });
  const cookie = await pageLogin();
  const send = (method, path, headers, body) => request(dashboard.url, { method, path, headers: { cookie, ...headers }, body });
  const port = dashboard.port;
  const foreign = [
    { origin: "https://evil.example" }, { origin: "null" }, {}, { origin: `http://localhost:${port + 1}` }, { origin: `https://localhost:${port}` },
    { origin: `http://localhost.evil.example:${port}` }, { origin: `http://evil.example/http://localhost:${port}` }, { origin: "http://localhost" },
    { origin: dashboard.url, "sec-fetch-site": "cross-site" }, { origin: dashboard.url, "sec-fetch-site": "same-site" },
  ];
  const types = ["application/json", "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", undefined];
  const json = {
    "/api/sessions": { name: "csrf-made", project: dashboard.project, command: ["/bin/sh"] },
    [`/api/sessions/${session.id}`]: { name: "csrf-renamed" },
    "/api/users": { name: "csrf-user", password: kPassword, role: "admin" },
    "/api/auth/password": { old_password: kPassword, new_password: `${kPassword}-2` },
  };
  const mutations = [["POST", "/api/sessions"], ["PATCH", `/api/sessions/${session.id}`], ["DELETE", `/api/sessions/${session.id}`], ["POST", "/api/users"],
    ["POST", "/api/auth/password"], ["POST", "/api/auth/logout"], ["POST", "/api/ws-ticket"], ["POST", "/api/auth/refresh"]];
  const effects = [];
  let tried = 0;
  for (const [method, path] of mutations) {
    for (const origin of foreign) {
      for (const type of types) {
        const headers = { ...origin, ...(type ? { "content-type": type } : {}) };
        const answer = await send(method, path, headers, JSON.stringify(json[path] ?? {}));
        tried += 1;
        if (answer.status < 400 || answer.headers["set-cookie"]) effects.push(`${method} ${path} ${JSON.stringify(headers)}: ${answer.status}`);
      }
    }
  }
  console.log(`Auth: ${tried} cross-site mutations, ${effects.length} effects`);
  assert.deepEqual(effects, []);
  const sessions = await owner.sessions();
  assert.deepEqual(sessions.filter(({ name }) => name.startsWith("csrf")).map(({ name, status }) => [name, status]), [["csrf-target", "active"]]);
  assert.deepEqual((await owner.get("/api/users")).json.users.map(({ name }) => name), ["owner"]);
  // The same requests from our own page do what they say, so the refusals above were about the origin.
  const own = { origin: dashboard.url, "sec-fetch-site": "same-origin", "content-type": "application/json" };
  assert.equal((await send("PATCH", `/api/sessions/${session.id}`, own, JSON.stringify({ name: "csrf-own" }))).status, 200);
  assert.equal((await send("DELETE", `/api/sessions/${session.id}`, own)).status, 204);
});

test("Auth.AForeignPageReadsNothingWithTheCookie", { skip, timeout: 180_000 }, async () => {
  const cookie = await pageLogin();
  for (const headers of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) {
    const answer = await request(dashboard.url, { path: "/api/sessions", headers: { cookie, ...headers } });
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
  assert.equal((await request(dashboard.url, { path: "/api/sessions", headers: { cookie, "sec-fetch-site": "same-origin" } })).status, 200);
});

// --- the end of a login

test("Auth.LogoutEndsRequestsAndSocketsWithinASecond", { skip, timeout: 180_000 }, async () => {
  const leaving = new Api(dashboard.url);
  await leaving.login("owner", kPassword);
  const socket = await TerminalSocket.connect(leaving, { reconnect: false });
  const stays = await TerminalSocket.connect(owner, { reconnect: false });
  const began = performance.now();
  await leaving.post("/api/auth/logout", {});
  assert.equal((await leaving.send("GET", "/api/sessions")).status, 401);
  const refresh = await leaving.send("POST", "/api/auth/refresh", { json: { refresh_token: leaving.refreshToken }, headers: { authorization: null } });
  assert.equal(refresh.status, 401);
  await until("the socket is closed", () => socket.closeCodes.length > 0);
  promised("Auth: requests and socket dead after logout was asked for", performance.now() - began, kRevokedMs);
  assert.deepEqual(socket.closeCodes, [4401]);
  assert.equal(stays.connected, true, "another login of the same user goes on");
  await stays.close();
});

test("Auth.AReusedRefreshTokenEndsItsLogin", { skip, timeout: 180_000 }, async () => {
  const api = new Api(dashboard.url);
  await api.login("owner", kPassword);
  const first = api.refreshToken;
  const second = await api.refresh();
  assert.notEqual(second.refresh_token, first);
  // A lost answer: the same token again, at once, gives the same successor.
  const again = await api.post("/api/auth/refresh", { refresh_token: first }, { headers: { authorization: null } });
  assert.equal(again.json.refresh_token, second.refresh_token);
  const socket = await TerminalSocket.connect(api, { reconnect: false });
  await delay(kRefreshGraceMs + 500);
  const reused = await api.send("POST", "/api/auth/refresh", { json: { refresh_token: first }, headers: { authorization: null } });
  assert.equal(reused.status, 401);
  await until("the thief's and the owner's login is dead", async () =>
    (await api.send("GET", "/api/sessions")).status === 401 && socket.closeCodes.includes(4401));
  const successor = await api.send("POST", "/api/auth/refresh", { json: { refresh_token: second.refresh_token }, headers: { authorization: null } });
  assert.equal(successor.status, 401);
});

test("Auth.LoginsSurviveARestart", { skip, timeout: 180_000 }, async () => {
  await dashboard.crashAndRestart();
  assert.equal((await owner.send("GET", "/api/sessions")).status, 200);
  assert.equal((await owner.refresh()).token_type, "Bearer");
});

// --- a dashboard of their own: these use up its patience

test("Auth.SetupNeedsTheCodeFromTheConsoleAndNoProxy", { skip, timeout: 180_000 }, async () => {
  const fresh = await Dashboard.start();
  try {
    const api = new Api(fresh.url);
    assert.equal((await api.get("/api/auth/state")).json.setup_required, true);
    const json = { code: fresh.setupCode(), name: "owner", password: kPassword, transport: "bearer" };
    for (const header of ["x-forwarded-for", "forwarded", "x-forwarded-host", "x-forwarded-proto"]) {
      const answer = await api.send("POST", "/api/auth/setup", { json, headers: { [header]: header === "forwarded" ? "for=203.0.113.9" : "203.0.113.9" } });
      assert.equal(answer.status, 403, header);
    }
    assert.equal((await api.send("POST", "/api/auth/setup", { json: { ...json, code: "wrong" } })).status, 401);
    assert.equal((await api.send("POST", "/api/auth/setup", { json: { ...json, password: "short" } })).status, 400);
    assert.equal((await api.send("GET", "/api/sessions")).status, 401);
    assert.equal((await api.send("POST", "/api/auth/setup", { json })).status, 201);
    assert.equal((await api.send("POST", "/api/auth/setup", { json: { ...json, name: "second" } })).status, 409);
  } finally {
    await fresh.remove();
  }
});

test("Auth.GuessingIsSlowedAndTheAnswerTellsNothing", { skip, timeout: 180_000 }, async () => {
  const fresh = await Dashboard.start();
  try {
    const known = await fresh.login();
    const api = new Api(fresh.url);
    const guess = (name) => api.send("POST", "/api/auth/login", { json: { name, password: "wrong-password-1", transport: "bearer" } });
    const first = await guess("owner");
    const unknown = await guess("nobody");
    assert.equal(first.status, 401);
    assert.deepEqual(unknown.json, first.json, "unknown names and wrong passwords look alike");
    let throttled;
    for (let i = 0; i < 6 && !throttled; ++i) {
      const answer = await guess("owner");
      if (answer.status === 429) throttled = answer;
    }
    assert.ok(throttled, "no 429 after 8 wrong passwords");
    assert.ok(Number(throttled.headers["retry-after"]) >= 1);
    assert.equal((await known.send("GET", "/api/sessions")).status, 200, "who is logged in is not disturbed");
    assert.equal(/wrong-password-1/.test(fresh.log()), false, "what was typed as a password is not in the log");
  } finally {
    await fresh.remove();
  }
});
