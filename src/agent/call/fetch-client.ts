import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { SocketOffer } from "../../shared/protocol.ts";

/** Fetches a client from the main thread, which copies the client's bytes to this connection and back. */
export async function fetchClient({ address, ticket }: SocketOffer, signal: AbortSignal): Promise<Socket> {
  const socket = connect(address);
  try {
    await once(socket, "connect", { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
  // An error is followed by the close, which the taker of the socket handles.
  socket.on("error", () => undefined);
  socket.write(ticket);
  return socket;
}
