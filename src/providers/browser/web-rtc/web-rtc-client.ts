import type { RTCDataChannel } from "werift";
import { EdgeRefusal } from "../../../agent/edge.ts";
import type { PeerState } from "../../../media/peer.ts";
import { PeerLink, peerLinkTimes } from "../../../media/peer-link.ts";
import type { MediaPortClient, OpenPath } from "../../../media/port/media-port-client.ts";
import { VoicePackets } from "../../../media/voice-packets.ts";
import { VoiceReceiver } from "../../../media/voice-receiver.ts";
import { guardDataChannels, openRelayed } from "../../../media/werift.ts";
import type { Werift } from "../../../media/werift-parts.ts";
import { within } from "../../../shared/deadline.ts";
import type { JsonObject } from "../../../shared/protocol.ts";
import { type Client, type ClientEnd, type ClientEvents, heardRate, spokenRate } from "../call/client.ts";
import { longestMessage } from "../call/client-message.ts";
import type { FilledOptions } from "../options.ts";
import { answerSdp } from "./answer.ts";
import { addressesOf, configOf } from "./network.ts";
import { type ClientOffer, sdpOf } from "./offer.ts";

export interface WebRtcEvents extends ClientEvents {
  /** Sound can go both ways. Called once. */
  readonly onConnected: () => void;
  /** Messages can be sent beside the sound. Called once, and not where the offer has no data channel. */
  readonly onOpen: () => void;
}

/** The time without a packet, after the link has noticed it, within which it may heal, in milliseconds. */
const healMs = 1_500;
/** The effort of the codec: more costs twice the CPU, and makes no difference for one voice at this bitrate. */
const complexity = 1;
/** The longest time from an offer to a connection, in milliseconds. */
const connectTimeoutMs = 10_000;
/** The longest time that the last message to a client may take, in milliseconds. */
const lastMessageMs = 200;
/** Bytes that may wait in the data channel: a client that takes nothing is dropped beyond them. */
const mostBufferedBytes = 1_048_576;

/** The parts that connections are made with. */
export interface Network {
  readonly werift: Werift;
  readonly options: FilledOptions;
  /** Null where each connection takes a port of its own. */
  readonly mediaPort: MediaPortClient | null;
}

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

  /**
   * Answers an offer. `mediaPort` is that of the process; null: the connection takes a port of its own. Rejects with an
   * {@link EdgeRefusal} where werift cannot, and with a `MediaPortError`.
   */
  static async answer(
    { werift, options, mediaPort }: Network,
    offer: ClientOffer,
    events: WebRtcEvents,
  ): Promise<{ readonly client: WebRtcClient; readonly sdp: string }> {
    const candidates: string[] = [];
    let client: WebRtcClient | null = null;
    let unopened: unknown = null;
    const link: PeerLink = new PeerLink({
      werift,
      config: configOf(werift, options, offer.audio.payloadType, mediaPort !== null),
      times: { ...peerLinkTimes, connectTimeoutMs },
      onCandidate: (candidate) => candidates.push(candidate),
      onState: (state) => client?.changed(state),
      secureAtOnce: true,
      openSocket:
        mediaPort &&
        ((transport) =>
          openRelayed(transport, (port) => openPath(mediaPort, link, offer, options, port)).catch((error) => {
            unopened = error;
            throw error;
          })),
    });
    const track = new werift.MediaStreamTrack({ kind: "audio" });
    const { audio, candidates: remote } = offer;
    try {
      const voice = await VoicePackets.create({
        werift,
        track,
        sampleRate: spokenRate,
        bitrate: options.bitrate,
        complexity,
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
      const addresses = addressesOf(options, mediaPort !== null);
      const answer = await answerSdp(link.connection, sdp, candidates, addresses, options);
      if (unopened !== null) throw unopened;
      return { client, sdp: answer };
    } catch (error) {
      if (client === null) await link.close();
      else await client.close("protocol_error", "the offer cannot be answered");
      if (error === unopened) throw error;
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

/** Opens the path of a connection's packets through the media port. */
function openPath(
  mediaPort: MediaPortClient,
  link: PeerLink,
  { ufrag }: ClientOffer,
  { address }: FilledOptions,
  port: number,
): Promise<OpenPath> {
  const [transport] = link.connection.iceTransports;
  if (transport === undefined) throw new Error("The connection has no transport");
  const { localUsername, localPassword: password } = transport.connection;
  return mediaPort.open({ address, user: `${localUsername}:${ufrag}`, password, port });
}
