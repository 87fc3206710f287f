import { createSecretKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import type { RTCDtlsTransport } from "werift";
import { assertPart } from "./werift.ts";

/* The changes to werift's DTLS and SRTP; the others are in `werift.ts`. */

/** Changes a transport before it connects. With `atOnce` its handshake begins as soon as there is a connection. */
export function mendSecurity(transport: RTCDtlsTransport, atOnce: boolean): void {
  ignoreRepeatedHandshakes(transport);
  demandProof(transport);
  keepKeys(transport);
  if (atOnce) beginHandshakesAtOnce(transport);
}

/** The keys of one direction of SRTP, as werift has them. Its types do not declare them. */
interface CipherKeys {
  srtpSessionKey: Buffer | KeyObject;
  srtcpSessionKey: Buffer | KeyObject;
}

/**
 * Has werift keep the keys of SRTP as Node wants them. From bytes Node makes a key anew for each packet, which takes four times as long
 * as to encrypt it.
 */
function keepKeys(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe((state) => {
    if (state !== "connected") return;
    for (const { localContext, remoteContext } of [transport.srtp, transport.srtcp]) {
      for (const context of [localContext, remoteContext]) {
        const keys = context?.cipher as unknown as CipherKeys | undefined;
        if (!(keys?.srtpSessionKey instanceof Uint8Array && keys.srtcpSessionKey instanceof Uint8Array))
          throw new TypeError("This version of werift has no keys of SRTP, which Greenroom replaces");
        keys.srtpSessionKey = createSecretKey(keys.srtpSessionKey);
        keys.srtcpSessionKey = createSecretKey(keys.srtcpSessionKey);
      }
    }
  });
}

/**
 * The DTLS message type that asks for a cookie, and the flight in which it is answered (RFC 6347, section
 * 4.2).
 */
const helloVerifyRequest = 3;
const answeringHelloVerifyRequest = 3;

/**
 * Makes werift's DTLS client ignore a repeated answer. It repeats its first message after 500 ms, so that a
 * slow relay brings two answers, and the second one would make it give up.
 */
function ignoreRepeatedHandshakes(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe((state) => {
    if (state !== "connecting") return;
    // The DTLS socket is created just after the state changed.
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

/** The messages of a DTLS server with which it shows who it is (RFC 5246, section 7.4). */
const serverHello = 2;
const certificate = 11;
const serverKeyExchange = 12;
const serverHelloDone = 14;

interface HandshakeMessage {
  readonly msg_type: number;
  readonly fragment: Buffer;
}

/**
 * Makes werift's DTLS client demand that the other side has the key of its certificate: werift compares the certificate's fingerprint, and
 * leaves the signature unread. Without it whoever is on the way could show a certificate that it has seen, and take the call.
 */
function demandProof(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe((state) => {
    if (state !== "connecting" || transport.role !== "client") return;
    // The DTLS socket is created just after the state changed.
    queueMicrotask(() => {
      const { dtls: socket } = transport;
      if (socket === undefined) return;
      const { onHandleHandshakes: handle } = socket;
      assertPart(handle, "onHandleHandshakes of a DTLS socket");
      const told = new Map<number, Buffer>();
      let isProven = false;
      socket.onHandleHandshakes = async (messages) => {
        for (const { msg_type, fragment } of messages as readonly HandshakeMessage[])
          if (!told.has(msg_type)) told.set(msg_type, fragment);
        isProven ||= isSignedBy(told, socket.cipher.localRandom.serialize());
        // The last one, with which the client goes on, comes again where others of this flight were lost.
        await handle(messages.filter(({ msg_type }) => isProven || msg_type !== serverHelloDone));
      };
    });
  });
}

/** Returns whether the server has signed its part of the key with the key of its certificate; false where something is missing. */
function isSignedBy(told: ReadonlyMap<number, Buffer>, clientRandom: Buffer): boolean {
  const [hello, shown, exchange] = [serverHello, certificate, serverKeyExchange].map((type) =>
    told.get(type),
  );
  if (!hello || !shown || !exchange) return false;
  try {
    const serverRandom = hello.subarray(2, 34);
    const { publicKey } = new X509Certificate(shown.subarray(6, 6 + shown.readUIntBE(3, 3)));
    // The curve and the point, then the algorithms and the length of the signature: werift offers SHA-256 alone.
    const end = 4 + exchange.readUInt8(3);
    const signature = exchange.subarray(end + 4, end + 4 + exchange.readUInt16BE(end + 2));
    const signed = Buffer.concat([clientRandom, serverRandom, exchange.subarray(0, end)]);
    return verify("sha256", signed, publicKey, signature);
  } catch {
    return false;
  }
}

/** The part of werift's DTLS client that is used. Its types do not let it be replaced. */
interface DtlsClient {
  readonly dtls: { readonly flight: number };
  readonly transport: { send(packet: Buffer, to?: unknown): Promise<void> };
  connect(): Promise<void>;
}

/** The time after which the first message of a handshake is sent again, in milliseconds; werift itself waits 500. */
const repeatHelloMs = 100;
/** The flight of a handshake in which nothing has come of the other side. */
const firstFlight = 1;

/**
 * Makes werift's DTLS client begin its handshake at once, and not 100 ms after the connection. A browser keeps a first message that
 * comes before it listens; for one that does not, the message is sent again.
 */
function beginHandshakesAtOnce(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe((state) => {
    if (state !== "connecting" || transport.role !== "client") return;
    // The DTLS socket is created just after the state changed.
    queueMicrotask(() => {
      const socket = transport.dtls as unknown as DtlsClient | undefined;
      if (socket === undefined) return;
      const { connect, transport: way } = socket;
      assertPart(connect, "connect of a DTLS client");
      assertPart(way.send, "send of a DTLS transport");
      const { send } = way;
      const sent: Buffer[] = [];
      way.send = (packet, to) => {
        sent.push(packet);
        return send(packet, to);
      };
      const begun = connect.call(socket);
      way.send = send;
      // It rejects once for werift, which awaits it later.
      begun.catch(() => {});
      socket.connect = () => begun;
      setTimeout(() => {
        if (socket.dtls.flight === firstFlight && transport.state === "connecting")
          for (const packet of sent) void send(packet).catch(() => {});
      }, repeatHelloMs).unref();
    });
  });
}
