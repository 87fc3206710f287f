import { isIP } from "node:net";
import { EdgeRefusal } from "../../../agent/edge.ts";

/**
 * The parts of a browser's offer that are used, each of them checked. No other part of it reaches werift, which accepts any text as
 * a description.
 */
export interface ClientOffer {
  readonly ufrag: string;
  readonly password: string;
  readonly fingerprint: string;
  readonly setup: string;
  /** The sections in the order of the offer, which the answer has to keep. */
  readonly sections: readonly ("audio" | "application")[];
  readonly audio: AudioSection;
  /** The `mid` of the data channel's section; null where there is none. */
  readonly dataMid: string | null;
  /** The candidates with an address and a port of UDP, as lines without `a=`. */
  readonly candidates: readonly string[];
}

interface AudioSection {
  readonly mid: string;
  readonly direction: string;
  /** The payload type of Opus. */
  readonly payloadType: number;
  /** The SSRC of the client's sound; null where it sends none. */
  readonly ssrc: number | null;
}

/** The longest offer, in characters: several times that of a browser. */
const longestOffer = 32_768;
const mostCandidates = 32;

/** Returns the parts of an offer. It throws an {@link EdgeRefusal} that says what is wrong with it. */
export function readOffer(sdp: unknown): ClientOffer {
  if (typeof sdp !== "string" || !sdp.startsWith("v=0")) throw new EdgeRefusal("The offer holds no SDP");
  if (sdp.length > longestOffer) throw new EdgeRefusal(`The SDP has more than ${longestOffer} characters`);
  const [session = "", ...media] = sdp.split(/^(?=m=)/m);
  const kinds = media.map((section) => /^m=(\w+) /.exec(section)?.[1] ?? "");
  const sections = kinds.filter((kind) => kind === "audio" || kind === "application");
  const audio = media[kinds.indexOf("audio")];
  const data = media[kinds.indexOf("application")];
  if (audio === undefined || sections.length !== kinds.length || new Set(kinds).size !== kinds.length)
    throw new EdgeRefusal(
      "The offer must have one audio section and, where it has another, one data channel",
    );
  const find = (pattern: RegExp, what: string): string => {
    const found = pattern.exec(audio)?.[1] ?? pattern.exec(session)?.[1];
    if (found === undefined) throw new EdgeRefusal(`The offer's SDP has no ${what} that can be used`);
    return found;
  };
  if (data !== undefined && !/^m=application \d+ UDP\/DTLS\/SCTP webrtc-datachannel\s*$/m.test(data))
    throw new EdgeRefusal("The offer's data channel is none of WebRTC");
  return {
    ufrag: find(/^a=ice-ufrag:([\w+/-]{4,256})\s*$/m, "ice-ufrag"),
    password: find(/^a=ice-pwd:([\w+/-]{22,256})\s*$/m, "ice-pwd"),
    fingerprint: find(/^a=fingerprint:sha-256 ([\dA-F]{2}(?::[\dA-F]{2}){31})\s*$/im, "SHA-256 fingerprint"),
    setup: find(/^a=setup:(actpass|passive)\s*$/m, "setup"),
    sections,
    audio: readAudio(audio),
    dataMid: data === undefined ? null : midOf(data),
    candidates: readCandidates(sdp),
  };
}

function readAudio(section: string): AudioSection {
  const payloadType = Number(/^a=rtpmap:(\d{1,3}) opus\/48000\/2\s*$/im.exec(section)?.[1] ?? -1);
  if (payloadType < 96 || payloadType > 127)
    throw new EdgeRefusal("The offer's audio has no Opus: opus/48000/2 as a dynamic payload type");
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m.exec(section)?.[1] ?? "sendrecv";
  const ssrc = Number(/^a=ssrc:(\d{1,10}) /m.exec(section)?.[1] ?? 0);
  const sends = direction.startsWith("send");
  if (sends && !(ssrc > 0 && ssrc < 2 ** 32))
    throw new EdgeRefusal("The offer's audio does not name its source: an a=ssrc line is missing");
  return { mid: midOf(section), direction, payloadType, ssrc: sends ? ssrc : null };
}

function midOf(section: string): string {
  const mid = /^a=mid:([\w-]{1,32})\s*$/m.exec(section)?.[1];
  if (mid === undefined) throw new EdgeRefusal("A section of the offer has no mid");
  return mid;
}

/** Returns the candidates, without names that only a local network can resolve and without TCP. */
function readCandidates(sdp: string): string[] {
  const lines = sdp.matchAll(
    /^a=(candidate:[\w+/]{1,32} 1 udp \d{1,10} ([\da-fA-F.:]{2,45}) (\d{1,5}) typ (?:host|srflx|prflx|relay))\b/gim,
  );
  return [...lines]
    .filter(([, , address = "", port]) => isIP(address) !== 0 && Number(port) > 0 && Number(port) < 65_536)
    .slice(0, mostCandidates)
    .map(([, line = ""]) => line);
}

/** Returns the offer as a description, without its candidates. */
export function sdpOf(offer: ClientOffer): string {
  const { audio, dataMid } = offer;
  const common = (mid: string) => [
    "c=IN IP4 0.0.0.0",
    `a=ice-ufrag:${offer.ufrag}`,
    `a=ice-pwd:${offer.password}`,
    `a=fingerprint:sha-256 ${offer.fingerprint}`,
    `a=setup:${offer.setup}`,
    `a=mid:${mid}`,
  ];
  const sections = {
    audio: [
      `m=audio 9 UDP/TLS/RTP/SAVPF ${audio.payloadType}`,
      ...common(audio.mid),
      `a=${audio.direction}`,
      "a=rtcp-mux",
      `a=rtpmap:${audio.payloadType} opus/48000/2`,
      `a=fmtp:${audio.payloadType} minptime=10;useinbandfec=1`,
      ...(audio.ssrc === null ? [] : [`a=ssrc:${audio.ssrc} cname:client`]),
    ],
    application:
      dataMid === null
        ? []
        : [
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
            ...common(dataMid),
            "a=sctp-port:5000",
            "a=max-message-size:65536",
          ],
  };
  const mids = offer.sections.map((kind) => (kind === "audio" ? audio.mid : dataMid)).join(" ");
  const lines = [
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    `a=group:BUNDLE ${mids}`,
    ...offer.sections.flatMap((kind) => sections[kind]),
  ];
  return lines.map((line) => `${line}\r\n`).join("");
}
