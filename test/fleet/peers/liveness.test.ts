import { type AddressInfo, createServer } from "node:net";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { AgentLauncher } from "greenroom";
import pino from "pino";
import { supervisorOf } from "../../../src/agent-launcher.ts";
import { toldMount } from "../../../src/control-plane/peers/passed-on.ts";
import { Peers } from "../../../src/control-plane/peers/peers.ts";
import type { PeerNode, SessionRegistry } from "../../../src/registry/registry.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { peerSecret, ReplicaProcess } from "../../fixtures/fleet/replica-process.ts";
import { isInstalled } from "../../fixtures/is-installed.ts";
import { needs } from "../../fixtures/needs.ts";
import { RedisServer } from "../../fixtures/programs/redis-server.ts";
import { openRegistry } from "../../fixtures/registry/open-registry.ts";
import { Shared } from "../../fixtures/shared.ts";

/** Declares tests that run one after another, since they share a process. */
const test = anyTest.serial as TestFn;
const withRedis = needs("redis-server", test);

const silentLog = pino({ level: "silent" });

/** Resolves with the peers as a replica that serves nothing itself sees them. */
async function asker(t: ExecutionContext, secrets: readonly string[] = [peerSecret]): Promise<Peers> {
  const launcher = new AgentLauncher({
    agent: agentUrl("calls/passing"),
    logger: silentLog,
    nodeId: "asker",
  });
  t.teardown(() => launcher.stop());
  return new Peers(await supervisorOf(launcher), secrets, silentLog);
}

interface Asked {
  readonly replica: ReplicaProcess;
  readonly registry: SessionRegistry;
  /** Returns the peer as the registry lists it. */
  listed(): PeerNode;
}

const opened = new Shared();
let asked: Asked | undefined;

/** One process that serves, and a registry that knows it. It is not declared dead while a test runs. */
test.before(async (t) => {
  if (!isInstalled("redis-server")) return;
  t.timeout(120_000);
  const redis = await RedisServer.open();
  opened.teardown(() => redis[Symbol.asyncDispose]());
  const { registry } = await openRegistry(opened, redis, { nodeId: "asker", leaseMs: 600_000 });
  const replica = await ReplicaProcess.open(opened, {
    nodeId: "asked",
    redisUrl: redis.url,
    launcher: { maxConcurrentSessions: 2, ignoreLoad: true, threadWaitTimeoutMs: 60_000 },
    runner: {},
    environment: { GREENROOM_REGISTRY_LEASE_MS: "600000" },
  });
  await replica.ready();
  await eventually("it is listed", () => registry.peers().length === 1);
  asked = { replica, registry, listed: () => registry.peers()[0]! };
});
test.after.always(() => opened.end());

withRedis("being asked is told in no log, and counted by its own kind", async (t) => {
  const { replica, listed } = asked!;
  const peers = await asker(t);
  t.is(await peers.liveness(listed()), "alive");
  const routes = await replica.metric("greenroom_http_request_seconds_count", 'route="liveness"');
  t.is(routes, 1);
  t.false(replica.child.log.some(({ event }) => event === "request_answered"));
});

withRedis("a replica cannot be asked without a secret, nor without an address", async (t) => {
  const { listed } = asked!;
  const withoutSecret = await asker(t, []);
  t.is(await withoutSecret.liveness(listed()), "unasked");
  const peers = await asker(t);
  t.is(await peers.liveness({ ...listed(), address: null }), "unasked");
  const withOther = await asker(t, ["the-secret-of-quite-another-fleet-than-that"]);
  t.is(await withOther.liveness(listed()), "silent", "it does not prove itself to a stranger");
});

withRedis(
  "a frozen one is silent, whether a connection to it was kept or not, and alive again later",
  async (t) => {
    const { replica, listed } = asked!;
    const [known, stranger] = [await asker(t), await asker(t)];
    const peer = listed();
    t.is(await known.liveness(peer), "alive");
    replica.child.kill("SIGSTOP");
    t.teardown(() => replica.child.kill("SIGCONT"));
    t.is(await known.liveness(peer), "silent");
    t.is(await stranger.liveness(peer), "silent");
    replica.child.kill("SIGCONT");
    await replica.ask("/health");
    t.is(await known.liveness(peer), "alive");
    t.is(await stranger.liveness(peer), "alive");
  },
);

withRedis("a killed one is gone, and so is the life before that of a process in its place", async (t) => {
  t.timeout(120_000);
  const { replica, registry, listed } = asked!;
  const peers = await asker(t);
  const before = listed();
  t.is(await peers.liveness(before), "alive");
  await replica.kill();
  t.is(await peers.liveness(before), "gone");
  await replica.restart();
  await eventually("its new life is listed", () => registry.peers()[0]!.epoch > before.epoch);
  t.is(await peers.liveness(before), "gone");
  t.is(await peers.liveness(listed()), "alive");
  t.is(
    await peers.liveness({ ...listed(), nodeId: "another" }),
    "gone",
    "its address is that of another one",
  );
});

// The last of them, since the process is gone then.
withRedis("a replica that serves is alive, and also while it drains", async (t) => {
  const { replica, listed } = asked!;
  const peers = await asker(t);
  const peer = listed();
  t.is(await peers.liveness(peer), "alive");
  const { session_id } = await replica.start();
  replica.child.kill("SIGTERM");
  await eventually("it drains", async () => (await replica.ask("/serving")).status === 400);
  t.is(await peers.liveness(peer), "alive");
  await replica.ask(`/sessions/${session_id}`, { method: "DELETE" });
  await replica.child.exit;
  t.is(await peers.liveness(peer), "gone");
});

for (const [what, answer] of [
  ["closes the connection", null],
  ["agrees with everything", "HTTP/1.1 204 No Content\r\nGreenroom-Epoch: 1\r\nGreenroom-Peer: x.y\r\n\r\n"],
  ["repeats what it hears", "echo"],
] as const) {
  test(`a stranger at the address that ${what} is silent, and hears nothing but a greeting`, async (t) => {
    let heard = "";
    const stranger = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (chunk) => {
        heard += chunk;
        if (answer === null) socket.destroy();
        else if (answer !== "echo") socket.write(answer);
        else {
          const mark = /greenroom-peer: (\S+)/i.exec(String(chunk))?.[1] ?? "";
          socket.write(`HTTP/1.1 204 No Content\r\nGreenroom-Epoch: 1\r\nGreenroom-Peer: ${mark}\r\n\r\n`);
        }
      });
    });
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    t.teardown(() => stranger.close());
    const address = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
    const peers = await asker(t);
    const peer = { nodeId: "asked", address, epoch: 1, capacity: 1, free: 1, accepting: true };
    t.is(await peers.liveness(peer), "silent");
    t.notRegex(heard, new RegExp(peerSecret));
    for (const line of heard.split("\r\n").filter((text) => text !== ""))
      t.regex(line, /^(HEAD \/health HTTP\/1\.1|Host: 127\.0\.0\.1:\d+|Greenroom-Peer: [\w.-]+)$/);
  });
}

test("where the API is mounted is told by a request that was written as its path is, and by no other", (t) => {
  for (const [originalUrl, path, mount] of [
    ["/sessions?limit=1", "/sessions", ""],
    ["/agents/v1/sessions", "/sessions", "/agents/v1"],
    ["/agents/v1/", "/", null],
    ["/agents/v1", "/", null],
    ["http://elsewhere.test/sessions", "/sessions", null],
    ["/agents/a|b", "/a%7Cb", null],
  ] as const)
    t.is(toldMount({ originalUrl, path }), mount, originalUrl);
});
