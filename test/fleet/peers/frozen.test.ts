import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { eventually } from "../../fixtures/eventually.ts";
import { freeze, processes, type ThreeProcesses, unknown } from "../../fixtures/fleet/three-processes.ts";
import { isInstalled } from "../../fixtures/is-installed.ts";
import { needs } from "../../fixtures/needs.ts";
import { Shared } from "../../fixtures/shared.ts";

/** Declares tests that run one after another, since they share three processes. */
const test = anyTest.serial as TestFn;
const withRedis = needs("redis-server", test);

const opened = new Shared();
let three: ThreeProcesses | undefined;

test.before(async (t) => {
  t.timeout(120_000);
  // Room for 1, 8 and 2 sessions.
  if (isInstalled("redis-server")) three = await processes(opened, [1, 8, 2]);
});
test.after.always(() => opened.end());

/** Resolves with the processes, whole: they reach Redis and each other, and have no session. */
async function shared(t: ExecutionContext): Promise<ThreeProcesses> {
  t.timeout(120_000);
  const { replicas } = three!;
  for (const replica of replicas) {
    await eventually(
      `${replica.nodeId} reaches Redis`,
      async () => (await replica.metric("greenroom_registry_up")) === 1,
    );
  }
  for (const { ask } of replicas) {
    await eventually("it has no session", async () => {
      const { body } = await ask("/sessions");
      for (const { session_id } of body.sessions)
        await ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
      return body.sessions.length === 0;
    });
  }
  return three!;
}

withRedis("a start that was offered to a frozen replica goes to the next one, and begins once", async (t) => {
  const { replicas, redis } = await shared(t);
  const [full, frozen, next] = replicas;
  await full.start();
  await eventually("all have told that they are warm", async () => {
    const states = (await redis.command("HVALS", "{greenroom}:states")) as string[];
    return states.length === 3 && states.every((state) => JSON.parse(state).accepting === true);
  });
  const thaw = freeze(t, frozen);
  let session_id = "";
  // It has most room; where that was not heard yet, any of them may be asked first.
  await eventually("the frozen one is asked", async () => {
    ({ session_id } = await full.start());
    const label = 'kind="forwarded"';
    if ((await full.metric("greenroom_peer_request_failures_total", label)) > 0) return true;
    await full.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" });
    return false;
  });
  t.is((await next.ask(`/sessions/${session_id}`)).status, 200);
  await eventually("its log says so", () =>
    next.child.log.some(({ event, session_id: id }) => event === "session_started" && id === session_id),
  );
  // It is asked last from here on.
  await full.start();
  thaw();
  t.is((await frozen.ask("/health")).status, 200);
  // It had not said that it is there, so nothing but a greeting was sent to it.
  t.false(frozen.child.log.some(({ event, method }) => event === "request_answered" && method === "POST"));
  t.false(frozen.child.log.some(({ event }) => event === "session_started"));
  t.is((await frozen.ask("/sessions")).body.sessions.length, 3);
});

withRedis(
  "a frozen replica holds up neither lists nor messages, and is not asked for long again",
  async (t) => {
    const { replicas } = await shared(t);
    // Those two have not spoken to each other yet.
    const [, frozen, one] = replicas;
    const { session_id } = await frozen.start();
    const thaw = freeze(t, frozen);
    const list = await one.ask("/sessions");
    t.true(list.headers.get("greenroom-incomplete")?.split(/, */).includes(frozen.nodeId));
    const message = await one.ask(`/sessions/${session_id}/messages`, { json: { text: "hello" } });
    t.deepEqual([message.status, message.body.code], [503, "PEER_UNREACHABLE"]);
    const causes = one.child.log
      .filter(({ event, peer }) => event === "peer_silent" && peer === frozen.nodeId)
      .map(({ cause }) => cause);
    t.deepEqual(causes, [
      "PeerError: A sign of life of a peer took longer than 1500 ms",
      "PeerError: A sign of life of a peer took longer than 500 ms",
    ]);
    thaw();
    await frozen.ask("/health");
    await eventually(
      "it is asked again",
      async () => (await one.ask(`/sessions/${session_id}`)).status === 200,
    );
    await eventually(
      "the list is whole",
      async () => (await one.ask("/sessions")).headers.get("greenroom-incomplete") === null,
    );
  },
);

withRedis("while Redis is away a session of another replica is found by asking the replicas", async (t) => {
  const { replicas, redis } = await shared(t);
  const [one, owner] = replicas;
  const { session_id } = await owner.start();
  redis.pause();
  t.teardown(() => redis.resume());
  const path = `/sessions/${session_id}`;
  const shown = await one.ask(path);
  t.deepEqual([shown.status, shown.body.session_id], [200, session_id]);
  t.is((await one.ask(`${path}/messages`, { json: { text: "hello" } })).status, 202);
  const unknown = await one.ask("/sessions/00000000-0000-4000-8000-000000000000");
  t.deepEqual([unknown.status, unknown.body.code], [503, "REGISTRY_UNAVAILABLE"]);
  t.is((await one.ask(`${path}?wait=true`, { method: "DELETE" })).status, 204);
  const ended = await one.ask(path);
  t.deepEqual([ended.status, ended.body.end_reason], [404, "closed"]);
});

withRedis(
  "a session that began while only its replica was cut off from Redis is found by the others",
  async (t) => {
    const { replicas, relay } = await shared(t);
    const [first, second, cut] = replicas;
    relay.cut();
    t.teardown(() => relay.mend());
    await eventually("it is cut off", async () => (await cut.metric("greenroom_registry_up")) === 0);
    const sessions = [await cut.start({ call_id: "alone" }), await cut.start({ call_id: "alone" })];
    for (const [index, replica] of [first, second].entries()) {
      const { session_id } = sessions[index]!;
      t.is((await replica.ask(`/sessions/${session_id}`)).status, 200);
      t.is((await replica.ask(`/calls/alone/sessions/${session_id}`)).status, 200);
      t.is((await replica.ask(`/sessions/${session_id}/messages`, { json: { text: "hello" } })).status, 202);
      t.is((await replica.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE" })).status, 204);
      t.is((await replica.ask(`/sessions/${session_id}`)).body.end_reason, "closed");
    }
  },
);

withRedis("an unknown id: 503 on all paths while a replica is frozen, and 404 when it goes on", async (t) => {
  const { replicas } = await shared(t);
  const [one, frozen] = replicas;
  const paths = ["", "/metrics", "/events"].flatMap((path) => [
    { path: `/sessions/${unknown}${path}`, request: {} },
    { path: `/calls/c/sessions/${unknown}${path}`, request: {} },
  ]);
  for (const base of [`/sessions/${unknown}`, `/calls/c/sessions/${unknown}`]) {
    paths.push({ path: base, request: { method: "DELETE" } });
    paths.push({ path: `${base}?wait=true`, request: { method: "DELETE" } });
    paths.push({ path: `${base}/close`, request: { method: "POST", body: "left" } });
    paths.push({ path: `${base}/messages`, request: { json: { text: "hello" } } });
    paths.push({ path: `${base}/join-token`, request: { method: "POST" } });
  }
  const thaw = freeze(t, frozen);
  for (const { path, request } of paths) {
    const { status, body, headers } = await one.ask(path, request);
    t.deepEqual([status, body.code, headers.get("retry-after")], [503, "PEER_UNREACHABLE", "1"], path);
  }
  thaw();
  await frozen.ask("/health");
  for (const { path, request } of paths) {
    const { status, body } = await one.ask(path, request);
    t.deepEqual([status, body.code], [404, "SESSION_NOT_FOUND"], path);
  }
});
