import type { SfuAddress } from "./call/call-connection-event.ts";
import type { StreamSdk } from "./coordinator/sdk.ts";
import { clientDetails } from "./sfu/client-details.ts";
import { WebsocketReconnectStrategy } from "./wire/enums.ts";
import { SfuSocket } from "./wire/sfu-socket.ts";

/**
 * Leaves on behalf of an agent that lost its connection, or whose thread died: it resumes the session, and
 * leaves. Otherwise the others would see the agent until the SFU's deadline. It needs neither the API secret
 * nor the coordinator. It rejects with a {@link StreamError}, also after the signal fired, and has no effect
 * where the session is gone.
 */
export async function leaveFor(
  { WebSocket }: Pick<StreamSdk, "WebSocket">,
  { websocketUrl, token, sessionId, unifiedSessionId, userId, cid, edge, codecs }: SfuAddress,
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
  const abort = () => void socket.close("left");
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await socket.join({
      token,
      sessionId,
      unifiedSessionId,
      ...codecs,
      clientDetails,
      fastReconnect: true,
      reconnectDetails: { strategy: WebsocketReconnectStrategy.FAST, fromSfuId: edge, reason },
    });
    await socket.leave(sessionId, reason);
  } finally {
    signal?.removeEventListener("abort", abort);
    await socket.close("left");
  }
}
