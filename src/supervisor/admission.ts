import { GreenroomError } from "../errors.ts";

/** Room for one session, counted from before it starts until its thread is gone. */
export type Place = Disposable;

/** Counts sessions exactly: who asks and who counts do so in the same tick, so that no two take the last place. */
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

  /** Throws POOL_FULL. */
  admit(): Place {
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
