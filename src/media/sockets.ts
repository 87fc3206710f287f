import { AsyncLocalStorage } from "node:async_hooks";
import type { Socket } from "node:dgram";
import type { Socket as TcpSocket } from "node:net";

/** The owner of the sockets that are being opened. */
const opening = new AsyncLocalStorage<Sockets>();
let watched = false;

/** The transport of werift: a UDP socket, or a connection to a relay. */
interface Transport {
  readonly socket?: Socket;
  readonly stream?: { readonly client?: TcpSocket };
  close(): Promise<void>;
}

/** werift's classes, of which only what opens a socket is of interest; its types hide it. */
type TransportClass = { readonly prototype: { init?(this: Transport): Promise<void> } };

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

/** Makes the sockets that werift opens in this thread known to whoever opens them. It does so once. */
export function watchSockets(classes: readonly unknown[]): void {
  if (watched) return;
  watched = true;
  for (const { prototype } of classes as readonly TransportClass[]) {
    const init = prototype.init;
    if (init === undefined) throw new TypeError("This version of werift opens its sockets in another way");
    prototype.init = async function (this: Transport): Promise<void> {
      // werift listens for no errors: one that cannot be bound would end the thread.
      this.socket?.on("error", () => {});
      if (opening.getStore()?.take(this) === false) {
        // A connection is being opened since it was constructed, and fails as it is closed.
        if (this.socket === undefined) void init.call(this).catch(() => {});
        await this.close();
        throw new Error("The peer connection is closed");
      }
      await init.call(this);
      // Else the kernel holds a frame back until the one before it has arrived.
      this.stream?.client?.setNoDelay(true);
    };
  }
}
