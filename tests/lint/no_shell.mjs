// No shell in the server and no markup from strings in the page: processes start from argv, text reaches the DOM as text.
import { findAll, runAlone, withoutComments } from "./support.mjs";

const kServer = [
  [/\b(?:std::)?system\s*\(/g, "system() runs a shell: start a process from an argv array (base/process.hpp)"],
  [/\bw?popen\s*\(/g, "popen() runs a shell: start a process from an argv array (base/process.hpp)"],
  [/\bexecl[pe]?\s*\(/g, "execl(): use execve with an argv array (base/process.hpp)"],
  [/"(?:\/bin\/|\/usr\/bin\/)?(?:ba|da)?sh"\s*,\s*"-l?c"/g, "a shell is started: use the program's own argv"],
  [/\brun-shell\b|\bif-shell\b/g, "tmux's run-shell and if-shell run a shell"],
];
const kPage = [
  [/\.(?:inner|outer)HTML\b/g, "text becomes markup: use textContent or a component"],
  [/\binsertAdjacentHTML\b|\bdocument\.write(?:ln)?\b|\bcreateContextualFragment\b/g, "text becomes markup: use textContent or a component"],
  [/\bdangerouslySetInnerHTML\b/g, "text becomes markup: use a component"],
  [/(?<![.\w])eval\s*\(|\bnew\s+Function\s*\(/g, "text becomes code"],
  [/\bset(?:Timeout|Interval)\s*\(\s*["'`]/g, "text becomes code: pass a function"],
];

export const lint = {
  name: "no_shell",
  check(files) {
    return files.flatMap((file) => {
      const server = /^server\/.*\.(cpp|hpp|c|h|inc)$/.test(file.path) && !/_test\.cpp$/.test(file.path);
      const page = /^web\/src\/.*\.(ts|tsx|js|mjs)$/.test(file.path) && !/\.test\.tsx?$/.test(file.path);
      if (!server && !page) return [];
      const text = withoutComments(file.text);
      return (server ? kServer : kPage).flatMap(([pattern, message]) => findAll(file, text, pattern, message));
    });
  },
  samples: [
    { path: "server/base/good.cpp", text: "// No system( here.\nauto x = file_system(); std::error_code e = my.system_category();\n" },
    { path: "server/base/bad.cpp", text: "int a = system(\"ls\");\nFILE* f = popen(cmd, \"r\");\nexeclp(\"x\", \"x\", nullptr);\nspec.argv = {\"/bin/sh\", \"-c\", text};\n", expect: ["1: system()", "2: popen()", "3: execl()", "4: a shell"] },
    { path: "server/base/fine_test.cpp", text: "// A test may start what it likes.\nsystem(\"true\");\n" },
    { path: "web/src/ui/bad.tsx", text: "a.innerHTML = b\neval(c)\nconst d = <p dangerouslySetInnerHTML={e} />\nnew Function('x')\n", expect: ["1: text becomes markup", "2: text becomes code", "3: text becomes markup", "4: text becomes code"] },
    { path: "web/src/ui/good.tsx", text: "// never innerHTML\na.textContent = b; const evaluate = (x) => x; evaluate (1)\n" },
  ],
};
runAlone(import.meta, lint);
