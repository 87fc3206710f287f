import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncher, ServeOptions } from "greenroom";
import pino from "pino";
import { openFleet } from "../../fixtures/http/open-fleet.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly field?: string;
  readonly route?: string;
}

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher; lines: Line[] }>;

test.before(async (t) => {
  t.context.lines = [];
  const write = (line: string) => {
    const parsed: Line = JSON.parse(line);
    // A busy machine may have the server warn of other things.
    if (parsed.field !== undefined) t.context.lines.push(parsed);
  };
  t.context.launcher = await startLauncher({ logger: pino({ level: "warn" }, { write }) });
});
test.after.always((t) => t.context.launcher.stop());

type Context = ExecutionContext<{ launcher: AgentLauncher; lines: Line[] }>;

function open(t: Context, options: ServeOptions = {}) {
  t.context.lines.length = 0;
  return openServer(t, t.context.launcher, options);
}

test("a field beside config is not dropped in silence: the log says where it belongs, once", async (t) => {
  const { ask } = await open(t);
  const json = { call_id: "c", config: { a: 1 }, instructions: "Be brief.", voice: "anna", callType: "x" };
  for (let i = 0; i < 3; i += 1) {
    const { status, body } = await ask("/sessions", { json });
    t.deepEqual([status, body.config, body.call_type], [201, { a: 1 }, "default"]);
  }
  const { lines } = t.context;
  t.deepEqual(
    lines.map(({ field, route, level }) => [field, route, level]),
    [
      ["instructions", "POST /sessions", 40],
      ["voice", "POST /sessions", 40],
      ["callType", "POST /sessions", 40],
    ],
  );
  t.regex(lines[0]!.msg, /is ignored, "instructions": .*belongs in "config"/);
  t.regex(lines[2]!.msg, /did you mean call_type\?$/);
  await ask("/calls/c/sessions", { json: { instructions: "Be brief." } });
  t.is(lines.at(-1)!.route, "POST /calls/{call_id}/sessions");
  const count = lines.length;
  // The same call in both places is no contradiction.
  t.is((await ask("/calls/c/sessions", { json: { call_id: "c" } })).status, 201);
  t.is(lines.length, count);
  t.is((await ask("/calls/c/sessions", { json: { call_id: "another" } })).status, 201);
  t.is(lines.at(-1)!.field, "call_id");
});

test("a field beside the text of a message is told of too", async (t) => {
  const { ask, start } = await open(t);
  const { session_id } = await start();
  const json = { text: "hello", role: "system" };
  t.is((await ask(`/sessions/${session_id}/messages`, { json })).status, 202);
  t.deepEqual(
    t.context.lines.map(({ field }) => field),
    ["role"],
  );
});

test("nobody fills the log with names of fields", async (t) => {
  const { ask } = await open(t, { canStartSession: () => false });
  for (let i = 0; i < 20; i += 1) {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`field-${i}-${n}`, 1]));
    await ask("/sessions", { json: { call_id: "c", ...many } });
  }
  await ask("/sessions", { json: { call_id: "c", ["x".repeat(50_000)]: 1 } });
  t.is(t.context.lines.length, 100);
});

test("with strictBodies each such field is refused by name, and nothing starts", async (t) => {
  const { ask, start } = await open(t, { strictBodies: true });
  const { session_id } = await start();
  const before = t.context.launcher.listSessions().length;
  for (const [path, json, field] of [
    ["/sessions", { call_id: "c", instructions: "Be brief." }, "instructions"],
    ["/calls/c/sessions", { voice: "anna" }, "voice"],
    ["/calls/c/sessions", { call_id: "another" }, "call_id"],
    [`/sessions/${session_id}/messages`, { text: "hello", role: "system" }, "role"],
  ] as const) {
    const { status, body } = await ask(path, { json });
    t.is(status, 422);
    t.deepEqual(
      body.detail.map(({ loc, type }: { loc: string[]; type: string }) => [loc, type]),
      [[["body", field], "extra_forbidden"]],
    );
  }
  t.is(t.context.launcher.listSessions().length, before);
  t.is((await ask("/calls/c/sessions", { json: { call_id: "c" } })).status, 201);
  const { body: document } = await ask("/openapi.json");
  t.is(document.components.schemas.StartSessionRequest.additionalProperties, false);
  t.is(document.components.schemas.Session.additionalProperties, undefined);
});

test("what a replica passes on was told of where it came from", async (t) => {
  const fleet = await openFleet({ launcher: { maxConcurrentSessions: 1 } });
  t.teardown(() => fleet.close());
  const [first] = fleet.replicas;
  for (const call_id of ["one", "two"]) await first.ask("/sessions", { json: { call_id, voice: "anna" } });
  const told = fleet.replicas.map(
    ({ lines }) => lines().filter(({ msg }) => /is ignored/.test(String(msg))).length,
  );
  t.deepEqual(told, [1, 0, 0]);
});
