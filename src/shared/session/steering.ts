/** A question that has an agent do something in its call, for a caller of the REST API. */
export type SteerQuestion =
  /** Say these words. The value that is given is the turn's id, as `turn_id`. */
  | {
      readonly about: "say";
      readonly text: string;
      readonly interrupt: boolean;
      readonly interruptible: boolean;
    }
  /** Answer an instruction of the moment. The value is the turn's id, as `turn_id`. */
  | { readonly about: "respond"; readonly instruction: string }
  /** Stop what is being said. The value is the id of the turn that was stopped, or null, as `turn_id`. */
  | { readonly about: "interrupt" }
  /**
   * Take on another role, and follow other standing instructions in it, from the next request to the model on. Left out: the role, or
   * its instructions, stay. The role null is that of the agent's own options.
   */
  | { readonly about: "change"; readonly role?: string | null; readonly instructions?: string };

const steers: readonly string[] = [
  "say",
  "respond",
  "interrupt",
  "change",
] satisfies SteerQuestion["about"][];

/** Returns whether a question is about what the agent is to do. */
export const isSteerQuestion = <Question extends { readonly about: string }>(
  question: Question,
): question is Extract<Question, SteerQuestion> => steers.includes(question.about);
