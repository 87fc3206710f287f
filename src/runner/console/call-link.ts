import { randomUUID } from "node:crypto";
import type { Session } from "../../supervisor/session/session.ts";
import type { Supervisor } from "../../supervisor/supervisor.ts";
import { errorSentence } from "../commands/error-sentence.ts";
import { harmless, paintFor } from "../terminal/paint.ts";
import type { Printout } from "../terminal/printout.ts";

/** The message for an edge without such pages, which is no fault. */
export const noLinks = "the agent's edge names no page where a person joins its calls";

/**
 * Shows the address where a person joins the call of a live session. It holds a token, so it is printed, and never
 * logged. Resolves with the reason where there is none; null where there is.
 */
export async function showDemoLink(
  supervisor: Supervisor,
  session: Session,
  printout: Printout,
): Promise<string | null> {
  const guest = { id: `guest-${randomUUID()}`, name: "Guest", madeUp: true };
  try {
    const url = await supervisor.demoLink(session, guest);
    if (url === null) return noLinks;
    printout.line(paintFor(process.stdout).dim("Join the call, for the next hour:"));
    printout.link(harmless(url));
    return null;
  } catch (error) {
    return `there is no link into the call: ${harmless(errorSentence(error))}`;
  }
}

/** Shows the address of a page on which a person joins the call. */
export function showTalkLink(url: string, printout: Printout): null {
  printout.line(paintFor(process.stdout).dim("Talk to it in a browser on this machine:"));
  printout.link(harmless(url));
  return null;
}
