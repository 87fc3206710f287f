import { plainError } from "../../shared/errors.ts";
import { now } from "../../shared/protocol.ts";
import type { CallContext } from "../call/call-context.ts";

/** The participants who cannot be heard at the moment, though they are there. */
export class UnheardParticipants {
  readonly #context: Pick<CallContext, "emit" | "log">;
  readonly #apologise: () => void;
  readonly #ids = new Set<string>();

  /** @param apologise Called once, however many are not heard, since the recogniser has failed for all. */
  constructor(context: Pick<CallContext, "emit" | "log">, apologise: () => void) {
    this.#context = context;
    this.#apologise = apologise;
  }

  add(participantId: string, error: unknown): void {
    const { emit, log } = this.#context;
    const first = this.#ids.size === 0;
    this.#ids.add(participantId);
    emit({ type: "participant_unheard", at: now(), participantId, error: plainError(error) });
    log.error(
      { event: "participant_unheard", participant_id: participantId, err: plainError(error) },
      "A participant cannot be heard",
    );
    if (first) this.#apologise();
  }

  /** Adds those who were heard until now. */
  addAll(participantIds: Iterable<string>, error: unknown): void {
    for (const participantId of participantIds)
      if (!this.#ids.has(participantId)) this.add(participantId, error);
  }

  heardAgain(participantId: string): void {
    this.#ids.delete(participantId);
    this.#context.emit({ type: "participant_heard", at: now(), participantId });
    this.#context.log.info(
      { event: "participant_heard", participant_id: participantId },
      "A participant is heard again",
    );
  }

  allHeardAgain(): void {
    for (const participantId of this.#ids) this.heardAgain(participantId);
  }

  left(participantId: string): void {
    this.#ids.delete(participantId);
  }
}
