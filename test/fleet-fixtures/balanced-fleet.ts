import anyTest, { type ExecutionContext, type TestFn } from "ava";
import type { AgentLauncherOptions, RunnerOptions } from "greenroom";
import { eventually } from "../fixtures/eventually.ts";
import { balance } from "../fixtures/haproxy.ts";
import { isInstalled } from "../fixtures/is-installed.ts";
import { unless } from "../fixtures/needs.ts";
import { RedisServer } from "../fixtures/redis-server.ts";
import { type Answer, asking, type OpenServer, type Request } from "../http-fixtures/open-server.ts";
import { ReplicaProcess } from "./replica-process.ts";

export interface BalancedFleet {
  readonly redis: RedisServer;
  readonly replicas: readonly [ReplicaProcess, ReplicaProcess, ReplicaProcess];
  /** Asks the fleet through the balancer. */
  readonly balancer: Pick<OpenServer, "ask" | "start"> & { readonly url: string };
}

export interface BalancedFleetOptions {
  readonly launcher?: Partial<AgentLauncherOptions>;
  readonly runner?: RunnerOptions;
  /** Resolves with the address at which a replica, by its number, finds Redis. */
  redisUrl?(redis: RedisServer, index: number): Promise<string>;
  /** Returns variables for the environment of a replica, by its number. */
  environment?(index: number): Readonly<Record<string, string>>;
}

/** The time after which a process that was not heard of is held to be dead, in milliseconds. */
export const leaseMs = 4_000;
const environment = { GREENROOM_REGISTRY_LEASE_MS: String(leaseMs), GREENROOM_HTTP_LOG_LEVEL: "warn" };

/** Starts three replicas, each a process, behind HAProxy, with one Redis. They end with the test. */
export async function balancedFleet(
  t: ExecutionContext,
  options: BalancedFleetOptions = {},
): Promise<BalancedFleet> {
  t.timeout(180_000);
  const redis = await RedisServer.open();
  t.teardown(() => redis[Symbol.asyncDispose]());
  const open = async (index: number) =>
    ReplicaProcess.open(t, {
      nodeId: `replica-${index}`,
      redisUrl: (await options.redisUrl?.(redis, index)) ?? redis.url,
      launcher: { maxConcurrentSessions: 16, ...options.launcher },
      runner: { ...options.runner },
      environment: { ...environment, ...options.environment?.(index) },
    });
  const replicas = [await open(0), await open(1), await open(2)] as const;
  await Promise.all(replicas.map((replica) => replica.ready()));
  await knowEachOther(replicas);
  const pods = replicas.map(({ nodeId: name, port }) => ({ name, port }));
  const url = await balance(t, pods);
  return { redis, replicas, balancer: { url, ...asking(url) } };
}

export async function knowEachOther(replicas: readonly ReplicaProcess[]): Promise<void> {
  for (const replica of replicas) {
    await eventually(
      `${replica.nodeId} knows the others`,
      async () => (await replica.metric("greenroom_registry_peers")) === replicas.length - 1,
    );
  }
}

export async function metricOfAll(
  replicas: readonly ReplicaProcess[],
  name: string,
  label = "",
): Promise<number> {
  const values = await Promise.all(replicas.map((replica) => replica.metric(name, label)));
  return values.reduce((sum, value) => sum + value, 0);
}

/** Declares tests of such a fleet: one after another, and skipped where a program is not installed. */
export function fleetTest(...further: readonly string[]): ReturnType<typeof unless> {
  const missing = ["redis-server", "haproxy", ...further].filter((program) => !isInstalled(program));
  const reason = missing.length === 0 ? null : `not installed: ${missing.join(", ")}`;
  return unless(reason, (anyTest as TestFn).serial);
}

/** Starts a session while there is room, and resolves with the answer's body. */
export async function started({ ask }: Pick<OpenServer, "ask">, request: Request): Promise<Answer["body"]> {
  const answer = await ask("/sessions", { json: { call_id: "call" }, ...request });
  if (answer.status !== 201) throw new Error(`A start was answered ${answer.status}: ${answer.text}`);
  return answer.body;
}

/**
 * Starts a call that lives in this replica and goes on, and resolves with its id. A busy replica may hand it to
 * another: then it is closed, and another one is started.
 */
export async function callAt(
  fleet: BalancedFleet,
  replica: ReplicaProcess,
  request: Request = {},
): Promise<string> {
  for (;;) {
    const { session_id } = await started(replica, request);
    if ((await placesOf(fleet.replicas, session_id)).owner === replica) return session_id;
    const { headers = {} } = request;
    await replica.ask(`/sessions/${session_id}?wait=true`, { method: "DELETE", headers });
  }
}

/** Resolves with the session's replica, and the others. */
export async function placesOf(
  replicas: readonly ReplicaProcess[],
  sessionId: string,
): Promise<{ readonly owner: ReplicaProcess; readonly others: readonly ReplicaProcess[] }> {
  for (const owner of replicas) {
    const line = owner.child.log.find(
      (line) => line.msg === "session started" && line.session_id === sessionId,
    );
    if (line) return { owner, others: replicas.filter((replica) => replica !== owner) };
  }
  throw new Error(`No replica has the session ${sessionId}`);
}
