import { type Rank, type RecognitionRequest, ranks } from "./messages.ts";

/** A request, with who asked. */
export interface Job<Listener> {
  readonly listener: Listener;
  readonly request: RecognitionRequest;
}

interface Waiting {
  readonly turns: RecognitionRequest[];
  /** A guess or a caption: the newest is of the most sound. */
  other: RecognitionRequest | null;
}

/** The most ends of turns of one listener that wait: more come faster than anybody speaks. */
const mostTurns = 8;

/**
 * The requests that wait for the one model: ends of turns first, guesses then, captions last, each in the order of asking. A
 * listener has one guess or caption at the most, so that whoever is behind catches up.
 */
export class RequestQueue<Listener> {
  readonly #waiting = new Map<Listener, Waiting>();

  /** Adds a request. Returns those of the same listener that are not wanted any more, which may be this one. */
  add(listener: Listener, request: RecognitionRequest): RecognitionRequest[] {
    const waiting = this.#waiting.get(listener) ?? { turns: [], other: null };
    this.#waiting.set(listener, waiting);
    const { other } = waiting;
    if (request.rank === "turn") {
      // The earlier guess or caption is about a part of this turn.
      waiting.other = null;
      waiting.turns.push(request);
      const dropped = waiting.turns.length > mostTurns ? [waiting.turns.shift()!] : [];
      return other === null ? dropped : [other, ...dropped];
    }
    if (other !== null && urgency(other.rank) < urgency(request.rank)) return [request];
    waiting.other = request;
    return other === null ? [] : [other];
  }

  /** Takes out the most urgent request; null where none waits. */
  next(): Job<Listener> | null {
    let best: Job<Listener> | null = null;
    for (const [listener, { turns, other }] of this.#waiting) {
      const request = turns[0] ?? other;
      if (request === null) continue;
      if (best === null || urgency(request.rank) < urgency(best.request.rank)) best = { listener, request };
    }
    if (best !== null) this.#take(best);
    return best;
  }

  /** Returns whether something waits that is more urgent than this. */
  hasMoreUrgent(rank: Rank): boolean {
    return this.#waiting
      .values()
      .some(({ turns, other }) =>
        turns.length > 0 ? rank !== "turn" : other !== null && urgency(other.rank) < urgency(rank),
      );
  }

  /** Drops what this listener has asked. */
  forget(listener: Listener): void {
    this.#waiting.delete(listener);
  }

  #take({ listener, request }: Job<Listener>): void {
    const waiting = this.#waiting.get(listener)!;
    if (request.rank === "turn") waiting.turns.shift();
    else waiting.other = null;
    // A listener that was served goes behind all others with requests of the same rank.
    this.#waiting.delete(listener);
    if (waiting.turns.length > 0 || waiting.other !== null) this.#waiting.set(listener, waiting);
  }
}

const urgency = (rank: Rank): number => ranks.indexOf(rank);
