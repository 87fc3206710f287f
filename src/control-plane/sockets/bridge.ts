import type { Socket } from "node:net";
import type { SocketEnd } from "../../metrics/labels.ts";

/** The time after the end of one side within which the other has to take what is left and close too, in milliseconds. */
const lingerMs = 2_000;
/** The longest time between two looks at what was copied, in milliseconds. */
const lookMs = 5_000;
/** The time after which a silent connection is probed, in milliseconds. */
const aliveAfterMs = 5_000;

export interface BridgeOptions {
  /** The longest time without a byte from the client, in milliseconds. Null: there is no limit. */
  readonly idleMs: number | null;
  /** Cuts both sides when it fires. */
  readonly cut: AbortSignal;
  /** Reports the number of bytes that were copied since the last call. It is called from time to time, and at the end. */
  copied(received: number, sent: number): void;
}

/**
 * Copies bytes between a client and its session until both sides are closed. Neither side is read faster than the other one
 * takes, so that what waits here is bounded by the buffers of two sockets. Resolves with how it ended, and never rejects.
 */
export async function bridge(
  client: Socket,
  session: Socket,
  { idleMs, cut, copied }: BridgeOptions,
): Promise<SocketEnd> {
  const over = Promise.withResolvers<SocketEnd>();
  const cutNow = () => over.resolve("cut");
  cut.addEventListener("abort", cutNow, { once: true });
  if (cut.aborted) cutNow();
  const closed = [
    closeOf(client, () => over.resolve("client")),
    closeOf(session, () => over.resolve("session")),
  ];
  client.setNoDelay(true);
  client.setKeepAlive(true, aliveAfterMs);

  let [received, sent] = [client.bytesRead, client.bytesWritten];
  let heardAt = performance.now();
  const look = () => {
    const { bytesRead, bytesWritten } = client;
    copied(bytesRead - received, bytesWritten - sent);
    if (bytesRead > received) heardAt = performance.now();
    [received, sent] = [bytesRead, bytesWritten];
    if (idleMs !== null && performance.now() - heardAt >= idleMs) over.resolve("idle");
  };
  const watch = setInterval(look, Math.min(lookMs, (idleMs ?? lookMs) / 2)).unref();
  client.pipe(session);
  session.pipe(client);

  const end = await over.promise;
  cut.removeEventListener("abort", cutNow);
  const destroy = () => {
    client.destroy();
    session.destroy();
  };
  const linger = setTimeout(destroy, lingerMs);
  if (end === "client") session.end();
  else if (end === "session") client.end();
  else destroy();
  await Promise.all(closed);
  clearTimeout(linger);
  clearInterval(watch);
  look();
  return end;
}

/** Resolves when a socket is closed. `ended` is called when its other side sends no more. */
function closeOf(socket: Socket, ended: () => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const close = () => {
    ended();
    resolve();
  };
  // An error is followed by the close, which is handled.
  socket.on("error", () => undefined);
  socket.once("end", ended);
  socket.once("close", close);
  if (socket.closed) close();
  return promise;
}
