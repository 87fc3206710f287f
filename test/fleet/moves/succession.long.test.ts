import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import { Conversation, isKept, ownerIn, resumingFleet } from "../../fixtures/fleet/conversation.ts";
import type { ReplicaProcess } from "../../fixtures/fleet/replica-process.ts";
import { freeze } from "../../fixtures/fleet/three-processes.ts";
import { needs } from "../../fixtures/needs.ts";

/** Declares tests that run one after another: each has processes of its own, and there are two cores. */
const test = needs("redis-server", (anyTest as TestFn).serial);

async function three(t: ExecutionContext) {
  t.timeout(240_000);
  const { redis, replicas } = await resumingFleet(t, ["a", "b", "c"], { leaseMs: 3_000 });
  const [a, b, c] = replicas as [ReplicaProcess, ReplicaProcess, ReplicaProcess];
  return { redis, a, b, c };
}

/** Starts calls at a replica, each through one exchange. */
async function talking(t: ExecutionContext, replica: ReplicaProcess, count: number): Promise<Conversation[]> {
  const conversations = Array.from({ length: count }, async () => {
    const { session_id } = await replica.start();
    const conversation = new Conversation(t, session_id);
    await conversation.exchange(replica, "first");
    return conversation;
  });
  return Promise.all(conversations);
}

const ended = async (replicas: readonly ReplicaProcess[]) => {
  const counts = await Promise.all(
    replicas.map((replica) => replica.metric("greenroom_sessions_ended_total")),
  );
  return counts.reduce((sum, count) => sum + count, 0);
};

/** Nobody was greeted again, and each answer was given once. */
function wasAnsweredOnce(t: ExecutionContext, { said }: Conversation): void {
  t.is(new Set(said).size, said.length, said.join(" | "));
}

test("a replica with twenty calls is killed: all of them go on in the two others", async (t) => {
  const { redis, a, b, c } = await three(t);
  const conversations = await talking(t, a, 20);
  await Promise.all(conversations.map(({ sessionId }) => isKept(redis, sessionId, "You said: first")));
  await a.kill();
  await Promise.all(
    conversations.map(async (conversation, index) => {
      await conversation.exchange(index % 2 === 0 ? b : c, "second");
      t.true(["b", "c"].includes((await ownerIn(redis, conversation.sessionId)) ?? ""));
      wasAnsweredOnce(t, conversation);
    }),
  );
  t.is(await ended([b, c]), 0);
});

test("three replicas with calls are restarted one after another, and no call is cut", async (t) => {
  const { redis, a, b, c } = await three(t);
  const conversations = (await Promise.all([a, b, c].map((replica) => talking(t, replica, 3)))).flat();
  for (const [replica, other] of [
    [a, b],
    [b, c],
    [c, a],
  ] as const) {
    t.is(await replica.drain(), 0);
    await replica.restart();
    await Promise.all(
      conversations.map((conversation) => conversation.exchange(other, `after ${replica.nodeId}`)),
    );
  }
  for (const conversation of conversations) {
    wasAnsweredOnce(t, conversation);
    t.not(await ownerIn(redis, conversation.sessionId), undefined);
  }
});

test("Redis stands still as a replica drains: its call waits, and is handed over once Redis is back", async (t) => {
  const { redis, a, b } = await three(t);
  const [conversation] = (await talking(t, a, 1)) as [Conversation];
  redis.pause();
  const exit = a.drain();
  await eventually("it drains", () => a.child.log.some(({ event }) => event === "calls_awaited"));
  await conversation.exchange(a, "while Redis stands still");
  redis.resume();
  await eventually("it is handed over", async () => (await ownerIn(redis, conversation.sessionId)) !== "a");
  t.is(await exit, 0);
  await conversation.exchange(b, "afterwards");
  wasAnsweredOnce(t, conversation);
});

test("the replica with most room stands still: the call is handed over to the next one", async (t) => {
  const { redis, a, b, c } = await three(t);
  const [conversation, ...others] = (await talking(t, a, 2)) as [Conversation, Conversation];
  for (const other of others) await a.ask(`/sessions/${other.sessionId}?wait=true`, { method: "DELETE" });
  // Each of the others may be the first that is asked.
  const { session_id } = await c.start();
  await eventually("the room of c is known", async () => {
    const states = (await redis.command("HGETALL", "{greenroom}:states")) as string[];
    return states.some((state) => state.includes(`:${c.port}`) && JSON.parse(state).free === 19);
  });
  const thaw = freeze(t, b);
  const exit = a.drain();
  await eventually("it is handed over", async () => (await ownerIn(redis, conversation.sessionId)) === "c");
  t.is(await exit, 0);
  thaw();
  await conversation.exchange(c, "afterwards");
  wasAnsweredOnce(t, conversation);
  await c.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
});

test("a replica that stood still until its call was adopted leaves it, and passes requests on", async (t) => {
  const { redis, a, b } = await three(t);
  const [conversation] = (await talking(t, a, 1)) as [Conversation];
  const path = `/sessions/${conversation.sessionId}`;
  await isKept(redis, conversation.sessionId, "You said: first");
  const thaw = freeze(t, a);
  await eventually("it is adopted", async () => (await ownerIn(redis, conversation.sessionId)) !== "a");
  await conversation.exchange(b, "second");
  thaw();
  await eventually("the first knows", async () => {
    const { status, body } = await a.ask(path);
    return status === 200 && body.resumes === 1;
  });
  await conversation.exchange(a, "third");
  t.is((await a.ask(`${path}?wait=true`, { method: "DELETE" })).status, 204);
  t.is((await b.ask(path)).body.end_reason, "closed");
  await eventually("its threads are gone", async () => (await a.metric("greenroom_sessions")) === 0);
  t.is(await ended([a]), 0);
  await eventually("it says so", () => a.child.log.some(({ event }) => event === "session_end_untold"));
  t.false(a.child.log.some(({ event }) => event === "session_ended"));
});
