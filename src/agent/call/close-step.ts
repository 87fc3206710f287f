import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import type { CallContext } from "./call-context.ts";

/** Runs one step of leaving or closing. It has its own deadline, and what goes wrong in it is logged and stops no other. */
export async function closeStep(
  { limits, log }: Pick<CallContext, "limits" | "log">,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await within(work(), limits.closeStepTimeoutMs, `To ${what}`, undefined, "limits.closeStepTimeoutMs");
  } catch (error) {
    log.warn({ event: "close_step_failed", err: plainError(error) }, `The agent could not ${what}`);
  }
}
