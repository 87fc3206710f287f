import type { Content, Part } from "@google/genai";
import { type Message, partsOf, type ToolCall, type ToolResult } from "../../agent/model/message.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text/text.ts";
import { markedText } from "../model/marked-text.ts";
import type { WithheldTexts } from "../model/withheld-texts.ts";
import { generationOf } from "./thinking.ts";

/**
 * The thought signature that Gemini 3 accepts for calls that another model made. Without one it refuses the
 * request with 400 (ai.google.dev/gemini-api/docs/thought-signatures).
 */
const skipSignature = "skip_thought_signature_validator";

/** The longest name of a speaker, in characters. */
const longestName = 64;

/** The data of a call in `ToolCall.providerData`: the part as it was received, with its thought signature. */
interface OwnCall {
  readonly gemini: {
    readonly model: string;
    readonly part: Part;
    /** The length of the text that came before it, in characters. */
    readonly behind?: number;
  };
}

export interface MappedMessages {
  readonly contents: Content[];
  /** Says whether several participants speak. Each of their messages then begins with the name of its speaker. */
  readonly severalSpeakers: boolean;
}

/**
 * Returns a conversation as Gemini accepts it: `user` and `model` in turn, and every result of a tool after
 * its call. The words that were withheld are replaced by a note.
 */
export function mapMessages(
  messages: readonly Message[],
  model: string,
  withheld: WithheldTexts,
): MappedMessages {
  const speakers = new Set(
    messages.flatMap((message) => (message.role === "participant" ? [message.participantId] : [])),
  );
  const severalSpeakers = speakers.size > 1;
  const contents: Content[] = [];
  let calls: readonly ToolCall[] = [];
  for (const message of messages) {
    switch (message.role) {
      case "participant": {
        const speaker = severalSpeakers ? `${speakerName(message.participantId)}: ` : "";
        add(contents, "user", saidParts(message, withheld, speaker));
        break;
      }
      case "instruction":
        add(contents, "user", saidParts(message, withheld, ""));
        break;
      case "agent":
        calls = message.toolCalls;
        // A turn of the model without parts would be refused.
        add(contents, "model", inOrder(message.text, calls, callParts(calls, model)));
        break;
      case "tools":
        add(
          contents,
          "user",
          message.results.map((result) => resultPart(result, calls, model)),
        );
        break;
      default:
        message satisfies never;
    }
  }
  return { contents, severalSpeakers };
}

/** Returns the name with which a participant's messages begin. */
function speakerName(participantId: string): string {
  return cutText(participantId.replaceAll(/[\p{C}:\s]+/gu, " ").trim(), longestName) || "someone";
}

/**
 * Returns the data of a call that the model made. `behind` is the length of the text that came before it, in
 * characters.
 */
export function ownCall(part: Part, model: string, behind: number): JsonValue {
  return { gemini: { model, part, behind } } satisfies OwnCall as unknown as JsonValue;
}

/** Returns the text of an answer and its calls, in the order in which they came. */
function inOrder(text: string, calls: readonly ToolCall[], callParts: readonly Part[]): Part[] {
  const parts: Part[] = [];
  let written = 0;
  const write = (end: number) => {
    const words = text.slice(written, end);
    if (words !== "") parts.push({ text: words });
    written = Math.max(written, end);
  };
  callParts.forEach((part, index) => {
    write(ownOf(calls[index]!)?.behind ?? text.length);
    parts.push(part);
  });
  write(text.length);
  return parts;
}

/** Returns the parts of a message, which begin with the name of its speaker. */
function saidParts(
  message: Extract<Message, { readonly role: "participant" | "instruction" }>,
  withheld: WithheldTexts,
  speaker: string,
): Part[] {
  const shown = partsOf(message).flatMap((part): Part[] => {
    if (part.type === "image") {
      const data = Buffer.from(part.data).toString("base64");
      return [{ inlineData: { mimeType: part.mimeType, data } }];
    }
    return part.type === "text" && part.text.trim() !== ""
      ? [{ text: markedText(message.role, withheld.shown(part.text)) }]
      : [];
  });
  const [first = { text: withheld.shown("") }, ...others] = shown;
  if (first.text !== undefined) return [{ text: `${speaker}${first.text}` }, ...others];
  return speaker === "" ? shown : [{ text: speaker.trim() }, ...shown];
}

/** Adds parts to the contents. Texts of one side that follow one another become one entry. */
function add(contents: Content[], role: "user" | "model", parts: readonly Part[]): void {
  if (parts.length === 0) return;
  const last = contents.at(-1);
  const onlyWords = (list: readonly Part[] | undefined) =>
    list?.every(({ text }) => text !== undefined) ?? false;
  if (last?.role === role && onlyWords(last.parts) && onlyWords(parts)) last.parts?.push(...parts);
  else contents.push({ role, parts: [...parts] });
}

function callParts(calls: readonly ToolCall[], model: string): Part[] {
  const parts = calls.map((call): Part => {
    const own = ownPart(call, model);
    return own ?? { functionCall: { name: call.name, args: objectOf(call.arguments) } };
  });
  // Of several calls in one answer only the first one is signed.
  const [first] = parts;
  if (first !== undefined && first.thoughtSignature === undefined && (generationOf(model) ?? 0) >= 3) {
    parts[0] = { ...first, thoughtSignature: skipSignature };
  }
  return parts;
}

/**
 * Returns the part of a call as it was received; undefined where another provider made the call. The
 * signature of another model is left out, since it is not valid here.
 */
function ownPart(call: ToolCall, model: string): Part | undefined {
  const own = ownOf(call);
  if (own === undefined || own.model === model) return own?.part;
  const { thoughtSignature: _, ...unsigned } = own.part;
  return unsigned;
}

/** Returns the data of a call of this provider; undefined where another provider made it. */
function ownOf({ providerData }: ToolCall): OwnCall["gemini"] | undefined {
  if (typeof providerData !== "object" || providerData === null || !("gemini" in providerData))
    return undefined;
  return (providerData as unknown as OwnCall).gemini;
}

/**
 * Returns the part of a result. Gemini distinguishes success and failure by the keys `output` and `error`.
 */
function resultPart(
  { callId, name, ok, output, format }: ToolResult,
  calls: readonly ToolCall[],
  model: string,
): Part {
  const call = calls.find(({ id }) => id === callId);
  const id = call === undefined ? undefined : ownPart(call, model)?.functionCall?.id;
  const response = ok ? { output: format === "json" ? JSON.parse(output) : output } : { error: output };
  return { functionResponse: { ...(id === undefined ? {} : { id }), name, response } };
}

function objectOf(value: JsonValue): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
