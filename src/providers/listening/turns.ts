import type { SpeechEvent } from "../../agent/stt.ts";

/**
 * The silence at the start of a new connection that ends a turn which began over the former one, in seconds.
 */
const continuationSeconds = 1;

/** A {@link TurnSignal} whose time is in epoch milliseconds. */
export type TimedSignal =
  | { readonly type: "start" }
  | { readonly type: "text" | "eager" | "end"; readonly text: string; readonly speechEndedAt: number | null }
  | { readonly type: "resumed" }
  | { readonly type: "failed"; readonly speechMs: number | null };

/**
 * The turns of one speaker, over all connections. It ensures that each turn has the events `started →
 * partial* → (eager_end → (resumed → partial*)?)* → ended`, whatever the messages were, and that it ends.
 * Where a connection is lost during a turn, the turn continues over the next one: its text is kept, and it
 * ends with the turn that the new connection detects, or after a second without speech on that connection.
 * Where the new connection hears the whole turn again, its text begins again too.
 */
export class Turns {
  readonly #emit: (event: SpeechEvent) => void;
  #state: "silent" | "speaking" | "eager" = "silent";
  /** The words of this turn that former connections understood. */
  #carried = "";
  /** Says whether no speech was detected yet over the new connection. */
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

  /** Applies a signal of the current connection. */
  update(signal: TimedSignal): void {
    switch (signal.type) {
      case "start":
        this.#speak();
        return;
      case "resumed":
        if (this.#state === "eager") this.#speak();
        return;
      case "failed":
        this.#end(signal.speechMs);
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
        // The last text counts, also where it withdraws all words.
        if (signal.text === "") this.#text = this.#carried;
        this.#end();
        return;
      default:
        signal satisfies never;
    }
  }

  /** Reports that the connection has processed so many seconds of sound. */
  heard(seconds: number): void {
    if (this.#interrupted && seconds >= continuationSeconds) this.#end();
  }

  /**
   * Prepares for the next connection.
   * @param keepText True where that hears the rest of the turn alone; false where it hears all of it again.
   */
  connectionLost(keepText: boolean): void {
    if (!this.open) return;
    this.#carried = keepText ? this.#text : "";
    this.#interrupted = true;
  }

  /** Ends the turn that is under way with the text that is known, since no more sound will be processed. */
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

  #end(speechMs: number | null = null): void {
    const unknown = speechMs === null || this.#text !== "" ? {} : { speechMs };
    if (this.open) {
      this.#emit({ type: "ended", text: this.#text, speechEndedAt: this.#speechEndedAt, ...unknown });
    }
    this.#state = "silent";
    this.#carried = "";
    this.#interrupted = false;
    this.#text = "";
    this.#speechEndedAt = null;
  }
}
