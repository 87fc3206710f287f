import { createHash } from "node:crypto";
import {
  type ImagePart,
  type Message,
  partsOf,
  type ToolCall,
  type ToolResult,
} from "../../../agent/model/message.ts";
import type { JsonValue } from "../../../shared/protocol.ts";
import { cutText } from "../../../shared/text/text.ts";
import { markedText } from "../../model/marked-text.ts";
import type { WithheldTexts } from "../../model/withheld-texts.ts";
import type { ProviderMetadata, SpecificationVersion } from "../models.ts";
import { type AnswerOwner, isStored, type KeptPart, keptOf, withoutStored } from "./kept-answer.ts";

/** The longest name of a speaker, in characters. */
const longestName = 64;

const severalSpeakersNote =
  "Several people are in this call. Each of their messages begins with the name of who speaks, and a colon. " +
  "Never begin your own answers like that.";

/** A part of a message of the AI SDK. */
type PromptPart = { readonly type: string; readonly [field: string]: unknown };

/** A message of the AI SDK. */
export type PromptMessage =
  | { readonly role: "system"; readonly content: string }
  | { readonly role: "user" | "assistant" | "tool"; readonly content: readonly PromptPart[] };

/** The model that a prompt is for. */
export interface PromptReader extends AnswerOwner {
  readonly version: SpecificationVersion;
  /** The texts that a filter refused, which are replaced by a note. */
  readonly withheld: WithheldTexts;
}

/** Returns a conversation as the AI SDK's models take it. */
export function promptOf(
  instructions: string,
  messages: readonly Message[],
  reader: PromptReader,
): PromptMessage[] {
  const speakers = new Set(
    messages.flatMap((message) => (message.role === "participant" ? [message.participantId] : [])),
  );
  const several = speakers.size > 1;
  const system = [instructions, several ? severalSpeakersNote : ""].filter((text) => text !== "");
  const prompt: PromptMessage[] = system.length > 0 ? [{ role: "system", content: system.join("\n\n") }] : [];
  let ids: CallIds = (id) => id;
  for (const message of messages) {
    if (message.role === "agent") ids = keptOf(message.toolCalls, reader) === null ? foreignId : (id) => id;
    // Some vendors take no conversation that the assistant begins, and some no user right after the results of tools.
    const before = prompt.at(-1)?.role;
    if (message.role === "agent" && (before === undefined || before === "system")) {
      prompt.push({ role: "user", content: [{ type: "text", text: "(The call begins.)" }] });
    }
    if (isSaid(message) && before === "tool") {
      prompt.push({ role: "assistant", content: [{ type: "text", text: "(interrupted)" }] });
    }
    prompt.push(...mapped(message, several, reader, ids));
  }
  return prompt;
}

/** Returns the id of a call for the vendor. */
type CallIds = (id: string) => string;

/** Returns an id for a call of another model. Mistral takes ids of nine letters and digits alone, which suit all others. */
const foreignId: CallIds = (id) => createHash("sha256").update(id).digest("hex").slice(0, 9);

type Said = Extract<Message, { readonly role: "participant" | "instruction" }>;

const isSaid = (message: Message): message is Said =>
  message.role === "participant" || message.role === "instruction";

function mapped(message: Message, several: boolean, reader: PromptReader, ids: CallIds): PromptMessage[] {
  switch (message.role) {
    case "participant":
      return [
        {
          role: "user",
          content: saidParts(message, several ? `${speakerName(message.participantId)}: ` : "", reader),
        },
      ];
    case "instruction":
      return [{ role: "user", content: saidParts(message, "", reader) }];
    case "agent": {
      const content = answerParts(message.text, message.toolCalls, reader);
      return content.length > 0 ? [{ role: "assistant", content }] : [];
    }
    case "tools":
      return [{ role: "tool", content: message.results.map((result) => resultPart(result, ids)) }];
    default:
      return message satisfies never;
  }
}

/** Returns the name with which a participant's messages begin. */
function speakerName(participantId: string): string {
  return cutText(participantId.replaceAll(/[\p{C}:\s]+/gu, " ").trim(), longestName) || "someone";
}

/** Returns the parts of a message, which begin with the name of its speaker. */
function saidParts(message: Said, speaker: string, { version, withheld }: PromptReader): PromptPart[] {
  const shown = partsOf(message).flatMap((part): PromptPart[] => {
    if (part.type === "image") return [filePart(part, version)];
    return part.type === "text" && part.text.trim() !== ""
      ? [{ type: "text", text: markedText(message.role, withheld.shown(part.text)) }]
      : [];
  });
  const [first = { type: "text", text: withheld.shown("") }, ...others] = shown;
  if (first.type === "text") return [{ type: "text", text: `${speaker}${String(first.text)}` }, ...others];
  return speaker === "" ? shown : [{ type: "text", text: speaker.trim() }, ...shown];
}

/** Returns an image as a part of a user's message. In v4 the data say what they are. */
function filePart({ data, mimeType }: ImagePart, version: SpecificationVersion): PromptPart {
  return { type: "file", data: version === "v4" ? { type: "data", data } : data, mediaType: mimeType };
}

/** Returns the text of an answer and its calls, in the order in which they came, with what the vendor wants back of it. */
function answerParts(text: string, calls: readonly ToolCall[], reader: PromptReader): PromptPart[] {
  const kept = keptOf(calls, reader);
  if (kept === null) {
    return [
      ...(text === "" ? [] : [{ type: "text", text }]),
      ...calls.map((call) => callPart(call, undefined, foreignId)),
    ];
  }
  const written = kept.reduce((sum, part) => sum + (part.type === "text" ? part.length : 0), 0);
  const isWhole = written === text.length;
  const of = isWhole ? (given?: ProviderMetadata) => given : withoutStored;
  let at = 0;
  const parts = kept.flatMap((part): PromptPart[] => {
    if (!isWhole && part.type === "reasoning" && isStored(part.metadata)) return [];
    if (part.type !== "text") return keptPart(part, calls, of(part.metadata));
    const words = text.slice(at, at + part.length);
    at += part.length;
    // A part of nothing but a signature is one too; blanks alone are refused.
    const isNothing = words.trim() === "" && (part.metadata === undefined || words.length < part.length);
    return isNothing ? [] : [{ type: "text", text: words, ...options(of(part.metadata)) }];
  });
  // Words that were made of the answer, and are longer than it was.
  if (at < text.length) parts.unshift({ type: "text", text: text.slice(at) });
  const told = kept.flatMap((part) => (part.type === "call" ? [part.id] : []));
  return [...parts, ...calls.filter(({ id }) => !told.includes(id)).map((call) => callPart(call, undefined))];
}

function keptPart(
  part: Exclude<KeptPart, { readonly type: "text" }>,
  calls: readonly ToolCall[],
  metadata: ProviderMetadata | undefined,
): PromptPart[] {
  switch (part.type) {
    case "reasoning":
      return [{ type: "reasoning", text: part.text, ...options(metadata) }];
    case "call": {
      const call = calls.find(({ id }) => id === part.id);
      return call === undefined ? [] : [callPart(call, metadata)];
    }
    case "vendor_call": {
      const { id: toolCallId, name: toolName, input } = part;
      return [
        { type: "tool-call", toolCallId, toolName, input, providerExecuted: true, ...options(metadata) },
      ];
    }
    case "vendor_result": {
      const { id: toolCallId, name: toolName, ok, value } = part;
      const output = { type: ok ? "json" : "error-json", value };
      return [{ type: "tool-result", toolCallId, toolName, output, ...options(metadata) }];
    }
    default:
      return part satisfies never;
  }
}

function callPart(
  call: ToolCall,
  metadata: ProviderMetadata | undefined,
  ids: CallIds = (id) => id,
): PromptPart {
  const { id, name: toolName, arguments: input } = call;
  const toolCallId = ids(id);
  return { type: "tool-call", toolCallId, toolName, input: objectOf(input), ...options(metadata) };
}

const options = (metadata: ProviderMetadata | undefined) =>
  metadata === undefined ? {} : { providerOptions: metadata };

function resultPart({ callId, name, ok, output, format }: ToolResult, ids: CallIds): PromptPart {
  return {
    type: "tool-result",
    toolCallId: ids(callId),
    toolName: name,
    output: outputOf(ok, output, format),
  };
}

function outputOf(ok: boolean, output: string, format: ToolResult["format"]): object {
  if (!ok) return { type: "error-text", value: output };
  return format === "json" ? { type: "json", value: JSON.parse(output) } : { type: "text", value: output };
}

/** Vendors refuse arguments that are no object, as another provider's model may have written them. */
function objectOf(value: JsonValue): JsonValue {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
