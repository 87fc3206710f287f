import type { JsonValue } from "../../shared/protocol.ts";

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

/** The result of a tool call, as the model is told of it. */
export interface ToolResult {
  readonly callId: string;
  readonly name: string;
  readonly ok: boolean;
  /** The text that the tool returned, or its result as JSON; what went wrong where `ok` is false. */
  readonly output: string;
  /** `json`: `output` is a whole JSON text. A text is never read as JSON, which would change long numbers. Default `text`. */
  readonly format?: "text" | "json";
}

/** A part of a message. */
export type MessagePart =
  | { readonly type: "text"; readonly text: string }
  | ImagePart
  /** Speech that the model has heard itself. The sound is not kept: this only says that there was some. */
  | { readonly type: "audio"; readonly durationMs: number | null };

/** An image that the model is shown. */
export interface ImagePart {
  readonly type: "image";
  readonly data: Uint8Array;
  /** The format, such as `image/jpeg`. Models differ in those that they take. */
  readonly mimeType: string;
}

interface Said {
  /** All words of the message. A model that takes nothing but text needs only these. */
  readonly text: string;
  /** The whole message in order, its words included, where it is more than words. Default: only the text. */
  readonly parts?: readonly MessagePart[];
}

/** One entry of a conversation, in the order in which it happened. */
export type Message =
  | ({ readonly role: "participant"; readonly participantId: string } & Said)
  /** An instruction of the moment by the agent's own code. Where a provider has no such role it is sent as the user's words, with a mark. */
  | ({ readonly role: "instruction" } & Said)
  /** The agent's words, as far as they were heard, and the tools that it called after them. */
  | { readonly role: "agent"; readonly text: string; readonly toolCalls: readonly ToolCall[] }
  /** The results of all calls of the agent's message before it. */
  | { readonly role: "tools"; readonly results: readonly ToolResult[] };

/** Returns the parts of a message of words. */
export const partsOf = ({ text, parts }: Said): readonly MessagePart[] => parts ?? [{ type: "text", text }];

/** Returns the length by which the history is bounded: characters, and the bytes of images. */
export function messageLength(message: Message): number {
  switch (message.role) {
    case "participant":
    case "instruction":
      return partsOf(message).reduce((sum, part) => sum + partLength(part), 0);
    case "agent":
      return message.text.length + JSON.stringify(message.toolCalls).length;
    case "tools":
      return message.results.reduce((sum, { output }) => sum + output.length, 0);
    default:
      return message satisfies never;
  }
}

function partLength(part: MessagePart): number {
  switch (part.type) {
    case "text":
      return part.text.length;
    case "image":
      return part.data.byteLength;
    case "audio":
      return 0;
    default:
      return part satisfies never;
  }
}
