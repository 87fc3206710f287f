import { now } from "../../shared/protocol.ts";
import type { ResponseLatency, ResponseStage } from "../../shared/session/agent-event.ts";

/**
 * The moments of a turn, in the order in which they can come, and the stage of the response that ends with each. A moment that
 * never comes has no stage: its time belongs to the next one.
 */
const moments = {
  /** The last sound of the participant's speech. */
  speechEnded: null,
  /** The turn detector's end of turn: the words are committed. */
  committed: "endOfTurnMs",
  /** The model's first text. */
  firstToken: "firstTokenMs",
  /** The first sentence is whole and goes to be spoken. */
  firstSentence: "firstSentenceMs",
  /** The first sound of the answer comes back. */
  firstByte: "firstByteMs",
  /** The first frame of the answer is handed to the edge. */
  firstFrame: "outputMs",
} as const satisfies Record<string, ResponseStage | null>;
export type Moment = keyof typeof moments;

/** The times of all that happens in one turn, in epoch milliseconds. All latencies are measured here. */
export class TurnClock {
  readonly #at = new Map<Moment, number>();

  /** Notes the time of a moment. Only the first time counts. */
  mark(moment: Moment, at: number = now()): void {
    if (!this.#at.has(moment)) this.#at.set(moment, at);
  }

  /** Goes on with the time for which a participant has waited in the turn before, which was handed over. */
  goesOnFrom(before: TurnClock): void {
    if (before.#at.has("firstFrame")) return;
    for (const moment of ["speechEnded", "committed"] as const) {
      const at = before.#at.get(moment);
      if (at !== undefined) this.mark(moment, at);
    }
  }

  /**
   * Returns the time from the end of the participant's speech to the first sound of the answer, and its contiguous
   * stages; null where either is not known. Work that was done early, while it was not yet sure that the turn was over,
   * costs nothing: no stage is negative, and they add up.
   */
  response(): ResponseLatency | null {
    const begin = this.#at.get("speechEnded");
    if (begin === undefined || !this.#at.has("firstFrame")) return null;
    const stages: Partial<Record<ResponseStage, number>> = {};
    let end = begin;
    for (const [moment, stage] of Object.entries(moments) as [Moment, ResponseStage | null][]) {
      const at = this.#at.get(moment);
      if (at === undefined || stage === null) continue;
      stages[stage] = Math.max(0, at - end);
      end = Math.max(at, end);
    }
    return { responseMs: end - begin, ...stages };
  }
}
