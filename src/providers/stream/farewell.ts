import { clientDetails } from "./client-details.ts";
import type { Sdk } from "./sdk.ts";
import type { Place } from "./seat-event.ts";
import { WebsocketReconnectStrategy } from "./wire/enums.ts";
import { SfuSocket } from "./wire/sfu-socket.ts";

/**
 * Leaves for an agent that lost its connection, or died with its thread: takes up its session, and says goodbye. Without it
 * the others see it for as long as the SFU waits for its return. Needs neither the API's secret nor the coordinator.
 * Rejects with a StreamError; harmless where the session is gone already.
 */
export async function leaveFor(
  { WebSocket }: Pick<Sdk, "WebSocket">,
  { websocketUrl, token, sessionId, unifiedSessionId, userId, cid, edge, capabilities }: Place,
  reason: string,
): Promise<void> {
  const query = new URLSearchParams({ user_id: userId, user_session_id: sessionId, cid });
  const socket = new SfuSocket(WebSocket, {
    url: `${websocketUrl}?${query}`,
    onEvent: () => undefined,
    onLost: () => undefined,
  });
  try {
    await socket.join({
      token,
      sessionId,
      unifiedSessionId,
      ...capabilities,
      clientDetails,
      fastReconnect: true,
      reconnectDetails: { strategy: WebsocketReconnectStrategy.FAST, fromSfuId: edge, reason },
    });
    await socket.leave(sessionId, reason);
  } finally {
    await socket.close("left");
  }
}
