// Waiting for a condition with a deadline: the tests' only way to wait. And times that are promised, which tests tell and benchmarks hold.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

// What takes a moment takes a hundred beside compilers on two cores. A wait ends when its condition holds: patience costs nothing.
const kPatienceMs = 30_000;

/**
 * Returns the condition's first truthy value. Throws after `timeoutMs`, naming `what` and, when the condition threw, its last
 * error, so that a failure tells what was still missing.
 */
export async function until(what, condition, { timeoutMs = kPatienceMs, stepMs = 20 } = {}) {
  const deadline = performance.now() + timeoutMs;
  let lastError;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
    } catch (error) {
      if (error?.final) throw error;
      lastError = error;
    }
    if (performance.now() >= deadline) {
      const why = lastError ? `; last error: ${lastError.message ?? lastError}` : "";
      throw new Error(`not within ${timeoutMs} ms: ${what}${why}`);
    }
    await delay(stepMs);
  }
}

/** The promise's value, or an error naming `what` after `timeoutMs`. */
export async function within(what, timeoutMs, promise) {
  const stop = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: stop.signal }).then(
    () => {
      throw new Error(`not within ${timeoutMs} ms: ${what}`);
    },
    () => undefined,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

/** `p` of the values, nearest rank; `p` from 0 to 1. */
export function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1))];
}

/**
 * A time that the dashboard promises on a machine with nothing else to do. It is told everywhere and held where HOLD_TIMES is set, which
 * `./dev bench times` does: beside other work a test is about what happens, not about when.
 */
export function promised(what, milliseconds, limitMs) {
  console.log(`${what}: ${Math.round(milliseconds)} ms, promised within ${limitMs} ms`);
  if (process.env.HOLD_TIMES) assert.ok(milliseconds <= limitMs, `${what} took ${Math.round(milliseconds)} ms, promised within ${limitMs} ms`);
}
