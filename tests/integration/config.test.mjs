// A start that is refused says in one line which setting is wrong, why, and what would be right; each cause has its exit code.
import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { after, test } from "node:test";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { testData } from "./support.mjs";

const kExit = { config: 78, roots: 77, port: 69, database: 65 };
// A refused start reads its settings and ends.
const kRefusedMs = 10_000;

const made = [];
after(async () => {
  for (const dashboard of made) await dashboard.remove();
}, { timeout: 180_000 });

/** Starts one with the settings and returns {code, log} of its end. */
async function refusedStart(settings, prepare = () => {}) {
  const dashboard = new Dashboard({ settings });
  made.push(dashboard);
  await prepare(dashboard);
  dashboard.spawn();
  const timer = setTimeout(() => dashboard.kill(), kRefusedMs);
  const { code, signal } = await dashboard.ended;
  clearTimeout(timer);
  return { code, signal, log: dashboard.log(), dashboard };
}

function assertRefusal({ code, signal, log }, name, exit, secret) {
  assert.equal(signal, null, `${name}: ended by ${signal}, or ran on\n${log}`);
  assert.equal(code, exit, `${name}: exit code ${code}\n${log}`);
  const errors = log.split("\n").filter((line) => /\bERROR\b/.test(line) || line.includes(name));
  assert.equal(errors.filter((line) => line.includes(name)).length, 1, `not one line that names ${name}:\n${log}`);
  assert.equal(errors.length, 1, `more than one line about it:\n${log}`);
  if (secret) assert.equal(log.includes(secret), false, `${name}: the value is in the log`);
}

const kBad = [
  ["PORT", "http"], ["PORT", "70000"], ["PORT", "-1"], ["PORT", "3000x"],
  ["HOST", "0.0.0.0"], ["HOST", "::"],
  ["ALLOWED_PROJECT_ROOTS", ""], ["ALLOWED_PROJECT_ROOTS", "projects"], ["ALLOWED_PROJECT_ROOTS", "/"],
  ["ALLOWED_FILE_ROOTS", ""], ["ALLOWED_FILE_ROOTS", "./x"],
  ["TMUX_SOCKET", "a/b"], ["TMUX_SOCKET", "-x"], ["TMUX_SOCKET", "a b"],
  ["LOG_LEVEL", "loud"], ["LOG_FORMAT", "xml"], ["PUBLIC_ORIGINS", "example.org"], ["PUBLIC_ORIGINS", "https://example.org/path"], ["PUBLIC_ORIGINS", "*"],
  ["TRUSTED_PROXIES", "everybody"], ["METRICS_TOKEN", "short"], ["RECORD_BYTES_PER_SESSION", "lots"], ["RECORD_BYTES_PER_SESSION", "1"], ["CLAUDE_COMMAND", " "],
];
for (const [name, value] of kBad) {
  test(`Config.Refuses.${name}=${JSON.stringify(value)}`, { skip, timeout: 180_000 }, async () => {
    assertRefusal(await refusedStart({ [name]: value }), name, kExit.config);
  });
}

const kWeak = {
  "not set": undefined, empty: "", short: "kY7dQ2mW", "31 characters": "q8Zr2LmX9vTb4NcW7yKd3PfH6sJg1Ru", "one character": "a".repeat(64), "a pattern": "abcd".repeat(16), "a sequence": "0123456789".repeat(5),
  words: "this is my very secret jwt secret key", "from the docs": "your-256-bit-secret-your-256-bit-secret", "changed me": "change-me-change-me-change-me-change-me",
};
for (const [what, secret] of Object.entries(kWeak)) {
  test(`Config.RefusesAWeakSecret.${what}`, { skip, timeout: 180_000 }, async () => {
    assertRefusal(await refusedStart({ JWT_SECRET: secret }), "JWT_SECRET", kExit.config, secret && secret.length > 8 ? secret : undefined);
  });
}

test("Config.RefusesSecretsOfThePublicList", { skip: skip || (testData("jwt-secrets.txt.gz") ? false : "skipped: no data"), timeout: 180_000 }, async () => {
  // All 103,979 are judged in the config room's own test; here a sample of the long ones, which only the list can refuse.
  const secrets = gunzipSync(readFileSync(testData("jwt-secrets.txt.gz"))).toString("utf8").split("\n").filter((line) => line.length >= 40 && !/[\0]/.test(line));
  const sample = Array.from({ length: 20 }, (_, i) => secrets[Math.floor((i * secrets.length) / 20)]);
  for (const secret of sample) {
    const { code, log } = await refusedStart({ JWT_SECRET: secret });
    assert.equal(code, kExit.config, `accepted a known secret\n${log}`);
  }
});

test("Config.RefusesAPortInUse", { skip, timeout: 180_000 }, async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const port = String(server.address().port);
  const outcome = await refusedStart({ PORT: port });
  server.close();
  assert.equal(outcome.code, kExit.port, outcome.log);
  assert.match(outcome.log, new RegExp(`${port}.*in use|in use.*${port}`));
});

test("Config.RefusesRootsItCannotWrite", { skip, timeout: 180_000 }, async () => {
  const missing = await refusedStart({}, (dashboard) => rmSync(dashboard.projects, { recursive: true }));
  assert.equal(missing.code, kExit.roots, missing.log);
  assert.match(missing.log, /ALLOWED_PROJECT_ROOTS/);
  const file = await refusedStart({}, (dashboard) => {
    rmSync(dashboard.projects, { recursive: true });
    writeFileSync(dashboard.projects, "");
  });
  assert.equal(file.code, kExit.roots, file.log);
  if (process.getuid() !== 0) {
    const closed = await refusedStart({}, (dashboard) => chmodSync(dashboard.projects, 0o500));
    assert.equal(closed.code, kExit.roots, closed.log);
    assert.match(closed.log, /not writable/);
  } else {
    // Root may write everywhere but where the file system itself is read-only.
    const readOnly = await refusedStart({ ALLOWED_PROJECT_ROOTS: "/proc/sys", ALLOWED_FILE_ROOTS: "/tmp" });
    assert.equal(readOnly.code, kExit.roots, readOnly.log);
  }
});

// Else sessions would be made and be lost at once, with no word why.
test("Config.RefusesToStartWithoutItsOwnFiles", { skip, timeout: 180_000 }, async () => {
  for (const name of ["PANE_TAP", "PANE_START", "TMUX_CONF"])
    assertRefusal(await refusedStart({ [name]: "/nowhere/of-the-kind" }), name, kExit.config);
  assertRefusal(await refusedStart({ PANE_START: "/usr" }), "PANE_START", kExit.config);
});

test("Config.RefusesADamagedDatabase", { skip, timeout: 180_000 }, async () => {
  const noise = await refusedStart({}, (dashboard) => writeFileSync(dashboard.settings.DATABASE_PATH, "this is no database ".repeat(500)));
  assert.equal(noise.code, kExit.database, noise.log);
  assert.match(noise.log, /database/i);
  const good = await Dashboard.start();
  made.push(good);
  await good.login();
  await good.stop();
  const bytes = readFileSync(good.settings.DATABASE_PATH);
  for (let page = 1; page < bytes.length / 4096; page += 3) bytes.fill(0x5a, page * 4096, page * 4096 + 4000);
  writeFileSync(good.settings.DATABASE_PATH, bytes);
  for (const suffix of ["-wal", "-shm"]) rmSync(good.settings.DATABASE_PATH + suffix, { force: true });
  good.spawn();
  const { code } = await good.ended;
  assert.equal(code, kExit.database, good.log({ lastStart: true }));
  const aside = good.log({ lastStart: true }).match(/set aside as (\S+\.damaged-\d{8}_\d{6})\./)?.[1];
  assert.ok(readFileSync(aside).equals(bytes), "not a byte of the damaged file is changed");
  // A supervisor starts it again and again: the same words, and never an empty database.
  good.spawn();
  assert.equal((await good.ended).code, kExit.database);
  assert.match(good.log({ lastStart: true }), /dashboard restore .*or start with an empty database: rm /);
  // The two ways out that the message names.
  rmSync(good.settings.DATABASE_PATH);
  await good.up();
  assert.equal((await good.stop()).code, 0);
});

test("Config.ReadsAPrivateEnvFileAndRefusesAnOpenOne", { skip, timeout: 180_000 }, async () => {
  const secret = "Tn4wV9xLq2Zb7RcK1mYd8PfHs5Jg3Uo6Ea0Xi";
  const open = await refusedStart({ JWT_SECRET: undefined }, (dashboard) => writeFileSync(path.join(dashboard.folder, ".env"), `JWT_SECRET=${secret}\n`, { mode: 0o644 }));
  assert.equal(open.code, kExit.config, open.log);
  assert.match(open.log, /chmod 600/);
  assert.equal(open.log.includes(secret), false);
  const broken = await refusedStart({ JWT_SECRET: undefined }, (dashboard) => writeFileSync(path.join(dashboard.folder, ".env"), `JWT_SECRET=${secret}\nthis is not an entry\n`, { mode: 0o600 }));
  assert.equal(broken.code, kExit.config, broken.log);
  assert.match(broken.log, /line 2/);
  const dashboard = new Dashboard({ settings: { JWT_SECRET: undefined, LOG_FORMAT: undefined } });
  made.push(dashboard);
  writeFileSync(path.join(dashboard.folder, ".env"), `# settings\nexport JWT_SECRET="${secret}"\nLOG_FORMAT=json # more\n`, { mode: 0o600 });
  await dashboard.up();
  assert.ok(dashboard.log().split("\n").filter(Boolean).every((line) => line.startsWith("{")), "LOG_FORMAT=json of the file counts");
  assert.equal(dashboard.log().includes(secret), false, "a secret is in the log");
  assert.equal((await dashboard.stop()).code, 0);
});

test("Config.WhatItWritesIsPrivate", { skip, timeout: 180_000 }, async () => {
  const dashboard = await Dashboard.start();
  made.push(dashboard);
  const setupCode = path.join(dashboard.data, "setup-code");
  assert.equal(statSync(setupCode).mode & 0o077, 0, "others may read the setup code");
  const api = await dashboard.login();
  assert.equal(existsSync(setupCode), false, "the setup code is used up");
  assert.equal(dashboard.log().includes(dashboard.settings.JWT_SECRET), false, "a secret is in the log");
  assert.equal(dashboard.log().includes(api.accessToken), false, "a token is in the log");
  await api.createSession({ name: "private", project: dashboard.project, command: ["/bin/cat"] });
  const open = readdirSync(dashboard.data, { recursive: true, withFileTypes: true })
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => statSync(file).mode & 0o077);
  assert.deepEqual(open, [], "others have rights on these");
});
