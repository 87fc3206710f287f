import type { RTCPeerConnectionConfig } from "werift";
import type { PeerState } from "../../../media/peer.ts";
import { type PeerLinkTimes, peerLinkTimes } from "../../../media/peer-link.ts";
import { serversFor } from "../../../media/relay.ts";
import { opusPayloadType } from "../../../media/voice-packets.ts";
import { loadWerift } from "../../../media/werift.ts";
import type { Werift } from "../../../media/werift-parts.ts";
import type { CodecDescriptions, Media, MediaFactory, MediaOptions, Peer } from "./media.ts";
import { Publisher } from "./publisher.ts";
import { Subscriber } from "./subscriber.ts";

export interface WeriftMediaOptions {
  /**
   * The sample rate of the agent's sound, in hertz. Default 24,000, that of synthesised speech. Opus takes 8,
   * 12, 16, 24 and 48 thousand.
   */
  readonly sendSampleRate?: number;
  /**
   * The sample rate of the participants' sound, in hertz. Default 16,000, for speech to text. The same rates
   * are possible.
   */
  readonly receiveSampleRate?: number;
  /** The bitrate of the agent's sound, in bits a second. Default 32,000. */
  readonly bitrate?: number;
  /** The paths that packets may take. Default `all`; with `relay` every packet goes through a TURN server. */
  readonly iceTransportPolicy?: "all" | "relay";
  /**
   * The local address. Default: an address of each of the machine's networks. With `127.0.0.1` no packet
   * leaves the machine.
   */
  readonly address?: string;
  readonly times?: Partial<PeerLinkTimes>;
}

/** Loads media on werift: peer connections in TypeScript, which end with their thread. */
export async function loadMedia(options: WeriftMediaOptions = {}): Promise<MediaFactory> {
  const factory = new WeriftMedia(await loadWerift(), options);
  // This also makes the certificate of this thread.
  await factory.codecs();
  return factory;
}

class WeriftMedia implements MediaFactory {
  readonly sampleRate: number;
  readonly #werift: Werift;
  readonly #options: WeriftMediaOptions;
  #codecs: Promise<CodecDescriptions> | undefined;
  /**
   * The index of the relay in use. The next one is used after a peer connection was never connected with this
   * one.
   */
  #relay = 0;

  constructor(werift: Werift, options: WeriftMediaOptions) {
    this.#werift = werift;
    this.#options = options;
    this.sampleRate = options.sendSampleRate ?? 24_000;
  }

  codecs(): Promise<CodecDescriptions> {
    this.#codecs ??= this.#describe();
    return this.#codecs;
  }

  open({ iceServers, onCandidate, onState, onSound }: MediaOptions): Media {
    const { receiveSampleRate = 16_000, bitrate = 32_000, times } = this.#options;
    const relay = this.#relay;
    const common = {
      werift: this.#werift,
      config: { ...this.#config(), iceServers: serversFor(iceServers, relay) },
      times: { ...peerLinkTimes, ...times },
    };
    const watch = (peer: Peer) => ({
      onCandidate: (candidate: string) => onCandidate(peer, candidate),
      onState: (state: PeerState) => {
        const { link } = peer === "publisher" ? publisher : subscriber;
        if (state === "failed" && !link.everConnected) this.#relay = relay + 1;
        onState(peer, state);
      },
    });
    const publisher = new Publisher({
      ...common,
      ...watch("publisher"),
      sampleRate: this.sampleRate,
      bitrate,
    });
    const subscriber = new Subscriber({
      ...common,
      ...watch("subscriber"),
      sampleRate: receiveSampleRate,
      onSound,
    });
    return {
      publisher,
      subscriber,
      addCandidate: (peer, candidate) => {
        const { link } = peer === "publisher" ? publisher : subscriber;
        return link.addCandidate(candidate);
      },
      close: async () => {
        await Promise.all([publisher.close(), subscriber.close()]);
      },
    };
  }

  #config(): RTCPeerConnectionConfig {
    const { RTCRtpCodecParameters } = this.#werift;
    const { iceTransportPolicy = "all", address } = this.#options;
    const opus = new RTCRtpCodecParameters({
      mimeType: "audio/opus",
      clockRate: 48_000,
      channels: 2,
      payloadType: opusPayloadType,
      parameters: "minptime=10;useinbandfec=1",
    });
    return {
      iceServers: [],
      iceTransportPolicy,
      bundlePolicy: "max-bundle",
      codecs: { audio: [opus], video: [] },
      iceStunGatherTimeout: 2,
      iceTurnConnectTimeout: 4,
      ...(address === undefined
        ? {}
        : {
            iceUseIpv4: false,
            iceUseIpv6: false,
            iceAdditionalHostAddresses: [address],
            iceInterfaceAddresses: { udp4: address },
          }),
    };
  }

  /** Makes the offers that tell an SFU the codecs. They are never connected. */
  async #describe(): Promise<CodecDescriptions> {
    const { RTCPeerConnection, RTCRtpCodecParameters } = this.#werift;
    const config = this.#config();
    const vp8 = new RTCRtpCodecParameters({ mimeType: "video/VP8", clockRate: 90_000, payloadType: 96 });
    const codecs = { audio: config.codecs?.audio ?? [], video: [vp8] };
    const describe = async (direction: "sendonly" | "recvonly") => {
      const connection = new RTCPeerConnection({ ...config, codecs });
      connection.addTransceiver("video", { direction });
      connection.addTransceiver("audio", { direction });
      const { sdp } = await connection.createOffer();
      await connection.close();
      return sdp;
    };
    const [publisherSdp, subscriberSdp] = await Promise.all([describe("sendonly"), describe("recvonly")]);
    return { publisherSdp, subscriberSdp };
  }
}
