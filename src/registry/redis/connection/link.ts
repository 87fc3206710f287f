import { within } from "../../../shared/deadline.ts";
import { Availability } from "../../availability.ts";
import type { EntrustedSession, NodeInfo, PeerNode, RegistryHooks, WaitingMessages } from "../../registry.ts";
import { FenceInquiry } from "../fleet/fence-inquiry.ts";
import { Heartbeat, type HeartbeatEvents } from "../heartbeat.ts";
import { type FilledRedisRegistryOptions, heartbeatMs, taggedPrefix } from "../options.ts";
import { leave } from "../scripts/nodes.ts";
import type { Script } from "../scripts/script.ts";
import type { Outbox } from "../sessions/outbox.ts";
import type { RedisClient } from "./client.ts";
import { Connection } from "./connection.ts";
import { RedisClock } from "./redis-clock.ts";
import { isSecure, placeOf, troubleText } from "./trouble.ts";

/** The time after which a connection that has given no answer is made anew, in milliseconds. */
const silentMs = 3_000;
/** The margin within which a lease that is about to end may have ended, in milliseconds: a heartbeat is as old as the last that got through. */
const leaseMarginMs = 2_000;

/** The time after the end of a lease at which that is looked at, in milliseconds. */
const leaseEndMarginMs = 10;

/** The shortest time of standing still for which the others may be let first, in milliseconds: heartbeats are a second apart. */
const shortestStandMs = 2 * heartbeatMs;
/** The time of standing still, in milliseconds, after which a process knows too little of the others to write it again. */
const staleAfterMs = 3_000;
/** The longest time that a process which stood still waits before it answers anything, in milliseconds. */
const longestDoubtMs = 5_000;

export interface RedisLinkOptions {
  readonly redis: FilledRedisRegistryOptions;
  readonly makeClient: () => RedisClient;
  readonly node: NodeInfo;
  readonly outbox: Outbox;
  readonly hooks: RegistryHooks;
  readonly events: HeartbeatEvents;
}

interface Doubt extends PromiseWithResolvers<void> {
  /** The time at which the doubt began, by `performance.now()`. */
  readonly at: number;
  /** Resolves once the peers were asked whether this process was declared dead, within a second. */
  readonly asked: Promise<void>;
}

type Arguments = readonly (string | number)[];

/**
 * The link between this process and Redis: the connection, the lease, and the state of Redis. No command takes longer
 * than its deadline.
 */
export class RedisLink {
  readonly #timeoutMs: number;
  readonly #leaseMs: number;
  readonly #connection: Connection;
  readonly #clock = new RedisClock();
  readonly #availability: Availability;
  readonly #heartbeat: Heartbeat;
  readonly #inquiry: FenceInquiry;
  #timer: NodeJS.Timeout | undefined;
  /** Rings when the lease of another node has ended. */
  #leaseEnd: NodeJS.Timeout | undefined;
  readonly #firstBeat = Promise.withResolvers<void>();
  #beating: Promise<void> | null = null;
  #closed = false;
  #madeAt = performance.now();
  /** The time at which this process was last seen to run, by both clocks: one of them may stand still with the machine. */
  #ranAt = { monotonic: performance.now(), wall: Date.now() };
  /**
   * The doubt that is set where this process stood still for so long that it may have been declared dead, and has not
   * heard from Redis since.
   */
  #doubt: Doubt | null = null;
  /** The time of the last heartbeat that got through. */
  #beatAt = performance.now();
  /** True from when this process stood still for about its lease, until a heartbeat gets through. */
  #stoodStill = false;

  constructor({ redis, makeClient, node, outbox, hooks, events }: RedisLinkOptions) {
    this.#timeoutMs = redis.commandTimeoutMs;
    this.#leaseMs = redis.leaseMs;
    const place = placeOf(redis);
    this.#availability = new Availability({
      away: (cause) =>
        hooks.away(new Error(`Redis ${place}: ${troubleText(cause, isSecure(redis.url))}`, { cause })),
      back: (awayMs) => hooks.back(awayMs),
      commandFailed: () => hooks.commandFailed(),
    });
    this.#connection = new Connection({
      makeClient,
      prefix: taggedPrefix(redis.keyPrefix),
      connected: () => void this.beat(),
    });
    this.#heartbeat = new Heartbeat({
      connection: this.#connection,
      clock: this.#clock,
      outbox,
      node,
      hooks,
      redis,
      events,
      soon: () => void this.tellNow(),
      look: () => this.#look(),
      leaseEnds: (inMs) => this.#beatAtEnd(inMs),
    });
    this.#inquiry = new FenceInquiry({
      life: () => this.#heartbeat,
      ask: (peer, epoch) => hooks.declaredDead(peer, epoch),
      found: () => {
        events.fenced(events.written());
        this.#doubt?.resolve();
        this.#doubt = null;
      },
    });
  }

  /** Returns whether Redis answers. */
  get up(): boolean {
    return this.#availability.up;
  }

  /** Returns whether others may have told ends of this process's sessions: it stood still, and Redis has not heard of it since. */
  get isBehind(): boolean {
    this.#look();
    return this.#heartbeat.othersFirst.isBehind;
  }

  get epoch(): number {
    return this.#heartbeat.epoch;
  }

  get peers(): readonly PeerNode[] {
    return this.#heartbeat.peers;
  }

  get waiting(): WaitingMessages {
    return this.#heartbeat.waiting;
  }

  takeIn(session: EntrustedSession): void {
    this.#heartbeat.takeIn(session);
    if (this.up) void this.tellNow();
  }

  /**
   * Returns whether a peer has said that this life of the node was declared dead, and Redis could not be reached since.
   * The node can begin nothing before it is registered anew.
   */
  get isDead(): boolean {
    return this.#inquiry.isDead;
  }

  isDeclaredDead(owner: string): boolean {
    return this.#heartbeat.isDeclaredDead(owner);
  }

  /** Resolves with the sessions that Redis holds to be live in this node. */
  knownSessions(): Promise<readonly string[]> {
    return this.#heartbeat.knownSessions();
  }

  /**
   * Resolves at once, unless this process stood still for about its lease: then it resolves after a heartbeat, or when a
   * peer says that it was declared dead. That is waited for as long as a command may take, and up to 5 s while Redis can
   * be reached; where it cannot, until the peers were asked, a second at the most.
   */
  async current(): Promise<void> {
    this.#look();
    if (!this.#doubt) return;
    const doubt = this.#doubt;
    void this.tellNow();
    await within(doubt.promise, this.#timeoutMs, "A heartbeat").catch(() => undefined);
    if (this.#doubt === doubt && this.up)
      await within(doubt.promise, longestDoubtMs - this.#timeoutMs, "A heartbeat").catch(() => undefined);
    else if (this.#doubt === doubt) await doubt.asked;
    if (this.#doubt === doubt && performance.now() - doubt.at >= this.#timeoutMs) this.#doubt = null;
  }

  /** Resolves once Redis has answered, or the deadline of the first answer has passed; then begins the heartbeats. */
  async opened(): Promise<void> {
    try {
      await within(this.#firstBeat.promise, this.#timeoutMs, "The connection to Redis");
    } catch (error) {
      this.#availability.failed(this.#connection.ready ? error : this.#connection.error);
    }
    // This comes after the first answer, or its deadline: a connection that is still being made does not count as away.
    if (this.#closed) return;
    this.#look();
    this.#timer = setInterval(() => {
      this.#look();
      void this.beat();
    }, heartbeatMs).unref();
  }

  /** Runs a script. Rejects at once while Redis is away, and after the deadline of a command otherwise. */
  async run(script: Script, args: Arguments, timeoutMs = this.#timeoutMs): Promise<unknown> {
    if (!this.up) throw this.#connection.error;
    try {
      return await this.#connection.run(script, args, timeoutMs);
    } catch (error) {
      this.#availability.failed(error);
      throw error;
    }
  }

  /**
   * Does the same as {@link run}, for scripts that are told until when an answer is waited for, and who asks. Where
   * Redis does not know this node, it is registered anew, and the script is run once more.
   */
  async runAsOwner(script: Script, args: Arguments): Promise<readonly [status: string, ...rest: unknown[]]> {
    const until = performance.now() + this.#timeoutMs;
    for (let tries = 1; ; tries += 1) {
      const leftMs = Math.max(1, until - performance.now());
      const sentAt = performance.now();
      const { owner } = this.#heartbeat;
      const asked = [this.#clock.in(leftMs), owner, ...args];
      const reply = (await this.run(script, asked, leftMs)) as [status: string, time: string];
      if (reply[0] !== "late" && reply[0] !== "unknown") return reply;
      this.#clock.set(Number(reply[1]), sentAt);
      if (reply[0] === "unknown") this.#heartbeat.lapsed(owner);
      if (reply[0] === "late" || tries > 1) {
        const error = new Error(`Redis answered ${reply[0]} to ${script.name}`);
        this.#availability.failed(error);
        throw error;
      }
      await within(this.tellNow(), until - performance.now(), "Registering anew");
    }
  }

  /** Tells Redis what it does not know yet. Never rejects. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => {
      this.#beating = null;
    });
    return this.#beating;
  }

  /** Does the same as {@link beat}, and what is told includes everything that has happened until now. */
  async tellNow(): Promise<void> {
    await this.#beating;
    await this.beat();
  }

  /**
   * Tells Redis what it does not know yet, takes this node out of the fleet, and closes the connection. Never rejects.
   */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#leaseEnd);
    if (this.up) {
      const left = this.tellNow().then(() => this.run(leave, [this.#heartbeat.owner]));
      await within(left, this.#timeoutMs, "Leaving the registry").catch(() => undefined);
    }
    this.#connection.close();
  }

  /** Has a heartbeat come as soon as the lease of another node has ended, so that its calls do not wait for the next one. */
  #beatAtEnd(inMs: number): void {
    if (inMs > heartbeatMs || this.#closed) return;
    clearTimeout(this.#leaseEnd);
    this.#leaseEnd = setTimeout(() => void this.tellNow(), inMs + leaseEndMarginMs).unref();
  }

  async #beat(): Promise<void> {
    try {
      if (!this.#connection.ready) throw this.#connection.error;
      this.#look();
      const doubt = this.#doubt;
      await this.#heartbeat.beat();
      doubt?.resolve();
      if (this.#doubt === doubt) {
        this.#doubt = null;
        this.#stoodStill = false;
      }
      this.#beatAt = performance.now();
      this.#availability.answered();
      this.#firstBeat.resolve();
    } catch (error) {
      this.#availability.failed(error);
      this.#renewSilent();
      const isOver = performance.now() - this.#beatAt >= this.#leaseMs - leaseMarginMs;
      if (isOver || this.#stoodStill) void this.#inquiry.ask();
    }
  }

  /**
   * Notes where this process stood still for about its lease. Messages that come to such a process are dealt with
   * before its timers, so both call this.
   */
  #look(): void {
    const { monotonic, wall } = this.#ranAt;
    this.#ranAt = { monotonic: performance.now(), wall: Date.now() };
    const stoodMs = Math.max(this.#ranAt.monotonic - monotonic, this.#ranAt.wall - wall);
    if (stoodMs > staleAfterMs) this.#heartbeat.stoodStill();
    if (stoodMs < this.#leaseMs - leaseMarginMs) return;
    this.#stoodStill = true;
    if (stoodMs > shortestStandMs) this.#heartbeat.othersFirst.stoodStill();
    // Redis may be away, and this process would go on with sessions that were reported as lost.
    const asked = this.#inquiry.askAnew();
    this.#doubt = { ...Promise.withResolvers<void>(), at: performance.now(), asked };
  }

  #renewSilent(): void {
    const at = performance.now();
    if (this.#availability.awayMs < silentMs || at - this.#madeAt < silentMs) return;
    this.#madeAt = at;
    this.#connection.reset();
  }
}
