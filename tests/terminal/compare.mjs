// Plays a session to a tmux pane and to a model side by side, and compares what they show again and again.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";

import { kRepository } from "../harness/server.mjs";
import { Dice } from "./generator.mjs";
import { differences, facts, withoutClearedEnd } from "./look.mjs";

const kFixtures = path.join(kRepository, "tests/fixtures/terminal");
// One session that is wrong is wrong at every look after the first: a few are enough to see what it is.
const kFindingsMax = 3;
// More scrollback than any session makes, so that no limit takes lines away. The limits have a test of their own.
export const kHistoryLimit = 20_000;

/** The recordings as sessions: {name, program, cols, rows, events}. */
export function recordings() {
  const names = readdirSync(kFixtures).filter((file) => file.endsWith(".raw")).sort().map((file) => file.slice(0, -4));
  return names.map((name) => {
    const about = JSON.parse(readFileSync(path.join(kFixtures, `${name}.json`), "utf8"));
    const bytes = readFileSync(path.join(kFixtures, `${name}.raw`));
    const events = [];
    let at = 0;
    for (const resize of about.resizes ?? []) {
      events.push({ feed: bytes.subarray(at, resize.at) }, { resize: [resize.cols, resize.rows] });
      at = resize.at;
    }
    events.push({ feed: bytes.subarray(at) });
    return { name, ...about, bytes, events };
  });
}

/** The same session with its bytes cut at `cuts` random places, so that there are that many more moments to look at. */
export function cutSession(session, cuts, seed) {
  const d = new Dice(seed);
  const total = session.events.reduce((sum, event) => sum + (event.feed?.length ?? 0), 0);
  const places = [...new Set(d.times(cuts, cuts, () => d.between(1, Math.max(1, total - 1))))].sort((a, b) => a - b);
  const events = [];
  let before = 0;
  for (const event of session.events) {
    if (!event.feed) {
      events.push(event);
      continue;
    }
    let from = 0;
    for (const place of places) {
      if (place <= before + from || place >= before + event.feed.length) continue;
      events.push({ feed: event.feed.subarray(from, place - before) });
      from = place - before;
    }
    events.push({ feed: event.feed.subarray(from) });
    before += event.feed.length;
  }
  return { ...session, events };
}

/** tmux's capture leaves out cleared cells behind the last one that was written, so neither side has them. */
function asCaptured(look) {
  return { ...look, rows: look.rows.map(withoutClearedEnd), ...(look.history ? { history: look.history.map(withoutClearedEnd) } : {}) };
}

/**
 * Returns {comparisons, facts, findings}. After each event the screens are compared, and with `historyEvery` N after every Nth and at the end
 * the scrollback too. A finding says what differs and after how many bytes.
 */
export async function compareWithTmux(oracle, driver, session, { historyEvery = 0 } = {}) {
  const result = { comparisons: 0, facts: 0, findings: [] };
  const pane = await oracle.pane(session.cols, session.rows);
  try {
    driver.start(session.cols, session.rows, kHistoryLimit);
    let bytes = 0;
    for (const [i, event] of session.events.entries()) {
      if (event.resize) {
        driver.resize(...event.resize);
        await pane.resize(...event.resize);
      } else {
        driver.feed(event.feed);
        await pane.feed(event.feed);
        bytes += event.feed.length;
      }
      const history = i === session.events.length - 1 || (historyEvery > 0 && i % historyEvery === historyEvery - 1);
      const [ours, theirs] = (await Promise.all([driver.look({ history }), pane.look({ history })])).map(asCaptured);
      // While the alternate screen is shown, tmux would put its rows under the main screen's scrollback.
      if (history && !theirs.alternate) [ours.joined, theirs.joined] = await Promise.all([driver.joined(), pane.joined()]);
      result.comparisons += 1;
      result.facts += facts(theirs);
      const found = differences(ours, theirs, ["model", "tmux"]);
      if (found.length > 0) {
        result.findings.push({ event: i, bytes, after: event.resize ? `resize ${event.resize}` : "bytes", found });
        if (result.findings.length >= kFindingsMax) break;
      }
    }
  } finally {
    await pane.close();
  }
  return result;
}

/** A finding as text for a failed test. */
export function describe({ event, bytes, after, found }) {
  return `after event ${event} (${after}), ${bytes} bytes:\n${found.slice(0, 8).map((line) => `  ${line}`).join("\n")}${found.length > 8 ? `\n  and ${found.length - 8} more` : ""}`;
}
