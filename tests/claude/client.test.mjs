// The real Claude Code client against the stand-in, in a private tmux: what the dashboard's own tests build on.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";

import { Tmux } from "../harness/tmux.mjs";
import { until } from "../harness/wait.mjs";
import { clientEnvironment, clientProgram, prepareHome } from "./client.mjs";
import { StandIn } from "./stand_in.mjs";

const program = clientProgram();
const skip = program ? false : "skipped: tests/claude is not installed";
// The prompt mark is followed by a no-break space.
const kReady = /^❯\s*$/m;

let folder;
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "ccd-claude-"));
});
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** A client in its own tmux, home and project, with a stand-in that plays the turns `script(project)` returns. */
async function withClient(name, script, use) {
  const home = path.join(folder, name, "home");
  const project = path.join(folder, name, "project");
  mkdirSync(home, { recursive: true });
  mkdirSync(project, { recursive: true });
  prepareHome(home, [project]);
  const standIn = await StandIn.start(script(project));
  const tmux = new Tmux();
  try {
    tmux.start("claude", [program], { cwd: project, environment: clientEnvironment({ home, standInUrl: standIn.url }) });
    await tmux.waitFor("claude", kReady);
    const send = async (text) => {
      tmux.type("claude", text);
      await tmux.waitFor("claude", new RegExp(`❯\\s${text}`));
      tmux.key("claude", "Enter");
    };
    // The client takes no key for a moment after a dialog opens: press again while the dialog stands.
    const answer = async (dialog, key) => {
      await tmux.waitFor("claude", dialog);
      await until(`${key} closes the dialog`, () => {
        if (!dialog.test(tmux.screen("claude"))) return true;
        tmux.key("claude", key);
        return false;
      }, { stepMs: 500 });
    };
    await use({ tmux, standIn, project, home, send, answer });
    assert.deepEqual(standIn.problems(), []);
  } finally {
    await tmux.kill();
    await standIn.stop();
  }
}

test("Claude.WritesAFileOnlyAfterApproval", { skip, timeout: 180_000 }, async () => {
  const script = (project) => [
    {
      prompt: "make hello",
      replies: [
        { text: "I will write the file.", tool: { name: "Write", input: { file_path: `${project}/hello.txt`, content: "hello\n" } } },
        { text: "The file hello.txt is ready." },
      ],
    },
  ];
  await withClient("write", script, async ({ tmux, project, send, answer }) => {
    const file = path.join(project, "hello.txt");
    await send("make hello");
    await tmux.waitFor("claude", /Do you want to create hello\.txt\?/);
    assert.equal(existsSync(file), false, "nothing is written before the approval");
    await answer(/Do you want to create hello\.txt\?/, "Enter");
    await until("the file is there", () => existsSync(file));
    assert.equal(readFileSync(file, "utf8"), "hello\n");
    await tmux.waitFor("claude", /The file hello\.txt is ready\./);
  });
});

test("Claude.RunsACommandAndReportsItsOutput", { skip, timeout: 180_000 }, async () => {
  const script = () => [
    {
      prompt: "count words",
      replies: [
        { tool: { name: "Bash", input: { command: "echo one two > words; wc -w < words", description: "Count words" } } },
        { text: "There are two words." },
      ],
    },
  ];
  await withClient("bash", script, async ({ tmux, standIn, send, answer }) => {
    await send("count words");
    await answer(/Do you want to proceed\?/, "Enter");
    await tmux.waitFor("claude", /There are two words\./);
    assert.deepEqual(standIn.requests.at(-1).results.map(({ error, text }) => ({ error, text })), [{ error: false, text: "2" }]);
  });
});

test("Claude.IsToldOfADenial", { skip, timeout: 180_000 }, async () => {
  const script = (project) => [
    { prompt: "make no", replies: [{ tool: { name: "Write", input: { file_path: `${project}/no.txt`, content: "x" } } }] },
    { prompt: "what now", replies: [{ text: "As you wish." }] },
  ];
  await withClient("deny", script, async ({ tmux, project, send, answer }) => {
    await send("make no");
    await answer(/Do you want to create no\.txt\?/, "Escape");
    await tmux.waitFor("claude", kReady);
    await send("what now");
    await tmux.waitFor("claude", /As you wish\./);
    assert.equal(existsSync(path.join(project, "no.txt")), false);
  });
});

test("Claude.TriesAgainAfterARateLimit", { skip, timeout: 180_000 }, async () => {
  const script = () => [
    {
      prompt: "say hi",
      replies: [
        { status: 429, error: "rate_limit_error", message: "slow down", headers: { "retry-after": "1" } },
        { text: "Hi after the wait.", delayMs: 300 },
      ],
    },
  ];
  await withClient("limit", script, async ({ tmux, send }) => {
    await send("say hi");
    await tmux.waitFor("claude", /Hi after the wait\./, 60_000);
  });
});
