// Conversations with the real Claude Code client (tests/claude), answered by the stand-in: what record.mjs records of it.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

import { clientEnvironment, clientProgram, prepareHome } from "../claude/client.mjs";
import { StandIn } from "../claude/stand_in.mjs";

const kHome = "/srv/demo/me";
const kProject = "/srv/demo/project";
const kReady = /^❯\s*$/m;

const kMarkdown = `# What I found

The **parser** is a *state machine* with \`14\` states; see [the description](https://example.org/parser).

1. Ground: printable characters go to the grid.
2. Escape: the next byte decides.
   - \`[\` begins a control sequence
   - \`]\` begins a string
3. Everything else is ~~wrong~~ ignored.

| state | bytes | 日本語 |
|---|---:|---|
| ground | 0x20–0x7e | 地上 |
| escape | 0x1b | 脱出 😀 |
| csi entry | 0x5b | 入口 👩‍👩‍👧 |

\`\`\`cpp
// Takes one byte.
template <typename T>
constexpr auto take(std::uint8_t byte) -> State {
  return byte == 0x1b ? State::escape : kTable[static_cast<std::size_t>(state_)][byte];
}
\`\`\`

> A quotation that is long enough to be wrapped by the client itself when the terminal is narrower than the line that it is written in, as terminals of phones are.

${Array.from({ length: 30 }, (_, i) => `- point ${i + 1}: ${"the quick brown fox jumps over the lazy dog ".repeat((i % 3) + 1)}`).join("\n")}

That is all. ✅
`;

const kTasks = ["Read the parser", "Write the test", "Run everything"];
const createTask = (i) => ({ tool: { name: "TaskCreate", input: { subject: kTasks[i], description: kTasks[i], activeForm: kTasks[i].replace(/^(\w+)/, "$1ing") } } });
const updateTask = (i, status) => ({ tool: { name: "TaskUpdate", input: { taskId: String(i + 1), status } }, delayMs: 400 });

const work = [
  {
    prompt: "make the test",
    replies: [
      { text: "I will look around first.", ...createTask(0), delayMs: 1200 },
      createTask(1),
      createTask(2),
      updateTask(0, "in_progress"),
      { tool: { name: "Read", input: { file_path: `${kProject}/main.c` } }, delayMs: 600 },
      updateTask(0, "completed"),
      updateTask(1, "in_progress"),
      { text: "Now the test.", tool: { name: "Write", input: { file_path: `${kProject}/test.c`, content: "#include <assert.h>\n\nint main(void) {\n\tassert(1 + 1 == 2);  /* grüße, 漢字 */\n\treturn 0;\n}\n" } }, thinkMs: 40 },
      { tool: { name: "Edit", input: { file_path: `${kProject}/main.c`, old_string: "int words = 0, inside = 0;", new_string: "int words = 0;\n\tint inside = 0;" } } },
      { tool: { name: "Bash", input: { command: "for i in $(seq 1 30); do echo \"test $i ... ok\"; done; ls --color=always; printf '\\033[32mall passed\\033[0m\\n'", description: "Run the tests" } } },
      updateTask(1, "completed"),
      updateTask(2, "completed"),
      { text: "The test passes.", thinkMs: 20 },
    ],
  },
  { prompt: "explain", replies: [{ text: kMarkdown, thinkMs: 8, delayMs: 1500 }] },
  { prompt: "once more", replies: [{ status: 429, error: "rate_limit_error", message: "slow down", headers: { "retry-after": "1" } }, { text: "Here again. 再び。", delayMs: 2000 }] },
  { prompt: "remove", replies: [{ tool: { name: "Bash", input: { command: "rm -r build", description: "Remove the build" } } }] },
];

async function conversation(r, use) {
  mkdirSync(kProject, { recursive: true });
  execFileSync("cp", ["/srv/demo/src/main.c", kProject]);
  mkdirSync(kHome, { recursive: true });
  prepareHome(kHome, [kProject]);
  execFileSync("chown", ["-R", "65534:65534", kHome, kProject]);
  const standIn = await StandIn.start(structuredClone(work));
  try {
    // The task list's tools are off unless asked for.
    const environment = { ...clientEnvironment({ home: kHome, standInUrl: standIn.url }), CLAUDE_CODE_ENABLE_TASKS: "1", CLAUDE_CODE_ENABLE_TODO_TOOLS: "1" };
    r.start([clientProgram()], environment, kProject);
    await r.shows(kReady, 60_000);
    await use({
      async send(text) {
        await r.type(text);
        await r.shows(new RegExp(`❯\\s${text}`));
        r.tmux.key("rec", "Enter");
      },
      /** The client takes no key for a moment after a dialog opens. */
      async answer(dialog, ...keys) {
        await r.shows(dialog, 60_000);
        await delay(800);
        for (const key of keys) {
          r.tmux.key("rec", key);
          await delay(250);
        }
      },
    });
    await r.line("/exit");
    await delay(1500);
  } finally {
    await standIn.stop();
  }
  return `Claude Code ${execFileSync(clientProgram(), ["--version"], { encoding: "utf8", env: { HOME: kHome, PATH: "/usr/bin:/bin" } }).trim()}`;
}

export const recordClaude = {
  "claude-work": {
    cols: 100, rows: 40,
    run: (r) => conversation(r, async ({ send, answer }) => {
      await send("make the test");
      await answer(/Do you want to create test\.c\?/, "Enter");
      await answer(/Do you want to make this edit/, "Down", "Up", "Enter");
      await answer(/Do you want to proceed\?/, "Enter");
      await r.shows(/The test passes\./, 60_000);
      await delay(1500);
      await send("explain");
      await r.shows(/That is all\./, 90_000);
      await delay(1500);
      await r.keys("C-o");
      await delay(1000);
      await r.keys("Escape");
      await delay(500);
    }),
  },
  "claude-resize": {
    cols: 80, rows: 24,
    run: (r) => conversation(r, async ({ send, answer }) => {
      await r.type("/");
      await r.still();
      await r.keys("Down", "Down", "Escape", "Escape");
      await r.keys("C-u");
      await r.type("eine Zeile\\");
      await r.keys("Enter");
      await r.type("und noch eine mit 漢字 and 😀");
      await r.still();
      await r.keys("C-u", "BSpace", "C-u", "BSpace", "C-u");
      await r.still();
      await send("explain");
      await r.shows(/That is all\./, 90_000);
      await r.resize(120, 36, 1500);
      await r.resize(50, 30, 1500);
      await send("once more");
      await r.shows(/Here again/, 60_000);
      await r.resize(100, 30, 1500);
      await send("remove");
      await answer(/Do you want to proceed\?/, "Down", "Down", "Up", "Escape");
      await r.shows(kReady, 30_000).catch(() => {});
      await r.type("?");
      await r.still();
      await r.keys("BSpace", "C-u");
    }),
  },
};
