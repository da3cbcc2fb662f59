// Where xterm.js and tmux are known to disagree, each with a name and what makes the two looks comparable again.
import { mapStyles } from "./look.mjs";

// tmux keeps this many bytes of a character with all that combines with it, and drops what does not fit.
const kClusterBytes = 21;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

function cutCluster(cluster) {
  let kept = "";
  for (const point of cluster) {
    if (Buffer.byteLength(kept + point) > kClusterBytes) break;
    kept += point;
  }
  return kept;
}

function cutClusters(row) {
  // Only what is longer than the limit is looked at: most rows are plain.
  if (!/[^\x00-\x7f]{5}/.test(row)) return row;
  return row.replace(/[^\x00-\x7f]+/gu, (text) => [...segmenter.segment(text)].map(({ segment }) => cutCluster(segment)).join(""));
}

// Flags, joined emoji, variants and modifiers, Indic vowel signs, Hangul by parts: xterm.js gives them other columns, and what follows in the row moves.
const kOtherColumns = /[\u{1f1e6}-\u{1f1ff}\u200b-\u200d\ufe0f\u20e3\u0900-\u0dff\u1160-\u11ff]/u;
const moved = (look) => look.rows.map((row, y) => kOtherColumns.test(row) || (y > 0 && kOtherColumns.test(look.rows[y - 1])));
const without = (list, drop) => list.filter((_, i) => !drop[i]);

function withoutMoved(ours, theirs) {
  const drop = moved(ours);
  const cursor = drop[ours.cursor[1]] ? undefined : ours.cursor;
  const cut = (look) => ({ ...look, rows: without(look.rows, drop), wide: without(look.wide, drop), links: without(look.links, drop), cursor: cursor && look.cursor });
  return [cut(ours), cut(theirs)];
}

const kDifferences = [
  {
    name: "tmux keeps 21 bytes of a character and what combines with it",
    applies: (ours, theirs) => theirs.rows.some((row) => cutClusters(row) !== row),
    change: (ours, theirs) => [{ ...ours, rows: ours.rows.map(cutClusters) }, { ...theirs, rows: theirs.rows.map(cutClusters) }],
  },
  {
    name: "xterm.js gives flags, joined and varied emoji other columns",
    applies: (ours) => moved(ours).includes(true),
    change: withoutMoved,
  },
  {
    name: "xterm.js begins with a tab stop in the first column, where none has an effect",
    applies: (ours, theirs) => ours.tabs !== theirs.tabs,
    change: (ours, theirs) => [ours, theirs].map((look) => ({ ...look, tabs: look.tabs.replace(/^0(,|$)/, "") })),
  },
  {
    name: "xterm.js forgets the underline colour of what is not underlined",
    applies: (ours) => ours.rows.some((row) => withoutIdleColour(row) !== row),
    change: (ours, theirs) => [{ ...ours, rows: ours.rows.map(withoutIdleColour) }, theirs],
  },
  {
    name: "tmux keeps the cursor's column where the screen became narrower",
    applies: (ours) => ours.cursor?.[0] > ours.size[0],
    change: (ours, theirs) => [{ ...ours, cursor: [ours.size[0], ours.cursor[1]] }, theirs],
  },
  {
    name: "tmux takes an APC for a title",
    applies: (ours) => ours.title.startsWith("Gi="),
    change: (ours, theirs) => [{ ...ours, title: theirs.title }, theirs],
  },
];

const withoutIdleColour = (row) => mapStyles(row, (style) => {
  const [fg, bg, , flags] = style.split(",");
  if (style === "" || flags.includes("u")) return style;
  return fg || bg || flags ? `${fg},${bg},,${flags}` : "";
});

/** The two looks, comparable; `note` is called with the name of each difference that was met. */
export function forXterm(ours, theirs, note = () => {}) {
  let pair = [ours, theirs];
  for (const { name, applies, change } of kDifferences) {
    if (!applies(...pair)) continue;
    note(name);
    pair = change(...pair);
  }
  return pair;
}
