import { connect } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { GreenroomError } from "greenroom";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { markHeader, PeerMarks } from "../../src/control-plane/peers/connection/mark.ts";
import { eventually } from "../fixtures/eventually.ts";
import { knowEachOther } from "../fixtures/fleet/balanced-fleet.ts";
import { ReplicaProcess } from "../fixtures/fleet/replica-process.ts";
import { StandInPeer } from "../fixtures/fleet/stand-in-peer.ts";
import { openFleet, peerSecret, type Replica } from "../fixtures/http/open-fleet.ts";
import { needs } from "../fixtures/needs.ts";
import { RedisServer } from "../fixtures/programs/redis-server.ts";
import { CommonRegistry, CommonStore } from "../fixtures/registry/common-registry.ts";

const serial = anyTest.serial as TestFn;
const withRedis = needs("redis-server", serial);

/** Starts three processes with room for 1, 8 and 2 sessions; none is declared dead while a test runs. */
async function processes(t: ExecutionContext): Promise<{
  readonly replicas: [ReplicaProcess, ReplicaProcess, ReplicaProcess];
  readonly redis: RedisServer;
}> {
  t.timeout(120_000);
  const redis = await RedisServer.open();
  t.teardown(() => redis[Symbol.asyncDispose]());
  const open = (index: number, maxConcurrentSessions: number) =>
    ReplicaProcess.open(t, {
      nodeId: `replica-${index}`,
      redisUrl: redis.url,
      launcher: { maxConcurrentSessions },
      runner: {},
      environment: { GREENROOM_REGISTRY_LEASE_MS: "600000" },
    });
  const replicas = [await open(0, 1), await open(1, 8), await open(2, 2)] as [
    ReplicaProcess,
    ReplicaProcess,
    ReplicaProcess,
  ];
  await Promise.all(replicas.map((replica) => replica.ready()));
  await knowEachOther(replicas);
  return { replicas, redis };
}

function freeze(t: ExecutionContext, { child }: ReplicaProcess): () => void {
  const thaw = () => child.kill("SIGCONT");
  child.kill("SIGSTOP");
  t.teardown(thaw);
  return thaw;
}

withRedis("a start that was offered to a frozen replica goes to the next one, and begins once", async (t) => {
  const { replicas, redis } = await processes(t);
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
    const { replicas } = await processes(t);
    const [one, frozen] = replicas;
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
  const { replicas, redis } = await processes(t);
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

/** Sends a start as a peer passes it on, and gives up as soon as it is sent. */
async function sendAndLeave({ port, nodeId, url }: Replica): Promise<void> {
  const hop = { kind: "forwarded", from: "replica-x", to: nodeId, ip: "127.0.0.1", host: null } as const;
  const body = JSON.stringify({ call_id: "left" });
  const peer = new StandInPeer(new PeerMarks([peerSecret]), url, hop);
  await peer.greet();
  const text = peer.mark({ method: "POST", target: "/sessions", body });
  const head = [
    "POST /sessions HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    `${markHeader}: ${text}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, resolve));
}

const refused = ({ lines }: Replica) =>
  eventually("it was refused", () => lines().some(({ code }) => code === "START_ABANDONED"));

serial("a start whose sender has hung up does not begin", async (t) => {
  const fleet = await openFleet();
  t.teardown(() => fleet.close());
  const [replica] = fleet.replicas;
  await sendAndLeave(replica);
  await refused(replica);
  t.is(replica.launcher.listSessions().length, 0);
  t.is(fleet.store.records.size, 0);
});

serial("nor one that is given up while it is being claimed", async (t) => {
  const claimed = Promise.withResolvers<void>();
  const store = new CommonStore();
  const registry = new CommonRegistry(store);
  const claim = registry.claim.bind(registry);
  let abandoned = false;
  registry.claim = async (session) => {
    await claim(session);
    abandoned = true;
    claimed.resolve();
  };
  const fleet = await openFleet({ store, launch: (index) => (index === 0 ? { registry } : {}) });
  t.teardown(() => fleet.close());
  const supervisor = await supervisorOf(fleet.replicas[0].launcher);
  const error = await t.throwsAsync(supervisor.startSession({ callId: "c" }, () => abandoned));
  await claimed.promise;
  t.is(GreenroomError.is(error) ? error.code : null, "START_ABANDONED");
  t.is(store.records.size, 0);
  t.is(supervisor.listSessions().length, 0);
});
