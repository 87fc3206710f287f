import { now } from "../../../src/shared/protocol.ts";

/** The longest time for which sound is gathered before it is sent, as Deepgram advises its clients. */
const chunkMs = 80;

/**
 * Something that happens a while after the last speech. Sound decides: it happens once that much silence was heard,
 * however fast it came. In real time the last chunk of silence is not waited for: where it alone is missing, the clock
 * decides, so that the delay is met exactly and not only to the next chunk.
 */
export class AfterSpeech {
  readonly #delayMs: () => number;
  readonly #happen: () => void;
  #pending = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: () => number, happen: () => void) {
    this.#delayMs = delayMs;
    this.#happen = happen;
  }

  /** Reports speech, from which the silence counts again. */
  begin(): void {
    this.cancel();
    this.#pending = true;
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending = false;
  }

  /** Reports how much silence was heard since the last speech, in milliseconds. */
  silence(silenceMs: number): void {
    if (this.#pending && silenceMs >= this.#delayMs()) this.#now();
  }

  /** Reports that a whole piece was processed; the last speech had arrived at `lastSpeechAt`. */
  settle(silenceMs: number, lastSpeechAt: number): void {
    if (!this.#pending || this.#timer !== undefined || silenceMs <= 0) return;
    const delayMs = this.#delayMs();
    if (delayMs - silenceMs > chunkMs) return;
    this.#timer = setTimeout(() => this.#now(), Math.max(0, lastSpeechAt + delayMs - now()));
  }

  #now(): void {
    this.cancel();
    this.#happen();
  }
}
