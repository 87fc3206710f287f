import { once } from "node:events";
import { createServer } from "node:http";
import { Writable } from "node:stream";
import test from "ava";
import type { AgentLauncherOptions, SessionSummary } from "greenroom";
import pino from "pino";
import { supervisorOf } from "../../src/agent-launcher.ts";
import { eventually } from "../fixtures/eventually.ts";
import { openServer } from "../fixtures/http/open-server.ts";
import { launch } from "../fixtures/launch.ts";
import { needs } from "../fixtures/needs.ts";
import { openRedis, type RedisServer } from "../fixtures/programs/redis-server.ts";
import { ChildRegistry } from "../fixtures/registry/child-registry.ts";
import { reached } from "../fixtures/session-watch.ts";
import { trials } from "../fixtures/trials.ts";

const withRedis = needs("redis-server", test.serial);
const live = async (redis: RedisServer) => Number(await redis.command("HLEN", "{greenroom}:live"));

/** Returns a logger, and the lines that it has logged. */
function logging(): { readonly logger: pino.Logger; readonly lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)) as Record<string, unknown>);
      done();
    },
  });
  return { logger: pino(sink), lines };
}

const inRedis = (redis: RedisServer, options: object = {}): Partial<AgentLauncherOptions> => ({
  registry: { url: redis.url, leaseMs: 3_000, commandTimeoutMs: 5_000, ...options },
});

withRedis("a session is in Redis from its start to its end", async (t) => {
  const redis = await openRedis(t);
  const launcher = await launch(t, "faults/misbehaving", { ...inRedis(redis), nodeId: "replica-a" });
  const createdBy = { id: "ada" };
  const session = await launcher.startSession({ callId: "call", createdBy });
  t.is(await live(redis), 1);
  const other = await launch(t, "faults/misbehaving", inRedis(redis));
  const { registry } = await supervisorOf(other);
  t.like(await registry.find(session.id), { nodeId: "replica-a", callId: "call", createdBy, end: null });
  await eventually("the first tells of its room", () => registry.peers()[0]?.free === 3);
  t.like(registry.peers()[0], { nodeId: "replica-a", capacity: 4, accepting: true });
  await launcher.closeSession(session.id, { wait: true });
  await eventually("its end is written", async () => (await registry.find(session.id))?.end !== null);
  t.is((await registry.find(session.id))?.end?.reason, "closed");
  t.is(await live(redis), 0);
  await launcher.stop();
  await eventually("it has left", () => registry.peers().length === 0);
});

withRedis(
  "limits hold for two launchers together, and a start that fails gives its place back",
  async (t) => {
    const redis = await openRedis(t);
    const limited = { ...inRedis(redis, { maxConcurrentSessions: 2 }), maxSessionsPerCall: 1 };
    const one = await launch(t, "faults/misbehaving", limited);
    const other = await launch(t, "faults/misbehaving", limited);
    await one.startSession({ callId: "a" });
    await t.throwsAsync(other.startSession({ callId: "a" }), { code: "CALL_FULL" });
    const failing = { callId: "b", config: { fault: "throw", at: "create" } };
    await t.throwsAsync(other.startSession(failing), { code: "START_FAILED" });
    await other.startSession({ callId: "b" });
    await t.throwsAsync(one.startSession({ callId: "c" }), { code: "FLEET_FULL" });
    t.is(one.listSessions().length + other.listSessions().length, 2, "what was refused left nothing behind");
    t.is(await live(redis), 2);
  },
);

withRedis("a process that died: its session is told of as lost, everywhere, once", async (t) => {
  const redis = await openRedis(t);
  const summaries: SessionSummary[] = [];
  const hooks: { readonly id: unknown; readonly body: string }[] = [];
  const receiver = createServer(async (request, response) => {
    hooks.push({ id: request.headers["webhook-id"], body: (await request.toArray()).join("") });
    response.end();
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  t.teardown(() => receiver.close());
  const address = receiver.address();
  const port = typeof address === "object" ? address?.port : 0;
  const { logger, lines } = logging();
  const launcher = await launch(t, "faults/misbehaving", {
    ...inRedis(redis),
    logger,
    onSessionEnd: (summary) => {
      summaries.push(summary);
    },
    webhook: { url: `http://127.0.0.1:${port}`, secret: `whsec_${btoa("x".repeat(24))}` },
  });
  const child = await ChildRegistry.open(t, redis, "victim");
  const { sessionIds } = await child.claim("call", 1);
  await child.kill();
  await eventually("it is told", () => hooks.length > 0);
  t.is(summaries.length, 1);
  t.like(summaries[0], { sessionId: sessionIds[0], callId: "call", endReason: "lost" });
  t.true(summaries[0]!.durationMs >= 0);
  t.is(hooks[0]?.id, `msg_${sessionIds[0]}`);
  t.is(JSON.parse(hooks[0]!.body).data.end_reason, "lost");
  const told = lines.filter(({ end_reason }) => end_reason === "lost");
  t.is(told.length, 1);
  t.is(told[0]?.session_id, sessionIds[0]);
  t.is(told[0]?.call_id, "call");
  const dead = lines.filter(({ event }) => event === "replica_dead");
  t.deepEqual(
    dead.map(({ level, sessions }) => [level, sessions]),
    [[50, 1]],
  );
  const supervisor = await supervisorOf(launcher);
  t.regex(await supervisor.metrics.text(), /^greenroom_sessions_ended_total\{reason="lost"\} 1$/m);
});

for (const whileAway of ["allow", "refuse"] as const) {
  withRedis(`Redis stands still: calls go on and end, starts follow the policy (${whileAway})`, async (t) => {
    const redis = await openRedis(t);
    const { logger, lines } = logging();
    const launcher = await launch(t, "faults/misbehaving", {
      ...inRedis(redis, { whileAway, leaseMs: 60_000, commandTimeoutMs: 1_000 }),
      logger,
    });
    const { metrics } = await supervisorOf(launcher);
    const [before, staying] = [
      await launcher.startSession({ callId: "before" }),
      await launcher.startSession({ callId: "staying" }),
    ];
    redis.pause();
    // All of it while Redis stands still: nothing waits for it.
    const meanwhile = launcher.startSession({ callId: "meanwhile" });
    if (whileAway === "allow") await reached(await meanwhile, "live");
    else await t.throwsAsync(meanwhile, { code: "REGISTRY_UNAVAILABLE" });
    t.true(await launcher.closeSession(before.id, { wait: true }));
    t.is(staying.endReason, null);
    t.regex(await metrics.text(), /^greenroom_registry_up 0$/m);
    const policy = whileAway === "allow" ? "starts are accepted" : "starts are refused";
    const away = lines.filter(({ level, msg }) => level === 50 && /^Redis 127.0.0.1:\d+: /.test(String(msg)));
    t.is(away.length, 1);
    t.regex(
      String(away[0]?.msg),
      new RegExp(`; calls go on, ${policy} \\(--registry-while-away ${whileAway}\\)$`),
    );
    t.true((await supervisorOf(launcher)).serving);

    redis.resume();
    const { registry } = await supervisorOf(launcher);
    await eventually("Redis is back", () => registry.up);
    const expected = whileAway === "allow" ? 2 : 1;
    await eventually("all is written", async () => (await live(redis)) === expected);
    t.is(launcher.listSessions().length, expected);
    t.regex(await metrics.text(), /^greenroom_registry_up 1$/m);
    t.regex(await metrics.text(), /^greenroom_registry_command_errors_total [1-9]/m);
    t.is(lines.filter(({ event }) => event === "registry_back").length, 1);
    await launcher.startSession({ callId: "after" });
  });
}

withRedis("a stop ends although Redis stands still", async (t) => {
  const redis = await openRedis(t);
  const launcher = await launch(t, "faults/misbehaving", inRedis(redis, { commandTimeoutMs: 2_000 }));
  const session = await launcher.startSession({ callId: "call" });
  redis.pause();
  await launcher.stop();
  t.is(session.endReason, "drained");
  redis.resume();
});

for (const whileAway of trials<readonly ("allow" | "refuse")[]>(["refuse"], ["allow", "refuse"])) {
  withRedis(`Redis takes no writes: /ready says what starts do (${whileAway})`, async (t) => {
    const redis = await openRedis(t);
    const launcher = await launch(t, "faults/misbehaving", inRedis(redis, { whileAway }));
    const supervisor = await supervisorOf(launcher);
    const { url } = await openServer(t, launcher);
    const ready = async () => {
      const response = await fetch(`${url}/ready`);
      return response.status === 200 ? "ready" : ((await response.json()) as { code: string }).code;
    };
    await eventually("it is in touch", () => supervisor.registry.up);
    t.is(await ready(), "ready");
    for (const [refusing, again] of [
      [
        ["REPLICAOF", "127.0.0.1", "1"],
        ["REPLICAOF", "NO", "ONE"],
      ],
      [
        ["CONFIG", "SET", "maxmemory", "1"],
        ["CONFIG", "SET", "maxmemory", "0"],
      ],
      [
        ["ACL", "SETUSER", "default", "-@write"],
        ["ACL", "SETUSER", "default", "+@all"],
      ],
    ] as const) {
      await redis.command(...refusing);
      await eventually(`${refusing.join(" ")} is noticed`, () => !supervisor.registry.up);
      t.is(await ready(), whileAway === "refuse" ? "REGISTRY_UNAVAILABLE" : "ready", refusing.join(" "));
      const start = launcher.startSession({ callId: "c" });
      if (whileAway === "refuse") await t.throwsAsync(start, { code: "REGISTRY_UNAVAILABLE" });
      else await t.notThrowsAsync(start.then(({ id }) => launcher.closeSession(id, { wait: true })));
      await redis.command(...again);
      await eventually("it is taken up again", () => supervisor.registry.up);
      t.is(await ready(), "ready");
    }
  });
}
