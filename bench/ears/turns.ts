import { setTimeout as sleep } from "node:timers/promises";
import type { SpeechEvent } from "../../src/agent/stt.ts";

/** The words of the turns of one caller. */
export class Turns {
  #open = 0;
  #texts: string[] = [];
  #guess: { readonly text: string; readonly at: number } | null = null;

  constructor(stream: AsyncIterable<SpeechEvent>) {
    void this.#read(stream);
  }

  /** Resolves with what was heard since, once the turns that have begun are over; and when it was known, where it was guessed. */
  async heard(): Promise<{ readonly text: string; readonly at: number | null }> {
    do await sleep(1);
    while (this.#open > 0);
    const text = this.#texts.splice(0).join(" ");
    const at = this.#guess?.text === text ? this.#guess.at : null;
    return { text, at };
  }

  async #read(stream: AsyncIterable<SpeechEvent>): Promise<void> {
    for await (const event of stream) {
      if (event.type === "started") this.#open += 1;
      else if (event.type === "eager_end") this.#guess = { text: event.text, at: performance.now() };
      else if (event.type === "resumed") this.#guess = null;
      else if (event.type === "ended") {
        this.#open -= 1;
        this.#texts.push(event.text);
      } else if (event.type === "error") throw event.error;
    }
  }
}
