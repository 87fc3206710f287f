import type { Service } from "../service.ts";
import { BadAnswerError } from "./bad-answer-error.ts";
import type { Message } from "./message.ts";

/** The kinds of answers that are of no use. */
export type Flaw = "empty" | "silent" | "broken_call" | "written_call";

/** The number of times that a reply is asked for again where its answers are of no use. */
export const mostCorrections = 2;

/** Tells the model what it did wrong; only its next request has it. */
export function correctionOf(flaw: Flaw): Message | null {
  switch (flaw) {
    case "empty":
      return null;
    case "silent":
      return {
        role: "instruction",
        text: "(Nothing of your answer can be spoken. Answer in words, as one speaks: no code, JSON, tags or emojis.)",
      };
    case "broken_call":
      return {
        role: "instruction",
        text: "(Your function call could not be read. Make the call again, or go on in words.)",
      };
    case "written_call":
      return {
        role: "instruction",
        text: "(You wrote a function call as text, which calls nothing. Call the function itself, or go on in words.)",
      };
    default:
      return flaw satisfies never;
  }
}

/** Returns the error of an answer that is of no use. */
export function badAnswer(flaw: Flaw, { provider, model }: Service): BadAnswerError {
  const what = {
    empty: "is empty",
    silent: "has nothing in it that can be spoken",
    broken_call: "has a function call that cannot be read",
    written_call: "has a function call that is written as text",
  }[flaw];
  return new BadAnswerError(flaw.toUpperCase(), `The answer of ${provider} ${model} ${what}`);
}
