import { PlainScreen } from "./plain-screen.ts";
import type { Printout } from "./printout.ts";
import { TerminalScreen } from "./terminal-screen.ts";

/** The place where a conversation is typed and shown. */
export interface Screen extends Printout {
  /** True where somebody sits there: lines may come while the agent speaks, and interrupt it. */
  readonly interactive: boolean;
  /** The next line that was typed; null when there will be none. */
  nextLine(): Promise<string | null>;
  /** Stops reading: `nextLine` resolves null. */
  close(): void;
}

/** A terminal on both sides is drawn on; anything else, such as a pipe, is read line by line. */
export function openScreen(onInterrupt: () => void): Screen {
  const drawable = process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== "dumb";
  return drawable ? new TerminalScreen(onInterrupt) : new PlainScreen();
}
