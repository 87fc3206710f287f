import type { Conversation } from "./conversation.ts";
import type { Answer, Responder } from "./responder.ts";
import type { OpenOutput } from "./turn-output.ts";

/** The parts of an agent that all of its turns share, besides the context of the call. */
export interface TurnParts {
  readonly responder: Responder;
  readonly conversation: Conversation;
  readonly openOutput: OpenOutput;
  /** Takes in that the turn has come a step further: it has begun, a tool is over, or it is over. */
  readonly onStep: () => void;
  /** Has the model say a text. Left out where the text goes to the output as it is. */
  readonly say?: (text: string) => Answer;
}
