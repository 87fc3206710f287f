import type { SfuAddress } from "./call/call-connection-event.ts";
import type { Sdk } from "./coordinator/sdk.ts";
import { clientDetails } from "./sfu/client-details.ts";
import { WebsocketReconnectStrategy } from "./wire/enums.ts";
import { SfuSocket } from "./wire/sfu-socket.ts";

/**
 * Leaves for an agent that lost its connection, or died with its thread: takes up its session, and says goodbye. Without it
 * the others see it for as long as the SFU waits for its return. Needs neither the API's secret nor the coordinator.
 * Rejects with a StreamError, also where the signal gives it up; harmless where the session is gone already.
 */
export async function leaveFor(
  { WebSocket }: Pick<Sdk, "WebSocket">,
  { websocketUrl, token, sessionId, unifiedSessionId, userId, cid, edge, capabilities }: SfuAddress,
  reason: string,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const query = new URLSearchParams({ user_id: userId, user_session_id: sessionId, cid });
  const socket = new SfuSocket(WebSocket, {
    url: `${websocketUrl}?${query}`,
    onEvent: () => undefined,
    onLost: () => undefined,
  });
  const giveUp = () => void socket.close("left");
  signal?.addEventListener("abort", giveUp, { once: true });
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
    signal?.removeEventListener("abort", giveUp);
    await socket.close("left");
  }
}
