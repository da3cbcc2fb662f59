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
      if (parts[0] === 4) next = { ...next, underline: parts[1] };
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

// Characters with what combines with them do not matter here: a row is one string.
const kPiece = /\x1b\[([0-9;:]*)m|([\x0e\x0f])|([^\x1b\x0e\x0f])/gu;

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
      const drawn = state.drawing && match[3] >= "`" && match[3] <= "~";
      row.add(drawn ? kDrawing[match[3].charCodeAt(0) - 0x60] : match[3], name);
    }
  }
  if (end !== line.length) throw new Error(`not what capture-pane prints: ${JSON.stringify(line.slice(end, end + 20))}`);
  return { row: row.row(), state };
}

/** The row of one line as the model writes it: SGR and OSC 8 from the default style on, and CR LF where the line ends. */
export function modelLineRow(text) {
  const plain = text.replace(/\r\n$/, "").replace(/\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)/g, "");
  return readLine(plain, kDefault).row;
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
