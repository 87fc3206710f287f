import type { Message } from "../model/message.ts";
import { lostTasks } from "../tools/task-words.ts";
import { cutToHeard } from "../turns/conversation.ts";
import type { TurnInput } from "../turns/turn-input.ts";
import { cutAnswer, type DialogueState, type PendingTurn } from "./call-state.ts";
import { goOn } from "./words.ts";

/** The steps with which a dialogue is taken up. */
export interface TakeUp {
  /** The messages of the turn that was cut, as far as it was heard. */
  readonly messages: readonly Message[];
  /** True where somebody waits for an answer, or heard the beginning of one. */
  readonly owes: boolean;
  /** The turns that are to be answered, in their order. */
  readonly turns: readonly TurnInput[];
}

/** The rest of a turn that was cut. */
export interface Rest {
  /** The messages of the turn, as far as it was heard. */
  readonly messages: readonly Message[];
  /** The turn that goes on with it. */
  readonly turn: Extract<TurnInput, { readonly origin: "response" }> & {
    readonly messages: readonly Message[];
  };
}

/**
 * Returns how a dialogue goes on. The words of the agent's own code are said again by that code. The model is told of functions that ran.
 * @param heard The agent's words that were heard in the turn that was cut.
 */
export function takeUp({ pending, waiting, tasks }: DialogueState, heard: string): TakeUp {
  const lost: readonly Message[] =
    tasks.length === 0 ? [] : [{ role: "instruction", text: lostTasks(tasks) }];
  if (pending === null) return { messages: lost, owes: false, turns: waiting };
  const { messages, turn } = restOf(pending, heard);
  if (pending.origin === "participant") {
    // Behind the turn that was cut, in which the model may have been told that a task runs on.
    const goesOn = { ...turn, messages: [...turn.messages, ...lost] };
    return { messages, owes: true, turns: [goesOn, ...waiting] };
  }
  const rest = pending.words === undefined ? null : restOfWords(pending.words, heard);
  return {
    messages: [...messages, ...lost],
    owes: heard !== "" || rest !== null,
    turns: rest === null ? waiting : [rest, ...waiting],
  };
}

/**
 * Returns the rest of a turn that was cut. An answer of which something was heard is finished; one of which nothing was heard is given,
 * with the results of the tools that had run.
 */
export function restOf({ asked, said }: PendingTurn, heard: string): Rest {
  if (heard === "") {
    const messages = [...asked, ...cutAnswer(cutToHeard(said, 0))];
    return { messages: [], turn: { origin: "response", instruction: null, messages } };
  }
  const spoken: readonly Message[] =
    said.length > 0 ? cutAnswer(said) : [{ role: "agent", text: heard, toolCalls: [] }];
  const messages = [...asked, ...cutToHeard(spoken, heard.length)];
  return { messages, turn: { origin: "response", instruction: goOn, messages: [] } };
}

/** Returns the rest of words that were cut while they were said; null where nothing is left of them. */
export function restOfWords(text: string, heard: string): TurnInput | null {
  const rest = text.startsWith(heard) ? text.slice(heard.length).trim() : text;
  return rest === "" ? null : { origin: "say", text: rest, owed: true };
}
