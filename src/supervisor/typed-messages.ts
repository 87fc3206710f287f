import { randomUUID } from "node:crypto";
import { GreenroomError } from "../errors.ts";

/** Messages that may wait for the agent. */
const most = 32;

/** Counts what participants typed and the agent has not taken yet. */
export class TypedMessages {
  #waiting = 0;

  /** The id of one more. Throws MESSAGE_QUEUE_FULL. */
  add(): string {
    if (this.#waiting >= most) throw new GreenroomError("MESSAGE_QUEUE_FULL");
    this.#waiting += 1;
    return randomUUID();
  }

  /** The agent says that it took one. */
  taken(): void {
    this.#waiting = Math.max(0, this.#waiting - 1);
  }
}
