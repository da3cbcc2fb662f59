// Files over HTTP: what lies under the roots can be read, in parts and with validators; nothing else can, however it is spelled.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { after, before, test } from "node:test";

import { request } from "../harness/api.mjs";
import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { query, testData } from "./support.mjs";

const kCanary = `CANARY-${randomBytes(12).toString("hex")}`;
// Names that the public lists go for; a canary lies under each in every folder above the root.
const kTargets = ["etc/passwd", "etc/shadow", "etc/hosts", "etc/issue", "boot.ini", "windows/win.ini", "winnt/win.ini", "windows/system32/drivers/etc/hosts",
  "index.html", "proc/self/environ", "secret", "passwd", "web.config", "system.ini"];

let dashboard;
let api;
let root;
before(async () => {
  if (skip) return;
  dashboard = new Dashboard();
  // A root as deep as the lists reach up, so that their "../../.." ends in folders with canaries.
  root = path.join(dashboard.projects, "a/b/c/d/root");
  mkdirSync(path.join(root, "sub"), { recursive: true });
  for (let folder = path.dirname(root); folder.startsWith(dashboard.folder); folder = path.dirname(folder)) {
    for (const target of kTargets) {
      mkdirSync(path.dirname(path.join(folder, target)), { recursive: true });
      writeFileSync(path.join(folder, target), kCanary);
    }
  }
  mkdirSync(`${root}-evil`);
  writeFileSync(path.join(`${root}-evil`, "secret"), kCanary);
  writeFileSync(path.join(root, "inside.txt"), "inside the root\n");
  writeFileSync(path.join(root, "page.html"), "<script>alert(1)</script>");
  dashboard.settings.ALLOWED_FILE_ROOTS = root;
  await dashboard.up();
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const get = (file, headers = {}, method = "GET") => api.send(method, `/api/files?path=${encodeURIComponent(file)}`, { headers });

test("Files.ListAFolder", { skip, timeout: 180_000 }, async () => {
  const roots = (await api.get("/api/files")).json;
  assert.deepEqual([roots.kind, roots.entries.map((entry) => entry.path)], ["roots", [root]]);
  const { kind, entries, truncated } = (await get(root)).json;
  assert.deepEqual([kind, truncated], ["folder", false]);
  assert.deepEqual(entries.map((entry) => [entry.name, entry.kind]).slice(0, 3), [["sub", "folder"], ["inside.txt", "file"], ["page.html", "file"]]);
  const file = entries.find((entry) => entry.name === "inside.txt");
  assert.deepEqual([file.size, file.readable], [16, true]);
  assert.ok(Math.abs(file.modified / 1000 - Date.now()) < 600_000, "modified is in microseconds");
});

test("Files.NeverBecomePagesOfOurs", { skip, timeout: 180_000 }, async () => {
  const answer = await get(path.join(root, "page.html"));
  assert.equal(answer.text, "<script>alert(1)</script>");
  assert.equal(answer.headers["content-type"], "application/octet-stream");
  assert.match(answer.headers["content-disposition"], /^attachment/);
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
  assert.match(answer.headers["content-security-policy"], /sandbox/);
  assert.match(answer.headers["cache-control"], /no-store|no-cache|private/);
});

test("Files.AnswerRanges", { skip, timeout: 180_000 }, async () => {
  const bytes = randomBytes(300_000);
  const file = path.join(root, "random.bin");
  writeFileSync(file, bytes);
  const size = bytes.length;
  const whole = await get(file);
  assert.equal(whole.status, 200);
  assert.equal(createHash("sha256").update(whole.body).digest("hex"), createHash("sha256").update(bytes).digest("hex"));
  const part = async (range, first, last) => {
    const answer = await get(file, { range });
    assert.equal(answer.status, 206, range);
    assert.equal(answer.headers["content-range"], `bytes ${first}-${last}/${size}`);
    assert.ok(answer.body.equals(bytes.subarray(first, last + 1)), range);
  };
  await part("bytes=0-0", 0, 0);
  await part("bytes=100-199", 100, 199);
  await part("bytes=299999-", size - 1, size - 1);
  await part("bytes=-10", size - 10, size - 1);
  await part("bytes=1000-9999999", 1000, size - 1);
  for (const range of ["bytes=300000-", "bytes=300000-300001", "bytes=-0"]) {
    const answer = await get(file, { range });
    assert.equal(answer.status, 416, range);
    assert.equal(answer.headers["content-range"], `bytes */${size}`);
  }
  // What is no range of bytes is ignored.
  for (const range of ["lines=1-2", "bytes=5-2", "bytes=a-b", "bytes", "bytes=99999999999999999999999-"]) {
    const { status } = await get(file, { range });
    assert.ok([200, 416].includes(status), `${range}: ${status}`);
  }
  const head = await get(file, {}, "HEAD");
  assert.deepEqual([head.status, head.headers["content-length"], head.body.length], [200, String(size), 0]);
});

test("Files.HaveEntityTags", { skip, timeout: 180_000 }, async () => {
  const file = path.join(root, "inside.txt");
  const { etag } = (await get(file)).headers;
  assert.match(etag, /^(W\/)?"[^"]+"$/);
  assert.equal((await get(file, { "if-none-match": etag })).status, 304);
  assert.equal((await get(file, { "if-none-match": `"other", ${etag}` })).status, 304);
  assert.equal((await get(file, { "if-none-match": "\"other\"" })).status, 200);
  const changing = path.join(root, "changing.txt");
  writeFileSync(changing, "one");
  const first = (await get(changing)).headers.etag;
  writeFileSync(changing, "two");
  assert.notEqual((await get(changing)).headers.etag, first);
  assert.equal((await get(changing, { range: "bytes=0-0", "if-range": first })).status, 200, "a range of a changed file is the whole file");
});

test("Files.LargeOnesComeWithoutFillingTheMemory", { skip, timeout: 180_000 }, async () => {
  const file = path.join(root, "large.bin");
  writeFileSync(file, "");
  truncateSync(file, 5 * 1024 ** 3);
  const before = rss();
  const tail = await get(file, { range: `bytes=${5 * 1024 ** 3 - 4}-` });
  assert.deepEqual([tail.status, tail.body.length], [206, 4]);
  // Half a gigabyte read by a client that then goes away.
  const got = await readSome(`/api/files?path=${encodeURIComponent(file)}`, 512 * 1024 ** 2);
  const grown = rss() - before;
  console.log(`Files: ${Math.round(got / 1e6)} MB of a 5 GB file read, the server grew by ${Math.round(grown / 1024)} MB`);
  assert.ok(grown < 64 * 1024, `grew by ${grown} KB`);
});

const rss = () => Number(readFileSync(`/proc/${dashboard.pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)[1]);

function readSome(target, bytes) {
  return new Promise((resolve, reject) => {
    const outgoing = http.get(dashboard.url + target, { headers: { authorization: `Bearer ${api.accessToken}` } }, (incoming) => {
      let got = 0;
      incoming.on("data", (piece) => {
        got += piece.length;
        if (got >= bytes) {
          outgoing.destroy();
          resolve(got);
        }
      });
      incoming.on("end", () => resolve(got));
    });
    outgoing.on("error", reject);
  });
}

test("Files.OutsideTheRootsIs403AndAudited", { skip, timeout: 180_000 }, async () => {
  const count = () => Number(query(dashboard.settings.DATABASE_PATH, "SELECT count(*) FROM audit_logs WHERE action LIKE 'files.read%' AND outcome <> 'ok'")[0]);
  const before = count();
  symlinkSync("/etc", path.join(root, "link-etc"));
  symlinkSync("../root-evil/secret", path.join(root, "link-sibling"));
  symlinkSync(`/proc/self/root${dashboard.folder}`, path.join(root, "link-proc"));
  symlinkSync("sub", path.join(root, "link-in"));
  const outside = ["/etc/passwd", "/", `${root}/../secret`, `${root}-evil/secret`, `${root}/link-etc/passwd`, `${root}/link-etc`, `${root}/link-sibling`,
    `${root}/link-proc/secret`, "/proc/self/environ", "/proc/self/fd/0", dashboard.settings.DATABASE_PATH, path.join(dashboard.data, "no-such-file"), `${root}/sub/../../secret`];
  for (const file of outside) {
    const answer = await get(file);
    assert.equal(answer.status, 403, file);
    assert.equal(answer.text.includes(kCanary), false);
    assert.deepEqual(answer.json, (await get("/nowhere")).json, `${file}: the answer tells nothing about existence`);
  }
  assert.equal(count() - before, 2 * outside.length);
  assert.equal((await get(`${root}/link-in`)).status, 200, "a link that stays inside is followed");
  assert.equal((await get(`${root}/not-there`)).status, 404);
});

test("Files.OnlyRegularOnes", { skip, timeout: 180_000 }, async () => {
  execFileSync("mkfifo", [path.join(root, "fifo")]);
  const fifo = await get(path.join(root, "fifo"));
  assert.ok([403, 409].includes(fifo.status), `a FIFO: ${fifo.status}`);
  linkSync(path.join(root, "inside.txt"), path.join(root, "hard-link"));
  assert.equal((await get(path.join(root, "hard-link"))).status, 200);
  writeFileSync(path.join(root, "odd \n;#%é name"), "odd");
  assert.equal((await get(path.join(root, "odd \n;#%é name"))).text, "odd");
});

// --- the public lists, in three encodings, over kept connections

/** Latin-1 text is bytes here: the list holds arbitrary ones. */
const percentAll = (bytes) => bytes.replace(/[\s\S]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
const kEncodings = {
  // As it stands: what a URL cannot carry is encoded, everything else (its own %2e among it) goes out raw.
  raw: (bytes) => bytes.replace(/[^!-~]|[#&+]/g, (c) => percentAll(c)),
  // Every byte encoded once: the server sees the line itself as the path.
  once: percentAll,
  twice: (bytes) => percentAll(percentAll(bytes)),
};

test("Files.NoTraversalReadsACanary", { skip: skip || (testData("path-traversal.txt") ? false : "skipped: no data"), timeout: 570_000 }, async () => {
  const lines = readFileSync(testData("path-traversal.txt"), "latin1").split("\n").filter((line) => line !== "");
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const headers = { authorization: `Bearer ${api.accessToken}` };
  const allowed = new Set([200, 400, 403, 404, 409, 414, 431]);
  const statuses = {};
  const leaks = [];
  const odd = [];
  let opened = 0;
  const jobs = function* () {
    for (const [encoding, encode] of Object.entries(kEncodings)) {
      for (const line of lines) yield { encoding, line, target: `/api/files?path=${encodeURIComponent(`${root}/`)}${encode(line)}` };
    }
  };
  const queue = jobs();
  const began = performance.now();
  const worker = async () => {
    for (const { encoding, line, target } of queue) {
      const answer = await request(dashboard.url, { path: target, headers, agent });
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      opened += 1;
      const body = answer.text;
      if (body.includes(kCanary) || /root:[x*]?:0:0:/.test(body)) leaks.push(`${encoding}: ${line}`);
      else if (!allowed.has(answer.status)) odd.push(`${encoding}: ${JSON.stringify(line.slice(0, 80))}: ${answer.status}`);
      // Whatever is answered with 200 has to be the root itself or a thing in it.
      else if (answer.status === 200 && !(body === "inside the root\n" || (body.startsWith("{") && JSON.parse(body).kind === "folder" && /inside\.txt|"entries":\[\]/.test(body)))) leaks.push(`200 ${encoding}: ${line}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  agent.destroy();
  const seconds = (performance.now() - began) / 1000;
  console.log(`Files: ${opened} traversals (${lines.length} lines in 3 encodings), ${leaks.length} canary reads, ${JSON.stringify(statuses)}, ${seconds.toFixed(0)} s`);
  assert.deepEqual(leaks.slice(0, 10), []);
  assert.deepEqual(odd.slice(0, 10), []);
  // The canaries can be found: without the confinement this path reads one.
  assert.equal(readFileSync(path.join(root, "../secret"), "utf8"), kCanary);
});
