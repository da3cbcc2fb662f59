// What the container and runbook tests begin with: an engine and this checkout's images. `./dev test` runs it once for both; each makes it for itself too.
//
// usage: node tests/container/prepare.mjs     exit code 77 and the reason where no Docker Engine can run
import { needEngine, Stack } from "./stack.mjs";

const began = performance.now();
const seconds = (since) => Math.round((performance.now() - since) / 1000);
const reason = await needEngine();
if (reason) {
  console.log(reason);
  process.exit(77);
}
const engine = seconds(began);
const stack = await Stack.prepare();
await stack.remove();
const built = Object.entries(stack.built).map(([name, s]) => `${name} ${s} s`);
console.log(`engine and base ${engine} s; images: ${built.join(", ") || "as they were"}; in all ${seconds(began)} s`);
