// What the rows of the runbook's table share: the clones, and the checks that take more than a pattern.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

import { Api } from "../harness/api.mjs";
import { until } from "../harness/wait.mjs";
import { kRepository, kWork, must, randomSecret, sh, writeSettings } from "../container/stack.mjs";

const kUrl = "http://localhost:3000";
const kDashboard = "claude-code-dashboard";
const kDevFiles = "-f docker-compose.yml -f docker-compose.dev.yml";

export class State {
  constructor() {
    Object.assign(this, { checkout: kRepository, notes: [], found: {}, folder: kWork });
    this.devParent = path.join(kWork, "dev");
    this.prodParent = path.join(kWork, "prod");
    this.devClone = path.join(this.devParent, "terminal");
    this.prodClone = path.join(this.prodParent, "terminal");
    this.editSettings = `sed -i "s|^JWT_SECRET=.*|JWT_SECRET=$(openssl rand -base64 48)|" .env.production`;
  }

  sh(command, options = {}) {
    return sh(command, { cwd: this.folder, ...options });
  }
  must(command, options = {}) {
    return must(command, { cwd: this.folder, ...options });
  }
  note(text) {
    this.notes.push(text);
    return true;
  }
  until(what, condition, seconds) {
    return until(what, condition, { timeoutMs: seconds * 1000, stepMs: 200 });
  }
  enter(folder) {
    this.folder = folder;
    return existsSync(path.join(folder, "docker-compose.yml"));
  }

  // --- the two clones -----------------------------------------------------------------------------------------------------------

  /** The dev stack's builder compiles the clone; it finds in the compiler cache what `npm run build` outside has compiled. */
  shareBuildCache() {
    process.env.BUILD_CACHE = process.env.CCACHE_DIR ?? path.join(homedir(), ".cache/ccache");
    return existsSync(path.join(this.folder, "build/release/server/dashboard"));
  }
  /** A change of a source, as an editor saves it: the builder compiles it, and the dashboard starts again with it. */
  async changeASource() {
    const file = path.join(this.folder, "server/app.cpp");
    const text = readFileSync(file, "utf8");
    const changed = text.replace('"main", "ready"', '"main", "ready once more"');
    if (changed === text) throw new Error("server/app.cpp has no line to change");
    const began = performance.now();
    writeFileSync(file, changed);
    await this.until("the dashboard runs the changed source", async () => (await this.sh(`docker-compose ${kDevFiles} logs dashboard`)).out.includes("ready once more"), 400);
    await this.until("it is healthy again", async () => (await this.health()).status === "healthy", 30);
    this.note(`compiled and restarted ${Math.round((performance.now() - began) / 1000)} s after the change`);
  }
  prepareProduction() {
    process.env.PROGRAMS = "prebuilt";
    this.giveImageFiles(this.folder);
    return existsSync(path.join(this.folder, ".env.production"));
  }
  /** Staging as production, so that one machine can hold it. */
  async prepareStaging() {
    await this.must("cp .env.production .env.staging && chmod 600 .env.staging");
  }

  // --- health -------------------------------------------------------------------------------------------------------------------

  async health() {
    return JSON.parse((await sh(`curl -s --max-time 5 ${kUrl}/health`)).out);
  }
  async waitHealthy() {
    await this.until(`${kUrl}/health is healthy`, async () => (await this.health()).status === "healthy", 60);
  }
  async healthShape() {
    const health = await this.health();
    const { status, checks, uptime, timestamp, version, ...more } = health;
    const good = status === "healthy" && ["server", "database", "tmux"].every((name) => checks[name] === "ok") && Number.isInteger(uptime) &&
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(timestamp) && /^\d+\.\d+\.\d+$/.test(version) && Object.keys(more).length === 0;
    if (!good) throw new Error(JSON.stringify(health));
  }
  async databaseError() {
    // Nobody but root can write there any more: as when the disk or its owner is wrong.
    const file = "/app/data/dashboard.db";
    await must(`mv ${file} ${file}.away`);
    try {
      await this.until("database: error", async () => (await this.health()).checks.database === "error", 30);
      const { out } = await sh(`curl -s -o /dev/null -w '%{http_code}' ${kUrl}/health`);
      if (out !== "503") throw new Error(`degraded answers ${out}`);
    } finally {
      await must(`mv ${file}.away ${file}`);
    }
    await this.waitHealthy();
    this.note("degraded with 503 while the file was away; healthy again by itself");
  }
  async tmuxError() {
    await this.must("docker-compose stop -t 2 tmux");
    await this.until("tmux: error", async () => (await this.health()).checks.tmux === "error", 30);
    await this.must("docker-compose start tmux");
    await this.waitHealthy();
    this.note("stopping the tmux service shows at once; starting it heals without a restart of the dashboard");
    await this.must("docker-compose restart dashboard");
    await this.waitHealthy();
  }
  async claudeMissing() {
    const health = await this.health();
    if (health.checks.claude !== "not-installed" || health.status !== "healthy") throw new Error(JSON.stringify(health));
  }
  async standsBy() {
    const { out } = await this.must("./scripts/blue-green.sh status").then((out) => ({ out }));
    if (!/blue .*stands by/.test(out)) throw new Error(out);
  }

  // --- checks before a deployment ------------------------------------------------------------------------------------------------

  /** One run of the checklist answers all its rows; `fresh` asks anew. */
  async preflightSays(pattern, fresh = false) {
    if (fresh || !this.found.preflight) this.found.preflight = (await this.sh("./scripts/preflight.sh production")).out;
    const out = this.found.preflight;
    const line = out.match(pattern);
    if (!line) throw new Error(`no ${pattern} in\n${out}`);
    this.note(out.split("\n").find((text) => pattern.test(text)));
  }
  async preflightRefuses(name, value, pattern) {
    const settings = path.join(this.folder, ".env.test");
    writeSettings(settings, { [name]: value }, readFileSync(path.join(this.folder, ".env.production"), "utf8"));
    try {
      const { code, out } = await this.sh("./scripts/preflight.sh test");
      if (code !== 1 || !pattern.test(out)) throw new Error(`code ${code}\n${out}`);
    } finally {
      rmSync(settings);
    }
  }
  auditAnswer(code, out) {
    return this.registryAnswer(code, out) && (code === 0 || this.note(`npm reports: ${out.trim().split("\n").slice(-3).join(" ").slice(0, 200)}`));
  }
  /** npm answered; where it cannot reach its registry the row says so and does not count as wrong. */
  registryAnswer(code, out) {
    if (/ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|audit endpoint returned an error|E40[0-9]|ENOAUDIT/.test(out)) return this.note("the registry did not answer this here");
    return code === 0 || code === 1;
  }
  /** A registry of images that answers runs the row; else it is one that cannot run here, with what Docker said. */
  pulled(code, out) {
    if (code === 0) return true;
    const why = out.match(/no such host|connection refused|i\/o timeout|TLS handshake timeout|network is unreachable|manifest unknown|not found|denied/);
    if (!why) return false;
    this.cannot = `tried: Docker Hub cannot be reached (${why[0]})`;
    return true;
  }
  workflowTriggers() {
    const text = readFileSync(path.join(this.folder, ".github/workflows/ci-cd.yml"), "utf8");
    if (!/tags:\s*\[\s*["']v\*["']\s*\]/.test(text) || !/deploy\.sh/.test(text)) throw new Error("the workflow does not deploy tags v*");
  }
  fileHas(file, pattern) {
    if (!pattern.test(readFileSync(file, "utf8"))) throw new Error(`${file} has no ${pattern}`);
    rmSync(file);
  }

  // --- versions -------------------------------------------------------------------------------------------------------------------

  /** Another version's image: the same programs under another name and another id. */
  async makeTag(tag) {
    await must(`printf 'FROM claude-code-dashboard:v1.0.0\\nLABEL test.version=${tag}\\n' | docker build -q -t claude-code-dashboard:${tag} -`);
  }
  async scriptedRollback() {
    await this.makeTag("v1.0.1");
    await this.must("./scripts/deploy.sh production v1.0.1", { timeoutMs: 300_000 });
    const before = await this.tmuxServer();
    const out = await this.must("./scripts/rollback.sh", { timeoutMs: 300_000 });
    if (!/v1\.0\.0 serves/.test(out)) throw new Error(out);
    if ((await this.tmuxServer()) !== before) throw new Error("the tmux server is another one");
    this.note("deployed v1.0.1 over v1.0.0 and went back; the tmux server is the same");
  }
  async tmuxServer() {
    return (await this.must(`docker inspect -f '{{.Id}} {{.State.StartedAt}}' $(docker ps -q --filter label=com.docker.compose.service=tmux)`)).trim();
  }
  async rollbackIsKnown() {
    const { code, out } = await this.sh("./scripts/rollback.sh --help");
    if (code !== 0 || !/usage: scripts\/rollback.sh/.test(out)) throw new Error(out);
    this.note("run above: Rolling Back");
  }

  // --- a person's work ------------------------------------------------------------------------------------------------------------

  async login() {
    if (this.api) return this.api;
    const password = randomSecret().slice(0, 24);
    const name = `runbook-${Date.now()}`;
    await must(`printf '%s\\n' '${password}' | docker exec -i ${kDashboard} dashboard user add ${name}`);
    this.api = new Api(kUrl);
    await this.api.login(name, password);
    this.account = { name, password };
    this.token = this.api.accessToken;
    return this.api;
  }
  /** By the refresh token; by a new account where a restore has taken the old one away. */
  async freshToken() {
    const api = await this.login();
    try {
      await api.refresh();
    } catch {
      this.api = undefined;
      await this.login();
    }
    this.token = this.api.accessToken;
  }
  async startSession(name) {
    await this.freshToken();
    const sessions = await this.api.sessions();
    if (!sessions.some((session) => session.name === name && session.status === "active")) {
      await this.api.createSession({ name: `${name}-${Date.now() % 100000}`, project: "/srv/projects", command: ["/bin/sh"] });
    }
  }
  async failedLogin() {
    // First what the next rows need: after a failed login the next one waits.
    await this.freshToken();
    await sh(`curl -s -X POST -H 'Content-Type: application/json' -d '{"name":"nobody","password":"not the password","transport":"bearer"}' ${kUrl}/api/auth/login`);
  }
  readFilesSoon() {
    // While the printed command looks on.
    for (let seconds = 1; seconds < 14; ++seconds) setTimeout(() => void this.api.send("GET", "/api/files?path=/srv/projects").catch(() => {}), seconds * 1000);
  }

  // --- refusals -------------------------------------------------------------------------------------------------------------------

  /** A dashboard of the stack with other settings; its exit code and message. The running one is not touched. */
  async refusal(settings, code, pattern) {
    const given = Object.entries(settings).map(([name, value]) => `-e '${name}=${value}'`).join(" ");
    const result = await this.sh(`docker-compose run --rm --no-deps -T -e DATA_DIR=/tmp/data -e DATABASE_PATH=/tmp/data/dashboard.db ${given} dashboard`, { timeoutMs: 30_000 });
    if (result.code !== code || !pattern.test(result.out)) throw new Error(`exit code ${result.code} instead of ${code}\n${result.out}`);
    this.note(result.out.match(pattern)[0]);
  }
  async portInUse() {
    const result = await this.sh(`docker run --rm --network container:${kDashboard} --env-file .env -e HOST=0.0.0.0 -e PUBLIC_ORIGINS=${kUrl} -e DATA_DIR=/tmp/data -e DATABASE_PATH=/tmp/data/dashboard.db -e TMUX_START=never -v /srv/projects:/srv/projects claude-code-dashboard:v1.0.0`, { timeoutMs: 30_000 });
    if (result.code !== 69 || !/PORT: .*in use/.test(result.out)) throw new Error(`exit code ${result.code}\n${result.out}`);
    this.note(result.out.match(/PORT: .*in use/)[0]);
  }
  /** The database is overwritten in the middle: the start is refused, the file is set aside, and the named restore heals. */
  async corruption() {
    await this.must("./scripts/backup.sh");
    await this.must("docker-compose stop -t 10 dashboard");
    await must("dd if=/dev/urandom of=/app/data/dashboard.db bs=4096 seek=2 count=6 conv=notrunc status=none");
    await this.must("docker-compose start dashboard");
    await this.until("it refuses with 65", async () => /65/.test((await sh(`docker inspect -f '{{.State.ExitCode}}' ${kDashboard}`)).out) || /exit_code=65/.test((await this.sh("docker logs --tail 20 " + kDashboard)).out), 30);
    const logs = (await this.sh(`docker logs --tail 20 ${kDashboard}`)).out;
    if (!/damaged/.test(logs)) throw new Error(logs);
    const aside = readdirSync("/app/data").filter((name) => name.includes("damaged"));
    if (aside.length === 0) throw new Error(`nothing was set aside: ${readdirSync("/app/data")}`);
    this.note(`set aside: ${aside[0]}; ${logs.match(/.*damaged.*/)[0].slice(0, 300)}`);
    await this.must("./scripts/restore.sh --yes latest", { timeoutMs: 120_000 });
    await this.waitHealthy();
  }

  // --- backups --------------------------------------------------------------------------------------------------------------------

  async newestBackup() {
    const all = readdirSync("/mnt/backups").filter((name) => /^dashboard_\d{8}_\d{6}\.db\.gz$/.test(name)).sort();
    this.found.newest = path.join("/mnt/backups", all.at(-1));
    return all.length > 0;
  }
  async markDatabase() {
    await this.startSession("before-the-loss");
    this.found.mark = (await this.rows("SELECT name FROM sessions WHERE name LIKE 'before-the-loss%' ORDER BY created_at DESC LIMIT 1;")).trim();
  }
  rows(sql) {
    return this.must(`docker exec ${kDashboard} sqlite3 -readonly /app/data/dashboard.db "${sql}"`);
  }
  async markIsBack() {
    const found = await this.rows(`SELECT COUNT(*) FROM sessions WHERE name='${this.found.mark}';`);
    if (found.trim() !== "1") throw new Error(`${this.found.mark}: ${found}`);
    this.api = undefined;
  }
  async sinceAsPrinted(time) {
    const { code, out } = await this.sh(`docker-compose logs --since ${time} | grep ERROR | wc -l`, { tty: true });
    this.note(`as printed: ${code === 0 && !/Usage|unknown/i.test(out) ? out.trim() : "docker-compose 1.29 does not know --since"}`);
  }
  async drill() {
    const { out } = await this.sh("./scripts/maintenance.sh quarterly --no-e2e", { timeoutMs: 200_000 });
    if (!/ok +recovery drill: .* restores/.test(out)) throw new Error(out);
    this.note(out.match(/recovery drill: .*/)[0]);
  }

  // --- the rest -------------------------------------------------------------------------------------------------------------------

  async limits() {
    const out = await must(`docker inspect -f '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.MemoryReservation}}' ${kDashboard}`);
    if (out.trim() !== `2000000000 ${1024 ** 3} ${256 * 1024 ** 2}`) throw new Error(out);
    const text = readFileSync(path.join(this.folder, "docker-compose.prod.yml"), "utf8");
    if (!/limits:\s+cpus: '2'[^\n]*\n\s+memory: 1G[^\n]*\n\s+reservations:\s+cpus: '0\.5'[^\n]*\n\s+memory: 256M/.test(text)) throw new Error("docker-compose.prod.yml prints them otherwise");
    this.note("in force: 2 CPUs, 1 GiB, 256 MiB reserved; a CPU reservation is a word for the planner of a swarm, one engine ignores it");
  }
  async diagnostics() {
    const file = (await this.must("./scripts/diagnostics.sh /tmp 2>/dev/null")).trim().split("\n").at(-1);
    const secret = readFileSync(path.join(this.folder, ".env"), "utf8").match(/^JWT_SECRET=(.+)$/m)[1];
    const all = await must(`tar -xzOf ${file}`);
    rmSync(file);
    if (all.includes(secret) || all.includes(this.token)) throw new Error("a secret is in the bundle");
    for (const wanted of ["claude-code-dashboard image=", '"status"', "JWT_SECRET set", "ready"]) if (!all.includes(wanted)) throw new Error(`the bundle has no ${wanted}`);
    this.note(`${Math.round(all.length / 1024)} KB unpacked; neither JWT_SECRET nor the token is in it`);
  }

  async remove() {
    await sh("docker ps -aq --filter label=com.docker.compose.project=claude-dashboard | xargs -r docker rm -f", {});
    for (const folder of [this.devClone, this.prodClone]) {
      if (existsSync(folder)) await sh("docker-compose down -v --remove-orphans -t 2", { cwd: folder });
    }
    await sh("docker volume ls -q --filter label=com.docker.compose.project=claude-dashboard | xargs -r docker volume rm; docker network rm claude-dashboard-net");
    for (const folder of ["/app/data", "/mnt/backups"]) if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    if (existsSync("/app") && readdirSync("/app").length === 0) rmSync("/app", { recursive: true });
  }
}
