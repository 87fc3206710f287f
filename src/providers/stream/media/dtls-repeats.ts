import type { RTCDtlsTransport } from "werift";

/** Of DTLS: the type of a message, and the flight of messages in which it is answered (RFC 6347, section 4.2). */
const helloVerifyRequest = 3;
const answeringHelloVerifyRequest = 3;

/**
 * Where an answer takes longer than the 500 ms after which it asks again, as through a slow relay, werift's DTLS client is
 * answered twice; and gives up at the second one.
 */
export function forgiveRepeats(transport: RTCDtlsTransport): void {
  transport.onStateChange.subscribe((state) => {
    if (state !== "connecting") return;
    // It is made just after the state has changed.
    queueMicrotask(() => {
      const { dtls: socket } = transport;
      const handle = socket?.onHandleHandshakes;
      if (socket === undefined || handle === undefined) return;
      const repeated = ({ msg_type }: { readonly msg_type: number }) =>
        msg_type === helloVerifyRequest && socket.dtls.flight >= answeringHelloVerifyRequest;
      socket.onHandleHandshakes = async (messages) => {
        await handle(messages.filter((message) => !repeated(message)));
      };
    });
  });
}
