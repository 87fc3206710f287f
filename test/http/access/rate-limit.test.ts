import anyTest, { type TestFn } from "ava";
import type { AgentLauncher } from "greenroom";
import { OpenLimit, RateLimit } from "../../../src/control-plane/access/rate-limit.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another, since they share a server. */
const test = anyTest.serial as TestFn<{ launcher: AgentLauncher }>;

test.before(async (t) => {
  t.context.launcher = await startLauncher();
});
test.after.always((t) => t.context.launcher.stop());

const seldom = 1 / 3_600;
const byUser = { getCurrentUser: ({ headers }: { headers: Headers }) => headers.get("x-user") };

test("a caller that starts too often is told when to come back; another is not", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, {
    ...byUser,
    startsPerSecond: seldom,
    startBurst: 2,
  });
  await start({}, { "x-user": "ann" });
  await start({}, { "x-user": "ann" });
  const { status, headers, body } = await ask("/sessions", {
    json: { call_id: "c" },
    headers: { "x-user": "ann" },
  });
  t.is(status, 429);
  t.deepEqual(body, { detail: "Too many requests: starts", code: "RATE_LIMITED" });
  const seconds = Number(headers.get("retry-after"));
  t.true(seconds > 3_000 && seconds <= 3_600);
  await start({}, { "x-user": "bob" });
  await start();
  await start();
  t.is((await ask("/sessions", { json: { call_id: "c" } })).status, 429);
});

test("behind proxies, the caller's address is what the last trusted one saw", async (t) => {
  const limits = { startsPerSecond: seldom, startBurst: 1 };
  const starts = async (trustedProxyCount: number, forwarded: string[]) => {
    const { ask } = await openServer(t, t.context.launcher, { ...limits, trustedProxyCount });
    const statuses: number[] = [];
    for (const addresses of forwarded) {
      const headers = { "x-forwarded-for": addresses };
      statuses.push((await ask("/sessions", { json: { call_id: "c" }, headers })).status);
    }
    return statuses;
  };
  t.deepEqual(await starts(0, ["10.0.0.1", "10.0.0.2"]), [201, 429]);
  t.deepEqual(await starts(1, ["10.0.0.1", "10.0.0.2"]), [201, 201]);
  t.deepEqual(await starts(1, ["made up, 10.0.0.1", "another, 10.0.0.1"]), [201, 429]);
});

test("messages are limited over all sessions of a caller", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, {
    messagesPerSecond: seldom,
    messageBurst: 2,
  });
  const one = await start();
  const other = await start();
  const say = (id: string, token = "") =>
    ask(`/sessions/${id}/messages${token}`, { json: { text: "hello" } });
  t.is((await say(one.session_id)).status, 202);
  t.is((await say(other.session_id)).status, 202);
  const { status, body, headers } = await say(one.session_id);
  t.is(status, 429);
  t.is(body.code, "RATE_LIMITED");
  t.truthy(headers.get("retry-after"));
  t.is((await say(one.session_id, `?token=${one.session_token}`)).status, 202);
});

test("no limit is no limit", async (t) => {
  const { ask, start } = await openServer(t, t.context.launcher, {
    messagesPerSecond: null,
    messageBurst: 1,
  });
  const { session_id } = await start();
  for (let i = 0; i < 5; i += 1) {
    t.is((await ask(`/sessions/${session_id}/messages`, { json: { text: "hello" } })).status, 202);
  }
});

test("tokens come back at their rate, up to the burst", async (t) => {
  const limit = new RateLimit("things", 1_000, 1);
  limit.take("ann");
  const again = () => {
    try {
      limit.take("ann");
      return true;
    } catch {
      return false;
    }
  };
  while (!again()) await new Promise((resolve) => setImmediate(resolve));
  t.pass();
});

test("a place is given back once, however often that is asked", (t) => {
  const limit = new OpenLimit("things", 2);
  const giveBack = limit.open("ann");
  limit.open("ann");
  t.throws(() => limit.open("ann"), { message: "Too many requests: things" });
  limit.open("bob");
  giveBack();
  giveBack();
  limit.open("ann");
  t.throws(() => limit.open("ann"));
});

test("no more than 10,000 callers are remembered", (t) => {
  const limit = new RateLimit("things", seldom, 1);
  for (let i = 0; i <= 10_000; i += 1) limit.take(String(i));
  t.throws(() => limit.take("10000"));
  t.notThrows(() => limit.take("0"));
});
