// One notation for what a screen shows, so that tmux, xterm.js and the model can be compared line by line as strings.
//
// A row is text with style marks: \x01STYLE\x02 wherever the style changes; a row begins in the default style. STYLE is empty for the
// default, else `fg,bg,underline colour,flags`: a colour is empty, 0 to 255 or #rrggbb; flags are letters in the order of kFlags, an underline
// is u1 (single) to u5 (dashed). Blanks in the default style at the end of a row do not count. Cells that a wide character covers are left out.
//
// Equal colours have one name: SGR 31 and 38;5;1 are both 1, SGR 91 and 38;5;9 both 9.

/** Order of the letters: bold, dim, italic, blink, reverse, hidden, struck, overlined; the underline comes last. */
export const kFlags = "bdikrhso";

const hex = (value) => value.toString(16).padStart(2, "0");
export const rgb = (r, g, b) => `#${hex(r)}${hex(g)}${hex(b)}`;

/** `flags` is a string of letters of kFlags in any order; `underline` 0 to 5. */
export function styleName({ fg = "", bg = "", us = "", flags = "", underline = 0 }) {
  const letters = [...kFlags].filter((letter) => flags.includes(letter)).join("") + (underline ? `u${underline}` : "");
  return fg === "" && bg === "" && us === "" && letters === "" ? "" : `${fg},${bg},${us},${letters}`;
}

/** Builds one row from cells, or from runs of them. */
export class RowBuilder {
  #text = "";
  #style = "";
  #end = 0; // behind the last thing that is no blank in the default style

  add(text, style) {
    if (style !== this.#style) {
      this.#text += `\x01${style}\x02`;
      this.#style = style;
    }
    const before = this.#text.length;
    this.#text += text;
    const kept = style === "" ? text.replace(/ +$/, "") : text;
    if (kept) this.#end = before + kept.length;
  }

  row() {
    return this.#text.slice(0, this.#end);
  }
}

/** The row with each run's style changed; runs that become the same are joined. */
export function mapStyles(row, change) {
  if (!row.includes("\x01")) return row;
  const builder = new RowBuilder();
  const [first, ...rest] = row.split("\x01");
  if (first) builder.add(first, "");
  for (const part of rest) {
    const end = part.indexOf("\x02");
    const text = part.slice(end + 1);
    if (text) builder.add(text, change(part.slice(0, end)));
  }
  return builder.row();
}

export const withoutStyles = (row) => row.replace(/\x01[^\x02]*\x02/g, "");

/** The row without the cleared cells at its end: blanks that have no style but a background. */
export function withoutClearedEnd(row) {
  for (;;) {
    const mark = row.lastIndexOf("\x01");
    const style = mark === -1 ? "" : row.slice(mark + 1, row.indexOf("\x02", mark));
    if (!/^(?:,[^,]*,,)?$/.test(style)) return row;
    const kept = row.replace(/ +$/, "");
    if (mark === -1 || !kept.endsWith("\x02")) return kept;
    row = row.slice(0, mark);
  }
}

const visible = (text) =>
  text.replace(/\x01([^\x02]*)\x02/g, "⟦$1⟧").replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

const common = (some, others) => Object.fromEntries(Object.keys(others).sort().filter((key) => key in some).map((key) => [key, some[key]]));

/**
 * What differs between two looks, one line a difference, or an empty list. Only what both have is compared: an oracle leaves out
 * what it cannot tell. `names` are the two sides' names for the text.
 */
export function differences(ours, theirs, names = ["model", "oracle"]) {
  const found = [];
  const say = (what, a, b) => found.push(`${what}: ${names[0]} ${a}, ${names[1]} ${b}`);
  for (const field of Object.keys(theirs)) {
    if (theirs[field] === undefined || !(field in ours)) continue;
    const b = field === "modes" ? common(theirs.modes, ours.modes) : theirs[field];
    const a = field === "modes" ? common(ours.modes, theirs.modes) : ours[field];
    if (Array.isArray(b) && ["rows", "history", "joined"].includes(field)) {
      if (a.length !== b.length) say(`${field}, number of lines`, a.length, b.length);
      // Scrollback is counted from its newest line, which is what a screen can scroll back to first.
      for (let i = 1; i <= Math.min(a.length, b.length); ++i) {
        const [x, y] = [a.at(-i), b.at(-i)];
        if (x !== y) say(`${field} ${b.length - i}`, `"${visible(x)}"`, `"${visible(y)}"`);
      }
    } else if (JSON.stringify(a) !== JSON.stringify(b)) {
      say(field, visible(JSON.stringify(a) ?? "nothing"), visible(JSON.stringify(b)));
    }
  }
  return found;
}

/** How many single facts a comparison with this look compares: rows and fields. */
export function facts(look) {
  return Object.values(look).reduce((sum, value) => sum + (value === undefined ? 0 : Array.isArray(value) ? value.length : 1), 0);
}
