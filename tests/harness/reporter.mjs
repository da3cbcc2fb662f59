// Reporter for `node --test`: one line a test, what a test printed, whole errors of failures, and one summary line at the end.
import { inspect } from "node:util";

const seconds = (ms) => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;

/** The error as a person needs it: its message, and its place in our own files. */
function explain(error) {
  const cause = error?.cause ?? error;
  const text = cause?.stack ?? inspect(cause);
  return text
    .split("\n")
    .filter((line) => !/node:internal|node:async_hooks/.test(line))
    .slice(0, 80)
    .map((line) => `    ${line}`)
    .join("\n");
}

/** Whether the event is about a test, not about a suite or about a whole file that only holds tests. */
function isTest({ nesting, details, name, file }) {
  if (details?.type === "suite") return false;
  return !(nesting === 0 && file && name === file && details?.error === undefined);
}

export default async function* report(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of source) {
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (!isTest(data)) continue;
    const time = seconds(data.details?.duration_ms ?? 0);
    if (data.skip === "test name does not match pattern") continue;
    if (data.skip !== undefined) {
      counts.skipped += 1;
      yield `skip ${data.name}${typeof data.skip === "string" ? `: ${data.skip}` : ""}\n`;
    } else if (type === "test:pass") {
      counts.passed += 1;
      yield `ok   ${data.name} (${time})\n`;
    } else if (data.details?.error?.failureType === "subtestsFailed") {
      continue; // its parts have been counted
    } else {
      counts.failed += 1;
      yield `FAIL ${data.name} (${time})\n${explain(data.details?.error)}\n`;
    }
  }
  yield `${process.env.TEST_PART ?? "tests"}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
}
