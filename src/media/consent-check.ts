import type { CandidatePair, RTCPeerConnection } from "werift";

/** An answer that takes longer is of a connection that is of no use. */
const answerTimeoutMs = 2_000;

/** The part of werift's ICE that is of interest; its types hide it. */
interface RequestBuilder {
  buildRequest(about: object): Parameters<CandidatePair["protocol"]["request"]>[0];
}

/** Asks the other side whether it is there, once: a check of the pair in use (RFC 7675), as werift itself sends every 5 s. */
export function checkConsent({ iceTransports }: RTCPeerConnection, onAnswer: () => void): void {
  for (const { connection } of iceTransports) {
    const { nominated: pair, localUsername, remoteUsername, remotePassword, iceControlling } = connection;
    const { buildRequest } = connection as unknown as Partial<RequestBuilder>;
    if (pair === undefined || buildRequest === undefined) continue;
    const request = buildRequest.call(connection, {
      nominate: false,
      localUsername,
      remoteUsername,
      iceControlling,
      localCandidate: pair.localCandidate,
    });
    pair.protocol
      .request(request, pair.remoteAddr, Buffer.from(remotePassword, "utf8"), {
        retransmissions: 0,
        responseTimeout: answerTimeoutMs,
      })
      .then(onAnswer, () => undefined);
  }
}
