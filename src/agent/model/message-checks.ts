import type { JsonValue } from "../../shared/protocol.ts";
import { toolName } from "../../shared/session/running-tools.ts";
import {
  type Check,
  matchesAll,
  matching,
  oneOf,
  text,
  textOrEmpty,
  truth,
} from "../options/option-checks.ts";
import { type Message, type MessagePart, partsOf, type ToolCall, type ToolResult } from "./message.ts";

const all = (item: Check, items: string): Check => ({
  fits: (value) => Array.isArray(value) && value.every(item.fits),
  expected: `a list of ${items}`,
});

const orLeftOut = ({ fits, expected }: Check): Check => ({
  fits: (value) => value === undefined || fits(value),
  expected,
});

/** Anything that JSON can hold. */
const json: Check = {
  fits: (value) => {
    try {
      return JSON.stringify(value) !== undefined;
    } catch {
      // It refers to itself, or holds a bigint.
      return false;
    }
  },
  expected: "JSON",
};

const partShapes: readonly Check[] = [
  matchesAll({ type: oneOf(["text"]), text: textOrEmpty }),
  matchesAll({
    type: oneOf(["image"]),
    data: { fits: (value) => value instanceof Uint8Array && value.length > 0, expected: "bytes" },
    mimeType: matching(/^image\/[\w.+-]+$/, "the type of an image"),
  }),
  matchesAll({ type: oneOf(["audio"]) }),
];

/** The names that functions may have. */
const functionName = matching(toolName, "the name of a function");

const said = {
  text: textOrEmpty,
  parts: orLeftOut(
    all(
      { fits: (value) => partShapes.some(({ fits }) => fits(value)), expected: "a part" },
      "parts of text, images or audio",
    ),
  ),
};

/** The fields of the messages of each role. */
const shapes: Readonly<Record<Message["role"], Readonly<Record<string, Check>>>> = {
  participant: { participantId: textOrEmpty, ...said },
  instruction: said,
  agent: {
    text: textOrEmpty,
    toolCalls: all(
      matchesAll({ id: text, name: functionName, arguments: json, providerData: orLeftOut(json) }),
      "tool calls, each with id, name and arguments",
    ),
  },
  tools: {
    results: all(
      matchesAll({
        callId: text,
        name: functionName,
        ok: truth,
        output: textOrEmpty,
        format: orLeftOut(oneOf(["text", "json"])),
      }),
      "results, each with callId, name, ok and output",
    ),
  },
};

/**
 * Throws a `TypeError` where a model could not be shown messages. Services refuse a conversation in which a call of a tool has no result,
 * or a result no call, or which has a message with nothing in it.
 * @param where The name that begins the error's message.
 */
export function checkMessages(messages: readonly Message[], where: string): void {
  for (const [index, message] of messages.entries()) {
    const problem = problemOf(message) ?? problemOfPair(messages[index - 1], message, messages[index + 1]);
    if (problem !== null) throw new TypeError(`${where}: ${problem}`);
  }
}

function problemOf(message: Message): string | null {
  const { role } = (message ?? {}) as Partial<Message>;
  if (role === undefined || !Object.hasOwn(shapes, role))
    return `the role of a message must be one of ${Object.keys(shapes).join(", ")}`;
  for (const [field, { fits, expected }] of Object.entries(shapes[role]))
    if (!fits((message as unknown as Record<string, unknown>)[field]))
      return `${field} of a message "${role}" must be ${expected}`;
  if (message.role === "tools" && message.results.some(isNoJson))
    return 'output of a result must be JSON where its format is "json"';
  return isEmpty(message) ? `a message "${role}" must have something in it` : null;
}

function isNoJson({ format, output }: ToolResult): boolean {
  if (format !== "json") return false;
  try {
    JSON.parse(output);
    return false;
  } catch {
    return true;
  }
}

function isEmpty(message: Message): boolean {
  switch (message.role) {
    case "participant":
    case "instruction":
      return partsOf(message).every((part) => part.type === "text" && part.text.trim() === "");
    case "agent":
      return message.text === "" && message.toolCalls.length === 0;
    case "tools":
      return message.results.length === 0;
    default:
      return message satisfies never;
  }
}

/** Returns what is wrong with a message between those around it; null where nothing is. */
function problemOfPair(
  before: Message | undefined,
  message: Message,
  after: Message | undefined,
): string | null {
  if (message.role === "agent" && message.toolCalls.length > 0 && !areResultsOf(message.toolCalls, after))
    return "behind tool calls there must be one message with a result of each, and each must have an id of its own";
  if (message.role === "tools" && (before?.role !== "agent" || before.toolCalls.length === 0))
    return "before results there must be the message of the agent with their calls";
  return null;
}

function areResultsOf(calls: readonly ToolCall[], message: Message | undefined): boolean {
  if (message?.role !== "tools" || !Array.isArray(message.results)) return false;
  const ids = message.results.map((result) => result?.callId);
  const known = new Set(calls.map(({ id }) => id));
  return ids.length === known.size && calls.length === known.size && ids.every((id) => known.delete(id));
}

/** Returns a copy of a message that was checked, with nothing in it but what belongs there. */
export function copyOf(message: Message): Message {
  switch (message.role) {
    case "participant":
    case "instruction": {
      const { role, text, parts } = message;
      const words = { text, ...(parts === undefined ? {} : { parts: parts.map(partOf) }) };
      return role === "participant"
        ? { role, participantId: message.participantId, ...words }
        : { role, ...words };
    }
    case "agent": {
      const { role, text, toolCalls } = message;
      return { role, text, toolCalls: toolCalls.map(callOf) };
    }
    case "tools": {
      const { role, results } = message;
      return { role, results: results.map(resultOf) };
    }
    default:
      return message satisfies never;
  }
}

function partOf(part: MessagePart): MessagePart {
  switch (part.type) {
    case "text":
      return { type: "text", text: part.text };
    case "image":
      return { type: "image", data: part.data, mimeType: part.mimeType };
    case "audio":
      return { type: "audio", durationMs: part.durationMs ?? null };
    default:
      return part satisfies never;
  }
}

const callOf = ({ id, name, arguments: args, providerData }: ToolCall): ToolCall => ({
  id,
  name,
  arguments: jsonOf(args),
  ...(providerData === undefined ? {} : { providerData: jsonOf(providerData) }),
});

const resultOf = ({ callId, name, ok, output, format }: ToolResult): ToolResult => ({
  callId,
  name,
  ok,
  output,
  ...(format === undefined ? {} : { format }),
});

const jsonOf = (value: JsonValue): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;
