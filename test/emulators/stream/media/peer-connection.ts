import { type PeerConfig, RTCPeerConnection, RTCRtpCodecParameters } from "werift";

/** A peer connection of the SFU: on loopback only, audio only. */
export function createPeerConnection(): RTCPeerConnection {
  const connection = new RTCPeerConnection(configuration());
  // Where no server is given, werift uses one of Google's.
  connection.onTransceiverAdded.subscribe(() => {
    for (const transport of connection.iceTransports) delete transport.connection.stunServer;
  });
  return connection;
}

const opus = (): RTCRtpCodecParameters =>
  new RTCRtpCodecParameters({
    mimeType: "audio/opus",
    clockRate: 48_000,
    channels: 2,
    payloadType: 111,
    parameters: "minptime=10;useinbandfec=1",
  });

const configuration = (): Partial<PeerConfig> => ({
  codecs: { audio: [opus()], video: [] },
  headerExtensions: {},
  bundlePolicy: "max-bundle",
  iceServers: [],
  // Only this address is sent: a network address of a loopback socket cannot be reached.
  iceUseIpv4: false,
  iceUseIpv6: false,
  iceUseTcp: false,
  iceAdditionalHostAddresses: ["127.0.0.1"],
  iceInterfaceAddresses: { udp4: "127.0.0.1" },
});
