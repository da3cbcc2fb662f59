// Rooms include only what server/layers.txt allows them, Beast stays in http/, terminal/ does no I/O, pane-tap is free of Boost.
import path from "node:path";

import { findAll, finding, runAlone, withoutComments } from "./support.mjs";

const kLayers = "server/layers.txt";
const kIoHeaders =
  /^(fcntl\.h|unistd\.h|poll\.h|termios\.h|sys\/.*|netinet\/.*|arpa\/.*|dirent\.h|fstream|iostream|cstdio|stdio\.h|filesystem|thread|boost\/asio.*|spdlog.*)$/;

function parseLayers(file) {
  const allowed = new Map();
  const findings = [];
  file.text.split("\n").forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return;
    const [, room, others] = line.match(/^([a-z_]+):\s*(.*)$/) ?? [];
    if (!room) return void findings.push({ path: file.path, line: index + 1, message: "not of the form `room: other rooms`" });
    const names = others.split(/\s+/).filter(Boolean);
    for (const name of names.filter((n) => !allowed.has(n))) {
      findings.push({ path: file.path, line: index + 1, message: `${room} may not include ${name}: it is not further up in this list` });
    }
    allowed.set(room, new Set([room, ...names]));
  });
  return { allowed, findings };
}

function roomOf(file) {
  const [, first, rest] = file.split("/");
  return rest === undefined ? "main" : first;
}

export const lint = {
  name: "layers",
  check(files) {
    const layers = files.find((file) => file.path === kLayers);
    if (!layers) return [{ path: kLayers, line: 1, message: "is missing" }];
    const { allowed, findings } = parseLayers(layers);
    const present = new Set(files.map((file) => file.path));
    for (const file of files.filter(({ path: p }) => /^server\/.*\.(cpp|hpp|h|c|inc)$/.test(p))) {
      const room = roomOf(file.path);
      const may = allowed.get(room);
      if (!may) {
        findings.push({ path: file.path, line: 1, message: `the room ${room} is not in ${kLayers}` });
        continue;
      }
      const isTest = /_test\.cpp$/.test(file.path);
      for (const match of withoutComments(file.text).matchAll(/^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]/gm)) {
        const [, quote, header] = match;
        const say = (message) => findings.push(finding(file, match.index, message));
        if (quote === '"') {
          const other = header.split("/")[0];
          if (room === "main" && present.has(`server/${header}`)) continue; // the composition root's own
          if (!header.includes("/")) say(`"${header}": write includes of our own headers as "room/file.hpp"`);
          else if (!may.has(other)) say(`${room} may not include ${other} ("${header}")`);
          else if (!present.has(path.posix.join("server", header)) && !header.endsWith(".generated.hpp")) say(`"${header}" does not exist`);
        } else {
          if (/^boost\/beast/.test(header) && room !== "http") say(`<${header}>: only http/ includes Beast`);
          if (room === "terminal" && !isTest && kIoHeaders.test(header)) say(`<${header}>: terminal/ does no I/O`);
          if (/^server\/recording\/pane_tap\//.test(file.path) && !isTest && /^(boost|spdlog|fmt)\//.test(header)) {
            say(`<${header}>: pane-tap uses the standard library only`);
          }
        }
      }
      if (room !== "http") findings.push(...findAll(file, withoutComments(file.text), /\bboost::beast\b/g, "only http/ names Beast"));
    }
    return findings;
  },
  samples: [
    { path: kLayers, text: "base:\nterminal: base\nhttp: base\nrecording: base terminal\nmain: base\n" },
    { path: "server/base/error.hpp", text: "// An error.\n" },
    { path: "server/http/server.hpp", text: "// A server.\n#include <boost/beast/core.hpp>\n#include \"base/error.hpp\"\n" },
    { path: "server/terminal/screen.cpp", text: "// A screen.\n#include \"http/server.hpp\"\n#include <unistd.h>\n", expect: ["2: terminal may not include http", "3: <unistd.h>: terminal/ does no I/O"] },
    { path: "server/base/a.cpp", text: "// A.\n#include <boost/beast/core.hpp>\n#include \"base/gone.hpp\"\n", expect: ["2: <boost/beast/core.hpp>: only http/ includes Beast", "3: \"base/gone.hpp\" does not exist"] },
    { path: "server/recording/pane_tap/main.cpp", text: "// The tap.\n#include <boost/asio.hpp>\n// #include \"http/server.hpp\"\n", expect: ["2: <boost/asio.hpp>: pane-tap uses the standard library only"] },
    { path: "server/app.hpp", text: "// The program put together.\n" },
    { path: "server/main.cpp", text: "// The program.\n#include \"app.hpp\"\n" },
    { path: "server/base/b.cpp", text: "// B.\n#include \"error.hpp\"\n", expect: ["2: \"error.hpp\": write includes"] },
    { path: "server/shed/x.cpp", text: "// A room nobody listed.\n", expect: ["1: the room shed is not in"] },
  ],
};
runAlone(import.meta, lint);
