import type { Message } from "./transport.ts";

/** The words of one utterance, also while it goes on. */
export interface TranscriptEntry {
  /** The same for as long as the entry grows. */
  readonly id: string;
  readonly role: "user" | "agent";
  readonly participantId: string;
  readonly text: string;
  /** False while it may change. */
  readonly final: boolean;
}

/** The words of a call, in order. */
export class Transcript {
  #entries: readonly TranscriptEntry[] = [];

  get entries(): readonly TranscriptEntry[] {
    return this.#entries;
  }

  /** Forgets what participants were saying: nobody tells how it went on. */
  reconnected(): void {
    this.#entries = this.#entries.filter(({ role, final }) => final || role === "agent");
  }

  /** Takes a message of the type `transcript`. */
  take(message: Message): void {
    const { role, turn_id: turnId, participant_id: participantId, final, delta, interim, text } = message;
    const id = `${turnId}/${role}/${participantId}`;
    const index = this.#entries.findIndex((entry) => entry.id === id && !entry.final);
    // A participant who comes back may be told again what was said last.
    if (final && this.#entries.some((entry) => entry.id === id && entry.final && entry.text === text)) return;
    const known = this.#entries[index];
    const words = text ?? interim ?? `${known?.text ?? ""}${delta ?? ""}`;
    const entry: TranscriptEntry = {
      id,
      role: role === "agent" ? "agent" : "user",
      participantId: String(participantId),
      text: String(words),
      final: final === true,
    };
    // Sound that was no turn, or an answer of which nothing was heard.
    const kept = entry.text === "" ? [] : [entry];
    if (known === undefined) this.#entries = [...this.#entries, ...kept];
    else this.#entries = this.#entries.toSpliced(index, 1, ...kept);
  }
}
