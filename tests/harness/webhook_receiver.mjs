// A receiver of webhooks that does what the documents say one should: verifies the signature, refuses old timestamps and ids it has seen.
import { createHmac, timingSafeEqual } from "node:crypto";
import http from "node:http";

import { bodyOf } from "./push_service.mjs";
import { until } from "./wait.mjs";

const kReplayWindowSeconds = 300;

/** What is wrong with a request, or undefined; as docs/decisions/0025 and the Standard Webhooks specification say. */
export function webhookFault(headers, body, secret, now = Date.now() / 1000) {
  const id = headers["webhook-id"];
  const timestamp = Number(headers["webhook-timestamp"]);
  if (!id || !Number.isInteger(timestamp)) return "no id or timestamp";
  if (Math.abs(now - timestamp) > kReplayWindowSeconds) return `the timestamp is ${Math.round(now - timestamp)} s away`;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  for (const signature of (headers["webhook-signature"] ?? "").split(" ")) {
    const [version, value] = signature.split(",");
    const given = Buffer.from(value ?? "", "base64");
    if (version === "v1" && given.length === expected.length && timingSafeEqual(given, expected)) return undefined;
  }
  return "the signature is wrong";
}

export class WebhookReceiver {
  static async start() {
    const receiver = new WebhookReceiver();
    receiver.requests = []; // { path, headers, body, json, at, status }
    receiver.answers = [];  // the next requests are answered so, { status, headers, body }, instead of with 204
    receiver.server = http.createServer((request, response) => void receiver.#take(request, response));
    await new Promise((resolve) => receiver.server.listen(0, "127.0.0.1", resolve));
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}`;
    return receiver;
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async next(matches = () => true, { timeoutMs } = {}) {
    return until("a webhook's request", () => this.requests.find((request) => matches(request.json, request)), { timeoutMs });
  }

  async #take(request, response) {
    const body = await bodyOf(request);
    const answer = this.answers.shift() ?? { status: 204 };
    const taken = { path: request.url, method: request.method, headers: request.headers, body, at: performance.now(), status: answer.status };
    try {
      taken.json = JSON.parse(body);
    } catch {
      // Stays without.
    }
    this.requests.push(taken);
    response.writeHead(answer.status, answer.headers).end(answer.body ?? "");
  }
}
