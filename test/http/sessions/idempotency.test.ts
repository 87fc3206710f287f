import anyTest, { type TestFn } from "ava";
import type { AgentLauncher, JsonValue } from "greenroom";
import { LocalKeys, mostKept, mostKeptOfOne } from "../../../src/registry/local-keys.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

const withKey = (key: string, json: JsonValue, user?: string) => ({
  json,
  headers: { "idempotency-key": key, ...(user === undefined ? {} : { "x-user": user }) },
});

test("the same key with the same body gets the first answer again", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const first = await ask("/sessions", withKey("again", { call_id: "c", config: { a: 1, b: 2 } }));
  const second = await ask(
    "/sessions",
    withKey("again", { config: { b: 2, a: 1 }, call_id: "c", call_type: "default" }),
  );
  t.is(second.status, 201);
  t.deepEqual(second.body, first.body);
  t.is(first.headers.get("idempotency-replayed"), null);
  t.is(second.headers.get("idempotency-replayed"), "true");
  const inCall = await ask("/calls/c/sessions", withKey("again", { config: { a: 1, b: 2 } }));
  t.deepEqual(inCall.body, first.body);
});

test("requests at the same time start one session", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => ask("/sessions", withKey("together", { call_id: "together" }))),
  );
  t.deepEqual(
    answers.map(({ status }) => status),
    [201, 201, 201, 201, 201],
  );
  t.is(new Set(answers.map(({ body }) => body.session_id)).size, 1);
  t.is((await ask("/sessions?call_id=together")).body.sessions.length, 1);
});

test("the same key with another body is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  await ask("/sessions", withKey("other", { call_id: "one" }));
  const { status, body } = await ask("/sessions", withKey("other", { call_id: "two" }));
  t.is(status, 422);
  t.is(body.code, "IDEMPOTENCY_MISMATCH");
});

test("a failed start is forgotten", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  const failing = { call_id: "fails", config: { course: "create-throws" } };
  t.is((await ask("/sessions", withKey("failed", failing))).status, 500);
  t.is((await ask("/sessions", withKey("failed", { call_id: "works" }))).status, 201);
});

test("a key belongs to its caller", async (t) => {
  const { ask } = await openServer(t, t.context.launcher, {
    getCurrentUser: ({ headers }) => headers.get("x-user"),
  });
  const body = { call_id: "shared" };
  const ann = await ask("/sessions", withKey("key", body, "ann"));
  const bob = await ask("/sessions", withKey("key", body, "bob"));
  const annAgain = await ask("/sessions", withKey("key", body, "ann"));
  t.not(ann.body.session_id, bob.body.session_id);
  t.is(ann.body.session_id, annAgain.body.session_id);
});

test("a claim that changes with every token makes no other caller", async (t) => {
  let issuedAt = 0;
  const { ask } = await openServer(t, t.context.launcher, {
    getCurrentUser: () => ({ sub: "ann", iat: ++issuedAt }),
  });
  const first = await ask("/sessions", withKey("token", { call_id: "claims" }));
  const second = await ask("/sessions", withKey("token", { call_id: "claims" }));
  t.is(first.body.session_id, second.body.session_id);
});

test("a key that cannot be one is refused", async (t) => {
  const { ask } = await openServer(t, t.context.launcher);
  for (const key of ["x".repeat(256), "ä", ""]) {
    const { status, body } = await ask("/sessions", withKey(key, { call_id: "c" }));
    t.is(status, 422);
    t.deepEqual(body.detail[0].loc, ["header", "idempotency-key"]);
  }
});

test("a caller who sends many keys loses their own oldest answers, and nobody else's", async (t) => {
  const keys = new LocalKeys();
  const once = (caller: string, name: string, answer: number) =>
    keys.once({ name: `${caller} ${name}`, caller, bodyHash: "" }, async () => ({ answer, replayed: false }));
  await once("ann", "first", 1);
  for (let i = 0; i < mostKept + 5; i += 1) await once("flood", String(i), i);
  t.deepEqual(await once("ann", "first", -1), { answer: 1, replayed: true });
  t.deepEqual(await once("flood", String(mostKept + 4), -1), { answer: mostKept + 4, replayed: true });
  t.deepEqual(await once("flood", String(mostKept + 4 - mostKeptOfOne), -1), { answer: -1, replayed: false });
  // As many callers as would fill the whole, each with its budget: who has few keeps them.
  for (let caller = 0; caller < 12; caller += 1)
    for (let i = 0; i < mostKeptOfOne; i += 1) await once(`caller ${caller}`, String(i), i);
  t.deepEqual(await once("ann", "first", -1), { answer: 1, replayed: true });
});
