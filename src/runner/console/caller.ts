import type { StartRequest } from "../../api/start-request.ts";
import type { Session } from "../../supervisor/session/session.ts";
import type { Printout } from "../terminal/printout.ts";
import type { ConsoleConversation } from "./console-conversation.ts";

/** The participant who talks with the agent: a person who types, or a recording. */
export interface ConsoleCaller {
  /** The place where the conversation is shown. */
  readonly printout: Printout;
  /** True where standard output is a terminal at which somebody types: everything that is reported is shown there. */
  readonly interactive: boolean;
  /** The fields of a start besides the call. */
  readonly request: Partial<StartRequest>;
  /** Resolves when there is nothing more to say. */
  talk(conversation: ConsoleConversation, session: Session): Promise<void>;
  /**
   * The reason for which the talk failed, once it is over; null where it did not fail, or where the person who types
   * has seen the reason.
   */
  readonly failure: string | null;
  /** Frees everything, once the call is over. */
  close(): void;
}
