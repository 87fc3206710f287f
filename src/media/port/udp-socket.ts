import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

/** The memory for packets that wait in the kernel, in bytes: 200 calls for a tenth of a second. */
const bufferBytes = 1_048_576;

/**
 * Opens a UDP socket at an address and a port of this machine; port 0: one that is free. It is for packets to known addresses, and an
 * error in sending is nobody's: the packet is lost, as others are. Rejects where it cannot be bound.
 */
export async function openUdpSocket(address: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: isIPv6(address) ? "udp6" : "udp4",
    recvBufferSize: bufferBytes,
    sendBufferSize: bufferBytes,
    // Every address is one already: Node's own way to it costs a turn of the event loop for each packet.
    lookup: (known, _options, done) => done(null, known, isIPv6(known) ? 6 : 4),
  });
  const listening = once(socket, "listening");
  socket.bind(port, address);
  try {
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on("error", () => {});
  return socket;
}
