import { within } from "../../shared/deadline.ts";
import { GreenroomError } from "../../shared/errors.ts";
import type { Guest, JsonObject } from "../../shared/protocol.ts";
import type { Session } from "../../supervisor/session/session.ts";
import { judgeAgain } from "../events/judge-again.ts";
import type { Exchange } from "../exchange.ts";
import { bridge } from "./bridge.ts";
import { readHandshake, switchProtocols } from "./handshake.ts";

/** The longest time that a thread which has accepted a client may take to fetch it, in milliseconds. */
const fetchTimeoutMs = 2_000;

/** A client that may come into a session's call. */
export interface AdmittedClient {
  readonly session: Session;
  /** The key by which the open sockets of its caller are counted; null: they are not. */
  readonly callerKey: string | null;
  readonly guest: Guest;
  /** The facts that a provider's route knows about the client, for the edge. */
  readonly data: JsonObject;
  /** True where the caller is judged again while the socket is open. */
  readonly judgedAgain: boolean;
}

/**
 * Brings a client that opened a WebSocket into the session's call: its thread is asked, then the handshake is answered, and
 * bytes are copied until the socket is over. Rejects, where there is an answer to be given still, with UPGRADE_REQUIRED,
 * BAD_REQUEST, RATE_LIMITED, or what `Supervisor.acceptSocket` rejects with.
 */
export async function receiveSocket(exchange: Exchange, client: AdmittedClient): Promise<void> {
  const { ctx, plane } = exchange;
  const { session, callerKey, guest, data } = client;
  const handshake = readHandshake(ctx);
  using places = new DisposableStack();
  places.defer(plane.socketsOfSession.open(session.id));
  if (callerKey !== null) places.defer(plane.socketsOfCaller.open(callerKey));
  const expected = places.use(await plane.localListener.expect());
  let isBridged = false;
  // The thread may have connected although the client cannot be brought to it.
  places.defer(() => {
    if (!isBridged) void expected.connected.then((thread) => thread.destroy());
  });
  const { address, ticket } = expected;
  const { protocols } = handshake;
  const protocol = await plane.supervisor.acceptSocket(session, guest, { address, ticket, protocols, data });
  const thread = await within(expected.connected, fetchTimeoutMs, "The session thread").catch(
    (error: unknown) => {
      throw new GreenroomError("EDGE_FAILED", undefined, { cause: error });
    },
  );
  if (ctx.req.socket.destroyed) return;
  const socket = switchProtocols(ctx, handshake, protocol);
  places.defer(plane.supervisor.metrics.socketOpened("session"));
  const judged = client.judgedAgain ? judgeAgain(exchange) : null;
  places.defer(() => judged?.stop());
  const { metrics, sessionsEnded } = plane.supervisor;
  isBridged = true;
  const end = await bridge(socket, thread, {
    idleMs: plane.options.mediaSocketIdleTimeoutMs,
    cut: judged ? AbortSignal.any([sessionsEnded, judged.denied]) : sessionsEnded,
    copied: (received, sent) => metrics.socketBytes("session", received, sent),
  });
  metrics.socketClosed("session", end);
}
