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

const kCannot = 77;
/**
 * Why the tests cannot run here, or undefined. Starts an engine where none runs; an error where one should run and does not.
 * Commands get docker-compose of the generation `prefer` where it can be had, and of that in COMPOSE (1 or 2) or none.
 */
export async function needEngine({ prefer } = {}) {
  const engine = await sh("tests/container/engine.sh start", { timeoutMs: 900_000 });
  if (engine.code === kCannot) return lastLine(engine.out);
  if (engine.code !== 0) throw new Error(`the Docker Engine does not start\n${engine.out}`);
  const built = process.env.IMAGE_FILES_READY || existsSync(path.resolve(kRepository, process.env.BUILD ?? "build/release", "server/dashboard"));
  if (!built) throw new Error("the programs are not built: ./dev build");
  const other = (await sh("docker inspect -f '{{index .Config.Labels \"com.docker.compose.project.working_dir\"}}' claude-code-dashboard")).out.trim();
  if (other.startsWith("/") && !other.startsWith(kWork)) return `this engine runs somebody's dashboard (${other})`;
  const wanted = process.env.COMPOSE ?? prefer;
  // Whatever came after 1.29 counts as the second generation.
  const generation = (await composeVersion()).startsWith("1.") ? "1" : "2";
  const missing = wanted && generation !== wanted ? await addCompose(wanted) : undefined;
  if (missing && process.env.COMPOSE) return missing;
  console.log(`docker-compose ${await composeVersion()}${missing ? ` (${missing})` : ""}`);
  return undefined;
}
/** Puts docker-compose of that generation before the machine's own; else why it cannot be had. */
async function addCompose(generation) {
  const found = await sh("tests/container/engine.sh compose-v2");
  if (generation !== "2" || found.code !== 0) return `no docker-compose of generation ${generation}: ${lastLine(found.out)}`;
  process.env.PATH = `${lastLine(found.out)}:${process.env.PATH}`;
  return undefined;
}
const lastLine = (text) => text.trim().split("\n").at(-1);
/** For example "1.29.2" or "2.26.1-4". */
export const composeVersion = async () => (await sh("docker-compose version --short")).out.trim();

const kDashboardImage = "claude-code-dashboard:v1.0.0";
const kOtherImages = ["claude-code-dashboard-agents:1", "claude-code-dashboard-proxy:1", "claude-code-dashboard-toolchain:dev"];
/** Images of an earlier run lose their tags, so that they are built anew; their layers stay for the cache. */
export async function forgetImages() {
  for (const image of [kDashboardImage, "claude-code-dashboard:v1.0.1", ...kOtherImages]) await sh(`docker tag ${image} ${image.split(":")[0]}:cache && docker rmi ${image}`);
}

/** Builds the stack's images from the checkout in `folder` (its .env.production says how), and returns the seconds of each; nothing when they are these already. */
export async function buildImages(folder) {
  const key = (await must("git ls-files -s | git hash-object --stdin && find build/image -type f -exec sha256sum {} + | sort | sha256sum", { cwd: folder })).trim();
  const ids = async () => (await sh(`docker image inspect -f '{{.Id}}' ${[kDashboardImage, ...kOtherImages].join(" ")}`)).out.trim();
  const stamp = path.join(kWork, "images");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === `${key}\n${await ids()}`) return {};
  const seconds = {};
  const build = async (name, command) => {
    const began = performance.now();
    await must(command, { cwd: folder, timeoutMs: 1_200_000 });
    seconds[name] = Math.round((performance.now() - began) / 1000);
  };
  const compose = "docker-compose -f docker-compose.yml -f docker-compose.prod.yml build";
  await must("ln -sf .env.production .env", { cwd: folder });
  await Promise.all([
    build("nginx", `${compose} nginx`),
    // One after the other: they have their first stages in common.
    build("dashboard and tmux", `${compose} dashboard tmux`).then(() => build("toolchain", "docker build -q --target toolchain --build-arg PROGRAMS=source -t claude-code-dashboard-toolchain:dev .")),
  ]);
  rmSync(path.join(folder, ".env"));
  writeFileSync(stamp, `${key}\n${await ids()}`);
  return seconds;
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
    this.metricsToken = randomSecret();
  }
  /** A clean checkout with its images and settings, not started. */
  static async prepare() {
    const stack = new Stack();
    await stack.remove();
    await makeImageFiles();
    await cloneInto(stack.folder, await makeRepository());
    giveImageFiles(stack.folder);
    mkdirSync(stack.projects, { recursive: true });
    await must(`chown 1000:1000 '${stack.projects}'`);
    stack.settings({ JWT_SECRET: randomSecret(), METRICS_TOKEN: stack.metricsToken });
    stack.built = await buildImages(stack.folder);
    return stack;
  }
  static async start() {
    const stack = await Stack.prepare();
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
