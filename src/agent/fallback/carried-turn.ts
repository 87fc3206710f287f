import type { SpeechEvent } from "../stt.ts";

/**
 * The time that a turn waits for more speech after a change of recognisers, in milliseconds. An end that came in between
 * was seen by none of them.
 */
const quietMs = 1_500;

/** Keeps the events of one turn in order while the ear that hears it is replaced by another, which knows nothing of it. */
export class CarriedTurn {
  readonly #emit: (event: SpeechEvent) => void;
  #open = false;
  #eager = false;
  /** The words of the turn that the recognisers before this one heard. */
  #carried = "";
  #text = "";
  #quiet: NodeJS.Timeout | undefined;

  constructor(emit: (event: SpeechEvent) => void) {
    this.#emit = emit;
  }

  /** Returns whether somebody is speaking. */
  get open(): boolean {
    return this.#open;
  }

  /** Gives an event on, with the words from before. */
  take(event: SpeechEvent): void {
    if (event.type !== "error") clearTimeout(this.#quiet);
    switch (event.type) {
      case "started":
        // Where the turn is open already it goes on.
        if (!this.#open) this.#emit(event);
        this.#open = true;
        return;
      case "partial":
      case "eager_end":
        this.#open = true;
        this.#eager = event.type === "eager_end";
        this.#text = this.#whole(event.text);
        this.#emit({ ...event, text: this.#text });
        return;
      case "resumed":
        this.#eager = false;
        this.#emit(event);
        return;
      case "ended": {
        const text = this.#whole(event.text);
        this.#forget();
        this.#emit({ ...event, text });
        return;
      }
      case "error":
        this.#emit(event);
        return;
      default:
        event satisfies never;
    }
  }

  /** Takes in that the ear is gone: the words that it heard are kept, and its opinion of the end of the turn is not. */
  interrupted(): void {
    clearTimeout(this.#quiet);
    if (this.#eager) this.#emit({ type: "resumed" });
    this.#eager = false;
    this.#carried = this.#text;
  }

  /** Takes in that another ear listens. */
  resumed(): void {
    if (!this.#open) return;
    this.#quiet = setTimeout(
      () => this.take({ type: "ended", text: "", speechEndedAt: null }),
      quietMs,
    ).unref();
  }

  close(): void {
    clearTimeout(this.#quiet);
  }

  #whole(text: string): string {
    return [this.#carried, text].filter((part) => part !== "").join(" ");
  }

  #forget(): void {
    this.#open = false;
    this.#eager = false;
    this.#carried = "";
    this.#text = "";
  }
}
