import type { Message } from "../model/message.ts";
import { checkMessages, copyOf } from "../model/message-checks.ts";
import type { CallConversation } from "./agent-in-call.ts";

/** The place where the messages of a call are kept. */
export interface MessageStore {
  readonly messages: readonly Message[];
  append(messages: readonly Message[]): void;
}

/** The conversation as the agent's own code has it in hand, before the call and in it. */
export class CallHistory implements CallConversation {
  /** The messages that were added before the call. */
  #given: Message[] = [];
  #store: MessageStore | null = null;

  /** Takes in that the agent goes into its call. One that takes up the call of another agent finds the conversation there. */
  enter(store: MessageStore, { takesUp }: { readonly takesUp: boolean }): void {
    this.#store = store;
    if (!takesUp && this.#given.length > 0) store.append(this.#given);
    this.#given = [];
  }

  get messages(): readonly Message[] {
    return [...(this.#store?.messages ?? this.#given)];
  }

  append(...messages: readonly Message[]): void {
    checkMessages(messages, "agent.conversation");
    // The agent's code may change its own objects later: the conversation does not change with them.
    const copies = messages.map(copyOf);
    if (this.#store === null) this.#given.push(...copies);
    else this.#store.append(copies);
  }
}
