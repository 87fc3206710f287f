import { randomUUID } from "node:crypto";
import { GreenroomError } from "../../shared/errors.ts";

/** The most messages that may wait for the agent. */
const most = 32;

/** Counts the messages that participants typed and the agent has not taken yet. */
export class TypedMessages {
  #waiting = 0;

  /** Counts one more message, and returns its id. Throws MESSAGE_QUEUE_FULL. */
  add(): string {
    if (this.#waiting >= most) throw new GreenroomError("MESSAGE_QUEUE_FULL");
    this.#waiting += 1;
    return randomUUID();
  }

  /** Notes that the agent took one message. */
  taken(): void {
    this.#waiting = Math.max(0, this.#waiting - 1);
  }
}
