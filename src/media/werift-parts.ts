/** The parts of werift that are used. The package has a bundle of these alone: what is not in this list cannot be used. */
export const weriftParts = [
  "MediaStream",
  "MediaStreamTrack",
  "Message",
  "RTCDtlsTransport",
  "RTCPeerConnection",
  "RTCRtpCodecParameters",
  "RtpHeader",
  "RtpPacket",
  "TcpTransport",
  "TlsTransport",
  "TurnProtocol",
  "UdpTransport",
  "classes",
  "methods",
] as const;

/** The module werift, as far as it is used. */
export type Werift = Pick<typeof import("werift"), (typeof weriftParts)[number]>;
