import { randomUUID } from "node:crypto";
import { GreenroomError } from "../../shared/errors.ts";

/** The most messages that may wait for the agent. */
const most = 32;

/** Counts the messages that participants typed and the agent has not taken yet. */
export class TypedMessages {
  readonly #waiting = new Set<string>();

  /** Counts one more message, and returns its id. Throws MESSAGE_QUEUE_FULL. */
  add(): string {
    if (this.#waiting.size >= most) throw new GreenroomError("MESSAGE_QUEUE_FULL");
    const messageId = randomUUID();
    this.#waiting.add(messageId);
    return messageId;
  }

  /** Notes that the agent took a message. Those that came over its edge are not counted. */
  taken(messageId: string): void {
    this.#waiting.delete(messageId);
  }
}
