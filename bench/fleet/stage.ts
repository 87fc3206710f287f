import { eventually } from "../../test/fixtures/eventually.ts";
import { ReplicaProcess } from "../../test/fixtures/fleet/replica-process.ts";
import { balance } from "../../test/fixtures/programs/haproxy.ts";
import { RedisServer } from "../../test/fixtures/programs/redis-server.ts";
import { Client } from "../client.ts";

const agent = new URL("../agents/told.ts", import.meta.url).href;
/** Each replica keeps so many threads warm. */
const warm = 2;

/** Ends all that was begun, the last first. */
export class Stage implements AsyncDisposable {
  readonly #teardowns: (() => unknown)[] = [];

  teardown(end: () => unknown): void {
    this.#teardowns.push(end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#teardowns.reverse()) await end();
  }
}

export async function openRedis(stage: Stage): Promise<RedisServer> {
  const redis = await RedisServer.open();
  stage.teardown(() => redis[Symbol.asyncDispose]());
  return redis;
}

/** Real replicas, each a process, behind a real HAProxy with the configuration of k8s/. */
export class Fleet {
  readonly replicas: readonly ReplicaProcess[];
  /** Asks through the balancer. */
  readonly client: Client;

  private constructor(replicas: readonly ReplicaProcess[], client: Client) {
    this.replicas = replicas;
    this.client = client;
  }

  /** `redis` null: each replica has its own memory alone. */
  static async open(stage: Stage, count: number, redis: RedisServer | null): Promise<Fleet> {
    const replicas: ReplicaProcess[] = [];
    for (let index = 0; index < count; index += 1) {
      const settings = {
        nodeId: `replica-${index}`,
        redisUrl: redis?.url ?? null,
        launcher: { agent, maxConcurrentSessions: 32, warmSessions: warm },
        runner: {},
        environment: { GREENROOM_HTTP_LOG_LEVEL: "warn", GREENROOM_LOG_LEVEL: "info" },
      };
      replicas.push(await ReplicaProcess.open(stage, settings));
    }
    await Promise.all(replicas.map((replica) => replica.ready()));
    if (redis) {
      await eventually("they know each other", async () => {
        const peers = await Promise.all(
          replicas.map((replica) => replica.metric("greenroom_registry_peers")),
        );
        return peers.every((known) => known === count - 1);
      });
    }
    const pods = replicas.map(({ nodeId: name, port }) => ({ name, port }));
    const client = new Client(await balance(stage, pods));
    stage.teardown(() => client.close());
    return new Fleet(replicas, client);
  }

  /** All threads are warm, and no session is left. */
  async settled(): Promise<void> {
    await eventually(
      "all is warm",
      async () => {
        const ready = await Promise.all(
          this.replicas.map(
            async (replica) =>
              (await replica.metric("greenroom_pool_slots")) === warm &&
              (await replica.metric("greenroom_pool_slots", 'state="warm"')) === warm,
          ),
        );
        return !ready.includes(false);
      },
      60_000,
    );
  }

  /** The replica of a session, as its log tells, and another one. */
  placesOf(sessionId: string): { readonly owner: ReplicaProcess; readonly foreign: ReplicaProcess } {
    const owner = this.replicas.find(({ child }) => child.stdout.includes(`"session_id":"${sessionId}"`));
    const foreign = this.replicas.find((replica) => replica !== owner);
    if (!owner || !foreign) throw new Error(`No replica has the session ${sessionId}`);
    return { owner, foreign };
  }
}
