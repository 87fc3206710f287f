import type { Output, OutputEvents } from "../speaking/output.ts";
import type { Conversation } from "./conversation.ts";
import type { Responder } from "./responder.ts";

/** The parts of an agent that all of its turns share, besides the context of the call. */
export interface TurnParts {
  readonly responder: Responder;
  readonly conversation: Conversation;
  /** Makes the way to the other side for one turn. */
  readonly openOutput: (events: OutputEvents) => Output;
}
