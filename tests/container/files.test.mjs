// What an operator uses, as far as it can be checked without a Docker Engine: scripts called wrongly, units, alert rules, compose files, the tunnel's refusals.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { kRepository, must, sh } from "./stack.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "operations-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Why it cannot be checked where that program is not installed; tests/container/engine.sh installs it where it may. */
const without = async (program) => ((await sh(`command -v ${program}`)).code === 0 ? undefined : `${program} is not installed`);

test("Operations.EveryScriptHelpsAndRefusesWhatItDoesNotKnow", { timeout: 180_000 }, async () => {
  const scripts = readdirSync(path.join(kRepository, "scripts")).filter((name) => name !== "lib.sh");
  for (const name of scripts) {
    const help = await must(`scripts/${name} --help`);
    assert.match(help, new RegExp(`usage: scripts/${name}`), name);
    assert.doesNotMatch(help, /^#|set -e/m, name);
    const unknown = await sh(`scripts/${name} --no-such-option`);
    assert.ok(unknown.code === 1 || unknown.code === 2, `${name}: exit code ${unknown.code}`);
    assert.match(unknown.out, /--no-such-option|usage|address|environment/, name);
  }
  assert.ok(scripts.length >= 11);
});

test("Operations.AWrongCallSaysWhatWouldBeRight", { timeout: 180_000 }, async () => {
  const rows = [
    ["deploy.sh", /which environment\? scripts\/deploy.sh production/],
    ["deploy.sh Production", /'Production' is no environment's name/],
    ["deploy.sh production 'v1;x'", /is no tag of an image/],
    ["deploy.sh production v1.0.0 v1.0.1", /too many arguments/],
    ["rollback.sh v1.0.0 v1.0.1", /one tag, not two/],
    ["rollback.sh --restore", /--restore takes a backup or latest/],
    ["blue-green.sh", /which version\? scripts\/blue-green.sh v1/],
    ["blue-green.sh v1.0.0 --soak soon", /--soak takes a number of seconds/],
    ["smoke-tests.sh", /usage: scripts\/smoke-tests.sh URL/],
    ["smoke-tests.sh localhost:3000", /not an address: localhost:3000 \(for example http/],
    ["restore.sh", /name one backup/],
    ["preflight.sh ../elsewhere", /is no environment's name/],
    ["preflight.sh nowhere", /FAIL {2}there is no \.env\.nowhere: cp \.env\.production\.example/],
    ["handoff.sh --hours", /--hours takes a value/],
    ["handoff.sh --hours soon", /--hours takes a number/],
    ["diagnostics.sh /no/such/folder", /no such folder: \/no\/such\/folder/],
    ["maintenance.sh yearly", /usage: scripts\/maintenance.sh/],
    ["maintenance.sh daily --no-e2e", /daily takes no '--no-e2e'/],
    ["image-files.sh /usr", /\/usr is there and was not made by this/],
  ];
  for (const [call, pattern] of rows) {
    const { code, out } = await sh(`scripts/${call}`);
    assert.ok(code === 1 || code === 2, `${call}: exit code ${code}`);
    assert.match(out, pattern, call);
  }
});

test("Operations.PreflightWithoutAnEngineChecksTheRest", async () => {
  const { code, out } = await sh("env DOCKER_HOST=unix:///nowhere.sock scripts/preflight.sh nowhere");
  assert.equal(code, 1, out);
  assert.match(out, /FAIL {2}(Docker is not installed|the Docker Engine does not answer)/);
  assert.match(out, /\n\d+ ok, \d+ warnings?, \d+ failed\n/);
});

test("Operations.TheTunnelRefusesDefaultAndWeakLogins", { timeout: 180_000 }, async () => {
  const token = "2aBcDeFgHiJkLmNoPqRsTuVwXyZ_3f5Gh7Jk9";
  const rows = [
    ["", "", /NGROK_AUTHTOKEN is not set/],
    ["your_ngrok_authtoken_here", "anna:r8Kz3vQm1TxW7pLs", /text of an example/],
    [token, "", /NGROK_BASIC_AUTH is not set/],
    [token, "admin", /must be user:password/],
    [token, "admin:short", /too short/],
    [token, "user:dashboard-password-1", /guessed/],
    [token, "user:aaaabbbbaaaabbbb", /different characters/],
  ];
  const run = (authtoken, login) => sh("sh ops/container/ngrok.sh", { env: { NGROK_AUTHTOKEN: authtoken, NGROK_BASIC_AUTH: login, NGROK_PROGRAM: "echo" } });
  for (const [authtoken, login, pattern] of rows) {
    const result = await run(authtoken, login);
    assert.equal(result.code, 78, `${login}: ${result.out}`);
    assert.match(result.out, pattern);
  }
  assert.match((await run(token, "anna:r8Kz3vQm1TxW7pLs")).out, /http --basic-auth anna:r8Kz3vQm1TxW7pLs .*nginx:3000/);
});

test("Operations.AlertRulesHold", { timeout: 180_000 }, async (t) => {
  const missing = (await without("promtool")) ?? (await without("amtool"));
  if (missing) return t.skip(missing);
  for (const command of ["promtool check rules ops/prometheus/alerts.yml", "promtool check config --syntax-only ops/prometheus/prometheus.yml", "promtool test rules ops/prometheus/alerts_test.yml", "amtool check-config ops/prometheus/alertmanager.yml"]) {
    const { code, out } = await sh(command);
    assert.equal(code, 0, `${command}: ${out}`);
  }
});

/** A checkout's compose files with settings, as `docker-compose config` reads them. */
function composeFolder() {
  for (const name of readdirSync(kRepository).filter((file) => /^docker-compose.*\.yml$/.test(file))) copyFileSync(path.join(kRepository, name), path.join(folder, name));
  copyFileSync(path.join(kRepository, ".env.production.example"), path.join(folder, ".env"));
  return folder;
}
test("Operations.ComposeFilesHoldForBothGenerations", { timeout: 180_000 }, async (t) => {
  const programs = [];
  if (!(await without("docker-compose"))) programs.push("docker-compose");
  const second = await sh("tests/container/engine.sh compose-v2");
  if (second.code === 0) programs.push(path.join(second.out.trim().split("\n").at(-1), "docker-compose"));
  if (programs.length === 0) return t.skip(`neither generation of docker-compose is here: ${second.out.trim()}`);
  const cwd = composeFolder();
  const versions = [];
  for (const program of programs) {
    versions.push((await must(`${program} version --short`)).trim());
    for (const files of ["-f docker-compose.yml", "-f docker-compose.yml -f docker-compose.dev.yml", "-f docker-compose.yml -f docker-compose.prod.yml", "--profile green --profile ngrok -f docker-compose.yml -f docker-compose.prod.yml", "-f docker-compose.blue.yml"]) {
      const { code, out } = await sh(`${program} ${files} config -q`, { cwd });
      assert.equal(code, 0, `${versions.at(-1)}, ${files}: ${out}`);
      assert.doesNotMatch(out, /warn|obsolete|deprecated/i, `${versions.at(-1)}, ${files}`);
    }
  }
  console.log(`Operations: compose files read by docker-compose ${versions.join(" and ")}`);
});

test("Operations.TheDefaultTagIsTheVersion", () => {
  const texts = ["docker-compose.yml", "docker-compose.prod.yml", "docker-compose.blue.yml"].map((file) => readFileSync(path.join(kRepository, file), "utf8"));
  const tags = texts.flatMap((text) => [...text.matchAll(/IMAGE_TAG:-(\S+?)\}/g)].map(([, tag]) => tag));
  const { version } = JSON.parse(readFileSync(path.join(kRepository, "package.json"), "utf8"));
  assert.deepEqual([...new Set(tags)], [`v${version}`]);
});

test("Operations.UnitsOfSystemdAreConfined", { timeout: 180_000 }, async (t) => {
  const missing = await without("systemd-analyze");
  if (missing) return t.skip(missing);
  // As docs/RUNBOOK.md states them. Agents may do what their user may, hence the second.
  for (const [unit, limit] of [["claude-dashboard.service", 1.2], ["claude-dashboard-tmux.service", 3.4]]) {
    const { out } = await sh(`systemd-analyze security --offline=true ops/systemd/${unit}`);
    const score = Number(out.match(/Overall exposure level for \S+: ([\d.]+)/)?.[1]);
    console.log(`Operations: ${unit} exposure ${score}`);
    assert.ok(score <= limit, out.slice(-300));
  }
});
