import anyTest, { type TestFn } from "ava";
import { type Fleet, openFleet } from "../fixtures/http/open-fleet.ts";

/** Declares tests that run one after another, since they share a fleet. The last one cuts a replica off. */
const test = anyTest.serial as TestFn<{ fleet: Fleet }>;

test.before(async (t) => {
  t.context.fleet = await openFleet({
    serve: () => ({
      getCurrentUser: ({ headers }) => headers.get("x-user"),
      canCloseSession: (scope) => scope.session().createdBy === scope.headers.get("x-user"),
    }),
  });
});
test.after.always((t) => t.context.fleet.close());

const ann = { "x-user": "ann" };

test("the sessions of a call are closed in all replicas, where the caller may", async (t) => {
  const { replicas } = t.context.fleet;
  const started: string[] = [];
  for (const replica of replicas) {
    started.push((await replica.start({ call_id: "everywhere" }, ann)).session_id);
    await replica.start({ call_id: "everywhere" }, { "x-user": "bob" });
  }
  const request = { method: "DELETE", headers: ann };
  const { status, body, headers } = await replicas[1].ask("/calls/everywhere/sessions?wait=true", request);
  t.is(status, 202);
  t.false(headers.has("greenroom-incomplete"));
  t.deepEqual(body.session_ids.toSorted(), started.toSorted());
  for (const { launcher } of replicas) {
    t.deepEqual(
      launcher.listSessions().map(({ createdBy }) => createdBy),
      ["bob"],
    );
  }
  // There are others, which she may see and not close.
  t.is((await replicas[0].ask("/calls/everywhere/sessions", request)).status, 403);
});

test("where a replica cannot be asked the answer is 503: it names it, and what closes in the others", async (t) => {
  const [first, second, third] = t.context.fleet.replicas;
  const { session_id } = await first.start({ call_id: "cut" }, ann);
  third.cut();
  const request = { method: "DELETE", headers: ann };
  const { status, body, headers } = await second.ask("/calls/cut/sessions", request);
  t.is(status, 503);
  t.is(headers.get("retry-after"), "1");
  t.is(headers.get("greenroom-incomplete"), third.nodeId);
  t.is(body.code, "PEER_UNREACHABLE");
  t.deepEqual(body.session_ids, [session_id]);
  await t.context.fleet.replicas[0].launcher.getSession(session_id)?.ended;
  // She may not close what bob began, and yet there may be one of hers.
  await first.start({ call_id: "bobs" }, { "x-user": "bob" });
  t.is((await second.ask("/calls/bobs/sessions", request)).status, 503);
  t.context.fleet.store.expire(third.nodeId);
  t.is((await second.ask("/calls/bobs/sessions", request)).status, 403);
  t.is((await second.ask("/calls/cut/sessions", request)).status, 202);
});
