import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncherOptions } from "greenroom";
import { openPair, placesOf } from "../../fixtures/http/open-fleet.ts";
import { openServer, startLauncher } from "../../fixtures/http/open-server.ts";

/** One after another: each has threads of its own, and there are two cores. */
const test = anyTest.serial as TestFn;

async function open(t: ExecutionContext, options: Partial<AgentLauncherOptions>) {
  const launcher = await startLauncher({ threadWaitTimeoutMs: 30_000, ...options });
  t.teardown(() => launcher.stop());
  return { launcher, ...(await openServer(t, launcher)) };
}

for (const [title, limit] of [
  ["of a server", { maxConcurrentSessions: 1 }],
  ["of a call", { maxSessionsPerCall: 1 }],
] as const) {
  test(`the last place ${title} that a closing session holds is waited for`, async (t) => {
    const { ask, launcher } = await open(t, limit);
    const first = await ask("/calls/c/sessions", { method: "POST" });
    t.is(first.status, 201);
    t.is((await ask("/calls/c/sessions", { method: "POST" })).status, 429, "while nobody leaves");
    const path = `/calls/c/sessions/${first.body.session_id}`;
    t.is((await ask(path, { method: "DELETE" })).status, 202);
    const second = await ask("/calls/c/sessions", { method: "POST" });
    t.is(second.status, 201);
    t.is(launcher.getSession(first.body.session_id)?.state, "ended");
    t.is((await ask("/calls/c/sessions", { method: "POST" })).status, 429);
  });
}

test("a session that leaves another call frees no place in this one", async (t) => {
  const { ask, start } = await open(t, { maxSessionsPerCall: 1, closeGraceMs: 1_000 });
  const other = await start({ call_id: "other", config: { course: "ignores-close" } });
  await start({ call_id: "this" });
  await ask(`/sessions/${other.session_id}`, { method: "DELETE" });
  const { status, body } = await ask("/calls/this/sessions", { method: "POST" });
  t.deepEqual([status, body.code], [429, "CALL_FULL"]);
});

test("of many that wait as many get in as places become free, and the wait has an end", async (t) => {
  const { ask, start } = await open(t, {
    maxConcurrentSessions: 2,
    threadWaitTimeoutMs: 3_000,
    // Well beyond that wait; the stop at the end waits for the rest of it.
    closeGraceMs: 8_000,
  });
  const leaves = await start({});
  const stays = await start({ config: { course: "ignores-close" } });
  for (const { session_id } of [leaves, stays]) await ask(`/sessions/${session_id}`, { method: "DELETE" });
  const starts = Array.from({ length: 4 }, (_, n) => ask("/sessions", { json: { call_id: `wants-${n}` } }));
  const answers = await Promise.all(starts);
  t.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 429, 429, 429]);
  t.true(answers.every(({ status, body }) => status === 201 || body.code === "POOL_FULL"));
});

test("who waits for a place when the server stops is told so", async (t) => {
  const { ask, start, launcher } = await open(t, { maxConcurrentSessions: 1, closeGraceMs: 2_000 });
  const { session_id } = await start({ config: { course: "ignores-close" } });
  await ask(`/sessions/${session_id}`, { method: "DELETE" });
  const waiting = ask("/sessions", { json: { call_id: "too-late" } });
  await launcher.stop();
  const { status, body } = await waiting;
  t.deepEqual([status, body.code], [503, "DRAINING"]);
});

test("a place that a session of another replica holds while it closes is waited for too", async (t) => {
  const fleet = await openPair({ launcher: { maxSessionsPerCall: 1, threadWaitTimeoutMs: 30_000 } });
  t.teardown(() => fleet.close());
  const first = await fleet.replicas[0].start({ call_id: "c" });
  const { owner, foreign } = placesOf(fleet, first.session_id);
  const start = () => foreign.ask("/calls/c/sessions", { method: "POST" });
  t.is((await start()).status, 429, "while nobody leaves");
  const deleted = await foreign.ask(`/sessions/${first.session_id}`, { method: "DELETE" });
  t.is(deleted.status, 204);
  t.is((await start()).status, 201);
  t.is(owner.launcher.getSession(first.session_id)?.endReason, "closed");
});
