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

const kDifferences = [
  {
    name: "tmux keeps 21 bytes of a character and what combines with it",
    applies: (ours, theirs) => theirs.rows.some((row) => cutClusters(row) !== row),
    change: (ours, theirs) => [{ ...ours, rows: ours.rows.map(cutClusters) }, { ...theirs, rows: theirs.rows.map(cutClusters) }],
  },
  {
    name: "xterm.js forgets the underline colour of what is not underlined",
    applies: (ours) => ours.rows.some((row) => withoutIdleColour(row) !== row),
    change: (ours, theirs) => [{ ...ours, rows: ours.rows.map(withoutIdleColour) }, theirs],
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
