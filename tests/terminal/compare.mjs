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

// A zero width joiner takes the next character that is not ASCII to the one before. tmux forgets it between two reads of the terminal, the
// model does not: there is no cut in between.
const kJoiner = Buffer.from("\u200d");
export const hasJoiner = (session) => session.events.some(({ feed }) => feed?.includes(kJoiner));

/** Where the joiner that may be pending at `at` has found its character, or `at` itself. */
function behindJoiner(bytes, at) {
  const joiner = bytes.subarray(0, Math.min(bytes.length, at + 2)).lastIndexOf(kJoiner);
  if (joiner === -1) return at;
  let next = joiner + kJoiner.length;
  while (next < bytes.length && bytes[next] < 0x80) ++next;
  if (next < bytes.length) ++next;
  while (next < bytes.length && (bytes[next] & 0xc0) === 0x80) ++next;
  return Math.max(at, next);
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
      const at = behindJoiner(event.feed, place - before);
      if (place <= before || at <= from || at >= event.feed.length) continue;
      events.push({ feed: event.feed.subarray(from, at) });
      from = at;
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
      if (history && !theirs.alternate) {
        [ours.joined, theirs.joined] = (await Promise.all([driver.joined(), pane.joined()])).map((lines) => lines.map((line) => line.replace(/ +$/, "")));
      }
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

// Smaller than what tmux reads at once.
const kSafePiece = 512;

/**
 * Like compareWithTmux(). Where there are joiners and a difference, once more in pieces that tmux reads at once, cut where no joiner is pending:
 * `lostJoiner` says that there was no difference then.
 */
export async function compareSurely(oracle, driver, session, options) {
  const result = await compareWithTmux(oracle, driver, session, options);
  if (result.findings.length === 0 || !hasJoiner(session)) return result;
  const bytes = session.events.reduce((sum, { feed }) => sum + (feed?.length ?? 0), 0);
  const again = await compareWithTmux(oracle, driver, cutSession(session, Math.ceil((4 * bytes) / kSafePiece), session.cols), options);
  return again.findings.length > 0 ? result : { ...again, lostJoiner: true };
}

/** A finding as text for a failed test. */
export function describe({ event, bytes, after, found }) {
  return `after event ${event} (${after}), ${bytes} bytes:\n${found.slice(0, 8).map((line) => `  ${line}`).join("\n")}${found.length > 8 ? `\n  and ${found.length - 8} more` : ""}`;
}
