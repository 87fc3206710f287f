import type { JsonValue } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text.ts";

/** A tool call as the model asked for it. */
export interface ToolCall {
  /** Unique in its turn; pairs the call with its result. */
  readonly id: string;
  readonly name: string;
  /** The arguments as the model wrote them, which are not checked yet. */
  readonly arguments: JsonValue;
  /** The data that the provider wants back with the call, untouched, such as a thought signature. */
  readonly providerData?: JsonValue;
}

export interface ToolResult {
  readonly callId: string;
  readonly name: string;
  readonly ok: boolean;
  /** The text that the tool returned, or its result as JSON; what went wrong where `ok` is false. */
  readonly output: string;
  /** `json`: `output` is a whole JSON text. A text is never read as JSON, which would change long numbers. Default `text`. */
  readonly format?: "text" | "json";
}

/** One entry of a conversation, in the order in which it happened. */
export type Message =
  | { readonly role: "participant"; readonly participantId: string; readonly text: string }
  /** An instruction of the moment by the agent's own code. Where a provider has no such role it is sent as the user's words. */
  | { readonly role: "instruction"; readonly text: string }
  /** The agent's words, as far as they were heard, and the tools that it called after them. */
  | { readonly role: "agent"; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  /** The results of all calls of the agent's message before it. */
  | { readonly role: "tools"; readonly results: readonly ToolResult[] };

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
    this.#messages.push(...messages);
    for (const message of messages) this.#length += messageLength(message);
    const { maxHistoryMessages, maxHistoryLength } = this.#limits;
    while (this.#messages.length > maxHistoryMessages || this.#length > maxHistoryLength) {
      if (!this.#forgetOldest()) return;
    }
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

function messageLength(message: Message): number {
  switch (message.role) {
    case "participant":
    case "instruction":
      return message.text.length;
    case "agent":
      return message.text.length + JSON.stringify(message.toolCalls).length;
    case "tools":
      return message.results.reduce((sum, { output }) => sum + output.length, 0);
    default:
      return message satisfies never;
  }
}

/** The messages of one turn with the agent's words cut to the first `length` characters: those that were heard. */
export function cutToHeard(messages: readonly Message[], length: number): Message[] {
  let left = length;
  return messages.flatMap((message): Message[] => {
    if (message.role !== "agent") return [message];
    const text = cutText(message.text, left);
    left = text.length < message.text.length ? 0 : left - text.length;
    return text === "" && message.toolCalls.length === 0 ? [] : [{ ...message, text }];
  });
}
