// What watches the stack, for real: Prometheus scrapes it and Alertmanager tells on-call of an outage; a version comes from a registry of images.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

import { endSockets } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { kRepository, must, needEngine, sh, Stack } from "./stack.mjs";

const kPort = { prometheus: 19090, alertmanager: 19093, webhook: 19095, registry: 15000 };

let skip;
let stack;
const programs = [];
before(async () => {
  skip = await needEngine({ prefer: "2" });
  if (!skip) stack = await Stack.start();
}, { timeout: 900_000 });
after(async () => {
  for (const program of programs) program.kill("SIGKILL");
  if (stack) endSockets(stack.url);
  if (process.env.KEEP_STACK) return;
  await stack?.remove();
}, { timeout: 120_000 });

function run(program, ...words) {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  child.said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (child.said = (child.said + piece).slice(-4000)));
  programs.push(child);
  return child;
}
const installed = async (program) => (await sh(`command -v ${program}`)).code === 0;

/** Our configuration with this stack's ports, and with seconds where it has minutes. */
function watchFolder() {
  const folder = path.join(stack.state, "watch");
  mkdirSync(folder, { recursive: true });
  cpSync(path.join(kRepository, "ops/prometheus"), folder, { recursive: true });
  const edit = (file, ...changes) => {
    let text = readFileSync(path.join(folder, file), "utf8");
    for (const [from, to] of changes) {
      assert.ok(text.includes(from), `${file} has no ${from}`);
      text = text.replaceAll(from, to);
    }
    writeFileSync(path.join(folder, file), text);
  };
  edit("prometheus.yml", ["_interval: 15s", "_interval: 1s"], ["127.0.0.1:9093", `127.0.0.1:${kPort.alertmanager}`], ["/etc/prometheus/dashboard-token", path.join(folder, "token")], ["localhost:3000", `localhost:${stack.ports.PUBLISH_PORT}`]);
  edit("alerts.yml", ["for: 1m", "for: 2s"]);
  edit("alertmanager.yml", ["group_interval: 5m", "group_interval: 1s"], ["127.0.0.1:9095", `127.0.0.1:${kPort.webhook}`]);
  writeFileSync(path.join(folder, "token"), stack.metricsToken, { mode: 0o600 });
  return folder;
}

test("Watch.AnOutageReachesOnCallAndItsEndToo", { timeout: 240_000 }, async (t) => {
  if (skip) return t.skip(skip);
  if (!(await installed("prometheus")) || !(await installed("prometheus-alertmanager"))) return t.skip("prometheus and prometheus-alertmanager are not installed");
  const folder = watchFolder();
  const told = [];
  const webhook = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      for (const { status, labels } of JSON.parse(body).alerts) told.push(`${request.url} ${labels.alertname} ${status}`);
      response.end();
    });
  }).listen(kPort.webhook, "127.0.0.1");
  t.after(() => webhook.close());
  run("prometheus-alertmanager", `--config.file=${folder}/alertmanager.yml`, `--storage.path=${folder}/alerts`, `--web.listen-address=127.0.0.1:${kPort.alertmanager}`, "--cluster.listen-address=");
  const prometheus = run("prometheus", `--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/series`, `--web.listen-address=127.0.0.1:${kPort.prometheus}`);
  const query = async (text) => {
    const { out } = await sh(`curl -s --max-time 5 -G --data-urlencode 'query=${text}' http://127.0.0.1:${kPort.prometheus}/api/v1/query`);
    return out.startsWith("{") ? JSON.parse(out).data.result : [];
  };
  // With the token, through nginx: metrics of the dashboard itself.
  await until("Prometheus has scraped the dashboard", async () => (await query('up{job="dashboard"} == 1')).length === 1 && (await query('dashboard_health_check{check="tmux"} == 1')).length === 1, { timeoutMs: 60_000, stepMs: 300 }).catch((error) => {
    throw new Error(`${error.message}\n${prometheus.said}`);
  });
  assert.deepEqual(told, [], "nothing is wrong, and nobody is told so");
  const began = performance.now();
  await stack.compose("stop -t 10 dashboard");
  await until("on-call is told", () => told.includes("/on-call DashboardDown firing"), { timeoutMs: 60_000 });
  const seconds = Math.round((performance.now() - began) / 1000);
  await stack.compose("start dashboard");
  await stack.waitHealthy();
  await until("on-call is told that it is over", () => told.includes("/on-call DashboardDown resolved"), { timeoutMs: 60_000 });
  console.log(`Watch: on-call was told of an outage after ${seconds} s (rules wait 2 s here, a minute in production), and of its end`);
});

test("Watch.AVersionIsPulledFromARegistryAndTakenBack", { timeout: 300_000 }, async (t) => {
  if (skip) return t.skip(skip);
  if (!(await installed("docker-registry"))) return t.skip("docker-registry is not installed");
  const folder = path.join(stack.state, "registry");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "config.yml"), `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}}}\nhttp: {addr: "127.0.0.1:${kPort.registry}"}\n`);
  const registry = run("docker-registry", "serve", path.join(folder, "config.yml"));
  const address = `localhost:${kPort.registry}`;
  await until("the registry answers", async () => (await sh(`curl -fsS http://${address}/v2/`)).code === 0, { timeoutMs: 30_000 }).catch((error) => {
    throw new Error(`${error.message}\n${registry.said}`);
  });
  await stack.makeTag("test-pulled");
  const image = "claude-code-dashboard:test-pulled";
  await must(`docker tag ${image} ${address}/${image} && docker push -q ${address}/${image} && docker rmi ${address}/${image} ${image}`);
  const tmux = (await stack.inspect("tmux")).State.StartedAt;
  const out = await stack.must("./scripts/deploy.sh production test-pulled", { env: { REGISTRY: address }, timeoutMs: 180_000 });
  assert.match(out, new RegExp(`pulled ${address}/${image}`));
  assert.match(out, /test-pulled is deployed \(production\)/);
  assert.equal((await stack.inspect("dashboard")).Config.Image, image);
  assert.match(await stack.must("./scripts/rollback.sh", { timeoutMs: 180_000 }), /v1\.0\.0 serves/);
  assert.equal((await stack.inspect("tmux")).State.StartedAt, tmux, "the tmux server was replaced");
});
