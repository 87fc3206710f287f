import type { AgentLimits } from "../options/limits.ts";
import type { Output, OutputEvents } from "../speaking/output.ts";
import type { AskPermit } from "../thread/permits.ts";
import type { Conversation } from "./conversation.ts";
import type { TurnReporting } from "./turn-report.ts";

/** The parts that all turns of an agent share. */
export interface TurnContext extends TurnReporting {
  readonly instructions: string;
  /** Functions that the model may call; undefined: all. */
  readonly allowedTools: readonly string[] | undefined;
  readonly limits: AgentLimits;
  readonly conversation: Conversation;
  readonly permit: AskPermit;
  /**
   * Returns whether nothing of an answer would be heard, though there is text in it: a block of code, thoughts between
   * tags, emojis.
   */
  readonly isSilent: (text: string) => boolean;
  /** Makes the way to the other side for one turn. */
  readonly openOutput: (events: OutputEvents) => Output;
}
