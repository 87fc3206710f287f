import { cutText } from "../../shared/text/text.ts";
import { type Message, messageLength } from "../model/message.ts";

interface ConversationLimits {
  readonly maxHistoryMessages: number;
  readonly maxHistoryLength: number;
}

/** The messages of a call. Beyond its bounds it forgets whole exchanges, the oldest first. */
export class Conversation {
  readonly #limits: ConversationLimits;
  #messages: Message[] = [];
  #length = 0;

  constructor(limits: ConversationLimits) {
    this.#limits = limits;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  append(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#messages.push(message);
      this.#length += messageLength(message);
    }
    const { maxHistoryMessages, maxHistoryLength } = this.#limits;
    while (this.#messages.length > maxHistoryMessages || this.#length > maxHistoryLength) {
      if (!this.#forgetOldest()) return;
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#messages = [];
    this.#length = 0;
  }

  /** Puts a message in the place of another one, whose words were not known. Without effect where that is forgotten. */
  replace(old: Message, message: Message): void {
    const place = this.#messages.indexOf(old);
    if (place < 0) return;
    this.#messages[place] = message;
    this.#length += messageLength(message) - messageLength(old);
  }

  /** Forgets up to the next words that begin an exchange: providers refuse tool results without their calls. */
  #forgetOldest(): boolean {
    const next = this.#messages.findIndex(
      ({ role }, index) => index > 0 && (role === "participant" || role === "instruction"),
    );
    if (next < 0) return false;
    for (const message of this.#messages.splice(0, next)) this.#length -= messageLength(message);
    return true;
  }
}

/** Returns the messages of one turn with the agent's words cut to the first `length` characters: those that were heard. */
export function cutToHeard(messages: readonly Message[], length: number): Message[] {
  let left = length;
  return messages.flatMap((message): Message[] => {
    if (message.role !== "agent") return [message];
    const text = cutText(message.text, left);
    left = text.length < message.text.length ? 0 : left - text.length;
    return text === "" && message.toolCalls.length === 0 ? [] : [{ ...message, text }];
  });
}
