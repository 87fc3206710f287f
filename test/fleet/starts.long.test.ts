import anyTest, { type TestFn } from "ava";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { fleetOf, pairOf, small, withKey } from "../fixtures/fleet/fleet-of-test.ts";
import { placesOf } from "../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another: each has servers of its own, and there are two cores. */
const test = anyTest.serial as TestFn;

test("one that has announced it takes a start itself where nobody else can", async (t) => {
  const fleet = await pairOf(t, {});
  const [first, second] = fleet.replicas;
  await second.launcher.stop();
  (await supervisorOf(first.launcher)).announceDrain();
  const { session_id } = await first.start();
  t.is(placesOf(fleet, session_id).owner, first);
});

test("a start that was passed on has been counted by who passed it on", async (t) => {
  const limited = (at: number) => (at === 0 ? {} : { startsPerSecond: 0.000_001, startBurst: 1 });
  const fleet = await fleetOf(t, { serve: limited });
  const [first, second, third] = fleet.replicas;
  for (const replica of [second, third]) {
    await replica.start();
    const again = await replica.ask("/sessions", { json: { call_id: "c" } });
    t.is(again.body.code, "RATE_LIMITED");
  }
  await first.launcher.stop();
  const started = await Promise.all([first.start(), first.start(), first.start()]);
  t.is(new Set(started.map(({ session_id }) => session_id)).size, 3);
});

test("also where the start was passed on, and after a refusal", async (t) => {
  const fleet = await fleetOf(t, small);
  const [first, second, third] = fleet.replicas;
  await first.launcher.stop();
  const one = await first.ask("/sessions", withKey("k", { call_id: "c" }));
  const again = await second.ask("/sessions", withKey("k", { call_id: "c" }));
  t.is(one.status, 201);
  t.deepEqual(again.body, one.body);
  const passedOn = await first.ask("/sessions", withKey("l", { call_id: "d" }));
  t.is(passedOn.status, 201);
  const refused = await third.ask("/sessions", withKey("m", { call_id: "e" }));
  t.is(refused.status, 429);
  await third.ask(`/sessions/${one.body.session_id}?wait=true`, { method: "DELETE" });
  const later = await third.ask("/sessions", withKey("m", { call_id: "e" }));
  t.is(later.status, 201);
  t.is(later.headers.get("idempotency-replayed"), null);
});
