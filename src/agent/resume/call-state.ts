import type { JsonObject, JsonValue } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text/text.ts";
import { type Message, messageLength, type ToolCall, type ToolResult } from "../model/message.ts";
import type { Spent } from "../options/budget.ts";
import type { RoleState } from "../role/agent-role.ts";
import type { TaskState } from "../tools/task-words.ts";
import type { TurnInput } from "../turns/turn-input.ts";
import type { OwnStep } from "./own-steps.ts";
import { unknownOutcome } from "./words.ts";

/** The turn that the agent is giving, as far as it has come. */
export interface PendingTurn {
  readonly turnId: string;
  readonly origin: "participant" | "response" | "say";
  /** The time at which it became the agent's, in epoch milliseconds. */
  readonly startedAt: number;
  /** The number of tool calls that are over. */
  readonly toolCalls: number;
  /** The messages that it adds to the conversation before its answer. */
  readonly asked: readonly Message[];
  /** The messages of its answer so far, as if all of them were heard. */
  readonly said: readonly Message[];
  /** The words that are said as they are, where no code would say the rest of them again. */
  readonly words?: string;
}

/** The part of a call's state that its dialogue knows. */
export interface DialogueState {
  /** The conversation, the oldest message first. */
  readonly messages: readonly Message[];
  readonly pending: PendingTurn | null;
  /** The turns that wait: words of participants, and answers that are owed from a turn that was cut before. */
  readonly waiting: readonly TurnInput[];
  /** The number of turns so far, which their ids are made of. */
  readonly turns: number;
  /** The functions that run on while the conversation goes on. */
  readonly tasks: readonly TaskState[];
  /** The handle of the session with a speech-to-speech model; null where there is none. */
  readonly handle: string | null;
}

/** Everything that the next agent of a call needs to go on with it. */
export interface CallState extends DialogueState {
  readonly steps: readonly OwnStep[];
  readonly role: RoleState;
  readonly data: JsonObject;
  readonly spent: Spent;
  /** The facts of the edge about the call, for the edge of the next agent; null where there are none. */
  readonly hints: JsonValue;
}

/** The most characters that the state of a call may have. */
const mostCharacters = 256 * 1_024;
/** The characters of JSON around the text of a message, about. */
const charactersAround = 100;
/** The most characters of a tool's result in a turn that is too long as a whole. */
const mostOfResult = 2_000;

/**
 * Returns the state as JSON text, of at most {@link mostCharacters}; null where it cannot be that short. Where it would be longer the
 * oldest exchanges are left out, and a message says how many messages they were; then the results of tools are cut, and the last turns
 * that wait are left out. Images are left out in any case.
 */
export function writeCallState(state: CallState): string | null {
  const { messages } = state;
  for (let from = firstKept(messages); ; from = nextExchange(messages, (from + messages.length) / 2)) {
    const text = textOf(state, from);
    if (text.length <= mostCharacters) return text;
    if (from >= messages.length) break;
  }
  const pending = state.pending && { ...state.pending, said: state.pending.said.map(withShortResults) };
  for (let waiting = state.waiting; ; waiting = waiting.slice(0, waiting.length / 2)) {
    const text = textOf({ ...state, pending, waiting }, messages.length);
    if (text.length <= mostCharacters) return text;
    if (waiting.length === 0) return null;
  }
}

/** Returns the lengths of the parts of a state in characters, the longest first, such as `data 64000, hints 200000`. */
export const partLengths = (state: CallState): string =>
  Object.entries(state)
    .map(([name, part]) => [name, JSON.stringify(part)?.length ?? 0] as const)
    .sort(([, one], [, other]) => other - one)
    .map(([name, length]) => `${name} ${length}`)
    .join(", ");

function textOf(state: CallState, from: number): string {
  const left: readonly Message[] =
    from === 0
      ? []
      : [{ role: "instruction", text: `The first ${from} messages of this conversation are left out.` }];
  const messages = [...left, ...state.messages.slice(from)].map(withoutImages);
  const pending = state.pending && { ...state.pending, asked: state.pending.asked.map(withoutImages) };
  return JSON.stringify({ ...state, messages, pending });
}

/** Returns the place of the first message that is kept, by the lengths of the messages, before any text is made of them. */
function firstKept(messages: readonly Message[]): number {
  let characters = 0;
  for (let place = messages.length - 1; place >= 0; place -= 1) {
    characters += messageLength(withoutImages(messages[place]!)) + charactersAround;
    if (characters > mostCharacters) return nextExchange(messages, place + 1);
  }
  return 0;
}

/** Returns the place of the next words from a place on: providers refuse tool results without their calls. */
function nextExchange(messages: readonly Message[], from: number): number {
  const place = messages.findIndex(
    ({ role }, index) => index >= from && (role === "participant" || role === "instruction"),
  );
  return place < 0 ? messages.length : place;
}

function withShortResults(message: Message): Message {
  if (message.role !== "tools") return message;
  const results = message.results.map(({ output, format: _, ...result }) => ({
    ...result,
    output: cutText(output, mostOfResult),
  }));
  return { ...message, results };
}

/** Reads what {@link writeCallState} has written. */
export const readCallState = (text: string): CallState => JSON.parse(text) as CallState;

function withoutImages(message: Message): Message {
  if (message.role === "agent" || message.role === "tools" || message.parts === undefined) return message;
  const parts = message.parts.map((part) =>
    part.type === "image" ? ({ type: "text", text: "(an image)" } as const) : part,
  );
  return { ...message, parts };
}

/**
 * Returns the messages of an answer that was cut, as they belong into the conversation: the agent's words as far as they were
 * heard, and a result for each tool call that had none.
 */
export function cutAnswer(said: readonly Message[]): Message[] {
  return said.flatMap((message, index): Message[] => {
    if (message.role === "tools") return [];
    if (message.role !== "agent" || message.toolCalls.length === 0) return [message];
    const next = said[index + 1];
    const known = next?.role === "tools" ? next.results : [];
    const results = message.toolCalls.map(
      (call) => known.find(({ callId }) => callId === call.id) ?? unknownResult(call),
    );
    return [message, { role: "tools", results }];
  });
}

/** Returns the result of a call of which nobody knows whether it was carried out. */
const unknownResult = ({ id, name }: ToolCall): ToolResult => ({
  callId: id,
  name,
  ok: false,
  output: unknownOutcome,
});
