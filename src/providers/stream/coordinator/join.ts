import { setTimeout as delay } from "node:timers/promises";
import type { Call } from "../../../agent/edge.ts";
import { retryDelayMs } from "../call/retry-delay.ts";
import { StreamError } from "../error.ts";
import { hasNoRoom } from "../sfu/sfu-fault.ts";
import { WebsocketReconnectStrategy } from "../wire/enums.ts";
import type { Coordinator } from "./coordinator.ts";
import type { SfuAdmission } from "./credentials.ts";

export interface JoinCallOptions<T> {
  readonly coordinator: Pick<Coordinator, "join">;
  readonly call: Call;
  readonly userId: string;
  /** The number of tries in all. */
  readonly attempts: number;
  readonly signal: AbortSignal;
  /** The edge to get away from. Default none. */
  readonly avoid?: string | undefined;
  /** Takes the place on the edge that the coordinator gave. */
  readonly arrive: (admission: SfuAdmission) => Promise<T>;
}

/**
 * Finds a place in a call: asks the coordinator for an edge, and for another one where that has no room, or failed twice.
 * Rejects with what went wrong last.
 */
export async function joinCall<T>(options: JoinCallOptions<T>): Promise<T> {
  const { coordinator, call, userId, attempts, signal, avoid, arrive } = options;
  const failedEdges = avoid === undefined ? [] : [avoid];
  const failures = new Map<string, number>();
  for (let attempt = 1; ; attempt++) {
    let edge: string | null = null;
    try {
      const admission = await coordinator.join({
        call,
        userId,
        migratingFrom: failedEdges.at(-1),
        failedEdges,
        signal,
      });
      edge = admission.credentials.edge;
      return await arrive(admission);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!canHelp(error) || attempt >= attempts) throw error;
      const full = hasNoRoom(error);
      if (edge !== null) {
        const count = (failures.get(edge) ?? 0) + 1;
        failures.set(edge, count);
        if ((full || count > 1) && !failedEdges.includes(edge)) failedEdges.push(edge);
      }
      // Another edge has no reason to be waited for.
      if (!full) await delay(retryDelayMs(attempt, error.retryAfterMs), undefined, { signal });
    }
  }
}

/** Returns whether trying again can help. */
export function canHelp(error: unknown): error is StreamError {
  return (
    error instanceof StreamError &&
    error.retryable &&
    error.strategy !== WebsocketReconnectStrategy.DISCONNECT
  );
}
