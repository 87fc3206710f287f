import { RtpHeader, RtpPacket } from "werift";
import type { PathFault, StreamFaults } from "../faults.ts";

/** A path of packets, with its faults. */
export class SoundPath {
  readonly #fault: () => PathFault;
  readonly #faults: StreamFaults;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(faults: StreamFaults, direction: "uplink" | "downlink") {
    this.#faults = faults;
    this.#fault = () => faults[direction];
  }

  send(packet: RtpPacket, arrive: (packet: RtpPacket) => void): void {
    const { lossPercent = 0, jitterMs = 0, delayMs = 0, doublePercent = 0 } = this.#fault();
    const chance = (percent: number) => percent > 0 && this.#faults.random() * 100 < percent;
    if (chance(lossPercent)) return;
    const copies = chance(doublePercent) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const waitMs = delayMs + (jitterMs > 0 ? this.#faults.random() * jitterMs : 0);
      if (waitMs === 0) arrive(packet);
      else this.#after(waitMs, () => arrive(packet));
    }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #after(waitMs: number, arrive: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      arrive();
    }, waitMs);
    this.#timers.add(timer);
  }
}

/**
 * Renumbers the packets of one track for its listeners: without the header extensions of the sender, and with one count over all
 * connections of the track, also after the sender reconnected over another SFU.
 */
export class ContinuousRtp {
  #source: unknown = null;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  #lastSequence = 0;
  #lastTimestamp = 0;
  #lastAt = 0;

  /** Returns a packet with its new numbers. `source` is its connection: the count of another one continues that of the former. */
  next(packet: RtpPacket, source: unknown, at: number): RtpPacket {
    const { sequenceNumber, timestamp, marker } = packet.header;
    if (source !== this.#source) {
      const elapsed = Math.max(960, Math.round((at - this.#lastAt) * 48));
      const first = this.#source === null;
      this.#sequenceOffset = first ? 0 : this.#lastSequence + 1 - sequenceNumber;
      this.#timestampOffset = first ? 0 : this.#lastTimestamp + elapsed - timestamp;
      this.#source = source;
    }
    const sequence = (sequenceNumber + this.#sequenceOffset) & 0xffff;
    const time = (timestamp + this.#timestampOffset) >>> 0;
    // A packet that was overtaken does not decrease the count.
    if (((sequence - this.#lastSequence) & 0xffff) < 0x8000 || this.#lastAt === 0) {
      this.#lastSequence = sequence;
      this.#lastTimestamp = time;
      this.#lastAt = at;
    }
    const header = new RtpHeader({ sequenceNumber: sequence, timestamp: time, marker, payloadType: 111 });
    return new RtpPacket(header, packet.payload);
  }
}
