import type { ResponseLatency } from "../../shared/agent-event.ts";
import { now } from "../../shared/protocol.ts";

/** The moments of a turn, in the order in which they can come. */
const moments = [
  /** The last sound of the participant's speech. */
  "speechEnded",
  /** The turn detector's end of turn: the words are committed. */
  "committed",
  /** The model's first text. */
  "firstToken",
  /** The first sentence is whole and goes to be spoken. */
  "firstSentence",
  /** The first sound of the answer comes back. */
  "firstByte",
  /** The first frame of the answer is handed to the edge. */
  "firstFrame",
] as const;
export type Moment = (typeof moments)[number];

/** The times of all that happens in one turn, in epoch milliseconds. All latencies are measured here. */
export class TurnClock {
  readonly #at = new Map<Moment, number>();

  /** Notes the time of a moment. Only the first time counts. */
  mark(moment: Moment, at: number = now()): void {
    if (!this.#at.has(moment)) this.#at.set(moment, at);
  }

  /** Forgets the moments of an answer that is not given after all. */
  forget(...gone: readonly Moment[]): void {
    for (const moment of gone) this.#at.delete(moment);
  }

  at(moment: Moment): number | null {
    return this.#at.get(moment) ?? null;
  }

  /**
   * Returns the time from the end of the participant's speech to the first sound of the answer, and its contiguous
   * parts. What was done early, while it was not yet sure that the turn was over, costs nothing: no part is negative,
   * and they add up.
   */
  response(): ResponseLatency | null {
    const times: number[] = [];
    for (const moment of moments) {
      const at = this.#at.get(moment);
      if (at === undefined) return null;
      times.push(Math.max(at, times.at(-1) ?? at));
    }
    const part = (index: number) => (times[index + 1] ?? 0) - (times[index] ?? 0);
    return {
      responseMs: (times.at(-1) ?? 0) - (times[0] ?? 0),
      endOfTurnMs: part(0),
      firstTokenMs: part(1),
      firstSentenceMs: part(2),
      firstByteMs: part(3),
      outputMs: part(4),
    };
  }
}
