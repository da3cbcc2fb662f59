// The stack as it is deployed: what its containers may do, every documented way not to start, restarts of each service, and what watches it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { endSockets, TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { kRepository, must, needEngine, sh, Stack } from "./stack.mjs";

let skip;
let stack;
let api;
before(async () => {
  skip = await needEngine({ prefer: "2" });
  if (skip) return;
  stack = await Stack.start();
  api = await stack.login();
}, { timeout: 900_000 });
after(async () => {
  if (stack) endSockets(stack.url);
  if (process.env.KEEP_STACK) return;
  await stack?.remove();
}, { timeout: 120_000 });

const inContainer = async (service, command) => stack.sh(`docker exec ${await stack.id(service)} ${command}`);

test("Container.DeployTwiceChangesNothing", { timeout: 120_000 }, async (t) => {
  if (skip) return t.skip(skip);
  assert.match(stack.deployed, /is deployed \(production\)/);
  const before = (await stack.inspect("dashboard")).Id;
  assert.match(await stack.must("./scripts/deploy.sh production"), /runs already/);
  assert.equal((await stack.inspect("dashboard")).Id, before);
});

test("Container.NothingHasRightsItDoesNotNeed", { timeout: 60_000 }, async (t) => {
  if (skip) return t.skip(skip);
  for (const service of ["dashboard", "tmux", "nginx", "backup"]) {
    const { HostConfig: host, Config: config, Mounts: mounts, NetworkSettings: network } = await stack.inspect(service);
    assert.equal(host.ReadonlyRootfs, true, `${service}: read-only`);
    assert.deepEqual(host.CapDrop, ["ALL"], `${service}: rights`);
    assert.deepEqual(host.CapAdd ?? [], [], `${service}: rights added`);
    assert.equal(host.Privileged, false);
    assert.ok(host.SecurityOpt.includes("no-new-privileges:true"), `${service}: no-new-privileges`);
    assert.ok(host.PidsLimit > 0, `${service}: processes bounded`);
    assert.equal(config.User, "claude", `${service}: user`);
    assert.ok(!mounts.some(({ Source: source }) => /docker\.sock|^\/$|^\/etc$/.test(source)), `${service}: mounts`);
    for (const bindings of Object.values(network.Ports)) for (const binding of bindings ?? []) assert.equal(binding.HostIp, "127.0.0.1", `${service}: ${JSON.stringify(binding)}`);
    assert.equal(host.LogConfig.Config["max-size"], "10m", `${service}: logs rotate`);
    const status = (await inContainer(service, "cat /proc/self/status")).out;
    assert.match(status, /^CapEff:\s*0{16}$/m, service);
    assert.match(status, /^CapBnd:\s*0{16}$/m, service);
    assert.match(status, /^NoNewPrivs:\s*1$/m, service);
  }
  const dashboard = (await stack.inspect("dashboard")).HostConfig;
  assert.deepEqual([dashboard.NanoCpus, dashboard.Memory, dashboard.MemoryReservation], [2e9, 1024 ** 3, 256 * 1024 ** 2]);
});

test("Container.AnAgentSeesNeitherDatabaseNorSecrets", { timeout: 60_000 }, async (t) => {
  if (skip) return t.skip(skip);
  assert.notEqual((await inContainer("tmux", "cat /app/data/dashboard.db")).code, 0);
  assert.notEqual((await inContainer("tmux", "cat /app/data/audit.key")).code, 0);
  assert.doesNotMatch((await inContainer("tmux", "env")).out, /JWT_SECRET|METRICS_TOKEN|NGROK/);
  assert.doesNotMatch((await inContainer("tmux", "tmux -L claude-dashboard show-environment -g")).out, /JWT_SECRET/);
  assert.notEqual((await inContainer("tmux", "sh -c 'echo x >> /app/taps/x'")).code, 0);
  const secret = readFileSync(path.join(stack.folder, ".env"), "utf8").match(/^JWT_SECRET=(.*)$/m)[1];
  assert.ok(!(await stack.compose("logs")).includes(secret), "the secret is in a log");
});

test("Container.SessionsAreSharedBetweenTheContainers", { timeout: 60_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const session = await api.createSession({ name: "shared", project: "/srv/projects", command: ["/bin/sh", "-c", "echo started; sleep 300"] });
  await until("it has said something", async () => (await api.output(session.id)).bytes.toString().includes("started"));
  const list = await stack.must("docker-compose exec dashboard tmux -L claude-dashboard list-sessions", { tty: true });
  assert.match(list, /^\S+: 1 windows/m);
  await api.send("DELETE", `/api/sessions/${session.id}`);
});

test("Container.AnEndIsSeenWithItsStatus", { timeout: 120_000 }, async (t) => {
  if (skip) return t.skip(skip);
  // The dashboard cannot signal across pid namespaces; the ends of twenty programs that live for a moment are seen all the same.
  const began = performance.now();
  const sessions = [];
  for (let number = 0; number < 20; ++number) sessions.push(await api.createSession({ name: `end-${number}`, project: "/srv/projects", command: ["/bin/sh", "-c", "sleep 0.5; exit 7"] }));
  const ended = async () => (await api.sessions()).filter(({ name, status }) => /^end-/.test(name) && status === "exited");
  await until("all have ended", async () => (await ended()).length === 20, { timeoutMs: 60_000 });
  const known = (await ended()).filter(({ exit_status: status }) => status === 7).length;
  console.log(`Container: 20 programs ended with status 7: all seen within ${Math.round((performance.now() - began) / 100) / 10} s, ${known} with their status`);
  assert.ok(known >= 18, `${known} of 20 with their status`);
});

/** A dashboard beside the stack, with settings and a data folder of its own. */
async function lone(settings, { data, more = "", timeoutMs = 20_000 } = {}) {
  const folder = path.join(stack.state, "lone");
  if (!data) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await must(`chown 1000:1000 '${folder}'`);
  }
  const all = { JWT_SECRET: "q8Zr2xV7mK4tB9wLc3JhN6yPs1DfG5uEaXoRvTi0", ALLOWED_PROJECT_ROOTS: "/srv/projects", ALLOWED_FILE_ROOTS: "/srv/projects", PUBLIC_ORIGINS: "http://localhost:3000", ...settings };
  const env = Object.entries(all).map(([name, value]) => `-e '${name}=${value}'`).join(" ");
  return sh(`timeout ${timeoutMs / 1000} docker run --rm --name claude-dashboard-lone ${env} -v '${folder}:/app/data' -v '${stack.projects}:/srv/projects' ${more} claude-code-dashboard:v1.0.0`, { timeoutMs: timeoutMs + 5000 });
}

test("Container.EachDocumentedRefusalHasItsCodeAndMessage", { timeout: 180_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const rows = [
    [{ JWT_SECRET: "" }, {}, 78, /JWT_SECRET: is not set/],
    [{ JWT_SECRET: "changemechangemechangemechangeme" }, {}, 78, /JWT_SECRET: /],
    [{ PORT: "http" }, {}, 78, /PORT: must be a whole number/],
    [{ ALLOWED_PROJECT_ROOTS: "/usr/share" }, {}, 77, /ALLOWED_PROJECT_ROOTS: .*not writable/],
    [{ ALLOWED_PROJECT_ROOTS: "/nowhere" }, {}, 77, /ALLOWED_PROJECT_ROOTS: .*nowhere/],
    [{}, { more: `--network container:${stack.container}` }, 69, /PORT: .*in use/],
  ];
  for (const [settings, options, code, pattern] of rows) {
    const result = await lone(settings, options);
    assert.equal(result.code, code, `${JSON.stringify(settings)}: ${result.out}`);
    assert.match(result.out, pattern);
  }
});

test("Container.ADamagedDatabaseIsSetAsideAndTheRestoreIsNamed", { timeout: 120_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const folder = path.join(stack.state, "lone");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pages = Buffer.alloc(64 * 4096, 0x5a);
  pages.write("SQLite format 3\0", 0, "latin1");
  writeFileSync(path.join(folder, "dashboard.db"), pages);
  await must(`chown -R 1000:1000 '${folder}'`);
  const result = await lone({}, { data: folder });
  assert.equal(result.code, 65, result.out);
  assert.match(result.out, /damaged/);
  assert.match(result.out, /restore/);
  const kept = (await must(`ls '${folder}'`)).split("\n").find((name) => name.startsWith("dashboard.db.damaged-"));
  assert.ok(kept && readFileSync(path.join(folder, kept)).equals(pages), "the damaged file is kept as it was");
});

test("Container.EachServiceComesBackAfterARestart", { timeout: 240_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const session = await api.createSession({ name: "lasting", project: "/srv/projects", command: ["/bin/sh"] });
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: session.id, from: 0 });
  // `docker kill` counts as an operator's stop, so the process itself is killed.
  const crash = "exec -T dashboard pkill -KILL -x dashboard";
  for (const [index, how] of ["restart dashboard", "restart nginx", "restart backup", crash].entries()) {
    await stack.compose(how, { timeoutMs: 60_000 });
    await stack.waitHealthy();
    terminal.type(`echo answer-$((${index} + 40))\n`);
    await terminal.waitFor(`answer-${index + 40}`, 20_000);
  }
  await stack.compose("restart -t 3 tmux", { timeoutMs: 60_000 });
  await until("the session is lost, not deleted", async () => (await api.session(session.id))?.status === "lost", { timeoutMs: 20_000 });
  await stack.waitHealthy();
  const next = await api.createSession({ name: "next", project: "/srv/projects", command: ["/bin/sh"] });
  assert.equal(next.status, "active");
  await socket.close();
});

test("Container.ABackupServiceKeepsAndProvesBackups", { timeout: 120_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const out = await stack.must("docker-compose exec backup /scripts/backup.sh", { tty: true });
  const file = out.match(/\/backups\/(dashboard_\d{8}_\d{6}\.db\.gz)/)[1];
  const here = path.join(stack.state, "backups", file);
  const image = "claude-code-dashboard:v1.0.0";
  await must(`docker run --rm -v '${path.dirname(here)}:/b:ro' --entrypoint dashboard ${image} check /b/${file}`);
  const bytes = readFileSync(here);
  bytes[Math.floor(bytes.length / 2)] ^= 1;
  const broken = path.join(stack.state, "dashboard_20000101_000000.db.gz");
  writeFileSync(broken, bytes);
  const refused = await stack.sh(`./scripts/restore.sh --yes '${broken}'`, { timeoutMs: 60_000 });
  assert.notEqual(refused.code, 0, refused.out);
  assert.match(refused.out, /nothing has been changed/);
  assert.equal((await stack.health()).status, "healthy");
  const restored = await stack.sh("./scripts/restore.sh --yes latest", { timeoutMs: 90_000 });
  assert.equal(restored.code, 0, restored.out);
});

test("Container.ThePublicDoorIsTlsAndNobodyNamesTheirOwnAddress", { timeout: 120_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const tls = path.join(stack.folder, "run/tls");
  mkdirSync(tls, { recursive: true });
  await must(`openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout '${tls}/privkey.pem' -out '${tls}/fullchain.pem' 2>/dev/null && chown 1000:1000 '${tls}'/*.pem && chmod 600 '${tls}/privkey.pem'`);
  await stack.compose("restart nginx");
  await stack.waitHealthy();
  assert.match((await inContainer("nginx", "nginx -e stderr -t")).out, /test is successful/);
  const curl = `curl -sk --max-time 10 -H 'Host: ${new URL(stack.url).host}'`;
  assert.match((await sh(`${curl} https://localhost:${stack.ports.TLS_PORT}/health`)).out, /"healthy"/);
  await sh(`${curl} -H 'X-Forwarded-For: 203.0.113.7' https://localhost:${stack.ports.TLS_PORT}/api/sessions`);
  const log = (await inContainer("dashboard", "tail -n 3 /tmp/access.log")).out;
  assert.match(log, /\/api\/sessions/);
  assert.doesNotMatch(log, /203\.0\.113\.7/);
  const setup = await sh(`${curl} -X POST -H 'Content-Type: application/json' -d '{"code":"x","name":"y","password":"zzzzzzzzzzzzzzzz","transport":"bearer"}' -o /dev/null -w '%{http_code}' https://localhost:${stack.ports.TLS_PORT}/api/auth/setup`);
  assert.match(setup.out, /40[0-9]/);
});

test("Container.PrometheusReadsItAndTheAlertsKnowItsNames", { timeout: 120_000 }, async (t) => {
  if (skip) return t.skip(skip);
  const metrics = (await inContainer("dashboard", "curl -s http://127.0.0.1:3000/metrics")).out;
  const checked = await sh("promtool check metrics", { input: metrics });
  assert.doesNotMatch(checked.out, /error while linting/, checked.out);
  const known = new Set([...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const text = readFileSync(path.join(kRepository, "ops/prometheus/alerts.yml"), "utf8") + readFileSync(path.join(kRepository, "ops/grafana/dashboard.json"), "utf8");
  for (const [name] of text.matchAll(/\bdashboard_[a-z_]+/g)) {
    const family = name.replace(/_(bucket|sum|count)$/, "");
    // Some appear with their first event: then the sources have the name.
    const named = async () => (await sh(`grep -rqF '"${family.replace("dashboard_", "")}"' server --include=*.cpp`)).code === 0;
    assert.ok(known.has(family) || (await named()), `no metric ${name}`);
  }
});
