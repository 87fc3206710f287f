import type { SpeechEvent } from "../../agent/stt.ts";

/**
 * The events that the agent has not read yet. A partial text that was not read is replaced by the next one,
 * so that a slow reader finds few events.
 */
export class SpeechEventQueue implements AsyncIterable<SpeechEvent> {
  readonly #waiting: SpeechEvent[] = [];
  readonly #readers: ((result: IteratorResult<SpeechEvent>) => void)[] = [];
  #ended = false;

  push(event: SpeechEvent): void {
    if (this.#ended) return;
    const reader = this.#readers.shift();
    if (reader) {
      reader({ value: event, done: false });
      return;
    }
    if (event.type === "partial" && this.#waiting.at(-1)?.type === "partial") this.#waiting.pop();
    this.#waiting.push(event);
  }

  /** Ends the queue. Events that wait can still be read. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers.splice(0)) reader({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): AsyncIterator<SpeechEvent> {
    return {
      next: () => {
        const event = this.#waiting.shift();
        if (event) return Promise.resolve({ value: event, done: false });
        if (this.#ended) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => this.#readers.push(resolve));
      },
    };
  }
}
