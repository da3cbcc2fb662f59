// The second oracle: xterm.js without a browser, as the page sets it up, for what tmux cannot show, and for snapshots, which are made for it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import headless from "@xterm/headless";
import ts from "typescript";

import { kRepository } from "../harness/server.mjs";
import { RowBuilder, rgb, styleName } from "./look.mjs";

/** The addon takes Node's Buffer for a sign of an old Node and then decodes its tables wrongly, so it is hidden while it does. */
function withoutBuffer(act) {
  const kept = globalThis.Buffer;
  globalThis.Buffer = undefined;
  try {
    return act();
  } finally {
    globalThis.Buffer = kept;
  }
}
const { UnicodeGraphemesAddon } = withoutBuffer(() => createRequire(import.meta.url)("@xterm/addon-unicode-graphemes"));

/** A module of the page, which is TypeScript. */
async function pageModule(file) {
  const source = readFileSync(path.join(kRepository, "web/src", file), "utf8");
  const { outputText } = ts.transpileModule(source, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } });
  return import(`data:text/javascript,${encodeURIComponent(outputText)}`);
}
const { asTmux } = await pageModule("terminal/as_tmux.ts");

const colour = (cell, which) => {
  if (cell[`is${which}Default`]()) return "";
  const value = cell[`get${which}Color`]();
  return cell[`is${which}RGB`]() ? rgb(value >> 16, (value >> 8) & 255, value & 255) : value;
};

const kTests = { b: "isBold", d: "isDim", i: "isItalic", k: "isBlink", r: "isInverse", h: "isInvisible", s: "isStrikethrough", o: "isOverline" };

// The kind stands in these bits; asked for it, xterm.js says "dashed" for every link.
const kUnderlineShift = 26;
const kindOfUnderline = (cell) => {
  const kind = cell.hasExtendedAttrs() ? (cell.extended._ext >>> kUnderlineShift) & 7 : 0;
  return kind || (cell.fg & 0x10000000 ? 1 : 0);
};

function styleOf(cell) {
  const flags = Object.keys(kTests).filter((letter) => cell[kTests[letter]]()).join("");
  const underline = cell.isUnderline() ? kindOfUnderline(cell) : 0;
  const us = underline && !cell.isUnderlineColorDefault()
    ? (cell.isUnderlineColorRGB() ? rgb(cell.getUnderlineColor() >> 16, (cell.getUnderlineColor() >> 8) & 255, cell.getUnderlineColor() & 255) : cell.getUnderlineColor())
    : "";
  return styleName({ fg: colour(cell, "Fg"), bg: colour(cell, "Bg"), us, flags, underline });
}

export class XtermOracle {
  #title = "";

  constructor(cols, rows, { graphemes = true, scrollback = 10_000 } = {}) {
    this.terminal = new headless.Terminal({ cols, rows, scrollback, allowProposedApi: true, convertEol: false });
    asTmux(this.terminal);
    if (graphemes) withoutBuffer(() => this.terminal.loadAddon(new UnicodeGraphemesAddon()));
    this.terminal.onTitleChange((title) => (this.#title = title));
  }

  feed(bytes) {
    return new Promise((resolve) => this.terminal.write(bytes, resolve));
  }
  resize(cols, rows) {
    this.terminal.resize(cols, rows);
  }

  #row(y) {
    const line = this.terminal.buffer.active.getLine(y);
    const row = new RowBuilder();
    const links = [];
    const wide = [];
    for (let x = 0; x < this.terminal.cols; ++x) {
      const cell = line.getCell(x);
      if (cell.getWidth() === 0) continue; // covered by a wide character
      if (cell.getWidth() === 2) wide.push(x);
      row.add(cell.getChars() || " ", styleOf(cell));
      if (cell.extended?.urlId) {
        links.push([x, this.terminal._core._oscLinkService.getLinkData(cell.extended.urlId)?.uri ?? "?"]);
      }
    }
    return { text: row.row(), links, wide, wrapped: line.isWrapped };
  }

  /** What the terminal shows, as look.mjs describes it, as far as xterm.js tells. */
  look({ history = false } = {}) {
    const { terminal } = this;
    const { active } = terminal.buffer;
    const core = terminal._core;
    const rows = Array.from({ length: terminal.rows }, (_, y) => this.#row(active.baseY + y));
    const past = history ? Array.from({ length: active.baseY }, (_, y) => this.#row(y)) : [];
    const { modes } = terminal;
    const protocol = { none: 0, x10: 9, vt200: 1000, drag: 1002, any: 1003 }[modes.mouseTrackingMode];
    return {
      size: [terminal.cols, terminal.rows],
      cursor: [active.cursorX, active.cursorY],
      cursorVisible: !core.coreService.isCursorHidden,
      alternate: active.type === "alternate",
      modes: {
        insert: modes.insertMode, cursorKeys: modes.applicationCursorKeysMode, keypad: modes.applicationKeypadMode, origin: modes.originMode,
        wrap: modes.wraparoundMode, mouse: protocol, mouseSgr: /^SGR/.test(core.coreMouseService.activeEncoding),
        bracketedPaste: modes.bracketedPasteMode, focus: modes.sendFocusMode,
      },
      region: [core.buffer.scrollTop, core.buffer.scrollBottom],
      tabs: Object.keys(core.buffer.tabs).map(Number).filter((x) => x < terminal.cols).join(","),
      title: this.#title,
      rows: rows.map((row) => row.text),
      wide: rows.map((row) => row.wide),
      links: rows.map((row) => row.links),
      wrapped: rows.map((row) => row.wrapped),
      ...(history ? { history: past.map((row) => row.text) } : {}),
    };
  }

  dispose() {
    this.terminal.dispose();
  }
}
