import type { SpeechEvent } from "../../agent/stt.ts";

/** The silence at the start of a new connection that ends a turn which the lost one had begun, in seconds. */
const continuationSeconds = 1;

/** A {@link TurnSignal} whose time is one of the clock. */
export type HeardSignal =
  | { readonly type: "start" }
  | { readonly type: "text" | "eager" | "end"; readonly text: string; readonly speechEndedAt: number | null }
  | { readonly type: "resumed" };

/**
 * The turns of one speaker, over all connections: makes sure that each follows
 * `started → partial* → (eager_end → (resumed → partial*)?)* → ended`, whatever the messages were, and that it ends. Where a
 * connection is lost in the middle, the turn goes on with the next: its text is carried over, and it ends with the turn that
 * the new connection hears, or after a second in which that hears nothing.
 */
export class Turns {
  readonly #emit: (event: SpeechEvent) => void;
  #state: "silent" | "speaking" | "eager" = "silent";
  /** The words of this turn that lost connections understood. */
  #carried = "";
  /** True while speech has still to be heard over the new connection. */
  #interrupted = false;
  #text = "";
  #speechEndedAt: number | null = null;

  constructor(emit: (event: SpeechEvent) => void) {
    this.#emit = emit;
  }

  /** Returns whether a turn is under way. */
  get open(): boolean {
    return this.#state !== "silent";
  }

  take(signal: HeardSignal): void {
    switch (signal.type) {
      case "start":
        this.#speak();
        return;
      case "resumed":
        if (this.#state === "eager") this.#speak();
        return;
      case "text":
        this.#understand(signal.text, signal.speechEndedAt);
        return;
      case "eager":
        if (signal.text === "") return;
        this.#understand(signal.text, signal.speechEndedAt);
        if (this.#state === "eager") return;
        this.#state = "eager";
        this.#emit({ type: "eager_end", text: this.#text, speechEndedAt: this.#speechEndedAt });
        return;
      case "end":
        this.#understand(signal.text, signal.speechEndedAt);
        // The last word counts, also where it takes all words back.
        if (signal.text === "") this.#text = this.#carried;
        this.#end();
        return;
      default:
        signal satisfies never;
    }
  }

  /** The connection has heard so much, in seconds. */
  heard(seconds: number): void {
    if (this.#interrupted && seconds >= continuationSeconds) this.#end();
  }

  connectionLost(): void {
    if (!this.open) return;
    this.#carried = this.#text;
    this.#interrupted = true;
  }

  /** Takes in that nothing more will be heard: a turn that is under way ends with what is known of it. */
  giveUp(): void {
    this.#end();
  }

  #speak(): void {
    this.#interrupted = false;
    if (this.#state === "speaking") return;
    this.#emit({ type: this.#state === "silent" ? "started" : "resumed" });
    this.#state = "speaking";
  }

  #understand(text: string, speechEndedAt: number | null): void {
    const whole = [this.#carried, text].filter(Boolean).join(" ");
    if (text === "" || whole === this.#text) {
      if (text !== "") this.#speechEndedAt = speechEndedAt ?? this.#speechEndedAt;
      return;
    }
    this.#speak();
    this.#text = whole;
    this.#speechEndedAt = speechEndedAt;
    this.#emit({ type: "partial", text: whole });
  }

  #end(): void {
    if (this.open) this.#emit({ type: "ended", text: this.#text, speechEndedAt: this.#speechEndedAt });
    this.#state = "silent";
    this.#carried = "";
    this.#interrupted = false;
    this.#text = "";
    this.#speechEndedAt = null;
  }
}
