// Runs every lint over the repository, after showing that it finds what is wrong in its own bad samples.
import assert from "node:assert/strict";
import { test } from "node:test";

import { lint as coroutines } from "./coroutines.mjs";
import { lint as layers } from "./layers.mjs";
import { lint as noShell } from "./no_shell.mjs";
import { lint as opening } from "./opening.mjs";
import { lint as pageImports } from "./page_imports.mjs";
import { lint as places } from "./places.mjs";
import { lint as shellScripts } from "./shell_scripts.mjs";
import { sourceFiles } from "./support.mjs";
import { lint as transcripts } from "./transcripts.mjs";
import { lint as workflows } from "./workflows.mjs";

const files = sourceFiles();

for (const lint of [layers, opening, coroutines, noShell, pageImports, places, shellScripts, transcripts, workflows]) {
  test(`Lint.${lint.name}.FindsItsBadSamples`, () => {
    const findings = lint.check(lint.samples);
    for (const sample of lint.samples) {
      const found = findings.filter(({ path }) => path === sample.path).map(({ line, message }) => `${line}: ${message}`);
      const expected = sample.expect ?? [];
      for (const start of expected) assert.ok(found.some((text) => text.startsWith(start)), `${sample.path}: "${start}" not in ${JSON.stringify(found)}`);
      assert.equal(found.length, expected.length, `${sample.path}: ${JSON.stringify(found)}`);
    }
  });
  test(`Lint.${lint.name}.Holds`, () => {
    const findings = lint.check(files);
    assert.equal(findings.length, 0, `\n${findings.map(({ path, line, message }) => `${path}:${line}: ${message}`).join("\n")}`);
  });
}

test("Lint.LooksAtTheWholeTree", () => {
  for (const file of ["package.json", "server/layers.txt", "server/base/error.hpp", "tests/lint/support.mjs"]) {
    assert.ok(files.some(({ path }) => path === file), `${file} is not among the ${files.length} files`);
  }
});
