import type { StartRequest } from "../../api/start-request.ts";
import type { Session } from "../../supervisor/session/session.ts";
import type { Printout } from "../terminal/printout.ts";
import type { ConsoleConversation } from "./console-conversation.ts";

/** The one who talks with the agent. */
export interface ConsoleCaller {
  /** The place where the conversation is shown. */
  readonly printout: Printout;
  /** Standard output is a terminal that somebody types at: all that is to be told stands there. */
  readonly interactive: boolean;
  /** The fields of a start besides the call. */
  readonly request: Partial<StartRequest>;
  /** Resolves when there is nothing more to say. */
  talk(conversation: ConsoleConversation, session: Session): Promise<void>;
  /**
   * The reason for which it came to nothing, once the talk is over; null where it did not, or where whoever talks sees
   * for themselves.
   */
  readonly failure: string | null;
  /** The call is over. */
  close(): void;
}
