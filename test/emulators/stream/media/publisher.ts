import type { RTCPeerConnection, RTCRtpTransceiver } from "werift";
import { ErrorCode, PeerType, TrackType } from "../../../../src/providers/stream/wire/enums.ts";
import type {
  SetPublisherRequest,
  SetPublisherResponse,
  TrackInfo,
} from "../../../../src/providers/stream/wire/messages.ts";
import type { MessageInput, MessageValue } from "../../../../src/providers/stream/wire/protobuf.ts";
import type { EdgeConnection } from "../sfu/edge-connection.ts";
import { createPeerConnection } from "./peer-connection.ts";
import { PublishedTrack } from "./published-track.ts";
import { RemoteCandidates, withoutLocalNames } from "./remote-candidates.ts";
import { SoundPath } from "./sound-path.ts";
import { Trickle } from "./trickle.ts";

type Answer = MessageInput<typeof SetPublisherResponse>;

/** The SFU's side of the peer connection on which a participant sends. */
export class Publisher {
  readonly #edgeConnection: EdgeConnection;
  readonly #path: SoundPath;
  /** The transceivers whose sound is forwarded already. */
  readonly #heard = new Set<RTCRtpTransceiver>();
  #connection: RTCPeerConnection | null = null;
  #trickle: Trickle | null = null;
  #candidates: RemoteCandidates | null = null;
  #work: Promise<unknown> = Promise.resolve();
  #cut = false;
  #lostPath: object | null = null;

  constructor(edgeConnection: EdgeConnection) {
    this.#edgeConnection = edgeConnection;
    this.#path = new SoundPath(edgeConnection.edge.world.faults, "uplink");
  }

  get state(): string {
    return this.#connection?.connectionState ?? "new";
  }

  /** Answers an offer, one at a time. */
  async negotiate(request: MessageValue<typeof SetPublisherRequest>): Promise<Answer> {
    const answer = this.#work.then(() => this.#negotiate(request));
    this.#work = answer.catch(() => {});
    try {
      return await answer;
    } catch (error) {
      return fault(ErrorCode.REQUEST_VALIDATION_FAILED, (error as Error).message);
    }
  }

  /** Rejects where it is not a candidate. */
  async addCandidate(json: string): Promise<void> {
    this.#open();
    await this.#candidates?.add(json);
  }

  /** Loses all packets until an ICE restart. */
  losePath(): void {
    this.#lostPath = this.#pair ?? null;
  }

  /** Cuts the connection for good: no packet arrives, and no ICE restart helps. */
  cut(): void {
    this.#cut = true;
    this.#close();
  }

  close(): void {
    this.#path.close();
    this.#close();
  }

  get #pair(): object | undefined {
    return this.#connection?.iceTransports[0]?.connection.nominated;
  }

  get #astray(): boolean {
    if (this.#lostPath === null) return false;
    const pair = this.#pair;
    if (pair !== undefined && pair !== this.#lostPath) this.#lostPath = null;
    return this.#lostPath !== null;
  }

  #close(): void {
    this.#trickle?.close();
    this.#connection?.close().catch(() => {});
  }

  async #negotiate({ sdp, tracks, sessionId }: MessageValue<typeof SetPublisherRequest>): Promise<Answer> {
    const refused = this.#check(sdp, tracks);
    if (refused !== null) return refused;
    if (this.#cut)
      return fault(ErrorCode.PARTICIPANT_MEDIA_TRANSPORT_FAILURE, "the media transport has failed");
    const connection = this.#open();
    await connection.setRemoteDescription({ type: "offer", sdp: withoutLocalNames(sdp) });
    await this.#candidates?.described();
    const answer = await connection.createAnswer();
    await this.#trickle?.wait(connection.setLocalDescription(answer));
    for (const info of tracks) this.#publish(connection, info);
    return { sdp: answer.sdp, sessionId };
  }

  #open(): RTCPeerConnection {
    if (this.#connection !== null) return this.#connection;
    const connection = createPeerConnection();
    const { faults } = this.#edgeConnection.edge.world;
    this.#trickle = new Trickle(
      connection,
      () => faults.candidates,
      (iceCandidate) => {
        const { sessionId } = this.#edgeConnection.participant;
        this.#edgeConnection.send({
          iceTrickle: { peerType: PeerType.PUBLISHER_UNSPECIFIED, iceCandidate, sessionId },
        });
      },
    );
    connection.connectionStateChange.subscribe((state) =>
      this.#edgeConnection.log("state", { peer: "publisher", state }),
    );
    connection.onRemoteTransceiverAdded.subscribe((transceiver) => transceiver.setDirection("recvonly"));
    this.#connection = connection;
    this.#candidates = new RemoteCandidates(connection);
    return connection;
  }

  /** Checks that sections and track infos match, and that each announced track is the one in its section. */
  #check(sdp: string, tracks: readonly TrackInfo[]): Answer | null {
    const sections = sdp.split(/^m=/m).slice(1);
    let last = -1;
    for (const { mid = "", trackId = "", trackType } of tracks) {
      const index = sections.findIndex((section) => /^a=mid:(\S+)/m.exec(section)?.[1] === mid);
      if (index === -1) return fault(ErrorCode.PUBLISH_TRACK_NOT_FOUND, `no section with mid ${mid}`);
      if (index < last) return fault(ErrorCode.PUBLISH_TRACK_OUT_OF_ORDER, `mid ${mid} is out of order`);
      last = index;
      const named = /^a=msid:\S+ (\S+)/m.exec(sections[index]!)?.[1];
      if (named !== undefined && named !== trackId) {
        return fault(ErrorCode.PUBLISH_TRACKS_MISMATCH, `mid ${mid} is of track ${named}, not ${trackId}`);
      }
      if (trackType === TrackType.AUDIO && !this.#edgeConnection.participant.grants.canPublishAudio) {
        return fault(ErrorCode.PERMISSION_DENIED, "may not publish audio");
      }
    }
    return null;
  }

  #publish(connection: RTCPeerConnection, { mid, trackType = 0, muted = false }: TrackInfo): void {
    const transceiver = connection.getTransceivers().find((one) => one.mid === mid);
    if (transceiver === undefined) return;
    const { participant, number } = this.#edgeConnection;
    let track = participant.tracks.get(trackType);
    if (track === undefined) {
      track = new PublishedTrack(trackType, muted);
      participant.tracks.set(trackType, track);
      if (!muted) participant.announce(track);
      participant.call.reconcile(participant);
    } else {
      participant.setMuted(trackType, muted);
    }
    if (this.#heard.has(transceiver)) return;
    this.#heard.add(transceiver);
    const published = track;
    let first = true;
    transceiver.receiver.track.onReceiveRtp.subscribe((packet) => {
      if (this.#cut || this.#astray) return;
      if (first) {
        const { payloadType } = packet.header;
        this.#edgeConnection.log("sound", { track: published.name, payloadType });
      }
      first = false;
      this.#path.send(packet, (arrived) => published.write(arrived, number));
    });
  }
}

function fault(code: number, message: string): Answer {
  return { error: { code, message, shouldRetry: false } };
}
