import { GreenroomError } from "../../shared/errors.ts";

/** The room for one session, counted from before it starts until its thread is gone. */
export type Reservation = Disposable;

/**
 * Counts sessions exactly: asking and counting happen in the same tick, so that no two sessions take the last place.
 */
export class Admission {
  readonly #maxSessions: number;
  #taken = 0;

  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  get capacity(): number {
    return this.#maxSessions;
  }

  get taken(): number {
    return this.#taken;
  }

  get full(): boolean {
    return this.#taken >= this.#maxSessions;
  }

  /** Takes a place, which is free again when it is disposed of. Throws POOL_FULL where there is none. */
  admit(): Reservation {
    if (this.full) throw new GreenroomError("POOL_FULL");
    this.#taken += 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#taken -= 1;
      },
    };
  }
}
