import type {
  CandidatePair,
  RTCDtlsTransport,
  RTCIceTransport,
  RTCPeerConnection,
  Message as StunMessage,
} from "werift";
import { loadOpus } from "../audio/reception/opus.ts";
import { type Transport, takeOpening } from "./sockets.ts";

/**
 * WebRTC in TypeScript, and all that is changed of its inside. Each change asserts that what it changes is there; the version
 * is pinned exactly in package.json, since none of this is public there.
 */
export type Werift = typeof import("werift");

let loading: Promise<Werift> | undefined;

/** Loads werift, 200 ms and 20 MiB a thread, and the codec: before a call rather than in it. Once a thread. */
export async function loadWerift(): Promise<Werift> {
  loading ??= Promise.all([import("werift"), loadOpus()]).then(([werift]) => {
    watchSockets([werift.UdpTransport, werift.TcpTransport, werift.TlsTransport]);
    releaseAllocations(werift);
    return werift;
  });
  return loading;
}

function assertPart(part: unknown, name: string): void {
  if (typeof part !== "function") {
    throw new TypeError(`This version of werift has no ${name}, which Greenroom changes or calls`);
  }
}

/** A class that opens a socket; werift's types hide it. */
type TransportClass = { readonly prototype: { init?(this: Transport): Promise<void> } };

/** Makes the sockets that werift opens in this thread known to the peer connection that opens them. */
function watchSockets(classes: readonly unknown[]): void {
  for (const { prototype } of classes as readonly TransportClass[]) {
    const { init } = prototype;
    assertPart(init, "init of a transport");
    if (init === undefined) continue;
    prototype.init = async function (this: Transport): Promise<void> {
      // werift listens for no errors: one that cannot be bound would end the thread.
      this.socket?.on("error", () => {});
      if (!takeOpening(this)) {
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

/** The part of werift's side of an allocation that is used; its types hide some of it. */
interface Allocation {
  readonly server: readonly [string, number];
  readonly transport: { readonly type: string };
  readonly relayedAddress?: unknown;
  requestWithRetry(request: StunMessage, server: Allocation["server"], signal: AbortSignal): Promise<unknown>;
}

/** The longest wait for a relay's answer to a release, in milliseconds. */
const releaseTimeoutMs = 200;

/**
 * Makes werift give relayed addresses back as it closes: by itself it leaves them to the relay, which keeps one that was
 * asked for over UDP for 10 minutes, and gives each user so many.
 */
function releaseAllocations({ TurnProtocol, Message, methods, classes }: Werift): void {
  const { prototype } = TurnProtocol;
  const { close } = prototype;
  assertPart(close, "TurnProtocol.close");
  assertPart((prototype as unknown as Partial<Allocation>).requestWithRetry, "TurnProtocol.requestWithRetry");
  prototype.close = async function (): Promise<void> {
    const allocation = this as unknown as Allocation;
    // One over TCP ends with its connection.
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

/** The part of werift's ICE connection that is called; its types hide it. */
interface IceConnection {
  buildRequest(about: object): Parameters<CandidatePair["protocol"]["request"]>[0];
  pairRemoteCandidate(candidate: unknown): void;
}

/** Returns the hidden part of a transport's ICE connection. Throws a `TypeError` where this version has none. */
export function iceConnectionOf({ connection }: RTCIceTransport): IceConnection {
  const hidden = connection as unknown as IceConnection;
  assertPart(hidden.buildRequest, "Connection.buildRequest");
  assertPart(hidden.pairRemoteCandidate, "Connection.pairRemoteCandidate");
  return hidden;
}

/** An answer to a consent check that takes longer is of a connection that is of no use. In milliseconds. */
const consentTimeoutMs = 2_000;

/** Asks the other side whether it is there, once: a check of the pair in use (RFC 7675), as werift itself sends every 5 s. */
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

/** The type of a message of DTLS, and the flight of messages in which it is answered (RFC 6347, section 4.2). */
const helloVerifyRequest = 3;
const answeringHelloVerifyRequest = 3;

/**
 * Lets werift's DTLS client survive a second answer. It asks again after 500 ms, so that a slow relay brings two answers,
 * and gives up at the second one by itself.
 */
export function ignoreRepeatedHandshakes(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe((state) => {
    if (state !== "connecting") return;
    // It is made just after the state has changed.
    queueMicrotask(() => {
      const { dtls: socket } = transport;
      if (socket === undefined) return;
      const { onHandleHandshakes: handle } = socket;
      assertPart(handle, "onHandleHandshakes of a DTLS socket");
      const repeated = ({ msg_type }: { readonly msg_type: number }) =>
        msg_type === helloVerifyRequest && socket.dtls.flight >= answeringHelloVerifyRequest;
      socket.onHandleHandshakes = async (messages) => {
        await handle(messages.filter((message) => !repeated(message)));
      };
    });
  });
}
