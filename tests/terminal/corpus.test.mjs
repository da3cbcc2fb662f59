// The recorded programs on the model and on tmux: whole, and cut at random places, the same text, styles, cursor, modes and scrollback.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { compareSurely, cutSession, describe, recordings } from "./compare.mjs";
import { ModelDriver } from "./driver.mjs";
import { TmuxOracle } from "./tmux_oracle.mjs";

const kCuts = Number(process.env.TERMINAL_CUTS ?? 50);
const kHistoryEvery = 10;

let oracle;
let driver;
const total = { comparisons: 0, facts: 0, lostJoiners: 0 };
before(async () => {
  oracle = await TmuxOracle.start({ historyLimit: 20_000 });
  driver = new ModelDriver();
});
after(async () => {
  await oracle?.kill();
  await driver?.end();
  console.log(`corpus: ${total.comparisons} comparisons with tmux, ${total.facts} rows and fields; tmux lost a joiner between two reads ${total.lostJoiners} times`);
});

async function compare(session, options) {
  const result = await compareSurely(oracle, driver, session, options);
  total.comparisons += result.comparisons;
  total.facts += result.facts;
  if (result.lostJoiner) total.lostJoiners += 1;
  assert.equal(result.findings.length, 0, result.findings.map(describe).join("\n"));
}

for (const [number, recording] of recordings().entries()) {
  test(`Corpus.${recording.name}.ShowsWhatTmuxShows`, { timeout: 120_000 }, async () => {
    await compare(recording);
    await compare(cutSession(recording, kCuts, number + 1), { historyEvery: kHistoryEvery });
  });
}
