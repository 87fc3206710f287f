import { mayPassBySocket } from "./call-error.ts";
import type { CallOptions } from "./call-options.ts";
import type { ConnectOptions, Transport } from "./transport.ts";
import { connectByWebRtc } from "./web-rtc.ts";
import { connectByWebSocket } from "./web-socket.ts";

const usualConnectMs = 4_000;
const socketConnectMs = 8_000;

/**
 * Connects by WebRTC, or by WebSocket where that is wanted, or is all that passes. Resolves once messages go both ways. Rejects with a
 * {@link CallError}. `over` fires where nobody wants it any more.
 */
export async function connect(
  options: Omit<ConnectOptions, "timeoutMs">,
  { transport, iceServers = [], connectTimeoutMs = usualConnectMs, workletUrl }: CallOptions,
  over: AbortSignal,
): Promise<Transport> {
  if (transport !== "websocket") {
    try {
      return await connectByWebRtc({
        ...options,
        timeoutMs: connectTimeoutMs,
        iceServers,
        mayFallBack: transport !== "webrtc",
      });
    } catch (error) {
      if (transport === "webrtc" || !mayPassBySocket(error)) throw error;
    }
  }
  over.throwIfAborted();
  return connectByWebSocket({ ...options, timeoutMs: socketConnectMs }, workletUrl);
}
