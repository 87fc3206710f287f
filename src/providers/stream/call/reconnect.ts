import { randomUUID } from "node:crypto";
import { BackOff, pause } from "../../../shared/back-off.ts";
import { within } from "../../../shared/deadline.ts";
import { now } from "../../../shared/protocol.ts";
import { isRetryable } from "../coordinator/join.ts";
import { StreamError } from "../error.ts";
import { WebsocketReconnectStrategy } from "../wire/enums.ts";
import type { ReconnectDetails } from "../wire/messages.ts";
import type { ReconnectStrategy } from "./call-connection-event.ts";
import type { Migration, SfuJoin } from "./migration.ts";
import type { PublishOptions } from "./publishing.ts";
import type { ReconnectLimits } from "./reconnect-limits.ts";
import { retryDelayMs } from "./retry-delay.ts";

/** A reconnect as it is asked for. */
export interface ReconnectRequest {
  /** The strategy to try first. */
  readonly strategy: ReconnectStrategy;
  /** A short class of what happened, such as `signal_lost`. */
  readonly reason: string;
  /** The time at which the failure was noticed, in epoch milliseconds. */
  readonly noticedAt: number;
  /** Says whether the SFU said that the agent cannot remain on it. */
  readonly edgeUnusable: boolean;
}

export interface ReconnectOptions {
  readonly migration: Migration;
  readonly limits: ReconnectLimits;
  /** Fires when the agent has left the call. */
  readonly signal: AbortSignal;
  /** Joins an SFU, another one than the one to avoid. */
  readonly joinCall: (
    sessionId: string,
    details: ReconnectDetails,
    avoid: string | undefined,
  ) => Promise<SfuJoin>;
  /** Makes the new session the current one. With `keep`, sound passes to it once its media is connected. */
  readonly switchTo: (join: SfuJoin, keep?: boolean) => void;
  /** Applies the SFU's response to the join, and publishes and subscribes on that session. */
  readonly start: (join: Pick<SfuJoin, "session" | "response">, options?: PublishOptions) => void;
  readonly onWarning: (message: string, error: unknown) => void;
}

/** The number of attempts to resume a session over another socket before a new session is begun. */
const maxFastAttempts = 3;
/** The pauses between these attempts. */
const fastBackOff = new BackOff({ firstMs: 100 });

/** The time after the failure beyond which no attempt begins, in milliseconds. */
const maxReconnectMs = 120_000;

/** The longest wait until the former SFU reports the end of the migration, in milliseconds. */
const migrationTimeoutMs = 7_000;

/**
 * Restores a connection to a call: by the same session over another socket, by a new session, or by a move to
 * another SFU.
 */
export class Reconnect {
  readonly #options: ReconnectOptions;
  #reconnects = 0;
  /** Resolves the wait for the end of a migration; null while there is none. */
  #moved: (() => void) | null = null;

  constructor(options: ReconnectOptions) {
    this.#options = options;
  }

  /**
   * Reconnects by the strategy that was asked for or, where that fails, with a new session. It resolves with
   * the strategy that succeeded, and rejects where none does.
   */
  async run({ strategy, reason, noticedAt, edgeUnusable }: ReconnectRequest): Promise<ReconnectStrategy> {
    if (strategy === "fast" && (await this.#fast(noticedAt, reason))) return strategy;
    if (strategy === "migrate" && (await this.#migrate(reason))) return strategy;
    await this.#rejoin(reason, noticedAt, edgeUnusable);
    return "rejoin";
  }

  /** Reports that the former SFU has released the agent. */
  migrationComplete(): void {
    this.#moved?.();
  }

  /** Resumes the session over another socket. It resolves with whether the SFU accepted that. */
  async #fast(noticedAt: number, reason: string): Promise<boolean> {
    const { migration, signal, start } = this.#options;
    const session = migration.current;
    if (session === null) return false;
    for (let attempt = 1; attempt <= maxFastAttempts; attempt++) {
      if (!session.mediaHealthy || now() - noticedAt > session.fastDeadlineMs) return false;
      try {
        const response = await session.join(migration.countSocket(), {
          ...session.announcement,
          strategy: WebsocketReconnectStrategy.FAST,
          reconnectAttempt: this.#reconnects,
          fromSfuId: session.credentials.edge,
          reason,
        });
        signal.throwIfAborted();
        // A peer connection that failed meanwhile is reported only once, and was not handled.
        if (!response.reconnected || !session.mediaHealthy) return false;
        start({ session, response }, { iceRestart: true });
        return true;
      } catch (error) {
        signal.throwIfAborted();
        // The SFU itself refused, and would refuse again.
        if (!isRetryable(error) || error.number !== undefined || attempt === maxFastAttempts) return false;
        await fastBackOff.pause(attempt, { signal });
      }
    }
    return false;
  }

  /**
   * Begins a new session, as often and for as long as the limits allow. It rejects where that does not
   * succeed.
   */
  async #rejoin(reason: string, noticedAt: number, edgeUnusable: boolean): Promise<void> {
    const { migration, limits, signal, joinCall, switchTo, start, onWarning } = this.#options;
    let last: unknown;
    for (let failures = 1; ; failures++) {
      const former = migration.current;
      if (now() - noticedAt > maxReconnectMs || !limits.begin()) {
        const message = `To rejoin: ${reason}: too often, or for too long`;
        throw new StreamError(message, { retryable: false, cause: last });
      }
      this.#reconnects++;
      try {
        const join = await joinCall(
          randomUUID(),
          {
            ...former?.announcement,
            strategy: WebsocketReconnectStrategy.REJOIN,
            reconnectAttempt: this.#reconnects,
            previousSessionId: former?.sessionId,
            reason,
          },
          // Where the last reconnect did not restore the media, another SFU may.
          edgeUnusable || limits.withoutMedia > 1 ? former?.credentials.edge : undefined,
        );
        signal.throwIfAborted();
        switchTo(join);
        start(join);
        if (former?.signalHealthy) void former.leave("rejoined");
        else void former?.close("superseded");
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!isRetryable(error)) throw error;
        last = error;
        onWarning("To rejoin", error);
        await pause(retryDelayMs(failures, error.retryAfterMs), { signal });
      }
    }
  }

  /**
   * Moves to another SFU. The former session goes on until its SFU reports the end of the migration. It
   * resolves with whether that succeeded.
   */
  async #migrate(reason: string): Promise<boolean> {
    const { migration, limits, signal, joinCall, switchTo, start, onWarning } = this.#options;
    const former = migration.current;
    if (former === null || !limits.begin()) return false;
    this.#reconnects++;
    const moved = Promise.withResolvers<void>();
    this.#moved = moved.resolve;
    try {
      const details = {
        ...former.announcement,
        strategy: WebsocketReconnectStrategy.MIGRATE,
        reconnectAttempt: this.#reconnects,
        fromSfuId: former.credentials.edge,
        reason,
      };
      const join = await joinCall(former.sessionId, details, former.credentials.edge);
      signal.throwIfAborted();
      switchTo(join, true);
      start(join);
      // Without signalling the former SFU cannot report the end.
      if (!former.signalHealthy) moved.resolve();
      await within(moved.promise, migrationTimeoutMs, "To migrate", signal);
      migration.dropFormer("left");
      return true;
    } catch (error) {
      signal.throwIfAborted();
      onWarning("To migrate", error);
      migration.dropFormer("superseded");
      return false;
    } finally {
      this.#moved = null;
    }
  }
}
