import type { SessionEvent } from "../../api/session.ts";
import type { Session } from "../../supervisor/session/session.ts";

/** The participants' turns of a session, from their words to the end of the answer. */
export class ParticipantTurns implements Disposable {
  readonly #open = new Set<string>();
  readonly #unsubscribe: () => void;
  #turns = 0;
  #answered = 0;
  #lastHeardAt = Number.NEGATIVE_INFINITY;
  #changed = Promise.withResolvers<void>();

  constructor(session: Session) {
    this.#unsubscribe = session.events.subscribe(0, ({ event }) => this.#happened(event)).unsubscribe;
  }

  /** Returns whether words were heard that are not answered yet. */
  get underWay(): boolean {
    return this.#open.size > 0;
  }

  /** Returns the number of turns, those under way included. */
  get turns(): number {
    return this.#turns;
  }

  /** Returns the number of turns that were answered, if only in part. */
  get answered(): number {
    return this.#answered;
  }

  /** Returns the time when the words of the last turn were known, in epoch milliseconds. */
  get lastHeardAt(): number {
    return this.#lastHeardAt;
  }

  /** Resolves when one of these has changed, or after `ms` milliseconds. */
  async changed(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#changed.promise]);
    clearTimeout(timer);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #happened(event: SessionEvent): void {
    if (event.type === "transcript" && event.role === "user" && event.final) {
      this.#open.add(event.turnId);
      this.#turns += 1;
      this.#lastHeardAt = event.at;
    } else if (event.type === "turn") {
      const wasOpen = this.#open.delete(event.turnId);
      if (wasOpen && (event.outcome === "done" || event.latency !== null)) this.#answered += 1;
    } else return;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
