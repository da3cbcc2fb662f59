// What the container and runbook tests share: an engine, a repository to clone, images, and commands run as an operator types them.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Api } from "../harness/api.mjs";
import { until } from "../harness/wait.mjs";

export const kRepository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
// A fixed folder: images are built from it, and layers are found again.
export const kWork = process.env.CONTAINER_WORK ?? "/var/tmp/claude-dashboard-tests";
const kCommandMs = 300_000;

/**
 * Runs one line of bash. `tty` gives it a terminal, as at a console (docker-compose exec wants one). Never throws for an exit code.
 * Ends the whole process group after `timeoutMs`; that counts as code 124.
 */
export function sh(command, { cwd = kRepository, env = {}, tty = false, input = "", timeoutMs = kCommandMs } = {}) {
  const argv = tty ? ["script", ["-qefc", command, "/dev/null"]] : ["bash", ["-c", command]];
  return new Promise((resolve) => {
    const began = performance.now();
    const child = spawn(argv[0], argv[1], {
      cwd,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, DOCKER_BUILDKIT: "0", TERM: "xterm", SHELL: "/bin/bash", ...env },
    });
    let out = "";
    let late = false;
    const take = (piece) => (out = (out + piece).slice(-4_000_000));
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const end = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has ended.
      }
    };
    const limit = setTimeout(() => {
      late = true;
      end("SIGTERM");
      setTimeout(() => end("SIGKILL"), 3000).unref();
    }, timeoutMs);
    child.stdin.on("error", () => {});
    // A terminal's end of input would end `script` before the command: it is left open there.
    if (tty && input === "") void 0;
    else if (tty) child.stdin.write(input);
    else child.stdin.end(input);
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      child.stdin.destroy();
      // eslint-disable-next-line no-control-regex
      const text = out.replace(/\r/g, "").replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
      resolve({ code: late ? 124 : (code ?? 128 + (signal ? 1 : 0)), out: text, ms: performance.now() - began });
    });
    child.on("error", (error) => resolve({ code: 127, out: String(error), ms: 0 }));
  });
}

/** The command's output; an error with all of it when it fails. */
export async function must(command, options) {
  const result = await sh(command, options);
  if (result.code !== 0) throw new Error(`exit code ${result.code}: ${command}\n${result.out.slice(-4000)}`);
  return result.out;
}

/** Why the tests cannot run here, or undefined. Starts an engine where none runs. */
export async function needEngine() {
  const started = await sh("tests/container/engine.sh start", { timeoutMs: 600_000 });
  if (started.code !== 0) return `no Docker Engine: ${started.out.trim().split("\n").at(-1)}`;
  const built = process.env.IMAGE_FILES_READY || existsSync(path.resolve(kRepository, process.env.BUILD ?? "build/release", "server/dashboard"));
  if (!built) return "the programs are not built: ./dev build";
  const other = (await sh("docker inspect -f '{{index .Config.Labels \"com.docker.compose.project.working_dir\"}}' claude-code-dashboard")).out.trim();
  if (other.startsWith("/") && !other.startsWith(kWork)) return `this engine runs somebody's dashboard (${other})`;
  return undefined;
}
/** Images of an earlier run lose their tags, so that they are built anew; their layers stay for the cache. */
export async function forgetImages() {
  for (const image of ["claude-code-dashboard:v1.0.0", "claude-code-dashboard:v1.0.1", "claude-code-dashboard-agents:1", "claude-code-dashboard-proxy:1"]) {
    await sh(`docker tag ${image} ${image.split(":")[0]}:cache && docker rmi ${image}`);
  }
}
/** A bare repository with this checkout's files (committed or not) on main, tagged v1.0.0: what an operator clones. */
export async function makeRepository() {
  const bare = path.join(kWork, "repository.git");
  const source = path.join(kWork, "source");
  rmSync(bare, { recursive: true, force: true });
  rmSync(source, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  await must(`git ls-files -co --exclude-standard | while IFS= read -r f; do [ -e "$f" ] && printf '%s\\n' "$f"; done | tar -c -T - | tar -x -C '${source}'`);
  const git = "git -c user.name=Tests -c user.email=tests@localhost";
  await must(`git init -q -b main . && ${git} add -A && ${git} commit -q -m 'The version under test' && ${git} tag -a v1.0.0 -m 'Release v1.0.0' && git clone -q --bare . '${bare}'`, { cwd: source });
  return bare;
}

/** The built programs where the Dockerfile takes them with PROGRAMS=prebuilt; with IMAGE_FILES_READY they are there already. */
export async function makeImageFiles() {
  if (process.env.IMAGE_FILES_READY) return;
  await must("scripts/image-files.sh build/image");
}
export function giveImageFiles(checkout) {
  mkdirSync(path.join(checkout, "build"), { recursive: true });
  cpSync(path.join(kRepository, "build/image"), path.join(checkout, "build/image"), { recursive: true });
}

/** A clone, as `git clone <repo> FOLDER` makes it. */
export async function cloneInto(folder, repository) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.dirname(folder), { recursive: true });
  await must(`git clone -q '${repository}' '${folder}' && git -C '${folder}' config user.name Operator && git -C '${folder}' config user.email operator@localhost`);
}

export function writeSettings(file, values, base = "") {
  let text = base;
  for (const [name, value] of Object.entries(values)) {
    const line = `${name}=${value}`;
    const pattern = new RegExp(`^${name}=.*$`, "m");
    text = pattern.test(text) ? text.replace(pattern, () => line) : `${text}${text.endsWith("\n") || text === "" ? "" : "\n"}${line}\n`;
  }
  writeFileSync(file, text, { mode: 0o600 });
}

export const randomSecret = () => Buffer.from(crypto.getRandomValues(new Uint8Array(48))).toString("base64url");

/** A production stack of its own: folders under kWork, its own ports, deployed by scripts/deploy.sh. */
export class Stack {
  constructor() {
    this.folder = path.join(kWork, "stack/terminal");
    this.state = path.join(kWork, "stack-state");
    this.projects = path.join(this.state, "projects");
    this.url = "http://localhost:13000";
    this.ports = { PUBLISH_PORT: 13000, GREEN_PORT: 13001, BLUE_PORT: 13002, TLS_PORT: 18443 };
    this.container = "claude-code-dashboard";
  }
  static async start() {
    const stack = new Stack();
    await stack.remove();
    await makeImageFiles();
    await cloneInto(stack.folder, await makeRepository());
    giveImageFiles(stack.folder);
    mkdirSync(stack.projects, { recursive: true });
    await must(`chown 1000:1000 '${stack.projects}'`);
    stack.settings({ JWT_SECRET: randomSecret() });
    // Images of an earlier run have the same tags: built anew, from the cache where nothing has changed.
    await stack.must("ln -sf .env.production .env && docker-compose build dashboard tmux nginx && rm .env", { timeoutMs: 900_000 });
    stack.deployed = await stack.must("./scripts/deploy.sh production", { timeoutMs: 300_000 });
    return stack;
  }
  settings(values) {
    const paths = { DATA_PATH: `${this.state}/data`, BACKUPS_PATH: `${this.state}/backups`, PROJECTS_DIR: this.projects };
    const own = { ...this.ports, ...paths, PROGRAMS: "prebuilt", COMPOSE_PROJECT_NAME: "claude-dashboard-test", DASHBOARD_SUBNET: "10.89.213.0/24", NGINX_ADDRESS: "10.89.213.10" };
    writeSettings(path.join(this.folder, ".env.production"), { ...own, PUBLIC_ORIGINS: this.url, ...values }, readFileSync(path.join(this.folder, ".env.production.example"), "utf8"));
  }
  sh(command, options = {}) {
    return sh(command, { cwd: this.folder, ...options });
  }
  must(command, options = {}) {
    return must(command, { cwd: this.folder, ...options });
  }
  compose(words, options) {
    return this.must(`docker-compose ${words}`, options);
  }
  id(service) {
    return this.must(`docker ps -aq --filter label=com.docker.compose.project=claude-dashboard-test --filter label=com.docker.compose.service=${service} | head -1`).then((out) => out.trim());
  }
  async inspect(service) {
    return JSON.parse(await this.must(`docker inspect ${await this.id(service)}`))[0];
  }
  async health(port = this.ports.PUBLISH_PORT) {
    const { out } = await sh(`curl -s --max-time 5 http://localhost:${port}/health`);
    try {
      return JSON.parse(out);
    } catch {
      return {};
    }
  }
  async waitHealthy() {
    await until(`${this.url}/health is healthy`, async () => (await this.health()).status === "healthy", { timeoutMs: 60_000, stepMs: 100 });
  }
  async login(name = "operator") {
    const password = randomSecret().slice(0, 24);
    await must(`printf '%s\\n' '${password}' | docker exec -i ${this.container} dashboard user add ${name}`);
    const api = new Api(this.url);
    await api.login(name, password);
    return api;
  }
  /** Another version's image: the same programs, another id. */
  async makeTag(tag, from = "v1.0.0", more = "") {
    await must(`printf 'FROM claude-code-dashboard:${from}\\nLABEL test.version=${tag}\\n${more}' | docker build -q -t claude-code-dashboard:${tag} -`);
  }
  async remove() {
    await sh("docker ps -aq --filter label=com.docker.compose.project=claude-dashboard-test | xargs -r docker rm -f");
    await sh("docker volume ls -q --filter label=com.docker.compose.project=claude-dashboard-test | xargs -r docker volume rm; docker network rm claude-dashboard-test-net");
    for (const folder of [path.dirname(this.folder), this.state]) rmSync(folder, { recursive: true, force: true });
  }
}
