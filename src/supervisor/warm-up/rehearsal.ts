import { errorOf, type PlainError, plainError } from "../../shared/errors.ts";
import type { AgentReport, FromThread } from "../../shared/protocol.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import { hotFrames, whereText } from "../monitor/hot-frames.ts";
import { createOverdueText } from "../session/session-creation.ts";
import type { Slot } from "../threads/slot.ts";

/**
 * The longest time that the agent's services may take to say whether they work, and the agent to close, in
 * milliseconds.
 */
const restTimeoutMs = 15_000;

/**
 * Makes a dry run before the server serves: `createAgent` in a real thread, with no call. It finds a missing key or a
 * broken agent at the start instead of in the first call. Rejects with the agent's own error; services that refuse the
 * agent are in the report, and counted by `measured`.
 */
export async function rehearse(
  slot: Slot,
  createTimeoutMs: number,
  measured: (measurement: Measurement) => void,
): Promise<AgentReport> {
  const { promise, resolve, reject } = Promise.withResolvers<AgentReport>();
  const fail = (error: PlainError) => reject(errorOf(error));
  const expire = (message: string, ms: number) =>
    setTimeout(async () => {
      // The place where a blocked thread stands is known; a thread that waits has none.
      const where = slot.thread ? whereText(await hotFrames(slot.thread)) : "";
      fail({ name: "DeadlineError", message: `${message}${where}` });
      slot.retire();
    }, ms);
  let timer = expire(createOverdueText(createTimeoutMs), createTimeoutMs);
  let uncaught: PlainError | null = null;
  let report: AgentReport = { about: null, services: [], receives: false };
  slot.assign(
    {
      sessionId: "rehearsal",
      callType: "default",
      callId: "rehearsal",
      config: {},
      inMemory: null,
      resumption: null,
      rehearsal: true,
    },
    {
      message(message: FromThread) {
        switch (message.type) {
          case "created":
            clearTimeout(timer);
            timer = expire(`The rehearsal took longer than ${restTimeoutMs} ms`, restTimeoutMs);
            return;
          case "rehearsed":
            report = message.report;
            return;
          case "measured":
            measured(message.measurement);
            return;
          case "ended":
            resolve(report);
            break;
          case "failed":
            fail(message.error);
            break;
          case "uncaught":
            uncaught = message.error;
            return;
          default:
            return;
        }
        slot.retire();
      },
      killed: ({ reason: _, ...told }) => fail({ name: "Error", ...told }),
      gone: (error) => fail(uncaught ?? plainError(error)),
    },
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
