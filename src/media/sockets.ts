import { AsyncLocalStorage } from "node:async_hooks";
import type { Socket } from "node:dgram";
import type { Socket as TcpSocket } from "node:net";

/** The owner of the sockets that are being opened. */
const opening = new AsyncLocalStorage<Sockets>();

/** The transport of werift: a UDP socket, or a connection to a relay. */
export interface Transport {
  readonly socket?: Socket;
  readonly stream?: { readonly client?: TcpSocket };
  close(): Promise<void>;
}

/**
 * The sockets of one peer connection. werift opens them while it gathers candidates, knows of one only when a candidate came of
 * it, and gathers on while it is closed: with a relay that does not answer, for up to 15 s.
 */
export class Sockets {
  readonly #open = new Set<Transport>();
  #closed = false;

  /** Runs `open`. All sockets that it opens, however late, are of this peer connection. */
  during<T>(open: () => T): T {
    return opening.run(this, open);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#open];
    this.#open.clear();
    await Promise.all(open.map((transport) => transport.close()));
  }

  /** Takes a transport over, to close it with the others. Returns false where it comes too late. */
  take(transport: Transport): boolean {
    if (!this.#closed) this.#open.add(transport);
    return !this.#closed;
  }
}

/** Gives a transport that is being opened to the peer connection that opens it. Returns false where that one is closed. */
export function takeOpening(transport: Transport): boolean {
  return opening.getStore()?.take(transport) ?? true;
}
