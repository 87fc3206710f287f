import { frameLength, frameMs } from "../pcm.ts";
import { longestPacketMs, packetMs, repeatsPrevious } from "./opus.ts";
import { type PacketPosition, PacketSource, ticksPerMs, type VoicePacket } from "./packet-source.ts";
import { shorten } from "./shorten.ts";
import { SlackWindow } from "./slack-window.ts";
import { type VoiceDecoder, VoiceSound } from "./voice-sound.ts";

export interface JitterBufferOptions {
  readonly decoder: VoiceDecoder;
  /**
   * The time by which every packet should come early, in milliseconds. Default 20: with less, a busy thread can be heard.
   */
  readonly minDepthMs?: number;
  /** Sound that may wait here, in milliseconds. Default 300: what is beyond it is left out, as nobody talks with more. */
  readonly maxDepthMs?: number;
}

/** The counts of a buffer since it was made. */
export interface JitterBufferStats {
  /** Packets of the voice, each once. */
  readonly received: number;
  readonly duplicates: number;
  /** Packets that came after something else was played in their place. They are among the `lost` as well. */
  readonly late: number;
  /** Packets that were not there at their time. */
  readonly lost: number;
  /** The lost packets that were heard all the same, out of the repeat in the packet after them. */
  readonly recovered: number;
  /** Sound made up for what was lost or did not come in time, in milliseconds. */
  readonly concealedMs: number;
  /** Sound left out, to come nearer to the sender or since more waited than may, in milliseconds. */
  readonly removedMs: number;
  /** Packets that are none. */
  readonly broken: number;
  /** The number of times that a voice began anew: another source, or a jump in its numbers. */
  readonly restarts: number;
}

interface Waiting extends PacketPosition {
  readonly payload: Uint8Array;
}

/** Frames from one shortening of speech to the next: so it becomes about a tenth faster. */
const shortenEvery = 5;
/** The shortest piece of sound of the codec, in milliseconds: less is no gap. */
const shortestMs = 2.5;

/**
 * Brings the packets of one voice into order, and gives 20 ms each time it is asked: the caller's clock is the clock, and the
 * buffer holds no timer. It is as deep as the network is uneven. It gets deeper when packets come late, and shallower when for
 * some seconds all came early, so that a sender whose clock is faster or slower than ours neither fills it nor empties it.
 *
 *     packets   5  6  8  9        next: the place in the sender's time that is decoded next
 *               ▲     └ 7 is made of 8's repeat of it, if it is not here at its time
 *               next
 */
export class JitterBuffer {
  readonly #minDepthMs: number;
  readonly #maxDepthMs: number;
  readonly #source = new PacketSource();
  readonly #sound: VoiceSound;
  readonly #slack = new SlackWindow();
  readonly #silence: Int16Array;
  /** The packets that wait, by sequence number. */
  #packets: Waiting[] = [];
  #next: PacketPosition = { sequence: 0, time: 0 };
  /** Sound given beyond `next`, since nothing was there to be decoded; in ticks. */
  #waited = 0;
  #packetMs = frameMs;
  #sinceShortened = 0;
  #idleFrames = 0;
  /** True until the first frame after a voice began: what came at once with its first packet had waited, and says nothing of the network. */
  #isBeginning = false;
  readonly #counts = {
    received: 0,
    duplicates: 0,
    late: 0,
    lost: 0,
    recovered: 0,
    removedMs: 0,
    broken: 0,
    restarts: 0,
  };

  constructor({ decoder, minDepthMs = frameMs, maxDepthMs = 300 }: JitterBufferOptions) {
    if (!(minDepthMs >= 0 && maxDepthMs >= minDepthMs + 2 * frameMs)) {
      throw new RangeError(`A buffer cannot be ${minDepthMs} to ${maxDepthMs} ms deep`);
    }
    this.#minDepthMs = minDepthMs;
    this.#maxDepthMs = maxDepthMs;
    this.#sound = new VoiceSound(decoder);
    this.#silence = new Int16Array(frameLength(decoder.sampleRate));
  }

  get stats(): JitterBufferStats {
    return { ...this.#counts, concealedMs: this.#sound.concealedMs };
  }

  /**
   * Returns the time from the arrival of the newest packet until it is heard, in milliseconds; negative where nothing
   * has come for so long.
   */
  get depthMs(): number {
    return this.#source.begun ? this.#slackOf(this.#source.newest) + this.#packetMs : 0;
  }

  /** Returns the time for which nothing has come, in milliseconds of frames given. */
  get idleMs(): number {
    return this.#idleFrames * frameMs;
  }

  push(packet: VoicePacket): void {
    const latest = this.#now + this.#maxDepthMs * ticksPerMs;
    const reading = this.#source.read(packet, this.#packetMs * ticksPerMs, latest);
    switch (reading.type) {
      case "duplicate":
        this.#counts.duplicates += 1;
        return;
      case "straggler":
        this.#counts.late += 1;
        return;
      case "restart":
        this.#restart(reading.place);
        break;
      case "packet":
        break;
      default:
        reading satisfies never;
        return;
    }
    const { place } = reading;
    this.#idleFrames = 0;
    this.#counts.received += 1;
    const slackMs = this.#slackOf(place);
    const replaced = place.time < this.#next.time && packet.payload.length > 0;
    if (place.sequence < this.#next.sequence || replaced) {
      this.#counts.late += 1;
      // One that is later than the buffer may be deep says nothing of how deep it should be.
      if (slackMs > -this.#maxDepthMs) this.#slack.add(slackMs);
      return;
    }
    if (!this.#isBeginning) this.#slack.add(slackMs);
    this.#insert({ ...place, payload: packet.payload });
    this.#keepWithinBounds();
  }

  /** Returns the next 20 ms; silence before the first packet. */
  pull(): Int16Array {
    this.#idleFrames += 1;
    this.#isBeginning = false;
    this.#sinceShortened += 1;
    this.#slack.tick();
    if (!this.#source.begun) return this.#silence.slice();
    while (!this.#sound.hasFrame) this.#fill();
    return this.#sound.take();
  }

  /** Returns the sound that would be heard with the next frame, as a time of the sender. */
  get #now(): number {
    return this.#next.time + this.#waited - this.#sound.waitingMs * ticksPerMs;
  }

  /** Returns how much earlier than needed a packet is here, in milliseconds. */
  #slackOf({ time }: PacketPosition): number {
    return (time - this.#now) / ticksPerMs;
  }

  #restart(place: PacketPosition): void {
    if (this.#counts.received > 0) this.#counts.restarts += 1;
    for (const waiting of [...this.#packets]) this.#reach(waiting);
    this.#slack.clear();
    this.#isBeginning = true;
    this.#next = place;
    this.#waited = 0;
    this.#sound.silence(this.#minDepthMs + frameMs - this.#sound.waitingMs);
  }

  #insert(packet: Waiting): void {
    let place = this.#packets.length;
    while (place > 0 && this.#packets[place - 1]!.sequence > packet.sequence) place -= 1;
    this.#packets.splice(place, 0, packet);
  }

  /** Leaves out the oldest of the packets that wait, where they are too many. */
  #keepWithinBounds(): void {
    const tooMuchMs = this.#slackOf(this.#source.newest) - this.#maxDepthMs;
    if (tooMuchMs <= 0) return;
    this.#leaveOut(tooMuchMs);
    while (this.#packets.length > 1 && this.#packets[0]!.time < this.#next.time) this.#packets.shift();
    // The packets that were left out count neither as lost nor as a gap to be filled.
    const [head] = this.#packets;
    if (head === undefined) return;
    this.#next = { sequence: head.sequence, time: Math.max(head.time, this.#next.time) };
  }

  /** Decodes what is next, or puts something in its place. */
  #fill(): void {
    const [head] = this.#packets;
    if (head === undefined) {
      this.#waited += frameMs * ticksPerMs;
      this.#sound.conceal(frameMs);
      return;
    }
    const passed = Math.min(this.#waited, Math.max(0, head.time - this.#next.time));
    this.#pass(passed / ticksPerMs);
    // It was waited for longer than the gap in front of it lasts: all that follows is heard later by as much.
    this.#slack.shift((this.#waited - passed) / ticksPerMs);
    this.#waited = 0;
    if (this.#deepen()) return;
    const gapMs = (head.time - this.#next.time) / ticksPerMs;
    if (gapMs < shortestMs) this.#reach(head);
    else if (head.sequence === this.#next.sequence) this.#pause(Math.min(gapMs, frameMs));
    else this.#replace(head, gapMs);
  }

  /** Packets come too close to their time, or late: the sound waits longer from here on, best where it is quiet. */
  #deepen(): boolean {
    const { least, most } = this.#slack;
    if (least >= this.#minDepthMs / 2 || most + frameMs > this.#maxDepthMs) return false;
    if (least >= 0 && !this.#sound.wasQuiet) return false;
    this.#sound.conceal(frameMs);
    this.#slack.shift(frameMs);
    return true;
  }

  /** Takes the packet whose turn it is. */
  #reach({ sequence, time, payload }: Waiting): void {
    this.#packets.shift();
    this.#counts.lost += Math.max(0, sequence - this.#next.sequence);
    this.#next = { sequence: sequence + 1, time: Math.max(time, this.#next.time) };
    // Some send packets without a sound in them to try out the network.
    if (payload.length === 0) return;
    const ms = packetMs(payload);
    const samples = this.#sound.decode(payload);
    if (ms > 0) this.#packetMs = ms;
    this.#pass(this.#packetMs);
    if (samples === null) {
      this.#counts.broken += 1;
      this.#sound.conceal(this.#packetMs);
    } else {
      this.#play(samples);
    }
  }

  /** Gives sound to be heard; less of it where packets have come early for long. */
  #play(samples: Int16Array): void {
    const excessMs = this.#slack.excessOver(this.#minDepthMs);
    const soundMs = this.#sound.ms(samples.length);
    let kept = samples;
    if (excessMs >= soundMs && this.#sound.wasQuiet && this.#sound.isQuiet(samples)) {
      kept = samples.subarray(0, 0);
    } else if (excessMs > 2 * shortestMs && this.#sinceShortened >= shortenEvery) {
      this.#sinceShortened = 0;
      kept = shorten(samples, this.#sound.decoder.sampleRate);
    }
    this.#removed(soundMs - this.#sound.ms(kept.length));
    this.#sound.push(kept);
  }

  /** Fills in a pause of the sender, who sent nothing since they were silent: it does not count as lost. */
  #pause(ms: number): void {
    const removedMs = Math.min(this.#slack.excessOver(this.#minDepthMs), ms);
    this.#leaveOut(removedMs);
    this.#pass(ms - removedMs);
    this.#sound.silence(ms - removedMs);
  }

  /** Makes up for what is lost before the packet. */
  #replace(head: Waiting, gapMs: number): void {
    const last = gapMs < this.#packetMs + shortestMs;
    const whole = last && gapMs > this.#packetMs - shortestMs;
    if (whole && repeatsPrevious(head.payload) && this.#sound.recover(head.payload, this.#packetMs)) {
      this.#counts.recovered += 1;
      this.#pass(gapMs);
      return;
    }
    const ms = last ? Math.min(gapMs, longestPacketMs) : this.#packetMs;
    this.#pass(ms);
    this.#sound.conceal(ms);
  }

  /** Goes on in the sender's time. */
  #pass(ms: number): void {
    this.#next = { ...this.#next, time: this.#next.time + ms * ticksPerMs };
  }

  /** Goes on in the sender's time, and gives nothing for it. */
  #leaveOut(ms: number): void {
    this.#pass(ms);
    this.#removed(ms);
  }

  #removed(ms: number): void {
    if (ms === 0) return;
    this.#counts.removedMs += ms;
    this.#slack.shift(-ms);
  }
}
