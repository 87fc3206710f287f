import type { Message } from "../model/message.ts";
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
    messages.forEach(checkMessage);
    if (this.#store === null) this.#given.push(...messages);
    else this.#store.append(messages);
  }
}

/** The fields of the messages of each role, with the type of each. */
const shapes: Readonly<Record<Message["role"], Readonly<Record<string, "text" | "list">>>> = {
  participant: { participantId: "text", text: "text" },
  instruction: { text: "text" },
  agent: { text: "text", toolCalls: "list" },
  tools: { results: "list" },
};

/** Throws a `TypeError` where a model could not be shown the message. */
function checkMessage(message: Message): void {
  const { role } = (message ?? {}) as Partial<Message>;
  if (role === undefined || !Object.hasOwn(shapes, role)) {
    const roles = Object.keys(shapes).join(", ");
    throw new TypeError(`agent.conversation: the role of a message must be one of ${roles}`);
  }
  for (const [field, type] of Object.entries(shapes[role])) {
    const value = (message as unknown as Record<string, unknown>)[field];
    const fits = type === "text" ? typeof value === "string" : Array.isArray(value);
    if (!fits) throw new TypeError(`agent.conversation: ${field} of a message "${role}" must be a ${type}`);
  }
}
