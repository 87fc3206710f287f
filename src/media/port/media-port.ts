import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIP, isIPv6 } from "node:net";
import type { MessagePort } from "node:worker_threads";
import type { FromMediaPort, MediaPath, ToMediaPort } from "../../shared/media-port.ts";
import { headerLength, headerOf } from "./address-header.ts";
import { type BindingRequest, readBindingRequest } from "./binding-request.ts";

/** Bounds of the tables. The addresses of a path are those from which one client tries: each of its networks has one. */
const most = { listeners: 16, paths: 20_000, pathsOfSession: 256, addressesOfPath: 32 };

/** A socket at which clients' packets come, at one address of the machine. */
interface Listener {
  readonly socket: Socket;
  /** The clients, by address and port. */
  readonly clients: Map<string, Client>;
}

/** The way of one connection. */
interface Path extends MediaPath {
  readonly listener: Listener;
  /** Its client's addresses, by the header that names them. The one that asked last is the last one. */
  readonly clients: Map<string, Client>;
}

/** A session thread, with its paths by their numbers. */
interface Session {
  readonly port: MessagePort;
  readonly paths: Map<number, Path>;
  closed: boolean;
}

/** An address from which somebody has asked for a path, and signed that. */
interface Client {
  readonly path: Path;
  readonly address: string;
  readonly port: number;
  readonly header: Buffer;
}

/**
 * One UDP port for the connections of many session threads. A client's first packets are requests of ICE: the user names of both
 * sides in one tell the path, and its password that it is the client. From then on the client's address does.
 *
 *     client ──▶ the port ─ address, packet ─▶ the session thread's own socket, at 127.0.0.1
 *            ◀──          ◀─ address, packet ─
 *
 * Packets of anybody else are dropped, and nothing is sent to an address that has not asked.
 */
export class MediaPort {
  readonly #port: number;
  /** The socket from which session threads get packets, and to which they send theirs. */
  readonly #relay: Socket;
  readonly #listeners = new Map<string, Promise<Listener>>();
  /** The paths by user name, and by the port of the session thread's socket. */
  readonly #paths = new Map<string, Path>();
  readonly #byPort = new Map<number, Path>();

  private constructor(port: number, relay: Socket) {
    this.#port = port;
    this.#relay = relay;
    relay.on("message", (packet, from) => this.#leaves(packet, from));
  }

  /** Opens a media port, which takes packets nowhere yet. `port` is the UDP port; 0: one that is free. */
  static async open(port: number): Promise<MediaPort> {
    return new MediaPort(port, await openUdpSocket("127.0.0.1", 0));
  }

  /** Returns the number of open paths. */
  get paths(): number {
    return this.#paths.size;
  }

  /** Serves a session thread. Its paths are closed with its port. */
  serve(port: MessagePort): void {
    const session: Session = { port, paths: new Map(), closed: false };
    port.on("message", (message: unknown) => {
      if (isToMediaPort(message)) void this.#take(message, session);
    });
    port.once("close", () => {
      session.closed = true;
      for (const path of session.paths.values()) this.#close(path);
    });
  }

  /** Closes everything. */
  async close(): Promise<void> {
    for (const path of this.#paths.values()) this.#close(path);
    this.#relay.close();
    for (const opening of this.#listeners.values()) {
      const listener = await opening.catch(() => null);
      listener?.socket.close();
    }
  }

  async #take(message: ToMediaPort, session: Session): Promise<void> {
    const { number } = message;
    const answer = (given: FromMediaPort) => session.port.postMessage(given);
    if (message.type === "close") {
      const path = session.paths.get(number);
      session.paths.delete(number);
      if (path) this.#close(path);
      return;
    }
    try {
      const listener = await this.#listen(message.address);
      if (session.closed) return;
      if (message.type === "open") this.#open(message, listener, session);
      answer({
        type: "opened",
        number,
        port: listener.socket.address().port,
        relayPort: this.#relay.address().port,
      });
    } catch (error) {
      answer({ type: "refused", number, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #listen(address: string): Promise<Listener> {
    const known = this.#listeners.get(address);
    if (known) return known;
    if (this.#listeners.size >= most.listeners)
      return Promise.reject(new Error(`it takes packets at ${most.listeners} addresses already`));
    const opening = this.#bind(address);
    this.#listeners.set(address, opening);
    // The next one who asks tries again.
    opening.catch(() => this.#listeners.delete(address));
    return opening;
  }

  async #bind(address: string): Promise<Listener> {
    const listener: Listener = { socket: await openUdpSocket(address, this.#port), clients: new Map() };
    listener.socket.on("message", (packet, from) => this.#comes(listener, packet, from));
    return listener;
  }

  #open(
    { number, ...given }: Extract<ToMediaPort, { type: "open" }>,
    listener: Listener,
    session: Session,
  ): void {
    if (session.paths.size >= most.pathsOfSession || this.#paths.size >= most.paths)
      throw new Error("it has as many connections as it may");
    if (this.#paths.has(given.user) || this.#byPort.has(given.port) || session.paths.has(number))
      throw new Error("such a connection is open");
    const path: Path = { ...given, listener, clients: new Map() };
    session.paths.set(number, path);
    this.#paths.set(path.user, path);
    this.#byPort.set(path.port, path);
  }

  #close(path: Path): void {
    this.#paths.delete(path.user);
    this.#byPort.delete(path.port);
    for (const client of path.clients.values()) this.#forget(client);
  }

  #forget({ path, address, port, header }: Client): void {
    path.listener.clients.delete(keyOf(address, port));
    path.clients.delete(header.toString("latin1"));
  }

  /** Takes a packet from outside. */
  #comes(listener: Listener, packet: Buffer, from: RemoteInfo): void {
    let client = listener.clients.get(keyOf(from.address, from.port));
    const request = readBindingRequest(packet);
    if (request) client = this.#admitted(listener, request, from, client);
    if (client) this.#relay.send([client.header, packet], client.path.port, "127.0.0.1");
  }

  /** Returns the client that asks from this address; undefined where the request is of nobody who may. */
  #admitted(
    listener: Listener,
    request: BindingRequest,
    { address, port }: RemoteInfo,
    known: Client | undefined,
  ): Client | undefined {
    const path = this.#paths.get(request.user);
    if (path?.listener !== listener || !request.isSignedWith(path.password)) return known;
    if (known && known.path !== path) this.#forget(known);
    const header = known?.header ?? headerOf(address, port);
    const client = known?.path === path ? known : { path, address, port, header };
    const name = header.toString("latin1");
    path.clients.delete(name);
    path.clients.set(name, client);
    listener.clients.set(keyOf(address, port), client);
    const [oldest] = path.clients.values();
    if (path.clients.size > most.addressesOfPath && oldest) this.#forget(oldest);
    return client;
  }

  /** Takes a packet of a session thread. */
  #leaves(packet: Buffer, { port }: RemoteInfo): void {
    const path = this.#byPort.get(port);
    if (path === undefined || packet.length <= headerLength) return;
    const client = path.clients.get(packet.toString("latin1", 0, headerLength));
    if (client) path.listener.socket.send(packet.subarray(headerLength), client.port, client.address);
  }
}

const keyOf = (address: string, port: number): string => `${address} ${port}`;

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isAddress = (value: unknown): boolean => typeof value === "string" && isIP(value) !== 0;
const isText = (value: unknown): boolean =>
  typeof value === "string" && value.length > 0 && value.length <= 1_024;

/** Returns whether a value is a message to the media port. An agent's code runs in the thread that sends it, so that it may be anything. */
function isToMediaPort(value: unknown): value is ToMediaPort {
  if (typeof value !== "object" || value === null) return false;
  const { type, number, address, user, password, port } = value as Readonly<Record<string, unknown>>;
  if (!isCount(number)) return false;
  if (type === "close") return true;
  if (!isAddress(address)) return false;
  if (type === "listen") return true;
  const isPort = isCount(port) && Number(port) > 0 && Number(port) < 65_536;
  return type === "open" && isText(user) && isText(password) && isPort;
}

/** The memory for packets that wait in the kernel, in bytes: 200 calls for a tenth of a second. */
const bufferBytes = 1_048_576;

/**
 * Opens a UDP socket at an address and a port of this machine; port 0: one that is free. It is for packets to known addresses, and an
 * error in sending is nobody's: the packet is lost, as others are. Rejects where it cannot be bound.
 */
async function openUdpSocket(address: string, port: number): Promise<Socket> {
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
