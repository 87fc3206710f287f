import { AsyncLocalStorage } from "node:async_hooks";
import type { Socket } from "node:dgram";
import type { Socket as TcpSocket } from "node:net";

/** The peer connection whose sockets are being opened. */
const opening = new AsyncLocalStorage<PeerSockets>();

/** A transport of werift: a UDP socket, or a connection to a relay. */
export interface WeriftTransport {
  readonly socket?: Socket;
  readonly stream?: { readonly client?: TcpSocket };
  close(): Promise<void>;
}

/** Opens a UDP socket of werift in a way of its own, instead of werift's. */
export type OpenSocket = (transport: WeriftTransport) => Promise<void>;

/**
 * The sockets of one peer connection. werift opens them while it gathers candidates, keeps only those that
 * led to a candidate, and gathers on while the connection is closed: for up to 15 s with a relay that does
 * not answer.
 */
export class PeerSockets {
  readonly #open = new Set<WeriftTransport>();
  /** Opens the first UDP socket, that of the connection itself: those after it lead to relays. Null: werift does. */
  readonly #openFirst: OpenSocket | null;
  #closed = false;
  #count = 0;

  constructor(openFirst: OpenSocket | null = null) {
    this.#openFirst = openFirst;
  }

  /** Runs `open`. All sockets that it opens, however late, belong to this peer connection. */
  during<T>(open: () => T): T {
    return opening.run(this, open);
  }

  /** Closes all sockets, and each one that is opened later. */
  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#open];
    this.#open.clear();
    await Promise.all(open.map((transport) => transport.close()));
  }

  /** Adds a transport, to be closed with the others. Returns false where they are closed already. */
  add(transport: WeriftTransport): boolean {
    if (!this.#closed) this.#open.add(transport);
    return !this.#closed;
  }

  /** Returns what opens the next UDP socket; null where werift does. */
  nextOpen(): OpenSocket | null {
    this.#count += 1;
    return this.#count === 1 ? this.#openFirst : null;
  }
}

/** Returns what opens a UDP socket of the peer connection that opens one; null where werift does. */
export function openingOf({ socket }: WeriftTransport): OpenSocket | null {
  return socket === undefined ? null : (opening.getStore()?.nextOpen() ?? null);
}

/** Adds a transport to the peer connection that opens it. Returns false where that connection is closed. */
export function registerOpening(transport: WeriftTransport): boolean {
  return opening.getStore()?.add(transport) ?? true;
}
