import type { RtpPacket } from "werift";
import { TrackType } from "../../../../src/providers/stream/wire/enums.ts";
import { now } from "../../../../src/shared/protocol.ts";
import { ContinuousRtp } from "./sound-path.ts";

/** One track of a participant, whichever edge it comes in by. */
export class PublishedTrack {
  readonly type: number;
  muted: boolean;
  /** Packets that came from its owner, and were passed on. */
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

  /** `connection`: the number of the connection it came by. Once a later one sounds, earlier ones are not heard. */
  write(packet: RtpPacket, connection: number): void {
    if (connection < this.#connection || this.muted) return;
    this.#connection = connection;
    this.packets += 1;
    const passed = this.#continuous.next(packet, connection, now());
    for (const listener of this.#listeners) listener(passed);
  }

  /** Gives back how to stop. */
  listen(listener: (packet: RtpPacket) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
