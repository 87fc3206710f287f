/**
 * The module that the main thread loads where an agent's thread died in a call of Stream, and only then: with `ws` and the
 * wire, without the SDK and the media. No module imports it: the server has its URL in a table (`leave-modules.ts`).
 */
import type { JsonObject, JsonValue, LeaveModule } from "../../shared/protocol.ts";
import type { SfuAddress } from "./call/call-connection-event.ts";
import { StreamError } from "./error.ts";
import { leaveFor } from "./leave-on-behalf.ts";

/** The SFU knows nobody who would have to leave. */
const gone: ReadonlySet<string | undefined> = new Set([
  "PARTICIPANT_RECONNECT_FAILED",
  "PARTICIPANT_NOT_FOUND",
  "CALL_NOT_FOUND",
]);

/** Leaves for the agent: the participant is gone at once for the others. Rejects with a {@link StreamError}. */
export const leave: LeaveModule["leave"] = async (data, { signal }) => {
  const place = placeIn(data);
  const { WebSocket } = await import("ws");
  try {
    await leaveFor({ WebSocket }, place, "the agent's thread died", signal);
  } catch (error) {
    if (!(error instanceof StreamError) || !gone.has(error.code)) throw error;
  }
};

/** The longest text of a place, in characters. A session description has about 10,000. */
const longestText = 131_072;

/** Reads what a session thread handed over, which may be anything. Throws where it is no place in a call. */
function placeIn(data: JsonObject): SfuAddress {
  const { capabilities } = data;
  if (typeof capabilities !== "object" || capabilities === null || Array.isArray(capabilities))
    throw noPlace();
  const websocketUrl = textOf(data.websocketUrl);
  if (!["ws:", "wss:"].includes(URL.parse(websocketUrl)?.protocol ?? "")) throw noPlace();
  return {
    websocketUrl,
    cid: textOf(data.cid),
    userId: textOf(data.userId),
    edge: textOf(data.edge),
    token: textOf(data.token),
    sessionId: textOf(data.sessionId),
    unifiedSessionId: textOf(data.unifiedSessionId),
    capabilities: {
      publisherSdp: textOf(capabilities.publisherSdp),
      subscriberSdp: textOf(capabilities.subscriberSdp),
    },
  };
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== "string" || value.length > longestText) throw noPlace();
  return value;
}

const noPlace = () => new TypeError("The data of the leaveData are no place in a call of Stream");
