/**
 * The leave module of Stream. The main thread loads it only after an agent's thread has died in a call. It imports `ws` and
 * the wire format, but neither the SDK nor the media. No module imports it: its URL is in a table (`leave-on-behalf.ts`).
 */
import type { JsonObject, JsonValue, LeaveModule } from "../../shared/protocol.ts";
import type { SfuAddress } from "./call/call-connection-event.ts";
import { StreamError } from "./error.ts";
import { leaveFor } from "./leave-on-behalf.ts";

/** The error codes by which an SFU says that there is no participant to leave. */
const gone: ReadonlySet<string | undefined> = new Set([
  "PARTICIPANT_RECONNECT_FAILED",
  "PARTICIPANT_NOT_FOUND",
  "CALL_NOT_FOUND",
]);

/**
 * Leaves on behalf of the agent: the others see at once that the participant is gone. It rejects with a
 * {@link StreamError}, or with a `TypeError` where the data are not those of a session.
 */
export const leave: LeaveModule["leave"] = async (data, { signal }) => {
  const address = addressIn(data);
  const { WebSocket } = await import("ws");
  try {
    await leaveFor({ WebSocket }, address, "the agent's thread died", signal);
  } catch (error) {
    if (!(error instanceof StreamError) || !gone.has(error.code)) throw error;
  }
};

/** The longest text in the data, in characters. A session description has about 10,000. */
const longestText = 131_072;

/**
 * Reads the data that a session thread handed over, which may be anything. It throws a `TypeError` where they
 * are not an address.
 */
function addressIn(data: JsonObject): SfuAddress {
  const { codecs } = data;
  if (typeof codecs !== "object" || codecs === null || Array.isArray(codecs)) throw invalidAddress();
  const websocketUrl = textOf(data.websocketUrl);
  if (!["ws:", "wss:"].includes(URL.parse(websocketUrl)?.protocol ?? "")) throw invalidAddress();
  return {
    websocketUrl,
    cid: textOf(data.cid),
    userId: textOf(data.userId),
    edge: textOf(data.edge),
    token: textOf(data.token),
    sessionId: textOf(data.sessionId),
    unifiedSessionId: textOf(data.unifiedSessionId),
    codecs: {
      publisherSdp: textOf(codecs.publisherSdp),
      subscriberSdp: textOf(codecs.subscriberSdp),
    },
  };
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== "string" || value.length > longestText) throw invalidAddress();
  return value;
}

const invalidAddress = () => new TypeError("The leave data are not those of a session on Stream");
