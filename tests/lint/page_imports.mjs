// The page's layers: wire never touches the DOM, pages and ui never touch sockets, and imports go one way.
import path from "node:path";

import { findAll, finding, runAlone, withoutComments } from "./support.mjs";

// From folder to the folders of web/src that it may import from. Files directly in web/src join everything.
const kMayImport = {
  wire: ["wire"],
  worker: ["worker", "wire"],
  ui: ["ui"],
  terminal: ["terminal", "wire", "ui"],
  pages: ["pages", "terminal", "wire", "ui"],
};
// What wire keeps for itself: the socket and its parts.
const kSocketParts = /^wire\/(socket|connection|channel|frames|ledger|ledger_store)$/;

export const lint = {
  name: "page_imports",
  check(files) {
    const findings = [];
    for (const file of files.filter(({ path: p }) => /^web\/src\/.*\.tsx?$/.test(p))) {
      const folder = file.path.split("/")[2];
      const isTest = /\.test\.tsx?$/.test(file.path);
      const text = withoutComments(file.text);
      if (folder in kMayImport) {
        for (const match of text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]*)['"]/g)) {
          const target = path.posix.relative("web/src", path.posix.join(path.posix.dirname(file.path), match[1])).replace(/\.tsx?$/, "");
          const other = target.split("/")[0];
          const say = (message) => findings.push(finding(file, match.index, message));
          if (other in kMayImport && !kMayImport[folder].includes(other)) say(`${folder} may not import from ${other} (${match[1]})`);
          else if ((folder === "pages" || folder === "ui") && kSocketParts.test(target) && !/\bimport\s+type\b[^;]*$/.test(text.slice(0, match.index).split("\n").slice(-6).join("\n"))) {
            say(`${folder} may not import the socket itself (${match[1]})`);
          }
        }
      }
      if (folder === "wire" && !isTest) {
        findings.push(...findAll(file, text, /(?<![.\w'"])(?:document|window)\s*[.[]|\bHTML\w*Element\b|\bquerySelector\w*\b/g, (m) => `wire does not touch the DOM (${m[0].trim()})`));
        findings.push(...findAll(file, text, /\bfrom\s*['"](?:react|react-dom|@xterm\/)[^'"]*['"]/g, (m) => `wire knows no ${m[0].slice(4).trim()}`));
      }
      // The files directly in web/src put the parts together and hand wire the browser's WebSocket.
      if (folder !== "wire" && file.path.split("/").length > 3 && !isTest) findings.push(...findAll(file, text, /\bnew\s+WebSocket\b/g, "only wire opens sockets"));
    }
    return findings;
  },
  samples: [
    { path: "web/src/wire/good.ts", text: "// documents are fine words\nimport { x } from './frames'\nexport const y = x.document\n" },
    { path: "web/src/wire/bad.ts", text: "import { C } from '../ui/Card'\ndocument.title = 'x'\nwindow.alert(1)\nimport React from 'react'\n", expect: ["1: wire may not import from ui", "2: wire does not touch the DOM", "3: wire does not touch the DOM", "4: wire knows no"] },
    { path: "web/src/pages/Bad.tsx", text: "import { Socket } from '../wire/socket'\nconst s = new WebSocket(u)\n", expect: ["1: pages may not import the socket", "2: only wire opens sockets"] },
    { path: "web/src/pages/Good.tsx", text: "import { list } from '../wire/http'\nimport type { Socket } from '../wire/socket'\n" },
    { path: "web/src/ui/Bad.tsx", text: "import { list } from '../wire/http'\n", expect: ["1: ui may not import from wire"] },
  ],
};
runAlone(import.meta, lint);
