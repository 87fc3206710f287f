import { randomUUID } from "node:crypto";
import {
  ConnectionQuality,
  GoAwayReason,
  PeerType,
  TrackType,
  TrackUnpublishReason,
} from "../../../src/providers/stream/wire/enums.ts";
import type {
  Participant as ParticipantMessage,
  SfuEvent,
} from "../../../src/providers/stream/wire/messages.ts";
import type { MessageInput } from "../../../src/providers/stream/wire/protobuf.ts";
import { now } from "../../../src/shared/protocol.ts";
import type { Call } from "./call.ts";
import type { PublishedTrack } from "./media/published-track.ts";
import type { EdgeConnection } from "./sfu/edge-connection.ts";

export interface Grants {
  readonly canPublishAudio: boolean;
  readonly canPublishVideo: boolean;
  readonly canScreenshare: boolean;
}

/** The peer connections of a participant. */
export type Peer = "publisher" | "subscriber" | "both";

/** A user's session in a call, as the others see it. It is on one SFU at a time; during a migration, on two. */
export class Participant {
  readonly call: Call;
  readonly userId: string;
  readonly sessionId: string;
  readonly unifiedSessionId: string;
  readonly prefix = randomUUID();
  readonly joinedAt = now();
  readonly tracks = new Map<number, PublishedTrack>();
  readonly name: string;
  grants: Grants = { canPublishAudio: true, canPublishVideo: true, canScreenshare: true };
  /** The participant's connection to an SFU; during a migration the newer one. Null after the participant has left. */
  connection: EdgeConnection | null = null;

  constructor(call: Call, userId: string, sessionId: string, unifiedSessionId: string, name: string) {
    this.call = call;
    this.userId = userId;
    this.sessionId = sessionId;
    this.unifiedSessionId = unifiedSessionId;
    this.name = name;
  }

  /** The number of packets received from it, over all tracks, and sent to it on this connection. */
  get packets(): { readonly received: number; readonly sent: number } {
    const received = [...this.tracks.values()].reduce((sum, track) => sum + track.packets, 0);
    return { received, sent: this.connection?.subscriber.sent ?? 0 };
  }

  /** Returns whether it disconnected without leaving, and its deadline is not over. */
  get ghost(): boolean {
    return this.connection !== null && this.connection.socket === null;
  }

  describe(): MessageInput<typeof ParticipantMessage> {
    const unmuted = [...this.tracks.values()].filter(({ muted }) => !muted);
    return {
      userId: this.userId,
      sessionId: this.sessionId,
      publishedTracks: unmuted.map(({ type }) => type),
      joinedAt: {
        seconds: Math.floor(this.joinedAt / 1_000),
        nanos: Math.floor(this.joinedAt % 1_000) * 1_000_000,
      },
      trackLookupPrefix: this.prefix,
      connectionQuality: ConnectionQuality.EXCELLENT,
      name: this.name,
      roles: ["user"],
    };
  }

  /** Tells the others that a track was published or unpublished. */
  announce(track: PublishedTrack, cause: number = TrackUnpublishReason.USER_MUTED, toItself = false): void {
    const { userId, sessionId } = this;
    const told = { userId, sessionId, type: track.type, participant: this.describe() };
    this.call.broadcast(
      track.muted ? { trackUnpublished: { ...told, cause } } : { trackPublished: told },
      toItself ? undefined : this,
    );
  }

  setMuted(type: number, muted: boolean, cause?: number): void {
    const track = this.tracks.get(type);
    if (track === undefined || track.muted === muted) return;
    track.muted = muted;
    this.announce(track, cause, cause !== undefined);
  }

  /** Sends it an event. */
  send(event: EventInput): void {
    this.connection?.send(event);
  }

  /** Cuts its websocket without a close frame. With `forget` the session is removed too, so that it cannot be resumed. */
  killSocket({ forget = false } = {}): void {
    const { connection } = this;
    connection?.socket?.terminate();
    if (forget) connection?.free("forgotten");
  }

  /** Silences its websocket, which remains open while nothing is sent or read. */
  silence(): void {
    if (this.connection?.socket) this.connection.socket.silent = true;
  }

  /**
   * Cuts its media in both directions for good: its peer connections get no response, and no ICE restart helps.
   */
  cutMedia(peer: Peer = "both"): void {
    if (peer !== "subscriber") this.connection?.publisher.cut();
    if (peer !== "publisher") this.connection?.subscriber.cut();
  }

  /** Loses its sound until an ICE restart. */
  losePath(): void {
    this.connection?.publisher.losePath();
  }

  /** Asks it to move to another SFU. */
  goAway(reason: number = GoAwayReason.REBALANCE): void {
    this.send({ goAway: { reason } });
  }

  /** Asks it to restart the publisher's ICE, or restarts the subscriber's. */
  restartIce(peer: Exclude<Peer, "both">): void {
    if (peer === "subscriber") this.connection?.subscriber.offer(true);
    else this.send({ iceRestart: { peerType: PeerType.PUBLISHER_UNSPECIFIED } });
  }

  /** Sets the tracks that it may publish. Tracks that it may no longer publish are removed. */
  setGrants(grants: Partial<Grants>, message = ""): void {
    this.grants = { ...this.grants, ...grants };
    if (!this.grants.canPublishAudio) {
      this.setMuted(TrackType.AUDIO, true, TrackUnpublishReason.PERMISSION_REVOKED);
    }
    this.send({ callGrantsUpdated: { currentGrants: this.grants, message } });
  }
}

/** An event to be encoded. */
export type EventInput = MessageInput<typeof SfuEvent>;
