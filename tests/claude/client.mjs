// The real Claude Code client for tests: where its program is, a clean home for it, and the environment it starts with.
import { chmodSync, existsSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { StandIn } from "./stand_in.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));

/** The native program of this platform's npm package, or undefined when tests/claude is not installed. */
export function clientProgram() {
  const cpu = { x64: "x64", arm64: "arm64" }[process.arch];
  const program = path.join(here, "node_modules/@anthropic-ai", `claude-code-linux-${cpu}`, "claude");
  return existsSync(program) ? program : undefined;
}

/** A key in the shape of a real one. It is made up: nothing but the stand-in ever sees it. */
export const kMadeUpKey = "sk-ant-api03-made-up-for-tests-only-0000000000000000";

/**
 * Writes what the client wants to find in a home before it starts without questions: onboarding done, the made-up key
 * approved (by its last 20 characters), and the folders trusted. Folders are trusted by their real path.
 */
export function prepareHome(home, trustedFolders) {
  mkdirSync(path.join(home, ".claude"), { recursive: true, mode: 0o700 });
  const trusted = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true, allowedTools: [] };
  const settings = {
    hasCompletedOnboarding: true,
    theme: "dark",
    numStartups: 5,
    customApiKeyResponses: { approved: [kMadeUpKey.slice(-20)], rejected: [] },
    projects: Object.fromEntries(trustedFolders.map((folder) => [realpathSync(folder), trusted])),
  };
  writeFileSync(path.join(home, ".claude.json"), JSON.stringify(settings, null, 2), { mode: 0o600 });
  // Without it the client decides about tools by itself ("auto mode") and shows no permission dialog.
  const personal = { permissions: { defaultMode: "default", disableAutoMode: "disable" } };
  writeFileSync(path.join(home, ".claude/settings.json"), JSON.stringify(personal, null, 2), { mode: 0o600 });
}

/** The whole environment of a client under test: nothing is inherited, so no login or setting of this machine reaches it. */
export function clientEnvironment({ home, standInUrl }) {
  return {
    HOME: home,
    PATH: "/usr/local/bin:/usr/bin:/bin",
    LANG: "C.UTF-8",
    SHELL: "/bin/bash",
    ANTHROPIC_BASE_URL: standInUrl,
    ANTHROPIC_API_KEY: kMadeUpKey,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_ERROR_REPORTING: "1",
  };
}

/**
 * A command that starts the client with this environment, as a person's shell profile would give it: the path of a program named `claude` in
 * `folder`, which the dashboard takes for Claude Code. Variables in `passed` come from the session.
 */
export function writeLauncher(folder, { home, standInUrl, passed = ["TERM"] }) {
  const launcher = path.join(folder, "claude");
  const fixed = Object.entries(clientEnvironment({ home, standInUrl })).map(([name, value]) => `${name}='${value}'`);
  const variables = [...passed.map((name) => `${name}="$${name}"`), ...fixed];
  writeFileSync(launcher, `#!/bin/sh\nexec env -i ${variables.join(" ")} '${clientProgram()}' "$@"\n`);
  chmodSync(launcher, 0o755);
  return launcher;
}

/** Gives a dashboard that is not up yet real clients with a home of their own, before a stand-in of the API that plays `turns`. */
export async function giveClients(dashboard, turns) {
  const home = path.join(dashboard.folder, "agent-home");
  mkdirSync(home);
  prepareHome(home, [dashboard.project]);
  const standIn = await StandIn.start(turns);
  dashboard.settings.CLAUDE_COMMAND = writeLauncher(dashboard.folder, { home, standInUrl: standIn.url });
  dashboard.settings.CLAUDE_CONFIG_DIR = path.join(home, ".claude");
  return { home, standIn };
}

export const skipWithoutClient = clientProgram() ? false : "skipped: tests/claude is not installed";
