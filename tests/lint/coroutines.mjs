// Guards the traps of g++ 12 with coroutines: capturing lambdas in await expressions, awaits inside TRY or as operands, and references as
// parameters.
import { closing, finding, runAlone, withoutLiterals } from "./support.mjs";

// Written behind a parameter list whose references are safe for a reason that the comment beside it gives.
const kMarker = "lint: outlives";
// The thread pools live from main's start until the loop has ended.
const kSafeReferences = /\b(?:boost::)?asio::thread_pool\s*&(?!&)/g;

// Characters before a co_await in which an operator that it belongs to is looked for: blanks, brackets and a negation.
const kOperatorReach = 16;

/** The end of the expression that begins at `start`: its statement's end, or the bracket that encloses it. */
function expressionEnd(text, start) {
  for (let at = start; at < text.length; ++at) {
    if ("([{".includes(text[at])) at = closing(text, at);
    else if (")]};".includes(text[at])) return at;
  }
  return text.length;
}

/** Where lambda literals that capture something begin between the two places. */
function capturingLambdas(text, from, to) {
  const found = [];
  for (let at = from; at < to; ++at) {
    if (text[at] !== "[") continue;
    if (text[at + 1] === "[") {
      at = closing(text, at); // an attribute
      continue;
    }
    const before = text.slice(0, at).trimEnd().at(-1) ?? "";
    const subscript = /[\w)\]]/.test(before) && !/\b(return|co_return|co_yield|co_await)$/.test(text.slice(0, at).trimEnd());
    const end = closing(text, at);
    if (!subscript && text.slice(at + 1, end).trim() !== "") found.push(at);
    at = end;
  }
  return found;
}

/** Where arguments that are braced lists begin between the two places. */
function bracedArguments(text, from, to) {
  return [...text.slice(from, to).matchAll(/[(,]\s*\{/g)].map((match) => from + match.index);
}

function checkAwaits(file, text) {
  const findings = [];
  for (const match of text.matchAll(/\bco_await\b/g)) {
    for (const at of bracedArguments(text, match.index, expressionEnd(text, match.index))) {
      findings.push(finding(file, at, "a braced list as an argument inside a co_await expression is destroyed twice by g++ 12: name the value first"));
    }
    for (const at of capturingLambdas(text, match.index, expressionEnd(text, match.index))) {
      findings.push(finding(file, at, "a capturing lambda inside a co_await expression is destroyed twice by g++ 12: name it first"));
    }
    // What stands before it in its own brackets: an operand of && or || behind another, or a branch of ?:.
    if (/(?:&&|\|\||[?:])[\s!(]*$/.test(text.slice(Math.max(0, match.index - kOperatorReach), match.index).replace(/::/g, "  ").replace(/\b(?:case\s[^:]*|default|public|private|protected|\))\s*:/g, " "))) {
      findings.push(finding(file, match.index, "co_await as an operand of &&, || or ?: dies with SIGILL under g++ 12: await into a variable in a branch of its own"));
    }
  }
  for (const match of text.matchAll(/\b(?:CO_)?TRY\s*\(/g)) {
    const open = match.index + match[0].length - 1;
    if (/\bco_await\b/.test(text.slice(open, closing(text, open)))) {
      findings.push(finding(file, match.index, "co_await inside TRY crashes g++ 12: await into a variable first"));
    }
  }
  return findings;
}

/** Parameter lists of everything that returns a Task: functions, declarations, and lambdas with `-> Task<...>`. */
function taskParameterLists(text) {
  const lists = [];
  for (const match of text.matchAll(/\bTask\s*</g)) {
    let at = match.index + match[0].length;
    for (let depth = 1; at < text.length && depth > 0; ++at) {
      if (text[at] === "<") ++depth;
      else if (text[at] === ">" && text[at - 1] !== "-") --depth;
    }
    const named = text.slice(at).match(/^\s+(?:[A-Za-z_]\w*(?:<[^<>()]*>)?::)*~?[A-Za-z_]\w*\s*\(/);
    if (named) {
      const open = at + named[0].length - 1;
      lists.push({ open, end: closing(text, open) });
    }
    const arrow = text.slice(0, match.index).match(/\)\s*(?:mutable\s*|noexcept\s*)*->\s*(?:asio::|ccd::)?$/);
    if (arrow) {
      const end = arrow.index;
      let depth = 0;
      let open = end;
      for (; open >= 0; --open) {
        if (text[open] === ")") ++depth;
        else if (text[open] === "(" && --depth === 0) break;
      }
      lists.push({ open, end });
    }
  }
  return lists;
}

function checkParameters(file, text) {
  const findings = [];
  for (const { open, end } of taskParameterLists(text)) {
    const parameters = text.slice(open + 1, end).replace(/std::function\s*<[^;{}]*?>(?=\s*\w)/g, (all) => all.replace(/&/g, " "));
    const risky = parameters.replace(kSafeReferences, " ").match(/&(?!\s*=)|\bstd::(?:string_view|span)\b/);
    if (!risky || /&&\s*\w+\s*\(|\bco_await\b/.test(parameters)) continue;
    // A variable that is called with arguments looks the same: `Task<void> t(pool, work)`. Types end in a name or in & and *.
    const line = file.text.slice(file.text.lastIndexOf("\n", open) + 1, (file.text.indexOf("\n", end) + 1 || file.text.length + 1) - 1);
    if (line.includes(kMarker)) continue;
    const what = risky[0] === "&" ? "a reference" : `a ${risky[0]}`;
    findings.push(finding(file, open, `${what} as a parameter of a Task can outlive what it refers to: take a value or a pointer to an owner (or say why: // ${kMarker}: ...)`));
  }
  return findings;
}

export const lint = {
  name: "coroutines",
  check(files) {
    return files
      .filter(({ path }) => /^(server|bench|tests\/fuzz)\/.*\.(cpp|hpp)$/.test(path))
      .flatMap((file) => {
        const text = withoutLiterals(file.text);
        return [...checkAwaits(file, text), ...checkParameters(file, text)];
      });
  },
  samples: [
    {
      path: "server/base/good.cpp",
      text: [
        "Task<void> f(int a, Pool* pool, std::shared_ptr<Request> request);",
        "Task<Result<int>> g(std::string name) {",
        "  auto work = [name] { return 1; };",
        "  auto r = co_await run_on(pool, std::move(work));",
        "  auto v = CO_TRY(std::move(r));",
        "  auto body = [&]() -> Task<void> { co_await h(table[v]); };",
        "  co_await body();",
        "  co_await k([](int x) { return x; });",
        "  for (auto x : list) co_await h(x);",
        "  const bool read = co_await h(0);",
        "  if (!read) co_return co_await (a() && b());",
        "  // co_await f([a] {}) is a trap",
        "  log(\"co_await f([a] {})\");",
        "}",
        "template <class W> Task<void> run(asio::thread_pool& pool, W w);",
        "Task<void> run(Clock& clock) {  // lint: outlives: main's clock",
      ].join("\n"),
    },
    {
      path: "server/base/bad.cpp",
      text: [
        "Task<void> f(const std::string& name);",
        "Task<Result<std::vector<int>>> Hub::g(int a,",
        "    std::string_view name) {",
        "  co_await run_on(pool, [name] { return 1; });",
        "  auto v = CO_TRY(co_await h());",
        "  auto w = TRY(std::move(a), (co_await h()));",
        "  co_return co_await (a() || b([&] { return 2; }));",
        "  auto l = [](Thing&& thing) -> Task<void> { co_return; };",
        "  if (!done && !co_await h()) co_return;",
        "  auto x = done ? co_await h() : 0;",
        "  co_await store({.name = who, .ip = \"\"});",
        "}",
      ].join("\n"),
      expect: [
        "1: a reference as a parameter", "2: a std::string_view as a parameter", "4: a capturing lambda", "5: co_await inside TRY",
        "6: co_await inside TRY", "7: a capturing lambda", "8: a reference as a parameter",
        "9: co_await as an operand", "10: co_await as an operand", "11: a braced list",
      ],
    },
  ],
};
runAlone(import.meta, lint);
