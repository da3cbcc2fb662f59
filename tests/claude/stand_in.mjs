// A scripted stand-in for Anthropic's Messages API on loopback, so that tests run the real Claude Code client offline.
//
// A script is a list of turns: `{prompt, replies}`. A request that carries tools belongs to the newest user message whose
// text contains one of the prompts; it is answered with that turn's next reply. A reply is one of
//   {text: "...", tool: {name, input}, delayMs, thinkMs}    an assistant message: text, a tool call, or both
//   {status: 429, error: "rate_limit_error", message, headers}    an error of the API
// Requests without tools (titles, summaries, quota checks) are side requests and get a harmless answer of the shape they ask for.
// The log keeps what the tests look at, never a header's value: the key in it is made up, but the habit is not.
import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";

// A real request is about 100 KB; a session that has read large files stays far below this many bytes.
const kBodyBytesMax = 64 * 1024 * 1024;
// Text is streamed in pieces of this many characters, so that the client really renders a stream.
const kPieceChars = 24;

const textOf = (block) => (typeof block === "string" ? block : block?.type === "text" ? block.text : "");

/** The texts of a user message, without what the client itself adds to it. */
function userTexts(message) {
  const blocks = Array.isArray(message.content) ? message.content : [message.content];
  return blocks.map(textOf).filter((text) => text && !text.startsWith("<system-reminder>"));
}

/** The turn whose prompt stands in the newest user message that contains any prompt. */
function turnFor(turns, messages) {
  for (const message of [...messages].reverse()) {
    if (message.role !== "user") continue;
    for (const text of userTexts(message).reverse()) {
      const turn = turns.find(({ prompt }) => (prompt instanceof RegExp ? prompt.test(text) : text.includes(prompt)));
      if (turn) return turn;
    }
  }
  return undefined;
}

/** The tool results the newest message carries: what the client reports back, as `{id, error, text}`. */
function toolResults(messages) {
  const last = messages.at(-1);
  if (last?.role !== "user" || !Array.isArray(last.content)) return [];
  return last.content
    .filter((block) => block.type === "tool_result")
    .map((block) => ({
      id: block.tool_use_id,
      error: block.is_error === true,
      text: (Array.isArray(block.content) ? block.content : [block.content]).map(textOf).join("\n"),
    }));
}

/** What a side request is answered with: JSON where it asks for a schema, else a few words. */
function sideReply(body) {
  const schema = body.output_config?.format?.schema ?? body.output_format?.schema;
  if (!schema?.properties) return { text: "Stand-in" };
  const sample = ([, kind]) => ({ boolean: false, number: 0, integer: 0, array: [], object: {} })[kind.type] ?? "Stand-in";
  return { text: JSON.stringify(Object.fromEntries(Object.entries(schema.properties).map((p) => [p[0], sample(p)]))) };
}

class Stream {
  constructor(response, model, messageId) {
    this.response = response;
    this.outputTokens = 1;
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache", "request-id": `req_${messageId}` });
    this.send("message_start", {
      message: {
        id: `msg_${messageId}`, type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null,
        usage: { input_tokens: 1200, cache_creation_input_tokens: 300, cache_read_input_tokens: 10000, output_tokens: 1 },
      },
    });
    this.index = 0;
  }
  send(type, data) {
    this.response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  }
  async text(text, thinkMs) {
    this.send("content_block_start", { index: this.index, content_block: { type: "text", text: "" } });
    for (let at = 0; at < text.length; at += kPieceChars) {
      if (thinkMs) await delay(thinkMs);
      this.send("content_block_delta", { index: this.index, delta: { type: "text_delta", text: text.slice(at, at + kPieceChars) } });
      this.outputTokens += 6;
    }
    this.send("content_block_stop", { index: this.index++ });
  }
  tool(id, { name, input }) {
    this.send("content_block_start", { index: this.index, content_block: { type: "tool_use", id, name, input: {} } });
    this.send("content_block_delta", {
      index: this.index, delta: { type: "input_json_delta", partial_json: JSON.stringify(input) },
    });
    this.send("content_block_stop", { index: this.index++ });
    this.outputTokens += 40;
  }
  end(stopReason) {
    this.send("message_delta", { delta: { stop_reason: stopReason, stop_sequence: null }, usage: { output_tokens: this.outputTokens } });
    this.send("message_stop", {});
    this.response.end();
  }
}

/** The same assistant message in one piece, for requests that do not ask for a stream. */
function wholeMessage(model, messageId, reply, toolId) {
  const content = [];
  if (reply.text) content.push({ type: "text", text: reply.text });
  if (reply.tool) content.push({ type: "tool_use", id: toolId, name: reply.tool.name, input: reply.tool.input });
  return {
    id: `msg_${messageId}`, type: "message", role: "assistant", model, content, stop_sequence: null,
    stop_reason: reply.tool ? "tool_use" : "end_turn", usage: { input_tokens: 1200, output_tokens: 20 },
  };
}

export class StandIn {
  #server;
  #count = 0;

  /** `turns` as described above; each turn's replies are used in order. */
  constructor(turns = []) {
    this.turns = turns.map((turn) => ({ ...turn, used: 0 }));
    this.requests = []; // {method, path, bytes, kind: "turn"|"side"|"unscripted"|"other", model, stream, prompt, results}
    this.#server = http.createServer((request, response) => {
      this.#answer(request, response).catch((error) => {
        this.requests.push({ method: request.method, path: request.url, kind: "failed", error: String(error) });
        response.destroy();
      });
    });
  }

  static async start(turns) {
    const standIn = new StandIn(turns);
    await new Promise((resolve, reject) => {
      standIn.#server.once("error", reject);
      standIn.#server.listen(0, "127.0.0.1", resolve);
    });
    standIn.port = standIn.#server.address().port;
    standIn.url = `http://127.0.0.1:${standIn.port}`;
    return standIn;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What is wrong with how the script was used; empty when every reply was asked for once and nothing else was. */
  problems() {
    const unused = this.turns
      .filter((turn) => turn.used !== turn.replies.length)
      .map((turn) => `turn ${turn.prompt}: ${turn.used} of ${turn.replies.length} replies used`);
    const odd = this.requests
      .filter(({ kind }) => kind === "unscripted" || kind === "failed")
      .map((r) => `${r.kind} request ${r.method} ${r.path} ${r.prompt ?? r.error ?? ""}`);
    return [...unused, ...odd];
  }

  async #answer(request, response) {
    const path = request.url.split("?")[0];
    if (request.method === "HEAD") return void response.writeHead(200).end();
    const pieces = [];
    let bytes = 0;
    for await (const piece of request) {
      bytes += piece.length;
      if (bytes > kBodyBytesMax) throw new Error("request body over the stand-in's limit");
      pieces.push(piece);
    }
    const entry = { method: request.method, path, bytes, kind: "other" };
    this.requests.push(entry);
    const json = (status, value, headers = {}) =>
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
    if (request.method !== "POST" || !path.startsWith("/v1/messages")) return json(404, apiError("not_found_error", "not here"));
    const body = JSON.parse(Buffer.concat(pieces).toString("utf8"));
    if (path === "/v1/messages/count_tokens") return json(200, { input_tokens: Math.ceil(bytes / 4) });
    Object.assign(entry, { model: body.model, stream: body.stream === true, results: toolResults(body.messages ?? []) });
    const reply = this.#choose(entry, body);
    if (reply.delayMs) await delay(reply.delayMs);
    if (reply.status) return json(reply.status, apiError(reply.error, reply.message ?? "scripted error"), reply.headers);
    await this.#speak(response, body, reply);
  }

  #choose(entry, body) {
    const turn = turnFor(this.turns, body.messages ?? []);
    if (!body.tools?.length) {
      entry.kind = "side";
      return sideReply(body);
    }
    entry.prompt = turn ? String(turn.prompt) : userTexts(body.messages?.findLast(({ role }) => role === "user") ?? {}).at(-1)?.slice(0, 200);
    if (!turn || turn.used >= turn.replies.length) {
      entry.kind = "unscripted";
      return { text: "The stand-in has no reply for this." };
    }
    entry.kind = "turn";
    return turn.replies[turn.used++];
  }

  async #speak(response, body, reply) {
    const number = String(++this.#count).padStart(6, "0");
    const toolId = `toolu_standin${number}`;
    if (body.stream !== true) {
      return void response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(wholeMessage(body.model, number, reply, toolId)));
    }
    const stream = new Stream(response, body.model, number);
    if (reply.text) await stream.text(reply.text, reply.thinkMs);
    if (reply.tool) stream.tool(toolId, reply.tool);
    stream.end(reply.tool ? "tool_use" : "end_turn");
  }
}

function apiError(type, message) {
  return { type: "error", error: { type: type ?? "api_error", message } };
}
