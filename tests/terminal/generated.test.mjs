// Generated sessions on the model and on tmux, as much as a day of terminals: no difference at any look. Then the model's own properties.
//
// Without TERMINAL_DAYS it ends after a minute, or a day of sessions if that comes first; with it, it goes on until there are that many days.
// TERMINAL_SEED: where to begin; TERMINAL_FINDINGS: after how many sessions that differ it ends.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { compareSurely, cutSession, describe } from "./compare.mjs";
import { ModelDriver } from "./driver.mjs";
import { kProfiles, makeSession } from "./generator.mjs";
import { TmuxOracle } from "./tmux_oracle.mjs";

const kDay = 86_400;
const kDays = Number(process.env.TERMINAL_DAYS ?? 1);
const kDeadline = performance.now() + (process.env.TERMINAL_DAYS ? Infinity : 60_000);
const kSeed = Number(process.env.TERMINAL_SEED ?? 1);
// Waiting for tmux and for the model overlaps between sessions.
const kAtOnce = 4;
const kCutsPerSession = 12;
const kFindingsShown = Number(process.env.TERMINAL_FINDINGS ?? 5);
// Properties take no tmux: many more cuts.
const kPropertySessions = Math.ceil(40 * kDays);
const kPropertyCuts = 20;

let oracle;
before(async () => {
  oracle = await TmuxOracle.start({ historyLimit: 20_000 });
});
after(() => oracle?.kill());

async function playUntilDay(total) {
  const driver = new ModelDriver();
  try {
    while (total.seconds < kDay * kDays && total.findings.length < kFindingsShown && performance.now() < kDeadline) {
      const seed = total.nextSeed++;
      const profile = kProfiles[seed % kProfiles.length];
      const session = makeSession(seed, profile);
      total.seconds += session.seconds;
      const result = await compareSurely(oracle, driver, cutSession(session, kCutsPerSession, seed), { historyEvery: 8 });
      total.sessions += 1;
      total.comparisons += result.comparisons;
      total.facts += result.facts;
      if (result.lostJoiner) total.lostJoiners += 1;
      if (result.findings.length > 0) total.findings.push(`seed ${seed}, ${profile}, ${describe(result.findings[0])}`);
    }
  } finally {
    await driver.end();
  }
}

test("Generated.SessionsShowWhatTmuxShows", { timeout: 3_600_000 }, async () => {
  const total = { nextSeed: kSeed, seconds: 0, sessions: 0, comparisons: 0, facts: 0, lostJoiners: 0, findings: [] };
  await Promise.all(Array.from({ length: kAtOnce }, () => playUntilDay(total)));
  console.log(`generated: ${total.sessions} sessions, ${(total.seconds / 3600).toFixed(1)} hours of them, ${total.comparisons} comparisons with tmux, ` +
    `${total.facts} rows and fields, ${total.findings.length} sessions that differ; tmux lost a joiner between two reads ${total.lostJoiners} times`);
  assert.equal(total.findings.length, 0, total.findings.join("\n\n"));
});

test("Generated.ChunksAndSnapshotsMakeNoDifference", { timeout: 3_600_000 }, async () => {
  const driver = new ModelDriver();
  let comparisons = 0;
  try {
    for (let i = 0; i < kPropertySessions; ++i) {
      const seed = kSeed + i;
      const session = makeSession(seed, kProfiles[seed % kProfiles.length]);
      driver.start(session.cols, session.rows);
      for (const event of session.events) event.resize ? driver.resize(...event.resize) : driver.feed(event.feed);
      const result = await driver.properties(seed, kPropertyCuts);
      comparisons += result.comparisons;
      assert.equal(result.findings.length, 0, `seed ${seed}: ${result.findings.slice(0, 3).join("\n")}`);
    }
  } finally {
    await driver.end();
  }
  console.log(`properties: ${kPropertySessions} sessions, ${comparisons} comparisons of models`);
});
