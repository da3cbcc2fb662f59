// A session's life without Claude Code: started again in its record, names that were taken meanwhile, and templates.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Dashboard, skipWithoutProgram as skip } from "../harness/server.mjs";
import { TerminalSocket } from "../harness/socket.mjs";
import { until } from "../harness/wait.mjs";
import { query } from "./support.mjs";

let dashboard;
let api;
before(async () => {
  if (skip) return;
  dashboard = await Dashboard.start();
  api = await dashboard.login();
}, { timeout: 180_000 });
after(async () => dashboard?.remove(), { timeout: 180_000 });

const byId = async (id) => (await api.get(`/api/sessions/${id}`)).json;
const becomes = (id, status) => until(`session ${id} is ${status}`, async () => (await byId(id)).status === status && byId(id));
const resume = (id, json = {}) => api.send("POST", `/api/sessions/${id}/resume`, { json });

test("Lifecycle.AnEndedProgramStartsAgainInTheSameRecord", { skip, timeout: 180_000 }, async () => {
  const command = ["/bin/sh", "-c", "echo \"BEGAN-$((40+2)) $GIVEN\"; read x; exit 7"];
  const made = await api.createSession({ name: "again", project: dashboard.project, command, env: { GIVEN: "kept" } });
  const socket = await TerminalSocket.connect(api);
  const terminal = await socket.open({ session: made.id, cols: 80, rows: 24, from: 0 });
  await terminal.waitFor("BEGAN-42 kept");
  assert.deepEqual([(await resume(made.id)).status, (await resume("0".repeat(20))).status], [409, 404], "it runs; there is none");
  terminal.type("\n");
  const ended = await becomes(made.id, "exited");
  assert.equal(ended.exit_status, 7);

  const resumed = (await resume(made.id)).json;
  assert.deepEqual([resumed.id, resumed.name, resumed.status, resumed.exit_status, resumed.ended_at], [made.id, "again", "active", null, null]);
  // Who has it open sees it go on: the old output, the mark, the new one with the same variables.
  await terminal.waitFor(/BEGAN-42 kept[^]*started again[^]*BEGAN-42 kept/);
  assert.deepEqual(terminal.faults, []);
  terminal.type("\n");
  await becomes(made.id, "exited");
  await socket.close();
  const whole = (await api.output(made.id)).bytes.toString("latin1");
  assert.equal(whole.match(/BEGAN-42 kept/g).length, 2);
  assert.deepEqual(query(dashboard.settings.DATABASE_PATH, `SELECT action, count(*) FROM audit_logs WHERE target = '${made.id}' AND action = 'session.resume'`), ["session.resume|1"]);
});

test("Lifecycle.ANameThatWasTakenMeanwhileGetsANumber", { skip, timeout: 180_000 }, async () => {
  const command = ["/bin/cat"];
  const first = await api.createSession({ name: "shared", project: dashboard.project, command });
  await api.must("DELETE", `/api/sessions/${first.id}`);
  await becomes(first.id, "exited");
  const second = await api.createSession({ name: "shared", project: dashboard.project, command });
  // Twice at a time: one starts, the other is told.
  const answers = await Promise.all([resume(first.id), resume(first.id)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
  assert.equal((await byId(first.id)).name, "shared-2");
  assert.equal((await byId(second.id)).name, "shared");
  assert.equal((await api.send("POST", `/api/sessions/${second.id}/fork`, { json: {} })).status, 409, "no conversation, no fork");
  const restarted = (await api.post(`/api/sessions/${second.id}/restart`, {})).json;
  assert.deepEqual([restarted.id, restarted.name, restarted.status], [second.id, "shared", "active"]);
  for (const { id } of [first, second]) await api.must("DELETE", `/api/sessions/${id}`);
});

test("Lifecycle.ALostSessionOfAnotherProgramIsNotBroughtBackUnasked", { skip, timeout: 180_000 }, async () => {
  const made = await api.createSession({ name: "shell", project: dashboard.project, command: ["/bin/cat"] });
  dashboard.tmux.run("kill-server");
  await becomes(made.id, "lost");
  assert.deepEqual((await api.post("/api/fleet/resume", {})).json.results, []);
  const asked = (await api.post("/api/fleet/resume", { sessions: [made.id, "f".repeat(20)] })).json.results;
  assert.deepEqual(asked.map(({ outcome, error }) => [outcome, error?.code]), [["resumed", undefined], ["failed", "not_found"]]);
  assert.equal((await byId(made.id)).status, "active");
  await api.must("DELETE", `/api/sessions/${made.id}`);
});

test("Lifecycle.TemplatesAreKeptAndChecked", { skip, timeout: 180_000 }, async () => {
  const wish = { name: "Review", prompt: "Review what changed", model: "opus", permission_mode: "plan", env: { LEVEL: "secret-value" } };
  const made = await api.post("/api/templates", wish);
  assert.equal(made.status, 201);
  const { id, changed_at: at, changed_by: by, ...rest } = made.json;
  assert.deepEqual(rest, { ...wish, project: "" });
  assert.ok(by === "owner" && Math.abs(at / 1000 - Date.now()) < 60_000);
  assert.equal((await api.send("POST", "/api/templates", { json: wish })).status, 409, "the name is taken");
  const wrong = [[{ ...wish, name: "" }, "name"], [{ ...wish, project: "demo" }, "project"], [{ ...wish, permission_mode: "bypassPermissions" }, "permission_mode"],
    [{ ...wish, model: "--evil" }, "model"], [{ ...wish, env: { "A-B": "1" } }, "env"]];
  for (const [json, field] of wrong) {
    const answer = await api.send("POST", "/api/templates", { json });
    assert.deepEqual([answer.status, answer.json.error.field], [400, field], answer.text);
  }
  await api.must("PUT", `/api/templates/${id}`, { json: { ...wish, name: "Look" } });
  assert.deepEqual((await api.get("/api/templates")).json.templates.map(({ name }) => name), ["Look"]);
  assert.equal((await api.send("POST", "/api/sessions", { json: { name: "x", template: "none" } })).json.error.field, "template");
  await api.must("DELETE", `/api/templates/${id}`);
  assert.equal((await api.send("DELETE", `/api/templates/${id}`)).status, 404);
  const audited = query(dashboard.settings.DATABASE_PATH, `SELECT action, detail FROM audit_logs WHERE target = '${id}' ORDER BY id`);
  assert.deepEqual(audited.map((row) => row.split("|")[0]), ["template.create", "template.change", "template.remove"]);
  assert.equal(audited.join().includes("secret-value"), false, "values of variables are not audited");
});
