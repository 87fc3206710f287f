import type { StartRequest } from "../../agent-launcher.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { UsageError } from "../commands/usage-error.ts";
import type { Printout } from "../terminal/printout.ts";
import { openScreen } from "../terminal/screen.ts";
import type { ConsoleConversation } from "./console-conversation.ts";
import type { RecordedCallOptions } from "./recorded-call.ts";
import { TypingCaller } from "./typing-caller.ts";

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

type RecordingOptions = {
  readonly [Name in keyof RecordedCallOptions]: RecordedCallOptions[Name] | undefined;
};

/**
 * A recording where there is one: read before anything is started, so that a wrong file is told at once, and loaded only
 * then. Else whoever types.
 */
export async function openCaller(
  { wav, ...options }: RecordingOptions,
  onInterrupt: () => void,
): Promise<ConsoleCaller> {
  if (wav !== undefined) {
    const { RecordedCall } = await import("./recorded-call.ts");
    return RecordedCall.prepare({ wav, ...options });
  }
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) throw new UsageError(`--${name} needs --wav: a recording that is the caller`);
  }
  return new TypingCaller(openScreen(onInterrupt));
}
