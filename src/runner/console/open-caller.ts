import { UsageError } from "../commands/usage-error.ts";
import { PlainScreen } from "../terminal/plain-screen.ts";
import type { Screen } from "../terminal/screen.ts";
import { TerminalScreen } from "../terminal/terminal-screen.ts";
import type { ConsoleCaller } from "./caller.ts";
import type { RecordedCallOptions } from "./recorded-call.ts";
import { TypingCaller } from "./typing-caller.ts";

type RecordingOptions = {
  readonly [Name in keyof RecordedCallOptions]: RecordedCallOptions[Name] | undefined;
};

/**
 * Resolves with the recording as the caller, or else with the person who types. A recording is read before anything is
 * started, so that a wrong file is reported at once.
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

/** Returns a screen that is drawn where input and output are terminals; anything else, such as a pipe, is read line by line. */
function openScreen(onInterrupt: () => void): Screen {
  const drawable = process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== "dumb";
  return drawable ? new TerminalScreen(onInterrupt) : new PlainScreen();
}
