// Shellcheck finds nothing in the tracked shell scripts, and each stops at the first error.
import { spawnSync } from "node:child_process";

import { runAlone } from "./support.mjs";

const kShebang = /^#!\s*(?:\/usr\/bin\/env\s+)?(?:\/bin\/|\/usr\/bin\/)?(bash|sh|dash)\b/;

function isShell({ path, text }) {
  return /\.(sh|bash)$/.test(path) || kShebang.test(text);
}

function shellcheck(file) {
  const result = spawnSync("shellcheck", ["--format=json1", "--severity=warning", "-"], { input: file.text, encoding: "utf8" });
  if (result.error) return [{ path: file.path, line: 1, message: `shellcheck did not run: ${result.error.message}` }];
  return JSON.parse(result.stdout).comments.map(({ line, code, message }) => ({ path: file.path, line, message: `SC${code} ${message}` }));
}

export const lint = {
  name: "shell_scripts",
  check(files) {
    return files.filter(isShell).flatMap((file) => {
      const stops = /^\s*set\s+-[a-z]*e|^#!.*\s-[a-z]*e/m.test(file.text);
      const stop = stops ? [] : [{ path: file.path, line: 1, message: "goes on after an error: `set -e` (bash: `set -euo pipefail`) is missing" }];
      return [...shellcheck(file), ...stop];
    });
  },
  samples: [
    { path: "scripts/good.sh", text: "#!/usr/bin/env bash\n# Good.\nset -euo pipefail\necho \"$1\"\n" },
    { path: "scripts/bad.sh", text: "#!/bin/sh\n# Bad.\ncd $1; rm -rf $(ls)\n", expect: ["3: SC2164", "3: SC2046", "1: goes on after an error"] },
  ],
};
runAlone(import.meta, lint);
