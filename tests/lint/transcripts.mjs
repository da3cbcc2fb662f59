// A transcript is opened by names below the client's folder (agents::TranscriptPlace), never by a path: paths come from hooks.
import { findAll, runAlone, withoutComments } from "./support.mjs";

// The programs that developers run on files of their own.
const kTools = /_(?:test|bench|probe)\.cpp$/;

export const lint = {
  name: "transcripts",
  check(files) {
    return files.flatMap((file) => {
      if (!/^server\/.*\.(cpp|hpp)$/.test(file.path) || file.path.startsWith("server/claude/transcript_file.") || kTools.test(file.path)) return [];
      return findAll(file, withoutComments(file.text), /\bTranscriptFile::open(?:_below)?\s*\(/g, "a transcript is opened past its place").filter(
        ({ path }) => path !== "server/agents/transcript_place.cpp");
    });
  },
  samples: [
    { path: "server/agents/bad.cpp", text: "// TranscriptFile::open(x)\nauto f = claude::TranscriptFile::open(path);\nauto g = TranscriptFile::open_below(a, b);\n", expect: ["2: a transcript", "3: a transcript"] },
    { path: "server/agents/transcript_place.cpp", text: "return claude::TranscriptFile::open_below(projects_, names(agent));\n" },
    { path: "server/claude/transcript_bench.cpp", text: "auto file = TranscriptFile::open(path);\n" },
  ],
};
runAlone(import.meta, lint);
