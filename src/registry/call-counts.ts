import type { SessionClaim } from "./registry.ts";

/** Returns a text that identifies the call of a session, made of its type and its id. */
export function callOf({ callType, callId }: Pick<SessionClaim, "callType" | "callId">): string {
  return JSON.stringify([callType, callId]);
}

/** Counts the sessions of each call. */
export class CallCounts {
  readonly #counts = new Map<string, number>();

  in(call: string): number {
    return this.#counts.get(call) ?? 0;
  }

  add(call: string): void {
    this.#counts.set(call, this.in(call) + 1);
  }

  remove(call: string): void {
    const left = this.in(call) - 1;
    if (left > 0) this.#counts.set(call, left);
    else this.#counts.delete(call);
  }
}
