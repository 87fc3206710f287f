import type { TranscriptLine } from "../../api/session-summary.ts";
import type { TranscriptEvent } from "../../shared/session/agent-event.ts";

/** The most lines and characters that are kept; the oldest lines go first. */
const most = { lines: 2_000, characters: 256 * 1_024 };

/** The words of one session, kept only where the end of it is to be reported with them. */
export class Transcript {
  readonly #lines: TranscriptLine[];
  #characters = 0;

  /** @param lines The words so far, where the session began in another process. */
  constructor(lines: readonly TranscriptLine[] = []) {
    this.#lines = [...lines];
    for (const { text } of lines) this.#characters += text.length;
  }

  get lines(): readonly TranscriptLine[] {
    return this.#lines;
  }

  add({ final, role, participantId, text, at }: TranscriptEvent): void {
    if (!final || text === undefined) return;
    this.#lines.push({ role, participantId, text, at });
    this.#characters += text.length;
    while (
      this.#lines.length > most.lines ||
      (this.#characters > most.characters && this.#lines.length > 1)
    ) {
      this.#characters -= this.#lines.shift()?.text.length ?? 0;
    }
  }
}
