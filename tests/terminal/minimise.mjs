// Finds the shortest session that still shows a difference to tmux:
//
//   node tests/terminal/minimise.mjs SEED PROFILE            a generated session
//   node tests/terminal/minimise.mjs NAME                    a recording
//
// It drops events, then bytes, as long as the last look still differs in the same field, and prints what is left.
import { compareWithTmux, cutSession, recordings } from "./compare.mjs";
import { ModelDriver } from "./driver.mjs";
import { makeSession } from "./generator.mjs";
import { TmuxOracle } from "./tmux_oracle.mjs";

// Every trial is a pane of its own; this many are enough to get from 100 KB to a few bytes.
const kTrialsMax = 3000;

const fieldOf = (result) => result.findings[0]?.found[0].split(/[ :]/)[0];

function joinFeeds(events) {
  const joined = [];
  for (const event of events) {
    const last = joined.at(-1);
    if (event.feed && last?.feed) last.feed = Buffer.concat([last.feed, event.feed]);
    else joined.push({ ...event });
  }
  return joined;
}

class Minimiser {
  #trials = 0;

  constructor(oracle, driver, session) {
    Object.assign(this, { oracle, driver, session });
  }

  async differs(events) {
    if (++this.#trials > kTrialsMax) return false;
    const result = await compareWithTmux(this.oracle, this.driver, { ...this.session, events: joinFeeds(events) });
    return fieldOf(result) === this.field;
  }

  /** Drops as much of the list as can be dropped, in ever smaller parts. */
  async shrink(list, wrap) {
    let parts = 2;
    while (list.length > 1) {
      const size = Math.ceil(list.length / parts);
      let dropped = false;
      for (let at = 0; at < list.length; ) {
        const fewer = [...list.slice(0, at), ...list.slice(at + size)];
        if (fewer.length > 0 && (await this.differs(wrap(fewer)))) {
          list = fewer;
          dropped = true;
        } else {
          at += size;
        }
      }
      if (!dropped && size === 1) break;
      parts = dropped ? Math.max(2, parts - 1) : Math.min(list.length, parts * 2);
    }
    return list;
  }

  async run() {
    const cut = cutSession(this.session, 100, 5);
    const first = await compareWithTmux(this.oracle, this.driver, cut, { historyEvery: 1 });
    this.field = fieldOf(first);
    if (!this.field) return undefined;
    let events = await this.shrink(cut.events.slice(0, first.findings[0].event + 1), (list) => list);
    // Bytes as events of their own, where they are few enough.
    const bytes = events.flatMap((event) => (event.feed ? [...event.feed].map((byte) => ({ feed: Buffer.from([byte]) })) : [event]));
    events = await this.shrink(bytes, (list) => list);
    return events;
  }
}

const escaped = (bytes) => bytes.toString("latin1").replace(/[\x00-\x1f\x7f-\xff\\]/g, (c) => (c === "\\" ? "\\\\" : c === "\x1b" ? "\\e" : `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`));
const text = (events) => events.map((event) => (event.resize ? `<resize ${event.resize}>` : escaped(event.feed))).join("");

const [what, profile] = process.argv.slice(2);
const session = profile ? makeSession(Number(what), profile) : recordings().find(({ name }) => name === what);
if (!session) throw new Error("usage: minimise.mjs SEED PROFILE | NAME");
const oracle = await TmuxOracle.start({ historyLimit: 20_000 });
const driver = new ModelDriver();
try {
  const minimiser = new Minimiser(oracle, driver, session);
  const events = await minimiser.run();
  if (!events) {
    console.log("no difference");
  } else {
    console.log(`${session.cols}x${session.rows}: ${text(events)}`);
    const { findings } = await compareWithTmux(oracle, driver, { ...session, events: joinFeeds(events) });
    console.log(findings.slice(0, 1).flatMap(({ found }) => found.slice(0, 8)).join("\n"));
  }
} finally {
  await oracle.kill();
  await driver.end();
}
