import type { RTCDtlsTransport } from "werift";

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
