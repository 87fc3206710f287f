import { createHash } from "node:crypto";
import { type Message, partsOf, type ToolCall, type ToolResult } from "../../../agent/model/message.ts";
import { cutText } from "../../../shared/text/text.ts";
import { markedText } from "../../model/marked-text.ts";
import type { WithheldTexts } from "../../model/withheld-texts.ts";
import { ownDataOf } from "./own-data.ts";

type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } };

interface WireCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** A message as the protocol has it. */
export interface WireMessage {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  content: string | readonly Part[] | null;
  readonly tool_calls?: readonly WireCall[];
  readonly tool_call_id?: string;
}

/** The longest name of a speaker, in characters. */
const longestName = 64;
/** The longest id of a call that OpenAI takes, in characters. */
const longestId = 40;

export interface MappingOptions {
  readonly model: string;
  /** Texts of participants that a filter refused; each is replaced by a note. */
  readonly withheld: WithheldTexts;
  /** Mistral takes ids of nine letters and digits, and no words behind results without an answer between. */
  readonly isMistral: boolean;
}

export interface MappedMessages {
  readonly messages: WireMessage[];
  /** Says whether several participants speak. Each of their messages then begins with the name of its speaker. */
  readonly severalSpeakers: boolean;
}

/**
 * Returns a conversation as services take it. Words of one side that follow one another become one message, since the templates of
 * many models want both sides in turn.
 */
export function mapMessages(conversation: readonly Message[], options: MappingOptions): MappedMessages {
  const speakers = new Set(
    conversation.flatMap((message) => (message.role === "participant" ? [message.participantId] : [])),
  );
  const severalSpeakers = speakers.size > 1;
  const messages: WireMessage[] = [];
  for (const message of conversation) {
    switch (message.role) {
      case "participant":
      case "instruction": {
        const named = severalSpeakers && message.role === "participant";
        const speaker = named ? `${speakerName(message.participantId)}: ` : "";
        const content = saidParts(message, options.withheld, speaker);
        if (options.isMistral && messages.at(-1)?.role === "tool")
          messages.push({ role: "assistant", content: "OK." });
        addUser(messages, content);
        break;
      }
      case "agent":
        addAssistant(messages, message.text, message.toolCalls, options);
        break;
      case "tools":
        for (const result of message.results) messages.push(resultMessage(result, options));
        break;
      default:
        message satisfies never;
    }
  }
  return { messages, severalSpeakers };
}

function addUser(messages: WireMessage[], content: string | readonly Part[]): void {
  const last = messages.at(-1);
  if (last?.role !== "user" || last.content === null) messages.push({ role: "user", content });
  else if (typeof last.content === "string" && typeof content === "string") last.content += `\n${content}`;
  else last.content = [...asParts(last.content), ...asParts(content)];
}

function addAssistant(
  messages: WireMessage[],
  text: string,
  calls: readonly ToolCall[],
  options: MappingOptions,
): void {
  const last = messages.at(-1);
  const goesOn =
    last?.role === "assistant" && last.tool_calls === undefined && typeof last.content === "string";
  const before = goesOn ? (last.content as string) : "";
  const content = [before, text].filter((one) => one !== "").join(" ");
  if (goesOn) messages.pop();
  if (calls.length === 0) {
    // An answer of which nothing was heard would be refused.
    if (content !== "") messages.push({ role: "assistant", content });
    return;
  }
  messages.push({
    role: "assistant",
    content: content === "" ? null : content,
    ...reasoningOf(calls, options.model),
    tool_calls: calls.map((call) => wireCall(call, options)),
  });
}

/** Returns the reasoning before these calls, as it came. */
function reasoningOf(calls: readonly ToolCall[], model: string): object {
  const [first] = calls;
  const reasoning = first === undefined ? undefined : ownDataOf(first, model)?.reasoning;
  return reasoning === undefined ? {} : { [reasoning.field]: reasoning.text };
}

function wireCall(call: ToolCall, options: MappingOptions): WireCall {
  const { name, arguments: given } = call;
  const extra = ownDataOf(call, options.model)?.extra;
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  return {
    id: wireId(call.id, options),
    type: "function",
    // Some servers take nothing but an object.
    function: { name, arguments: JSON.stringify(isObject ? given : {}) },
    ...(extra === undefined ? {} : { extra_content: extra }),
  };
}

/** Returns the message of a result. The protocol has no field for a failure, so the text says it. */
function resultMessage({ callId, ok, output }: ToolResult, options: MappingOptions): WireMessage {
  const content = ok ? output : JSON.stringify({ error: output });
  return { role: "tool", tool_call_id: wireId(callId, options), content };
}

/** Returns an id as the service takes it, the same for a call and its result. */
function wireId(id: string, { isMistral }: MappingOptions): string {
  const fits = isMistral ? /^[a-zA-Z0-9]{9}$/.test(id) : id.length <= longestId;
  if (fits) return id;
  const digest = createHash("sha256").update(id).digest("hex");
  return digest.slice(0, isMistral ? 9 : longestId);
}

/** Returns the name with which a participant's messages begin. */
function speakerName(participantId: string): string {
  return cutText(participantId.replaceAll(/[\p{C}:\s]+/gu, " ").trim(), longestName) || "someone";
}

/** Returns a message of words as text, and as a list of parts where it has images. */
function saidParts(
  message: Extract<Message, { readonly role: "participant" | "instruction" }>,
  withheld: WithheldTexts,
  speaker: string,
): string | readonly Part[] {
  const parts = partsOf(message).flatMap((part): Part[] => {
    if (part.type === "image") {
      const data = Buffer.from(part.data).toString("base64");
      return [{ type: "image_url", image_url: { url: `data:${part.mimeType};base64,${data}` } }];
    }
    return part.type === "text" && part.text.trim() !== ""
      ? [{ type: "text", text: markedText(message.role, withheld.shown(part.text)) }]
      : [];
  });
  const onlyWords = parts.every((part) => part.type === "text");
  if (onlyWords) {
    const text = parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
    return `${speaker}${text === "" ? withheld.shown("") : text}`;
  }
  const [first, ...others] = parts;
  if (first?.type === "text") return [{ type: "text", text: `${speaker}${first.text}` }, ...others];
  return speaker === "" ? parts : [{ type: "text", text: speaker.trim() }, ...parts];
}

const asParts = (content: string | readonly Part[]): readonly Part[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;
