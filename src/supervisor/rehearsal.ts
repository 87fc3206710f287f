import { type PlainError, plainError } from "../errors.ts";
import type { FromThread } from "../protocol.ts";
import type { Slot } from "./slot.ts";

/**
 * A dry run before the server serves: `createAgent` in a real thread, with no call. It finds a missing key or a broken
 * agent at the start instead of in the first call. Rejects with the agent's own error.
 */
export async function rehearse(slot: Slot, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error: PlainError) => reject(Object.assign(new Error(error.message), error));
  const timer = setTimeout(() => {
    fail({ name: "DeadlineError", message: `createAgent took longer than ${timeoutMs} ms` });
    slot.retire();
  }, timeoutMs);
  slot.assign(
    { sessionId: "rehearsal", callType: "default", callId: "rehearsal", config: {}, rehearsal: true },
    {
      message(message: FromThread) {
        if (message.type === "ended") resolve();
        else if (message.type === "failed") fail(message.error);
        else return;
        slot.retire();
      },
      condemned: (verdict) => fail({ name: "Error", message: verdict.message }),
      gone: (error) => fail(plainError(error)),
    },
  );
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}
