import type { RtpPacket } from "werift";
import { TrackType } from "../../../../src/providers/stream/wire/enums.ts";
import { now } from "../../../../src/shared/protocol.ts";
import { ContinuousRtp } from "./sound-path.ts";

/** One track of a participant, over all its connections. */
export class PublishedTrack {
  readonly type: number;
  muted: boolean;
  /** The number of packets that were forwarded. */
  packets = 0;
  readonly #continuous = new ContinuousRtp();
  readonly #listeners = new Set<(packet: RtpPacket) => void>();
  #connection = -1;

  constructor(type: number, muted: boolean) {
    this.type = type;
    this.muted = muted;
  }

  get name(): string {
    const name = Object.entries(TrackType).find(([, number]) => number === this.type)?.[0];
    return `TRACK_TYPE_${name ?? "UNSPECIFIED"}`;
  }

  /** Forwards a packet. `connection` is the number of its connection: after a packet of a later one, earlier ones are dropped. */
  write(packet: RtpPacket, connection: number): void {
    if (connection < this.#connection || this.muted) return;
    this.#connection = connection;
    this.packets += 1;
    const passed = this.#continuous.next(packet, connection, now());
    for (const listener of this.#listeners) listener(passed);
  }

  /** Returns a function that unsubscribes. */
  listen(listener: (packet: RtpPacket) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
