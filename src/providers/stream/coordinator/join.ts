import type { Call } from "../../../agent/edge.ts";
import { pause } from "../../../shared/back-off.ts";
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
  /** The number of attempts, the first one included. */
  readonly attempts: number;
  readonly signal: AbortSignal;
  /** The SFU to leave. Default: none. */
  readonly avoid?: string | undefined;
  /** Joins the SFU that the coordinator named. */
  readonly joinSfu: (admission: SfuAdmission) => Promise<T>;
}

/**
 * Joins a call: it asks the coordinator for an SFU and joins it, and asks for another one where that is full
 * or failed twice. It rejects with the last failure, or with the reason of the signal.
 */
export async function joinCall<T>(options: JoinCallOptions<T>): Promise<T> {
  const { coordinator, call, userId, attempts, signal, avoid, joinSfu } = options;
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
      return await joinSfu(admission);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!isRetryable(error) || attempt >= attempts) throw error;
      const full = hasNoRoom(error);
      if (edge !== null) {
        const count = (failures.get(edge) ?? 0) + 1;
        failures.set(edge, count);
        if ((full || count > 1) && !failedEdges.includes(edge)) failedEdges.push(edge);
      }
      // There is no reason to wait before another SFU is tried.
      if (!full) await pause(retryDelayMs(attempt, error.retryAfterMs), { signal });
    }
  }
}

/** Returns whether another attempt can succeed after an error. */
export function isRetryable(error: unknown): error is StreamError {
  return (
    error instanceof StreamError &&
    error.retryable &&
    error.strategy !== WebsocketReconnectStrategy.DISCONNECT
  );
}
