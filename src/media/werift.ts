import { once } from "node:events";
import type { CandidatePair, RTCIceTransport, RTCPeerConnection, Message as StunMessage } from "werift";
import { whileLoading } from "../agent/thread/preload.ts";
import { loadOpus } from "../audio/reception/opus.ts";
import { addressOf, headerLength, headerOf } from "./port/address-header.ts";
import type { OpenPath } from "./port/media-port-client.ts";
import { openingOf, registerOpening, type WeriftTransport } from "./sockets.ts";
import type { Werift } from "./werift-parts.ts";

/*
 * WebRTC in TypeScript, and every change to werift's internals. Each change asserts that what it changes exists. The version is pinned
 * exactly in package.json, since these parts are not public.
 */

let loading: Promise<Werift> | undefined;

/** Loads werift and the codec, which takes 200 ms and 20 MiB, once a thread. It is called ahead of a call. */
export async function loadWerift(): Promise<Werift> {
  loading ??= whileLoading(async () => {
    const [werift]: readonly [Werift, unknown] = await Promise.all([import("werift"), loadOpus()]);
    registerSockets([werift.UdpTransport, werift.TcpTransport, werift.TlsTransport]);
    releaseAllocations(werift);
    // It is of this thread, and so of one session.
    await werift.RTCDtlsTransport.SetupCertificate();
    return werift;
  });
  return loading;
}

/** Throws a `TypeError` where this version of werift has no such function. */
export function assertPart(part: unknown, name: string): void {
  if (typeof part !== "function") {
    throw new TypeError(`This version of werift has no ${name}, which Greenroom changes or calls`);
  }
}

/** A class of werift that opens a socket. Its types do not declare `init`. */
type TransportClass = { readonly prototype: { init?(this: WeriftTransport): Promise<void> } };

/** Registers each socket that werift opens in this thread with the peer connection that opens it. */
function registerSockets(classes: readonly unknown[]): void {
  for (const { prototype } of classes as readonly TransportClass[]) {
    const { init } = prototype;
    assertPart(init, "init of a transport");
    if (init === undefined) continue;
    prototype.init = async function (this: WeriftTransport): Promise<void> {
      // werift does not listen for errors, so that a socket that cannot be bound would end the thread.
      this.socket?.on("error", () => {});
      if (!registerOpening(this)) {
        // A TCP connection has been opening since it was constructed, and fails when it is closed.
        if (this.socket === undefined) void init.call(this).catch(() => {});
        await this.close();
        throw new Error("The peer connection is closed");
      }
      const open = openingOf(this);
      if (open === null) await init.call(this);
      else await open(this);
      // Otherwise the kernel holds a frame back until the one before it was acknowledged.
      this.stream?.client?.setNoDelay(true);
    };
  }
}

/** The part of a UDP transport of werift that is replaced. Its types do not declare all of it. */
interface UdpTransport extends WeriftTransport {
  onData(packet: Buffer, from: readonly [address: string, port: number]): void;
  send(packet: Buffer, to: readonly [address: string, port: number]): Promise<void>;
}

/** Addresses of the other side whose headers are kept. */
const mostHeaders = 64;

/**
 * Opens a UDP transport of werift whose packets go through the media port. `openPath` is given the port of its socket at 127.0.0.1.
 * To werift it looks as if the socket had the media port's own port, and got its packets from the other side itself.
 */
export async function openRelayed(
  transport: WeriftTransport,
  openPath: (port: number) => Promise<OpenPath>,
): Promise<void> {
  const udp = transport as UdpTransport;
  const { socket } = udp;
  if (socket === undefined) throw new TypeError("Only UDP goes through the media port");
  assertPart(udp.onData, "onData of a UDP transport");
  assertPart(udp.send, "send of a UDP transport");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const path = await openPath(socket.address().port);
  socket.once("close", path.close);
  try {
    socket.connect(path.relayPort, "127.0.0.1");
    await once(socket, "connect");
  } catch (error) {
    // It was closed meanwhile.
    path.close();
    throw error;
  }
  socket.removeAllListeners("message");
  socket.on("message", (packet) => {
    try {
      if (packet.length > headerLength) udp.onData(packet.subarray(headerLength), addressOf(packet));
    } catch {
      // As in werift itself, a packet that it cannot read is dropped.
    }
  });
  const headers = new Map<string, Buffer>();
  udp.send = async (packet, [address, port]) => {
    const name = `${address} ${port}`;
    const header = headers.get(name) ?? headerOf(address, port);
    if (headers.size >= mostHeaders) headers.clear();
    headers.set(name, header);
    socket.send([header, packet]);
  };
  Object.defineProperties(udp, {
    address: { get: () => ({ address: "127.0.0.1", family: "IPv4", port: path.port }) },
    // The other side may be reached by IPv6, which werift would refuse for this socket.
    addressFamily: { get: () => 0 },
  });
}

/** The part of a TURN allocation of werift that is used. Its types do not declare all of it. */
interface Allocation {
  readonly server: readonly [string, number];
  readonly transport: { readonly type: string };
  readonly relayedAddress?: unknown;
  requestWithRetry(request: StunMessage, server: Allocation["server"], signal: AbortSignal): Promise<unknown>;
}

/** The longest wait for a relay's answer to a release, in milliseconds. */
const releaseTimeoutMs = 200;

/**
 * Makes werift release relayed addresses when it closes. By itself it leaves them to the relay, which keeps
 * one that was allocated over UDP for 10 minutes, and limits their number for each user.
 */
function releaseAllocations({ TurnProtocol, Message, methods, classes }: Werift): void {
  const { prototype } = TurnProtocol;
  const { close } = prototype;
  assertPart(close, "TurnProtocol.close");
  assertPart((prototype as unknown as Partial<Allocation>).requestWithRetry, "TurnProtocol.requestWithRetry");
  prototype.close = async function (): Promise<void> {
    const allocation = this as unknown as Allocation;
    // An allocation over TCP ends with its connection.
    if (allocation.transport.type === "udp" && allocation.relayedAddress !== undefined) {
      const request = new Message(methods.REFRESH, classes.REQUEST).setAttribute("LIFETIME", 0);
      const { server } = allocation;
      await allocation
        .requestWithRetry(request, server, AbortSignal.timeout(releaseTimeoutMs))
        .catch(() => {});
    }
    await close.call(this);
  };
}

/** The part of werift's ICE connection that is called. Its types do not declare it. */
interface IceConnection {
  buildRequest(about: object): Parameters<CandidatePair["protocol"]["request"]>[0];
  pairRemoteCandidate(candidate: unknown): void;
}

/**
 * Returns the undeclared part of a transport's ICE connection. It throws a `TypeError` where this version of
 * werift has none.
 */
export function iceConnectionOf({ connection }: RTCIceTransport): IceConnection {
  const hidden = connection as unknown as IceConnection;
  assertPart(hidden.buildRequest, "Connection.buildRequest");
  assertPart(hidden.pairRemoteCandidate, "Connection.pairRemoteCandidate");
  return hidden;
}

/**
 * The longest wait for the answer to a consent check, in milliseconds. A connection that is slower is of no
 * use.
 */
const consentTimeoutMs = 2_000;

/**
 * Checks once whether the other side answers, by a consent check of the pair in use (RFC 7675), as werift
 * itself makes every 5 s. `onAnswer` is called with an answer only.
 */
export function checkConsent({ iceTransports }: RTCPeerConnection, onAnswer: () => void): void {
  for (const transport of iceTransports) {
    const {
      nominated: pair,
      localUsername,
      remoteUsername,
      remotePassword,
      iceControlling,
    } = transport.connection;
    if (pair === undefined) continue;
    const request = iceConnectionOf(transport).buildRequest({
      nominate: false,
      localUsername,
      remoteUsername,
      iceControlling,
      localCandidate: pair.localCandidate,
    });
    pair.protocol
      .request(request, pair.remoteAddr, Buffer.from(remotePassword, "utf8"), {
        retransmissions: 0,
        responseTimeout: consentTimeoutMs,
      })
      .then(onAnswer, () => undefined);
  }
}

/** Returns how many packets a connection has received by the pairs in use, checks of the other side and its answers included. */
export function receivedPackets({ iceTransports }: RTCPeerConnection): number {
  return iceTransports.reduce((sum, { connection: { nominated: pair } }) => {
    return pair === undefined
      ? sum
      : sum + pair.packetsReceived + pair.requestsReceived + pair.responsesReceived;
  }, 0);
}

/** The part of werift's side of a data channel's association that is used; its types hide some of it. */
interface Association {
  readonly advertisedRwnd?: number;
  handleData?: (data: Buffer) => Promise<void>;
}

/** Bytes by which a peer may exceed the window that it was granted: what is under way when the window closes. */
const windowSlackBytes = 262_144;

/**
 * Guards the data channels of a connection against its peer. werift leaves an error in a packet to nobody, which would end
 * the thread, and keeps pieces of messages that never end, whatever window it granted. `onBroken` is called instead.
 */
export function guardDataChannels({ sctpTransport }: RTCPeerConnection, onBroken: () => void): void {
  if (sctpTransport === undefined) return;
  const association = sctpTransport.sctp as unknown as Association;
  const { handleData } = association;
  assertPart(handleData, "handleData of an SCTP association");
  if (typeof association.advertisedRwnd !== "number") {
    throw new TypeError("This version of werift has no advertisedRwnd, which Greenroom reads");
  }
  association.handleData = async (data) => {
    try {
      await handleData?.call(association, data);
    } catch {
      onBroken();
    }
    if ((association.advertisedRwnd ?? 0) < -windowSlackBytes) onBroken();
  };
}
