import type { Message } from "../model/message.ts";
import { cutToHeard } from "../turns/conversation.ts";
import type { TurnInput } from "../turns/turn-input.ts";
import { cutAnswer, type DialogueState } from "./call-state.ts";

/** The steps with which a dialogue is taken up. */
export interface TakeUp {
  /** The messages of the turn that was cut, as far as it was heard. */
  readonly messages: readonly Message[];
  /** True where somebody waits for an answer, or heard the beginning of one. */
  readonly owes: boolean;
  /** The turns that are to be answered, in their order. */
  readonly turns: readonly TurnInput[];
}

/** The instruction for an answer that was cut in its middle. */
const goOn =
  "You were cut off in the middle of your answer. Say the rest of it, without what was said already.";

/**
 * Returns how a dialogue goes on. An answer of which something was heard is finished; one of which nothing was heard is given,
 * with the results of the tools that had run. The words of the agent's own code are said again by that code.
 * @param heard The agent's words that were heard in the turn that was cut.
 */
export function takeUp({ pending, waiting }: DialogueState, heard: string): TakeUp {
  const turns = waiting;
  if (pending === null) return { messages: [], owes: false, turns };
  const { asked, said } = pending;
  const isOwn = pending.origin !== "participant";
  if (heard === "") {
    const messages = [...asked, ...cutAnswer(cutToHeard(said, 0))];
    const owed: TurnInput = { origin: "response", instruction: null, messages };
    return { messages: [], owes: !isOwn, turns: isOwn ? turns : [owed, ...turns] };
  }
  const spoken: readonly Message[] =
    said.length > 0 ? cutAnswer(said) : [{ role: "agent", text: heard, toolCalls: [] }];
  const rest: TurnInput = { origin: "response", instruction: goOn, messages: [] };
  return {
    messages: [...asked, ...cutToHeard(spoken, heard.length)],
    owes: true,
    turns: isOwn ? turns : [rest, ...turns],
  };
}
