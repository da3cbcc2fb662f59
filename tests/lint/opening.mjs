// Every source file opens with a comment of at least one sentence that says what the file is for.
import { runAlone } from "./support.mjs";

const kSource = /\.(cpp|hpp|c|h|inc|mjs|js|ts|tsx|css|sh|cmake|py)$|(^|\/)(CMakeLists\.txt|dev|Dockerfile|docker-compose[^/]*\.ya?ml)$|^scripts\/|^ops\/.*\.(conf|yml|yaml|service)$/;
// Made by a program from another file; its own first line says from which.
const kGenerated = /(^|\/)[^/]*\.generated\.[a-z]+$/;
// One call of room(), which cmake/room.cmake explains.
const kRoomLists = /^server\/[a-z_]+\/CMakeLists\.txt$/;

/** The comment that the file begins with, without its marks; a shebang may come before it. */
export function openingComment(text) {
  const body = text.replace(/^#!.*\n/, "").trimStart();
  const block = body.match(/^\/\*([\s\S]*?)\*\//);
  if (block) return block[1].replace(/^\s*\*/gm, "").trim();
  const mark = body.startsWith("//") ? /^\s*\/\/+ ?/ : /^\s*# ?/;
  const lines = [];
  for (const line of body.split("\n")) {
    if (!mark.test(line)) break;
    lines.push(line.replace(mark, ""));
  }
  return lines.join("\n").trim();
}

export const lint = {
  name: "opening",
  check(files) {
    return files
      .filter(({ path }) => kSource.test(path) && !kGenerated.test(path) && !kRoomLists.test(path))
      .filter(({ text }) => !/\w+\W+\w+[\s\S]*?[.!?:]/.test(openingComment(text)))
      .map(({ path }) => ({ path, line: 1, message: "does not open with a sentence that says what the file is for" }));
  },
  samples: [
    { path: "server/base/good.cpp", text: "// Says what it is for.\n#include <x>\n" },
    { path: "web/src/good.css", text: "/* Colours and sizes: one place for them. */\n" },
    { path: "scripts/good.sh", text: "#!/bin/sh\n# Does a thing.\n" },
    { path: "server/base/bad.cpp", text: "#include <x>\n// Late.\n", expect: ["1: does not open"] },
    { path: "scripts/bad.sh", text: "#!/bin/sh\nset -e\n", expect: ["1: does not open"] },
    { path: "web/src/bad.ts", text: "// word\nexport {}\n", expect: ["1: does not open"] },
  ],
};
runAlone(import.meta, lint);
