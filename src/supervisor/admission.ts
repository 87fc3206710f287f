import { GreenroomError } from "../errors.ts";

/** Room for one session, counted from before it starts until its thread is gone. */
export interface Place extends Disposable {
  readonly callId: string;
}

/** Counts sessions exactly: who asks and who counts do so in the same tick, so that no two take the last place. */
export class Admission {
  readonly #maxSessions: number;
  readonly #maxSessionsPerCall: number | null;
  readonly #calls = new Map<string, number>();
  #taken = 0;

  constructor(maxSessions: number, maxSessionsPerCall: number | null) {
    this.#maxSessions = maxSessions;
    this.#maxSessionsPerCall = maxSessionsPerCall;
  }

  get taken(): number {
    return this.#taken;
  }

  get full(): boolean {
    return this.#taken >= this.#maxSessions;
  }

  /** Throws POOL_FULL or CALL_FULL. `callType` and `callId` together are the call. */
  admit(callType: string, callId: string): Place {
    const call = `${callType}:${callId}`;
    const inCall = this.#calls.get(call) ?? 0;
    if (this.full) throw new GreenroomError("POOL_FULL");
    if (this.#maxSessionsPerCall !== null && inCall >= this.#maxSessionsPerCall) {
      throw new GreenroomError("CALL_FULL");
    }
    this.#taken += 1;
    this.#calls.set(call, inCall + 1);
    let held = true;
    return {
      callId,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#taken -= 1;
        const left = (this.#calls.get(call) ?? 1) - 1;
        if (left === 0) this.#calls.delete(call);
        else this.#calls.set(call, left);
      },
    };
  }
}
