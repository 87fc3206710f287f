import type { EndReason } from "../protocol.ts";
import type { Session } from "./session.ts";

/**
 * Many running sessions that die of one error within a minute mean that the next would die of it too: no more are started
 * until the minute is over.
 */
const windowMs = 60_000;
const deadly: ReadonlySet<EndReason> = new Set(["crashed", "unresponsive", "out_of_memory", "flooded"]);

export class CrashStorm {
  readonly #limit: number;
  readonly #deaths = new Map<string, number[]>();

  /** @param limit Deaths of one error in a minute that make a storm. 0 turns the guard off. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Seconds until sessions may start again, or 0 when there is no storm. */
  get secondsLeft(): number {
    const at = performance.now();
    let left = 0;
    for (const [error, times] of this.#deaths) {
      const recent = times.filter((time) => at - time < windowMs);
      if (recent.length === 0) this.#deaths.delete(error);
      else this.#deaths.set(error, recent);
      // It is over when so many of them are a minute old that the rest stays below the limit.
      const last = recent.at(-this.#limit);
      if (this.#limit > 0 && last !== undefined) left = Math.max(left, windowMs - (at - last));
    }
    return Math.ceil(left / 1_000);
  }

  count(session: Session): void {
    if (!session.endReason || !deadly.has(session.endReason)) return;
    // Numbers differ from one death to the next (times, sizes, ids): the error is the same.
    const error = `${session.endReason}: ${session.error?.message.replaceAll(/\d+/g, "#") ?? ""}`;
    const times = this.#deaths.get(error) ?? [];
    this.#deaths.set(error, [...times.slice(-99), performance.now()]);
  }
}
