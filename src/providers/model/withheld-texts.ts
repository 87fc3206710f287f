import type { Message } from "../../agent/model/message.ts";

/** The number of texts that are remembered. */
const mostTexts = 100;

/** The texts that a service's filter has refused. If they remained in the conversation, they would block every later answer as well. */
export class WithheldTexts {
  readonly #texts = new Set<string>();

  /** Remembers the words that were answered last, which the filter has refused. */
  add(messages: readonly Message[]): void {
    const last = messages.at(-1);
    if (last?.role !== "participant" && last?.role !== "instruction") return;
    this.#texts.add(last.text);
    const [oldest] = this.#texts;
    if (this.#texts.size > mostTexts && oldest !== undefined) this.#texts.delete(oldest);
  }

  /** Returns the words as the model is shown them: a note in place of those that were refused, or where there are none. */
  shown(text: string): string {
    if (this.#texts.has(text)) return "(These words were withheld by a safety filter.)";
    return text.trim() === "" ? "(inaudible)" : text;
  }
}
