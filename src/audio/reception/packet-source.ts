import { opusClockRate } from "./opus.ts";

/** A packet of a voice. Its numbers are those of the wire, which wrap. */
export interface VoicePacket {
  readonly ssrc: number;
  /** 16 bits. */
  readonly sequenceNumber: number;
  /** 32 bits, 48 000 a second. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** A packet's place: its number, and its time in ticks of the wire's clock, neither of which wraps. */
export interface PacketPosition {
  readonly sequence: number;
  readonly time: number;
}

export type Reading =
  | { readonly type: "packet" | "duplicate"; readonly place: PacketPosition }
  /** The first of another source, or of one that began anew: nothing before it counts any more. */
  | { readonly type: "restart"; readonly place: PacketPosition }
  /** A packet of a source that was left. */
  | { readonly type: "straggler" };

/** A jump in the numbers by more is no loss: whoever sends began anew. */
const mostMissing = 3_000;
/** Packets in a row of a source that was left, after which it is returned to; fewer are stragglers. */
const returning = 5;
/** Sequence numbers that are remembered, to tell a packet that came twice from one that came late. */
const remembered = 1_024;

/** Reads the numbers of packets: whose they are, and where they belong. */
export class PacketSource {
  #ssrc: number | null = null;
  #former: number | null = null;
  #fromFormer = 0;
  #newest: PacketPosition = { sequence: 0, time: 0 };
  /** The ticks by which the sender's timestamps were put forward while no time passed. */
  #ahead = 0;
  #seen = new Set<number>();

  get begun(): boolean {
    return this.#ssrc !== null;
  }

  /** Returns the latest position of all packets, in the sender's order. */
  get newest(): PacketPosition {
    return this.#newest;
  }

  /**
   * @param latest What comes later than this, in ticks, and without so many packets in between, was put forward by the sender
   * while no time passed: it is taken for what follows at once.
   */
  read(packet: VoicePacket, packetTicks: number, latest: number): Reading {
    if (packet.ssrc !== this.#ssrc) return this.#other(packet);
    this.#fromFormer = 0;
    const sequence = extend(packet.sequenceNumber, this.#newest.sequence, 16);
    let time = extend(packet.timestamp, this.#newest.time + this.#ahead, 32) - this.#ahead;
    const since = sequence - this.#newest.sequence;
    if (Math.abs(since) > mostMissing || (since > 0 && time < this.#newest.time))
      return this.#restart(packet);
    const jump = time - this.#newest.time - since * packetTicks;
    if (since > 0 && jump > 0 && time > latest) {
      this.#ahead += jump;
      time -= jump;
    }
    const place = { sequence, time };
    if (this.#seen.has(sequence)) return { type: "duplicate", place };
    this.#remember(place);
    return { type: "packet", place };
  }

  #other(packet: VoicePacket): Reading {
    if (packet.ssrc === this.#former) {
      this.#fromFormer += 1;
      if (this.#fromFormer < returning) return { type: "straggler" };
    }
    return this.#restart(packet);
  }

  #restart({ ssrc, sequenceNumber, timestamp }: VoicePacket): Reading {
    if (ssrc !== this.#ssrc) this.#former = this.#ssrc;
    this.#ssrc = ssrc;
    this.#fromFormer = 0;
    this.#ahead = 0;
    this.#seen = new Set();
    this.#newest = { sequence: sequenceNumber, time: timestamp };
    this.#remember(this.#newest);
    return { type: "restart", place: this.#newest };
  }

  #remember(place: PacketPosition): void {
    this.#seen.add(place.sequence);
    if (place.sequence > this.#newest.sequence) this.#newest = place;
    if (this.#seen.size <= remembered) return;
    const oldest = this.#newest.sequence - remembered / 2;
    for (const sequence of this.#seen) if (sequence < oldest) this.#seen.delete(sequence);
  }
}

export const ticksPerMs = opusClockRate / 1_000;

/** Returns the number nearest to `near` that ends in these bits: the value of a counter that wraps. */
function extend(value: number, near: number, bits: number): number {
  const size = 2 ** bits;
  const base = near - (((near % size) + size) % size);
  const candidate = base + value;
  if (candidate - near > size / 2) return candidate - size;
  if (near - candidate > size / 2) return candidate + size;
  return candidate;
}
