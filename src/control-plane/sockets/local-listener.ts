import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The length of a ticket, in characters. */
const ticketLength = 64;
/** The longest time that a connection may take to send its ticket, in milliseconds. */
const ticketTimeoutMs = 2_000;
/** The most connections that have not sent a ticket yet. */
const mostUnknown = 256;

/** A session thread that is expected to fetch a client. Dispose of it when the wait is over. */
export interface ExpectedThread extends Disposable {
  readonly address: string;
  readonly ticket: string;
  /** Resolves with the connection of the thread, of which nothing but the ticket has been read. */
  readonly connected: Promise<Socket>;
}

/**
 * The local socket over which session threads fetch the clients that were accepted for them, since Node cannot hand a
 * socket to a thread. There is one for the process, made for the first client. Other users of this machine may be able
 * to connect to it: a ticket, which is random and valid once, identifies the client.
 */
export class LocalListener {
  readonly #stopped: AbortSignal;
  readonly #expected = new Map<string, (thread: Socket) => void>();
  #address: Promise<string> | undefined;
  #unknown = 0;

  /** Listens, once it is used, until `stopped` fires. */
  constructor(stopped: AbortSignal) {
    this.#stopped = stopped;
  }

  async expect(): Promise<ExpectedThread> {
    this.#address ??= this.#listen();
    // The next client tries again to listen.
    this.#address.catch(() => {
      this.#address = undefined;
    });
    const address = await this.#address;
    const ticket = randomBytes(ticketLength / 2).toString("hex");
    const { promise: connected, resolve } = Promise.withResolvers<Socket>();
    this.#expected.set(ticket, resolve);
    return { address, ticket, connected, [Symbol.dispose]: () => this.#expected.delete(ticket) };
  }

  async #listen(): Promise<string> {
    const { address, remove } = newAddress();
    const server = createServer((socket) => this.#identify(socket));
    const close = () => {
      server.close();
      remove();
    };
    this.#stopped.addEventListener("abort", close, { once: true });
    server.listen(address);
    await once(server, "listening");
    // A connection may fail to be accepted, as where descriptors are short. The wait for it then ends by its deadline.
    server.on("error", () => undefined);
    server.unref();
    return address;
  }

  /** Reads the ticket of a connection, and hands the connection to the code that waits for it. */
  #identify(socket: Socket): void {
    socket.on("error", () => undefined);
    if (this.#unknown >= mostUnknown) {
      socket.destroy();
      return;
    }
    this.#unknown += 1;
    const overdue = setTimeout(() => socket.destroy(), ticketTimeoutMs);
    const known = () => {
      socket.off("close", known).off("readable", read);
      clearTimeout(overdue);
      this.#unknown -= 1;
    };
    const read = () => {
      const ticket: Buffer | null = socket.read(ticketLength);
      if (ticket === null) return;
      known();
      const take = this.#expected.get(ticket.toString("latin1"));
      this.#expected.delete(ticket.toString("latin1"));
      if (take) take(socket);
      else socket.destroy();
    };
    socket.on("close", known).on("readable", read);
  }
}

/** Returns a new address of this machine. On Linux it has no file, so that a killed process leaves none. */
function newAddress(): { readonly address: string; remove(): void } {
  const name = `greenroom-${process.pid}-${randomBytes(8).toString("hex")}`;
  if (process.platform === "linux") return { address: `\0${name}`, remove: () => undefined };
  if (process.platform === "win32") return { address: `\\\\.\\pipe\\${name}`, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), "greenroom-"));
  return { address: join(folder, "socket"), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
