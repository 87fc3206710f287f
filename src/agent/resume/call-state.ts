import type { JsonObject } from "../../shared/protocol.ts";
import type { Message, ToolCall, ToolResult } from "../model/message.ts";
import type { Spent } from "../options/budget.ts";
import type { OwnStep } from "./own-steps.ts";

/** The turn that the agent is giving, as far as it has come. */
export interface PendingTurn {
  readonly turnId: string;
  readonly origin: "participant" | "response" | "say";
  /** The messages that it adds to the conversation before its answer. */
  readonly asked: readonly Message[];
  /** The messages of its answer so far, as if all of them were heard. */
  readonly said: readonly Message[];
}

/** Words of a participant that were final, and that no turn of the agent has taken up yet. */
export interface WaitingWords {
  readonly participantId: string;
  readonly text: string;
}

/** The part of a call's state that its dialogue knows. */
export interface DialogueState {
  /** The conversation, the oldest message first. */
  readonly messages: readonly Message[];
  readonly pending: PendingTurn | null;
  /** Spoken words that wait for their turn. Typed ones are kept by the main thread until they are taken up. */
  readonly waiting: readonly WaitingWords[];
  /** The number of turns so far, which their ids are made of. */
  readonly turns: number;
}

/** Everything that the next agent of a call needs to go on with it. */
export interface CallState extends DialogueState {
  readonly steps: readonly OwnStep[];
  readonly data: JsonObject;
  readonly spent: Spent;
}

/** The most characters that the state of a call may have. */
const mostCharacters = 256 * 1_024;

/**
 * Returns the state as JSON text, of at most {@link mostCharacters}. Where it would be longer the oldest exchanges are left out,
 * and a message says how many messages they were. Images are left out too.
 */
export function writeCallState(state: CallState): string {
  let { messages } = state;
  let left = 0;
  for (;;) {
    const note: readonly Message[] =
      left === 0
        ? []
        : [{ role: "instruction", text: `The first ${left} messages of this conversation are left out.` }];
    const text = JSON.stringify({ ...state, messages: [...note, ...messages].map(withoutImages) });
    if (text.length <= mostCharacters || messages.length === 0) return text;
    const half = Math.ceil(messages.length / 2);
    // Providers refuse tool results without their calls: what is kept begins with words.
    const begins = messages.findIndex(
      ({ role }, index) => index >= half && (role === "participant" || role === "instruction"),
    );
    const cut = begins < 0 ? messages.length : begins;
    left += cut;
    messages = messages.slice(cut);
  }
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
  output:
    "The call was cut while this ran: it is not known whether it was carried out. Ask before it is done again.",
});
