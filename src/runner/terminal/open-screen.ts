import { PlainScreen } from "./plain-screen.ts";
import type { Screen } from "./screen.ts";
import { TerminalScreen } from "./terminal-screen.ts";

/** Returns a screen that is drawn where input and output are terminals; anything else, such as a pipe, is read line by line. */
export function openScreen(onInterrupt: () => void): Screen {
  const drawable = process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== "dumb";
  return drawable ? new TerminalScreen(onInterrupt) : new PlainScreen();
}
