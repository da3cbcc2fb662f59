// Transcripts: how soon the last page of a large one is there, and how quickly it is indexed and searched. See README.md.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { kRepository } from "../tests/harness/server.mjs";
import { median, round } from "./engine.mjs";

const kProgram = path.join(kRepository, "build/release/server/claude/transcript_bench");
const kLines = path.join(kRepository, "tests/claude/fixtures/conversation.jsonl");
const kMegabytes = 100;
const kRunMs = 120_000;

/** A file of real lines, each 20th with a tool's long output. Computing time is what can be compared on a machine with other work. */
export async function transcript() {
  const folder = mkdtempSync(path.join(os.tmpdir(), "ccd-bench-"));
  try {
    const { stdout } = await promisify(execFile)(kProgram, [kLines, String(kMegabytes), folder], { timeout: kRunMs });
    const all = (pattern) => [...stdout.matchAll(pattern)].map((match) => match.slice(1).map(Number));
    const pages = all(/last page of 100 lines: ([\d.]+) ms/g).map(([ms]) => ms);
    const indexes = all(/index of .* MB: \d+ ms \((\d+) MB\/s\), of them computing \d+ ms \((\d+) MB\/s\)/g);
    const searches = all(/search for "not in the file": .* computing \d+ ms \((\d+) MB\/s\)/g).map(([rate]) => rate);
    return {
      what: `a transcript of ${kMegabytes} MB; medians`,
      rounds: pages.length,
      open_and_last_page_ms: round(median(pages)),
      index_mb_s: median(indexes.map(([wall]) => wall)),
      index_mb_s_of_computing: median(indexes.map(([, computing]) => computing)),
      search_mb_s_of_computing: median(searches),
      target: "last page within 100 ms, index at 200 MB/s or more",
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
