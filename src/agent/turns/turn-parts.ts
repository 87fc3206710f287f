import type { LLM } from "../llm.ts";
import type { Output, OutputEvents } from "../speaking/output.ts";
import type { Tools } from "../tools/tools.ts";
import type { Conversation } from "./conversation.ts";

/** The parts of an agent that all of its turns share, besides the context of the call. */
export interface TurnParts {
  readonly llm: LLM;
  readonly instructions: string;
  /** Returns the functions that the model may call; some may be registered in the middle of the call. */
  readonly tools: () => Tools;
  readonly conversation: Conversation;
  /**
   * Returns whether nothing of an answer would be heard, though there is text in it: a block of code, thoughts between
   * tags, emojis.
   */
  readonly isSilent: (text: string) => boolean;
  /** Makes the way to the other side for one turn. */
  readonly openOutput: (events: OutputEvents) => Output;
}
