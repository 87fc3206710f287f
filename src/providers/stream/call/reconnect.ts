import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { within } from "../../../shared/deadline.ts";
import { now } from "../../../shared/protocol.ts";
import { canHelp } from "../coordinator/join.ts";
import { StreamError } from "../error.ts";
import { WebsocketReconnectStrategy } from "../wire/enums.ts";
import type { ReconnectDetails } from "../wire/messages.ts";
import type { Strategy } from "./call-connection-event.ts";
import type { Arrival, Migration } from "./migration.ts";
import type { ReconnectLimits } from "./reconnect-limits.ts";
import { retryDelayMs } from "./retry-delay.ts";

export interface Publishing {
  readonly iceRestart?: boolean;
}

/** The occasion for coming back. */
export interface Occasion {
  readonly wish: Strategy;
  /** A short class, such as `signal_lost`. */
  readonly why: string;
  /** The time at which the loss was noticed, in epoch milliseconds. */
  readonly noticedAt: number;
  /** The edge said that it cannot have us any longer. */
  readonly badEdge: boolean;
}

export interface ReconnectOptions {
  readonly migration: Migration;
  readonly limits: ReconnectLimits;
  /** Fires when nobody is to come back any more. */
  readonly signal: AbortSignal;
  /** Finds a place, on another edge than the one to avoid. */
  readonly joinCall: (
    sessionId: string,
    details: ReconnectDetails,
    avoid: string | undefined,
  ) => Promise<Arrival>;
  /** The agent sits there from here on; with `keep`, what it says and hears goes over once that is connected. */
  readonly moveTo: (arrival: Arrival, keep?: boolean) => void;
  /** Takes up what the SFU said to the join, and sends and hears from there. */
  readonly proceed: (arrival: Pick<Arrival, "session" | "response">, publishing?: Publishing) => void;
  readonly onWarning: (what: string, error: unknown) => void;
}

/** The number of times that a session is taken up again before a new one is begun. */
const mostFastAttempts = 3;
const fastDelayMs = 100;

/** No attempt to come back begins later than this after the fault was noticed, in milliseconds. */
const longestReturnMs = 120_000;

/** The longest wait for the old edge to say that the move is done, in milliseconds. */
const migrationTimeoutMs = 7_000;

/** The ways back into a call: the same session over another socket, a new session, or another edge. */
export class Reconnect {
  readonly #options: ReconnectOptions;
  #returns = 0;
  #moved: (() => void) | null = null;

  constructor(options: ReconnectOptions) {
    this.#options = options;
  }

  /**
   * Brings the agent back, as wished or, where that fails, with a new session. Resolves with the strategy that succeeded.
   * Rejects where none does.
   */
  async run({ wish, why, noticedAt, badEdge }: Occasion): Promise<Strategy> {
    if (wish === "fast" && (await this.#fast(noticedAt, why))) return wish;
    if (wish === "migrate" && (await this.#migrate(why))) return wish;
    await this.#rejoin(why, noticedAt, badEdge);
    return "rejoin";
  }

  /** The edge that is being left has let go. */
  moved(): void {
    this.#moved?.();
  }

  /** Takes the session up again over another socket. Returns whether the SFU went along. */
  async #fast(noticedAt: number, why: string): Promise<boolean> {
    const { migration, signal, proceed } = this.#options;
    const session = migration.current;
    if (session === null) return false;
    for (let attempt = 1; attempt <= mostFastAttempts; attempt++) {
      if (!session.mediaHealthy || now() - noticedAt > session.fastDeadlineMs) return false;
      try {
        const response = await session.join(migration.nextAttempt, {
          ...session.announcement,
          strategy: WebsocketReconnectStrategy.FAST,
          reconnectAttempt: this.#returns,
          fromSfuId: session.credentials.edge,
          reason: why,
        });
        signal.throwIfAborted();
        // A peer that failed meanwhile is told of once only, and was not listened to.
        if (!response.reconnected || !session.mediaHealthy) return false;
        proceed({ session, response }, { iceRestart: true });
        return true;
      } catch (error) {
        signal.throwIfAborted();
        // The SFU itself refused: it would again.
        if (!canHelp(error) || error.number !== undefined || attempt === mostFastAttempts) return false;
        await delay(fastDelayMs * 2 ** (attempt - 1), undefined, { signal });
      }
    }
    return false;
  }

  /** Begins a session anew, as often and for as long as the limits allow. Rejects where that does not help. */
  async #rejoin(why: string, noticedAt: number, badEdge: boolean): Promise<void> {
    const { migration, limits, signal, joinCall, moveTo, proceed, onWarning } = this.#options;
    let last: unknown;
    for (let failures = 1; ; failures++) {
      const old = migration.current;
      if (now() - noticedAt > longestReturnMs || !limits.begin()) {
        const message = `To rejoin: ${why}: too often, or for too long`;
        throw new StreamError(message, { retryable: false, cause: last });
      }
      this.#returns++;
      try {
        const arrival = await joinCall(
          randomUUID(),
          {
            ...old?.announcement,
            strategy: WebsocketReconnectStrategy.REJOIN,
            reconnectAttempt: this.#returns,
            previousSessionId: old?.sessionId,
            reason: why,
          },
          // Where the last return did not lead to sound, another edge may.
          badEdge || limits.unsettled > 1 ? old?.credentials.edge : undefined,
        );
        signal.throwIfAborted();
        moveTo(arrival);
        proceed(arrival);
        if (old?.signalHealthy) void old.leave("rejoined");
        else void old?.close("superseded");
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!canHelp(error)) throw error;
        last = error;
        onWarning("To rejoin", error);
        await delay(retryDelayMs(failures, error.retryAfterMs), undefined, { signal });
      }
    }
  }

  /** Moves to another edge; the old one goes on until it says that the move is done. Returns whether it worked. */
  async #migrate(why: string): Promise<boolean> {
    const { migration, limits, signal, joinCall, moveTo, proceed, onWarning } = this.#options;
    const old = migration.current;
    if (old === null || !limits.begin()) return false;
    this.#returns++;
    const moved = Promise.withResolvers<void>();
    this.#moved = moved.resolve;
    try {
      const details = {
        ...old.announcement,
        strategy: WebsocketReconnectStrategy.MIGRATE,
        reconnectAttempt: this.#returns,
        fromSfuId: old.credentials.edge,
        reason: why,
      };
      const arrival = await joinCall(old.sessionId, details, old.credentials.edge);
      signal.throwIfAborted();
      moveTo(arrival, true);
      proceed(arrival);
      // Without its signalling it cannot let go.
      if (!old.signalHealthy) moved.resolve();
      await within(moved.promise, migrationTimeoutMs, "To migrate", signal);
      migration.giveUp("left");
      return true;
    } catch (error) {
      signal.throwIfAborted();
      onWarning("To migrate", error);
      migration.giveUp("superseded");
      return false;
    } finally {
      this.#moved = null;
    }
  }
}
