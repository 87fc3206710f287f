import { eventually } from "../../fixtures/eventually.ts";
import { balancedFleet, fleetTest, placesOf, started } from "../../fixtures/fleet/balanced-fleet.ts";
import { type Asked, ann, close, use } from "../../fixtures/fleet/use-session.ts";
import type { Answer } from "../../fixtures/http/open-server.ts";

const test = fleetTest();

test("starts land wherever there is room, and are refused when nobody has any; the full go on answering", async (t) => {
  const fleet = await balancedFleet(t, { launcher: { maxConcurrentSessions: 2 } });
  const { balancer, replicas } = fleet;
  const start = (door: Asked): Promise<Answer["body"]> => started(door, { headers: ann });
  const [first] = replicas;
  // At the door of one: two for itself, and what it has no room for lands on its peers.
  const { session_id } = await start(first);
  for (let count = 0; count < 3; count += 1) await start(first);
  await Promise.all([start(balancer), start(balancer)]);
  for (const replica of replicas) t.is(await replica.metric("greenroom_sessions"), 2, replica.nodeId);

  for (const { ask } of [...replicas, balancer]) {
    const refused = await ask("/sessions", { json: { call_id: "one-too-many" }, headers: ann });
    t.deepEqual([refused.status, refused.body.code], [429, "POOL_FULL"]);
    t.truthy(refused.headers.get("retry-after"));
  }

  const heard = [];
  for (const door of [...replicas, balancer]) heard.push(await use(t, door, session_id));
  const { owner, others } = await placesOf(replicas, session_id);
  await close(t, others[0]!, session_id, heard);
  for (const door of [...others, balancer]) {
    const { session_id } = await start(door);
    t.is((await placesOf(replicas, session_id)).owner, owner, "the only place that there is");
    await close(t, door, session_id, []);
  }
});

test("200 starts at once, in a call that takes seven: exactly seven", async (t) => {
  const { balancer, replicas } = await balancedFleet(t, {
    launcher: { maxSessionsPerCall: 7, maxConcurrentSessions: 100 },
    // Exact only where Redis answers.
    environment: () => ({ GREENROOM_REGISTRY_COMMAND_TIMEOUT_MS: "10000" }),
  });
  const start = () => balancer.ask("/sessions", { json: { call_id: "the-call" }, headers: ann });
  const answers = await Promise.all(Array.from({ length: 200 }, start));
  const started = answers.filter(({ status }) => status === 201);
  const refused = answers.filter(({ status, body }) => status === 429 && body.code === "CALL_FULL");
  t.deepEqual([started.length, refused.length], [7, 193]);
  const { sessions } = (await balancer.ask("/calls/the-call/sessions", { headers: ann })).body;
  t.is(sessions.length, 7);
  t.is((await replicas[1].ask("/sessions", { json: { call_id: "another" }, headers: ann })).status, 201);

  const { session_id } = started[0]!.body;
  await close(t, balancer, session_id, []);
  await eventually("there is a place in the call", async () => (await start()).status === 201);
  t.is((await start()).status, 429);
});

test("a key makes one session, at whichever replicas it comes at the same time", async (t) => {
  const { balancer, replicas } = await balancedFleet(t, {
    environment: () => ({ GREENROOM_REGISTRY_COMMAND_TIMEOUT_MS: "10000" }),
  });
  const begun = { json: { call_id: "call" }, headers: { ...ann, "idempotency-key": "the-key" } };
  const answers = await Promise.all(
    [...replicas, balancer, ...replicas].map(({ ask }) => ask("/sessions", begun)),
  );
  t.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  t.is(new Set(answers.map(({ text }) => text)).size, 1, "and one answer");
  t.is(answers.filter(({ headers }) => headers.has("idempotency-replayed")).length, answers.length - 1);
  t.is((await balancer.ask("/sessions", { headers: ann })).body.sessions.length, 1);
  const other = await balancer.ask("/sessions", { ...begun, json: { call_id: "other" } });
  t.is(other.body.code, "IDEMPOTENCY_MISMATCH");
});
