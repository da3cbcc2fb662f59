// Reads what `tmux capture-pane -p -e -N` prints into rows in look.mjs's notation.
//
// tmux writes styles as changes from the cell before, over the ends of lines, and line drawing between SO and SI.
import { RowBuilder, rgb, styleName } from "./look.mjs";

const kFlagOfNumber = { 1: "b", 2: "d", 3: "i", 5: "k", 7: "r", 8: "h", 9: "s", 53: "o" };
const kOffLetters = { 22: "bd", 23: "i", 25: "k", 27: "r", 28: "h", 29: "s", 55: "o" };
const kDrawing = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"; // for ` to ~

const kDefault = Object.freeze({ fg: "", bg: "", us: "", flags: "", underline: 0, drawing: false });

/** The colour that begins at `at` (38, 48 or 58) and how many parameters it takes. */
function extendedColour(parameters, at) {
  const kind = parameters[at + 1];
  if (kind === 5) return { colour: parameters[at + 2], used: 3 };
  if (kind === 2) {
    // With colons an empty colour space may stand in front of the three.
    const from = parameters.length === 6 && parameters[at + 2] === "" ? at + 3 : at + 2;
    return { colour: rgb(...parameters.slice(from, from + 3).map(Number)), used: 5 };
  }
  throw new Error(`a colour that tmux does not write: ${parameters.join(";")}`);
}

function applyNumber(state, number) {
  if (number === 0) return { ...kDefault, drawing: state.drawing };
  if (number in kFlagOfNumber) return { ...state, flags: state.flags + kFlagOfNumber[number] };
  if (number in kOffLetters) return { ...state, flags: [...state.flags].filter((f) => !kOffLetters[number].includes(f)).join("") };
  if (number === 4) return { ...state, underline: 1 };
  if (number === 24) return { ...state, underline: 0 };
  if (number >= 30 && number <= 37) return { ...state, fg: number - 30 };
  if (number === 39) return { ...state, fg: "" };
  if (number >= 40 && number <= 47) return { ...state, bg: number - 40 };
  if (number === 49) return { ...state, bg: "" };
  if (number === 59) return { ...state, us: "" };
  if (number >= 90 && number <= 97) return { ...state, fg: number - 82 };
  if (number >= 100 && number <= 107) return { ...state, bg: number - 92 };
  throw new Error(`an SGR number that tmux does not write: ${number}`);
}

function applySgr(state, text) {
  let next = state;
  const parameters = text.split(";").map((p) => (p.includes(":") ? p : Number(p)));
  for (let at = 0; at < parameters.length; ) {
    const p = parameters[at];
    if (typeof p === "string") {
      const parts = p.split(":").map((part) => (part === "" ? "" : Number(part)));
      // 3.3a writes every two-digit attribute with a colon, so "overlined" is 5:3.
      if (parts[0] === 5) next = applyNumber(next, 53);
      else if (parts[0] === 4) next = { ...next, underline: parts[1] };
      else next = setColour(next, parts[0], extendedColour(parts, 0).colour);
      at += 1;
    } else if (p === 38 || p === 48 || p === 58) {
      const { colour, used } = extendedColour(parameters, at);
      next = setColour(next, p, colour);
      at += used;
    } else {
      next = applyNumber(next, p);
      at += 1;
    }
  }
  return next;
}

const setColour = (state, which, colour) => ({ ...state, [{ 38: "fg", 48: "bg", 58: "us" }[which]]: colour });

// A letter with what combines with it (marks, joiners, variants, the later parts of Hangul) is no line drawing: tmux prints it as it is.
const kPiece = /\x1b\[([0-9;:]*)m|([\x0e\x0f])|([^\x1b\x0e\x0f][\p{M}\p{Cf}\u1160-\u11ff\ud7b0-\ud7fb]*)/gu;

function readLine(line, before) {
  const row = new RowBuilder();
  let state = before;
  let name = styleName(state);
  let end = 0;
  for (const match of line.matchAll(kPiece)) {
    if (match.index !== end) throw new Error(`not what capture-pane prints: ${JSON.stringify(line.slice(end, end + 20))}`);
    end += match[0].length;
    if (match[1] !== undefined) {
      state = applySgr(state, match[1]);
      name = styleName(state);
    } else if (match[2] !== undefined) {
      state = { ...state, drawing: match[2] === "\x0e" };
    } else {
      const drawn = state.drawing && match[3].length === 1 && match[3] >= "`" && match[3] <= "~";
      row.add(drawn ? kDrawing[match[3].charCodeAt(0) - 0x60] : match[3], name);
    }
  }
  if (end !== line.length) throw new Error(`not what capture-pane prints: ${JSON.stringify(line.slice(end, end + 20))}`);
  return { row: row.row(), state };
}

const kModelPiece = /\x1b\[([0-9;:]*)([mCXKb])|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)|([^\x1b])/gu;

/**
 * The row of one line as the model writes it: from the default style on, with blanks skipped (CUF), erased (ECH) or erased to the end (EL, which
 * a capture does not show) in place of printed, repeated characters (REP), links, and CR LF where the line ends.
 */
export function modelLineRow(text) {
  const row = new RowBuilder();
  let state = kDefault;
  let last = "";
  let erased = 0; // ECH leaves the cursor, so the CUF behind it goes over blanks in the style
  let end = 0;
  const line = text.replace(/\r\n$/, "");
  for (const { 0: all, 1: numbers, 2: final, 3: character, index } of line.matchAll(kModelPiece)) {
    if (index !== end) break;
    end += all.length;
    const count = Number(numbers || 1);
    if (character !== undefined) row.add((last = character), styleName(state));
    else if (final === "m") state = applySgr(state, numbers);
    else if (final === "b") row.add(last.repeat(count), styleName(state));
    else if (final === "X") erased = count;
    else if (final === "C") {
      row.add(" ".repeat(count), erased > 0 ? styleName({ ...kDefault, bg: state.bg }) : "");
      erased = 0;
    }
  }
  if (end !== line.length) throw new Error(`not what write_lines() writes: ${JSON.stringify(line.slice(end, end + 20))}`);
  return row.row();
}

// Most rows are the same from one look to the next. The bound keeps long runs small.
const kMemoMax = 20_000;
const memo = new Map();

/** Rows of the captured lines. */
export function captureRows(lines) {
  let state = kDefault;
  let key = "";
  return lines.map((line) => {
    const id = `${key}\n${line}`;
    let known = memo.get(id);
    if (!known) {
      known = readLine(line, state);
      known.key = JSON.stringify(known.state);
      if (memo.size >= kMemoMax) memo.clear();
      memo.set(id, known);
    }
    ({ state, key } = known);
    return known.row;
  });
}
