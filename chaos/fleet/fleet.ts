import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../test/fixtures/eventually.ts";
import { isInstalled } from "../../test/fixtures/is-installed.ts";
import { Balancer } from "../../test/fixtures/programs/haproxy.ts";
import { RedisServer } from "../../test/fixtures/programs/redis-server.ts";
import { Busyness } from "../busyness.ts";
import { HeartbeatCollector } from "./heartbeat-collector.ts";
import type { Life, ProcessExit } from "./life.ts";
import { limits } from "./limits.ts";
import { LogVolume } from "./log-volume.ts";
import { RedisTroubles } from "./redis-troubles.ts";
import { Slot } from "./slot.ts";
import { type ToldEnd, WebhookReceiver } from "./webhook-receiver.ts";

export interface FleetOptions {
  readonly replicas: number;
  /** The policy for starts while Redis is away. */
  readonly whileAway: "allow" | "refuse";
  readonly onTold: (told: ToldEnd) => void;
  readonly onDeath: (life: Life) => void;
}

/** Replicas, each a process, behind the HAProxy of k8s/, with a Redis, a receiver of webhooks, and who hears the agents. */
export class Fleet implements AsyncDisposable {
  readonly size: number;
  readonly redis: RedisServer;
  readonly redisTroubles = new RedisTroubles();
  readonly busyness = new Busyness();
  readonly balancer: Balancer;
  readonly receiver: WebhookReceiver;
  readonly heartbeats: HeartbeatCollector;
  /** One more than there are replicas: a new one starts before an old one ends. */
  readonly slots: readonly Slot[];
  /** The volume for the logs; null where none could be mounted. */
  readonly logVolume: LogVolume | null;
  /** Holds the logs of the replicas. It is removed with the fleet unless it is kept. */
  readonly folder: string;
  keepsFolder = false;
  readonly #owned: AsyncDisposableStack;

  private constructor(parts: Pick<Fleet, Opened>, owned: AsyncDisposableStack) {
    this.size = parts.size;
    this.redis = parts.redis;
    this.balancer = parts.balancer;
    this.receiver = parts.receiver;
    this.heartbeats = parts.heartbeats;
    this.slots = parts.slots;
    this.logVolume = parts.logVolume;
    this.folder = parts.folder;
    this.#owned = owned;
  }

  /** Resolves once all replicas serve and know each other. */
  static async open(options: FleetOptions): Promise<Fleet> {
    await using building = new AsyncDisposableStack();
    const teardown = (end: () => unknown) => building.defer(async () => void (await end()));
    const folder = await mkdtemp(join(tmpdir(), "greenroom-chaos-"));
    const redis = building.use(await RedisServer.open());
    const receiver = building.use(await WebhookReceiver.open(options.onTold));
    const heartbeats = building.use(await HeartbeatCollector.open());
    const volumeFile = join(folder, `slot-${volumeSlot}.log`);
    const logVolume = building.use(await LogVolume.mount(join(folder, "volume"), volumeFile));
    const clockFile = isInstalled("faketime") ? join(folder, "clock") : null;
    if (clockFile !== null) await writeFile(clockFile, "+0");
    const slots: Slot[] = [];
    const settings = environmentOf(options, receiver);
    for (let index = 0; index <= options.replicas; index += 1) {
      const slot = await Slot.open({
        index,
        redisPort: redis.port,
        environment: settings,
        keptLogFile: join(folder, `slot-${index}.log`),
        ownLogFile: index === volumeSlot ? (logVolume?.logFile ?? null) : null,
        clockFile: index === clockSlot ? clockFile : null,
        teardown,
        onDeath: options.onDeath,
      });
      teardown(() => slot.close());
      slots.push(slot);
    }
    await Promise.all(slots.slice(0, options.replicas).map((slot) => slot.start("new")));
    const pods = slots.map(({ index, port }) => ({ name: `slot-${index}`, port }));
    const balancer = await Balancer.open({ teardown }, pods, { ownTimeouts: true, reloadable: true });
    const parts = { size: options.replicas, redis, balancer, receiver, heartbeats, slots, logVolume, folder };
    const fleet = new Fleet(parts, building.move());
    await fleet.whole();
    return fleet;
  }

  /** Returns the slots in which a process lives. */
  get occupied(): readonly Slot[] {
    return this.slots.filter(({ life }) => life?.lives);
  }

  /** Replicas that serve, and were not harmed for so many milliseconds. */
  well(forMs: number, at: number): readonly Slot[] {
    return this.occupied.filter(({ harm, wellSince }) => harm === null && at - wellSince >= forMs);
  }

  get exits(): readonly ProcessExit[] {
    return this.slots.flatMap(({ exits }) => exits);
  }

  /** Returns when processes were stopped or ended without a word, whoever runs again since. */
  get stops(): readonly ProcessExit[] {
    return this.slots.flatMap(({ stops }) => stops);
  }

  /** Returns whether a process ended within so many milliseconds. */
  lostProcess(withinMs: number, at: number): boolean {
    return this.exits.some((exit) => at - exit.at < withinMs);
  }

  /** Resolves once there are as many replicas as there should be, and they know each other. */
  async whole(): Promise<void> {
    await eventually(
      "all replicas serve and know each other",
      async () => {
        const peers = await Promise.all(
          this.occupied.map(async (slot) =>
            (await slot.serves()) ? slot.metric("greenroom_registry_peers") : Number.NaN,
          ),
        );
        return peers.length === this.size && peers.every((count) => count === this.size - 1);
      },
      90_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
    if (this.keepsFolder) await writeFile(join(this.folder, "haproxy.log"), this.balancer.child.stdout);
    else await rm(this.folder, { recursive: true, force: true });
  }
}

type Opened = "size" | "redis" | "balancer" | "receiver" | "heartbeats" | "slots" | "logVolume" | "folder";
/** The slot of which the replica logs to a small volume. */
const volumeSlot = 0;
/** The slot of which the replica has a clock of its own. */
const clockSlot = 1;

function environmentOf({ whileAway }: FleetOptions, receiver: WebhookReceiver): Record<string, string> {
  const launcher = {
    maxConcurrentSessions: limits.sessionsPerReplica,
    maxSessionsPerCall: limits.sessionsPerCall,
    maxSessionDurationMs: limits.longestSessionMs,
    closeGraceMs: limits.closeGraceMs,
    agentIdleTimeoutMs: 0,
    warmSessions: 1,
    // Others may keep this machine busy.
    threadWaitTimeoutMs: 60_000,
    threadStartTimeoutMs: 60_000,
    createTimeoutMs: 30_000,
    crashStormLimit: 0,
    maxResumes: 3,
    heapSoftLimitMb: 64,
    webhook: receiver.options,
  };
  return {
    CHAOS_OPTIONS: JSON.stringify({ launcher }),
    GREENROOM_PEER_SECRET: "the-secret-that-the-replicas-of-a-chaos-run-share",
    GREENROOM_REGISTRY_LEASE_MS: String(limits.leaseMs),
    GREENROOM_REGISTRY_COMMAND_TIMEOUT_MS: "2000",
    GREENROOM_REGISTRY_WHILE_AWAY: whileAway,
    GREENROOM_MAX_FLEET_SESSIONS: String(limits.sessionsOfFleet),
    GREENROOM_DRAIN_ANNOUNCE_MS: "1500",
    // Calls that move wait for the end of a sentence, 10 s at the most.
    GREENROOM_DRAIN_TIMEOUT_MS: "14000",
  };
}
