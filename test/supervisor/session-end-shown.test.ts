import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { EndOutcome } from "../../src/registry/registry.ts";
import { lostError } from "../../src/supervisor/session/session-summary.ts";
import { eventually } from "../fixtures/eventually.ts";
import { EventReader } from "../fixtures/http/event-reader.ts";
import { openPair, type Pair } from "../fixtures/http/open-fleet.ts";
import { CommonRegistry, CommonStore } from "../fixtures/registry/common-registry.ts";
import { detachedSession } from "../fixtures/supervisor/detached-session.ts";

const test = anyTest.serial as TestFn;

/** Opens a fleet whose first replica has its ends written once `outcome` is settled. */
async function slowToWrite(
  t: ExecutionContext,
): Promise<Pair & { readonly outcome: PromiseWithResolvers<EndOutcome> }> {
  const outcome = Promise.withResolvers<EndOutcome>();
  const store = new CommonStore();
  const registry = new CommonRegistry(store);
  const end = registry.end.bind(registry);
  registry.end = async (...args) => {
    const written = await end(...args);
    return (await outcome.promise) === "final" ? written : outcome.promise;
  };
  const fleet = await openPair({ store, launch: (index) => (index === 0 ? { registry } : {}) });
  t.teardown(async () => {
    outcome.resolve("final");
    await fleet.close();
  });
  return { ...fleet, outcome };
}

test("an end that is not written is shown by nobody: the session is closing", async (t) => {
  const { replicas, outcome } = await slowToWrite(t);
  const [owner, other] = replicas;
  const { session_id } = await owner.start({ config: { purpose: "a test" } });
  const path = `/sessions/${session_id}`;
  const session = owner.launcher.getSession(session_id)!;
  const reader = await EventReader.open(t, `${other.url}${path}/events`);
  await reader.until(({ data }) => data.state === "live");
  const closed = owner.ask(`${path}?wait=true`, { method: "DELETE" });
  await session.ended;
  for (const { ask } of [owner, other]) {
    const { status, body } = await ask(path);
    t.deepEqual([status, body.state, body.config], [200, "closing", { purpose: "a test" }]);
  }
  t.is((await owner.ask(`${path}/messages`, { json: { text: "hello" } })).body.code, "SESSION_CLOSING");
  // What it held is free all the same.
  t.is(owner.launcher.listSessions().length, 0);
  t.false(session.events.ended);
  outcome.resolve("final");
  t.is((await closed).status, 204);
  for (const { ask } of [owner, other]) {
    const { status, body } = await ask(path);
    t.deepEqual([status, body.end_reason], [404, "closed"]);
  }
  const events = await reader.rest();
  t.deepEqual(
    events.slice(-2).map(({ data }) => [data.type, data.state ?? data.reason]),
    [
      ["state", "ended"],
      ["end", "closed"],
    ],
  );
});

test("where another end had been written, that one is shown", async (t) => {
  const { replicas, outcome, store } = await slowToWrite(t);
  const [owner] = replicas;
  const { session_id } = await owner.start();
  const path = `/sessions/${session_id}`;
  const reader = await EventReader.open(t, `${owner.url}${path}/events`);
  await reader.until(({ data }) => data.state === "live");
  t.is((await owner.ask(path, { method: "DELETE" })).status, 204);
  await owner.launcher.getSession(session_id)!.ended;
  const record = store.records.get(session_id)!;
  const endedAt = Math.round(record.startedAt) + 1;
  store.records.set(session_id, { ...record, end: { reason: "lost", endedAt } });
  outcome.resolve("superseded");
  const end = (await reader.rest()).at(-1)!;
  t.is(end.data.reason, "lost");
  t.is(Date.parse(end.data.at), endedAt);
  const { body } = await owner.ask(path);
  t.deepEqual([body.end_reason, body.session_ended_at], ["lost", end.data.at]);
});

test("an end that nobody can write is shown in the end", async (t) => {
  const { replicas } = await slowToWrite(t);
  const [owner] = replicas;
  const { session_id } = await owner.start();
  const path = `/sessions/${session_id}`;
  t.is((await owner.ask(`${path}?wait=true`, { method: "DELETE" })).status, 204);
  t.is((await owner.ask(path)).body.end_reason, "closed");
});

test("streams of a server that stops tell the end of its sessions", async (t) => {
  const { replicas, outcome } = await slowToWrite(t);
  const [owner] = replicas;
  const { session_id } = await owner.start();
  const reader = await EventReader.open(t, `${owner.url}/sessions/${session_id}/events`);
  await reader.until(({ data }) => data.state === "live");
  const stopped = owner.launcher.stop();
  await owner.launcher.getSession(session_id)!.ended;
  outcome.resolve("final");
  t.is((await reader.rest()).at(-1)!.data.reason, "drained");
  await stopped;
});

test("the first end that is shown counts, and nothing follows it", async (t) => {
  const session = detachedSession({ onEnded: () => undefined });
  session.close("closed");
  await session.ended;
  t.deepEqual([session.state, session.shownState, session.events.ended], ["ended", "closing", false]);
  session.message({ type: "event", event: { type: "user_silent", at: 1, silentMs: 1, times: 1 } });
  session.supersede({ reason: "lost", error: lostError({ nodeId: "node" }) }, 5);
  session.showEnd();
  session.showEnd();
  await session.endShown;
  const types: string[] = [];
  session.events.subscribe(0, ({ event }) => types.push(event.type));
  t.deepEqual(types, ["state", "state", "metrics", "state", "end"]);
  t.is(session.shownState, "ended");
  await eventually("it is empty", () => Object.keys(session.config).length === 0);
});
