/**
 * What the main thread loads where an agent's thread died in a call of Stream, and only then: with `ws` and the wire, without
 * the SDK and the media. Nobody imports it by name: it is found by the URL of {@link farewellOf}.
 */
import type { FarewellModule } from "../../protocol.ts";
import { StreamError } from "./error.ts";
import { leaveFor } from "./farewell.ts";
import type { Place } from "./seat-event.ts";

/** The SFU knows nobody who would have to leave. */
const gone: ReadonlySet<string | undefined> = new Set([
  "PARTICIPANT_RECONNECT_FAILED",
  "PARTICIPANT_NOT_FOUND",
  "CALL_NOT_FOUND",
]);

/** Leaves for the agent: the participant is gone at once for the others. Rejects with a {@link StreamError}. */
export const farewell: FarewellModule["farewell"] = async (data, { signal }) => {
  const { WebSocket } = await import("ws");
  try {
    await leaveFor({ WebSocket }, data as unknown as Place, "the agent's thread died", signal);
  } catch (error) {
    if (!(error instanceof StreamError) || !gone.has(error.code)) throw error;
  }
};
