import { setTimeout as sleep } from "node:timers/promises";
import { AgentLauncher } from "greenroom";
import { supervisorOf } from "../src/agent-launcher.ts";
import { agentUrl } from "../test/fixtures/agent-url.ts";
import { Conversation, isKept, ownerIn, resumingFleet } from "../test/fixtures/fleet/conversation.ts";
import type { ReplicaProcess } from "../test/fixtures/fleet/replica-process.ts";
import type { RedisServer } from "../test/fixtures/programs/redis-server.ts";
import type { Bench, Report } from "./figure.ts";
import { Stage } from "./fleet/stage.ts";
import { moved } from "./moved.ts";
import { median, quantile } from "./statistics.ts";

/** Measures how soon the agent is back in its call, after its thread or its replica ended, and at a rolling restart. */
export default {
  about:
    "a thread or a replica ends → the agent is back in its call; a rolling restart; the cost of keeping state",
  async run(report) {
    await inPlace(report);
    await killed(report);
    await restarted(report);
    await moved(report);
    await kept(report);
  },
} satisfies Bench;

const leaseMs = 10_000;
const calls = 20;

async function inPlace(report: Report): Promise<void> {
  const launcher = new AgentLauncher({
    agent: agentUrl("calls/come-back"),
    ignoreLoad: true,
    warmSessions: 2,
    crashStormLimit: 0,
    logLevel: "silent",
    agentsLogLevel: "silent",
  });
  await launcher.start();
  const supervisor = await supervisorOf(launcher);
  for (const [how, target, rounds] of [
    ["die", 1_000, 15],
    ["hang", 3_500, 5],
  ] as const) {
    const tookMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const session = await supervisor.startSession({ callId: `${how}-${round}` });
      const answered = Promise.withResolvers<number>();
      const greeted = Promise.withResolvers<void>();
      session.events.subscribe(0, ({ event }) => {
        if (event.type !== "transcript" || event.role !== "agent" || !event.final) return;
        greeted.resolve();
        if (event.text === `You said: ${how}`) answered.resolve(performance.now());
      });
      await greeted.promise;
      const saidAt = performance.now();
      supervisor.sendMessage(session, { text: how, participantId: "ann" });
      tookMs.push((await answered.promise) - saidAt);
      await supervisor.closeSession(session.id, { wait: true });
    }
    report({
      figure: `${how === "die" ? "crash" : "hang"}_to_answer_p50`,
      value: median(tookMs),
      unit: "ms",
      target: { atMost: target },
      note: `${rounds} typed calls, from the words at which the thread ends to the answer to them`,
    });
    report({
      figure: `${how === "die" ? "crash" : "hang"}_to_answer_max`,
      value: Math.max(...tookMs),
      unit: "ms",
    });
  }
  await launcher.stop();
}

/** Starts calls at some replicas in turn, and has each through one exchange, so that there is something to go on with. */
async function begin(
  stage: Stage,
  redis: RedisServer,
  at: readonly ReplicaProcess[],
  count: number,
): Promise<Conversation[]> {
  const conversations: Conversation[] = [];
  for (let index = 0; index < count; index += 1) {
    const replica = at[index % at.length]!;
    const { session_id } = await replica.start();
    const conversation = new Conversation(stage, session_id);
    await conversation.exchange(replica, "first");
    conversations.push(conversation);
  }
  await Promise.all(conversations.map(({ sessionId }) => isKept(redis, sessionId, "You said: first")));
  return conversations;
}

async function killed(report: Report): Promise<void> {
  await using stage = new Stage();
  const { redis, replicas } = await resumingFleet(stage, ["a", "b", "c"], { leaseMs, warm: 2 });
  const [victim, ...others] = replicas as [ReplicaProcess, ReplicaProcess, ReplicaProcess];
  const conversations = await begin(stage, redis, [victim], calls);
  await victim.kill();
  const killedAt = performance.now();
  const backMs = await Promise.all(
    conversations.map(async (conversation, index) => {
      const replica = others[index % 2]!;
      await conversation.exchange(replica, "second");
      return performance.now() - killedAt;
    }),
  );
  const owners = await Promise.all(conversations.map(({ sessionId }) => ownerIn(redis, sessionId)));
  const spread = owners.filter((owner) => owner === "b").length;
  report({
    figure: "kill_to_answer_elsewhere_p50",
    value: median(backMs),
    unit: "ms",
    note: `${calls} calls of a replica that is killed; lease ${leaseMs} ms`,
  });
  report({
    figure: "kill_to_answer_elsewhere_p95",
    value: quantile(backMs, 0.95),
    unit: "ms",
    target: { atMost: leaseMs + 2_000 },
    note: `${spread} of them in one replica, ${calls - spread} in the other`,
  });
  report({
    figure: "calls_that_live_elsewhere",
    value: owners.filter((owner) => owner === "b" || owner === "c").length / calls,
    unit: "ratio",
    target: { atLeast: 1 },
  });
}

async function restarted(report: Report): Promise<void> {
  await using stage = new Stage();
  const { redis, replicas } = await resumingFleet(stage, ["a", "b", "c"], { leaseMs, warm: 2 });
  const conversations = await begin(stage, redis, replicas, calls);
  const over = new AbortController();
  let current: ReplicaProcess | null = null;
  const answerMs: number[] = [];
  const talking = conversations.map(async (conversation, index) => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      // A balancer leads clients to replicas that do not drain.
      const open = replicas.filter((replica) => replica !== current);
      const askedAt = performance.now();
      await conversation.exchange(open[index % open.length]!, `turn ${turn}`);
      answerMs.push(performance.now() - askedAt);
      await sleep(1_000, undefined, { signal: over.signal }).catch(() => undefined);
    }
  });
  let refused = 0;
  const starting = (async () => {
    while (!over.signal.aborted) {
      const [open] = replicas.filter((replica) => replica !== current);
      const { status, body } = await open!.ask("/sessions", { json: { call_id: "start" } });
      if (status !== 201) refused += 1;
      else await open!.ask(`/sessions/${body.session_id}?wait=true`, { method: "DELETE" });
      await sleep(1_000, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  const begunAt = performance.now();
  for (const replica of replicas) {
    current = replica;
    await replica.drain();
    await replica.restart();
  }
  current = null;
  const tookMs = performance.now() - begunAt;
  over.abort();
  await Promise.all([...talking, starting]);
  const owners = await Promise.all(conversations.map(({ sessionId }) => ownerIn(redis, sessionId)));
  report({
    figure: "rolling_restart_of_3",
    value: tookMs,
    unit: "ms",
    target: { atMost: 60_000 },
    note: `${calls} calls that talk all the time, one replica after another, without the announcement`,
  });
  const cut = owners.filter((owner) => owner === undefined).length;
  report({ figure: "calls_cut_by_rolling_restart", value: cut, unit: "count", target: { atMost: 0 } });
  report({ figure: "starts_refused_meanwhile", value: refused, unit: "count", target: { atMost: 0 } });
  report({
    figure: "longest_wait_for_an_answer",
    value: Math.max(...answerMs),
    unit: "ms",
    note: `of ${answerMs.length} answers, from the typed words`,
  });
}

const keptCalls = 10;
const keptMs = 20_000;

/** Measures what it costs to keep the states of calls, against the same calls that must not be kept. */
async function kept(report: Report): Promise<void> {
  const cost = { kept: await costOf(true), not: await costOf(false) };
  report({
    figure: "redis_bytes_a_second_and_call",
    value: (cost.kept.bytes - cost.not.bytes) / keptCalls / (keptMs / 1_000),
    unit: "bytes",
    target: { atMost: 5_000 },
    note: `${keptCalls} calls with an exchange each second`,
  });
  report({
    figure: "cpu_of_a_core_and_call",
    value: (cost.kept.cpuMs - cost.not.cpuMs) / keptCalls / keptMs,
    unit: "ratio",
    target: { atMost: 0.01 },
    note: "CPU time of the whole replica, with and without",
  });
}

async function costOf(restore: boolean): Promise<{ readonly bytes: number; readonly cpuMs: number }> {
  await using stage = new Stage();
  const { redis, replicas } = await resumingFleet(stage, ["a"], { leaseMs, warm: 2 });
  const [replica] = replicas as [ReplicaProcess];
  const conversations: Conversation[] = [];
  for (let index = 0; index < keptCalls; index += 1) {
    const { body } = await replica.ask("/sessions", { json: { call_id: `${index}`, config: { restore } } });
    conversations.push(new Conversation(stage, body.session_id));
  }
  const talk = (turn: number) =>
    Promise.all(conversations.map((conversation) => conversation.exchange(replica, `turn ${turn}`)));
  await talk(0);
  const before = await takenBy(redis, replica);
  const until = performance.now() + keptMs;
  for (let turn = 1; performance.now() < until; turn += 1) {
    const next = performance.now() + 1_000;
    await talk(turn);
    await sleep(Math.max(0, Math.min(next, until) - performance.now()));
  }
  const after = await takenBy(redis, replica);
  return { bytes: after.bytes - before.bytes, cpuMs: after.cpuMs - before.cpuMs };
}

async function takenBy(redis: RedisServer, replica: ReplicaProcess) {
  const info = String(await redis.command("INFO", "stats"));
  const bytes = Number(/total_net_input_bytes:(\d+)/.exec(info)?.[1]);
  const cpuMs = (await replica.metric("process_cpu_seconds_total")) * 1_000;
  return { bytes, cpuMs };
}
