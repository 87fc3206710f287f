import { randomUUID } from "node:crypto";
import { GreenroomError } from "../../shared/errors.ts";
import type { TextMessage } from "../../shared/protocol.ts";

/** The most messages that may wait for the agent. */
const most = 32;

/** The messages that participants typed and the agent has not taken yet. A thread that takes up the call is sent them again. */
export class TypedMessages {
  readonly #waiting = new Map<string, TextMessage>();

  /** Takes over messages that another process was given. Those that it has are not taken twice. */
  takeOver(messages: readonly TextMessage[]): readonly TextMessage[] {
    const added = messages.filter(({ messageId }) => !this.#waiting.has(messageId));
    for (const message of added) this.#waiting.set(message.messageId, message);
    return added;
  }

  /** Knows these messages alone from here on, which another process had. */
  replace(messages: readonly TextMessage[]): void {
    this.#waiting.clear();
    for (const message of messages) this.#waiting.set(message.messageId, message);
  }

  /** Returns the messages, the oldest first. */
  get all(): Iterable<TextMessage> {
    return this.#waiting.values();
  }

  /** Takes one more message, and returns it with its id. Throws MESSAGE_QUEUE_FULL. */
  add(typed: Omit<TextMessage, "messageId">): TextMessage {
    if (this.#waiting.size >= most) throw new GreenroomError("MESSAGE_QUEUE_FULL");
    const message = { ...typed, messageId: randomUUID() };
    this.#waiting.set(message.messageId, message);
    return message;
  }

  /** Notes that the agent took a message. Those that came over its edge are not counted. */
  taken(messageId: string): void {
    this.#waiting.delete(messageId);
  }
}
