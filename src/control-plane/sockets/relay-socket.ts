import type { IncomingMessage } from "node:http";
import type Koa from "koa";
import type { Metrics } from "../../metrics/prometheus.ts";
import { byName, endToEnd } from "../peers/connection/end-to-end-headers.ts";
import { epochHeader } from "../peers/connection/mark.ts";
import { bridge } from "./bridge.ts";
import { sendSwitch } from "./handshake.ts";

/**
 * Passes the owner's 101 on to a client, and copies bytes between the two. When the connection to the owner breaks the
 * client's socket is cut, without the close frame of a WebSocket: only the two ends know where a frame may begin. The
 * owner ends clients that are silent for too long.
 */
export async function relaySocket(
  ctx: Koa.Context,
  answer: IncomingMessage,
  cut: AbortSignal,
  metrics: Metrics,
): Promise<void> {
  const owner = answer.socket;
  if (ctx.req.socket.destroyed) {
    owner.destroy();
    return;
  }
  for (const [name, value] of byName(endToEnd(answer.rawHeaders, ["date", epochHeader])))
    ctx.res.setHeader(name, value);
  const client = sendSwitch(ctx);
  using _ = { [Symbol.dispose]: metrics.socketOpened("relay") };
  const end = await bridge(client, owner, {
    idleMs: null,
    cut,
    copied: (received, sent) => metrics.socketBytes("relay", received, sent),
  });
  metrics.socketClosed("relay", end);
}
