import type { RTCDataChannel, RTCPeerConnectionConfig } from "werift";
import { EdgeRefusal } from "../../../agent/edge.ts";
import type { PeerState } from "../../../media/peer.ts";
import { PeerLink, peerLinkTimes } from "../../../media/peer-link.ts";
import { serversFor } from "../../../media/relay.ts";
import { VoicePackets } from "../../../media/voice-packets.ts";
import { VoiceReceiver } from "../../../media/voice-receiver.ts";
import { guardDataChannels, type Werift } from "../../../media/werift.ts";
import { within } from "../../../shared/deadline.ts";
import type { JsonObject } from "../../../shared/protocol.ts";
import { type Client, type ClientEnd, type ClientEvents, heardRate, spokenRate } from "../call/client.ts";
import { longestMessage } from "../call/client-message.ts";
import type { FilledOptions } from "../options.ts";
import { answerSdp } from "./answer.ts";
import { type ClientOffer, sdpOf } from "./offer.ts";

export interface WebRtcEvents extends ClientEvents {
  /** Sound can go both ways. Called once. */
  readonly onConnected: () => void;
  /** Messages can be sent beside the sound. Called once, and not where the offer has no data channel. */
  readonly onOpen: () => void;
}

/** The time without a packet, after the link has noticed it, within which it may heal, in milliseconds. */
const healMs = 1_500;
/** The longest time from an offer to a connection, in milliseconds. */
const connectTimeoutMs = 10_000;
/** The longest time that the last message to a client may take, in milliseconds. */
const lastMessageMs = 200;
/** Bytes that may wait in the data channel: a client that takes nothing is dropped beyond them. */
const mostBufferedBytes = 1_048_576;

/** A participant by WebRTC. */
export class WebRtcClient implements Client {
  readonly transport = "webrtc";
  /** Called once it is closed, for whatever reason. */
  onClosed: (() => void) | null = null;
  readonly #link: PeerLink;
  readonly #events: WebRtcEvents;
  readonly #voice: VoicePackets;
  #receiver: VoiceReceiver | null = null;
  #channel: RTCDataChannel | null = null;
  #connected = false;
  #healing: NodeJS.Timeout | undefined;
  #closing: Promise<void> | null = null;

  private constructor(link: PeerLink, voice: VoicePackets, events: WebRtcEvents) {
    this.#link = link;
    this.#voice = voice;
    this.#events = events;
  }

  /** Answers an offer. Rejects with an {@link EdgeRefusal} where werift cannot. */
  static async answer(
    werift: Werift,
    options: FilledOptions,
    offer: ClientOffer,
    events: WebRtcEvents,
  ): Promise<{ readonly client: WebRtcClient; readonly sdp: string }> {
    const candidates: string[] = [];
    let client: WebRtcClient | null = null;
    const link = new PeerLink({
      werift,
      config: configOf(werift, options, offer.audio.payloadType),
      times: { ...peerLinkTimes, connectTimeoutMs },
      onCandidate: (candidate) => candidates.push(candidate),
      onState: (state) => client?.changed(state),
    });
    const track = new werift.MediaStreamTrack({ kind: "audio" });
    const { audio, candidates: remote } = offer;
    try {
      const voice = await VoicePackets.create({
        werift,
        track,
        sampleRate: spokenRate,
        bitrate: options.bitrate,
        payloadType: audio.payloadType,
      });
      client = new WebRtcClient(link, voice, events);
      client.#watch();
      link.connection.addTransceiver(track, { direction: "sendrecv" });
      const sdp = await link.answer(sdpOf(offer));
      guardDataChannels(link.connection, () => client?.broken());
      if (audio.ssrc !== null) await client.#listen();
      // Without servers the client reaches this side, or nobody does: it is sent nothing before.
      if (options.iceServers.length > 0)
        for (const candidate of remote) await link.addCandidate(JSON.stringify({ candidate }));
      return { client, sdp: await answerSdp(link.connection, sdp, candidates, options) };
    } catch (error) {
      if (client === null) await link.close();
      else await client.close("protocol_error", "the offer cannot be answered");
      throw new EdgeRefusal("The offer cannot be answered", { cause: error });
    }
  }

  pull(): Int16Array | null {
    return this.#receiver?.sending ? this.#receiver.pull() : null;
  }

  send(samples: Int16Array | null): void {
    if (this.#connected && !this.#closing) this.#voice.send(samples);
  }

  tell(message: JsonObject): void {
    const channel = this.#channel;
    if (channel?.readyState !== "open" || this.#closing) return;
    channel.send(JSON.stringify(message));
    if (channel.bufferedAmount > mostBufferedBytes) this.#end("vanished");
  }

  close(end: ClientEnd, reason: string): Promise<void> {
    this.#closing ??= this.#close(end, reason);
    return this.#closing;
  }

  async #close(end: ClientEnd, reason: string): Promise<void> {
    clearTimeout(this.#healing);
    if (this.#channel?.readyState === "open") await sendLast(this.#channel, { type: "ended", end, reason });
    await this.#link.close();
    this.#receiver?.close();
    this.#voice.close();
    this.onClosed?.();
  }

  /** Ends the connection of a participant who has said by another way that they leave. */
  leave(): void {
    this.#end("left");
  }

  /** Takes up what the client says. */
  async #listen(): Promise<void> {
    const [transceiver] = this.#link.connection.getTransceivers();
    if (transceiver === undefined) return;
    const receiver = await VoiceReceiver.create(transceiver.receiver, heardRate, () => {});
    if (this.#closing) {
      receiver.close();
      return;
    }
    this.#receiver = receiver;
    receiver.listen();
  }

  #watch(): void {
    const { connection } = this.#link;
    connection.onDataChannel.subscribe((channel) => {
      // One is enough, whatever its name.
      if (this.#channel !== null || this.#closing) return;
      this.#channel = channel;
      channel.onMessage.subscribe((message) => {
        if (typeof message === "string" && message.length <= longestMessage) this.#events.onMessage(message);
        else this.#end("protocol_error");
      });
      channel.stateChanged.subscribe((state) => {
        if (state === "closed" || state === "closing") this.#end("vanished");
      });
      // It is announced while its own message is read.
      queueMicrotask(() => this.#events.onOpen());
    });
    connection.connectionStateChange.subscribe((state) => {
      if (state === "closed") this.#end("vanished");
    });
  }

  /** Takes in that the link is in another state. */
  changed(state: PeerState): void {
    clearTimeout(this.#healing);
    if (state === "failed") this.#end("vanished");
    if (state === "disconnected") this.#healing = setTimeout(() => this.#end("vanished"), healMs).unref();
    if (state !== "connected" || this.#connected) return;
    this.#connected = true;
    this.#events.onConnected();
  }

  /** Takes in that the other side sent what is no message. */
  broken(): void {
    this.#end("protocol_error");
  }

  #end(end: ClientEnd): void {
    if (!this.#closing) this.#events.onEnd(end);
  }
}

/** Sends a message. Resolves once it is under way, so that the connection can be closed. */
async function sendLast(channel: RTCDataChannel, message: JsonObject): Promise<void> {
  const sent = Promise.withResolvers<void>();
  const { unSubscribe } = channel.bufferedAmountLow.subscribe(() => sent.resolve());
  channel.send(JSON.stringify(message));
  if (channel.bufferedAmount === 0) sent.resolve();
  // A client that takes nothing is not waited for.
  await within(sent.promise, lastMessageMs, "The last message").catch(() => undefined);
  unSubscribe();
}

function configOf(
  { RTCRtpCodecParameters }: Werift,
  { address, portRange, iceServers }: FilledOptions,
  payloadType: number,
): RTCPeerConnectionConfig {
  const opus = new RTCRtpCodecParameters({
    mimeType: "audio/opus",
    clockRate: 48_000,
    channels: 2,
    payloadType,
    parameters: "minptime=10;useinbandfec=1",
  });
  const servers = iceServers.map(({ urls, username = "", credential = "" }) => ({
    urls: typeof urls === "string" ? [urls] : urls,
    username,
    password: credential,
  }));
  const every = address === "0.0.0.0" || address === "::";
  const family = address.includes(":") ? "udp6" : "udp4";
  return {
    iceServers: serversFor(servers, 0),
    bundlePolicy: "max-bundle",
    codecs: { audio: [opus], video: [] },
    iceStunGatherTimeout: 2,
    iceTurnConnectTimeout: 2,
    ...(portRange === null ? {} : { icePortRange: [portRange[0], portRange[1]] }),
    ...(every
      ? { iceUseIpv4: true, iceUseIpv6: address === "::" }
      : {
          iceUseIpv4: false,
          iceUseIpv6: false,
          iceAdditionalHostAddresses: [address],
          iceInterfaceAddresses: { [family]: address },
        }),
  };
}
