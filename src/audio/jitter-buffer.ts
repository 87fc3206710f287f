import { isSilent, opusClockRate, packetMs, repeatsPrevious } from "./opus.ts";
import { frameLength, frameMs, level } from "./pcm.ts";
import { SampleQueue } from "./sample-queue.ts";
import { shorten } from "./shorten.ts";
import { SlackWindow } from "./slack-window.ts";
import { extend } from "./wrap.ts";

/** What arrives of a voice. Numbers as on the wire: they wrap. */
export interface VoicePacket {
  readonly ssrc: number;
  /** 16 bits. */
  readonly sequenceNumber: number;
  /** 32 bits, 48 000 a second. */
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** Packets to samples, as {@link OpusDecoder} makes them. */
export interface VoiceDecoder {
  /** In hertz. */
  readonly sampleRate: number;
  decode(packet: Uint8Array): Int16Array;
  recover(next: Uint8Array, ms: number): Int16Array;
  conceal(ms: number): Int16Array;
}

export interface JitterBufferOptions {
  readonly decoder: VoiceDecoder;
  /** What every packet should come before its time, in milliseconds. Default 20: less, and a busy thread is heard. */
  readonly minDepthMs?: number;
  /** Sound that may wait here, in milliseconds. Default 300: what is beyond it is left out, as nobody talks with more. */
  readonly maxDepthMs?: number;
}

/** Counted since the buffer was made. */
export interface JitterBufferStats {
  /** Packets of the voice, each once. */
  readonly received: number;
  readonly duplicates: number;
  /** Came after something else was played in their place. They are among the `lost` as well. */
  readonly late: number;
  /** Were not there at their time. */
  readonly lost: number;
  /** Of the lost: heard all the same, out of the repeat in the packet after them. */
  readonly recovered: number;
  /** Sound made up for what was lost or did not come in time, in milliseconds. */
  readonly concealedMs: number;
  /** Sound left out, to come nearer to the sender or since more waited than may, in milliseconds. */
  readonly removedMs: number;
  /** Packets that are none. */
  readonly broken: number;
  /** How often a voice began anew: another source, or a jump in its numbers. */
  readonly restarts: number;
}

interface Waiting {
  readonly sequence: number;
  readonly time: number;
  readonly payload: Uint8Array;
}

const ticksPerMs = opusClockRate / 1_000;
/** Concealment sounds like the voice for about so long, in milliseconds; then it hums. */
const longestConcealmentMs = 60;
/** A jump in the numbers by more is no loss: whoever sends began anew. */
const mostMissing = 3_000;
/** Packets in a row of a source that was left, after which it is returned to; fewer are stragglers. */
const returning = 5;
/** What is quieter, −50 dBFS, may be left out or drawn out without being noticed. */
const quiet = 100;
/** Frames from one shortening of speech to the next: so it becomes about a tenth faster. */
const shortenEvery = 5;
/** Sequence numbers that are remembered, to tell a packet that came twice from one that came late. */
const remembered = 1_024;

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
  readonly #decoder: VoiceDecoder;
  readonly #frameLength: number;
  readonly #ticksPerSample: number;
  readonly #minDepthMs: number;
  readonly #maxDepthMs: number;
  /** Decoded, and not yet given. */
  readonly #sound: SampleQueue;
  /** By sequence number. */
  #packets: Waiting[] = [];
  #seen = new Set<number>();
  readonly #slack = new SlackWindow();
  #ssrc: number | null = null;
  #formerSsrc: number | null = null;
  #fromFormer = 0;
  #newest = { sequence: 0, time: 0 };
  #next = { sequence: 0, time: 0 };
  /** By how much the sender's timestamps were put forward while no time passed; in ticks. */
  #ahead = 0;
  /** Sound given beyond `next`, since nothing was there to be decoded; in ticks. */
  #waited = 0;
  /** Since the last packet was played; in milliseconds. */
  #concealed = 0;
  #packetMs = frameMs;
  #sinceShortened = 0;
  #lastLevel = 0;
  #idleFrames = 0;
  readonly #counts = {
    received: 0,
    duplicates: 0,
    late: 0,
    lost: 0,
    recovered: 0,
    concealedMs: 0,
    removedMs: 0,
    broken: 0,
    restarts: 0,
  };

  constructor({ decoder, minDepthMs = frameMs, maxDepthMs = 300 }: JitterBufferOptions) {
    if (!(minDepthMs >= 0 && maxDepthMs >= minDepthMs + 2 * frameMs)) {
      throw new RangeError(`A buffer cannot be ${minDepthMs} to ${maxDepthMs} ms deep`);
    }
    this.#decoder = decoder;
    this.#frameLength = frameLength(decoder.sampleRate);
    this.#ticksPerSample = opusClockRate / decoder.sampleRate;
    this.#minDepthMs = minDepthMs;
    this.#maxDepthMs = maxDepthMs;
    this.#sound = new SampleQueue(8 * this.#frameLength);
  }

  get stats(): JitterBufferStats {
    return { ...this.#counts };
  }

  /** How long before it is heard the newest packet came, in milliseconds; negative: so long nothing came. */
  get depthMs(): number {
    return this.#ssrc === null ? 0 : this.#slackOf(this.#newest.time) + this.#packetMs;
  }

  /** How long nothing has come, in milliseconds of frames given. */
  get idleMs(): number {
    return this.#idleFrames * frameMs;
  }

  push(packet: VoicePacket): void {
    if (!this.#isOurs(packet)) return;
    const sequence = extend(packet.sequenceNumber, this.#newest.sequence, 16);
    const time = this.#timeOf(packet, sequence);
    if (this.#seen.has(sequence)) {
      this.#counts.duplicates += 1;
      return;
    }
    this.#idleFrames = 0;
    this.#counts.received += 1;
    this.#seen.add(sequence);
    if (this.#seen.size > remembered) this.#forget();
    const slackMs = this.#slackOf(time);
    const replaced = time < this.#next.time && packet.payload.length > 0;
    if (sequence < this.#next.sequence || replaced) {
      this.#counts.late += 1;
      // One that is later than the buffer may be deep says nothing of how deep it should be.
      if (slackMs > -this.#maxDepthMs) this.#slack.add(slackMs);
      return;
    }
    this.#slack.add(slackMs);
    this.#insert({ sequence, time, payload: packet.payload });
    if (sequence > this.#newest.sequence) this.#newest = { sequence, time };
    this.#keepWithinBounds();
  }

  /** The next 20 ms. Silence before the first packet. */
  pull(): Int16Array {
    this.#idleFrames += 1;
    this.#sinceShortened += 1;
    this.#slack.tick();
    if (this.#ssrc === null) return new Int16Array(this.#frameLength);
    while (this.#sound.length < this.#frameLength) this.#fill();
    const frame = this.#sound.take(this.#frameLength);
    this.#lastLevel = level(frame);
    return frame;
  }

  /** Takes up another source, or the same that began anew; false where the packet is a straggler of one that was left. */
  #isOurs(packet: VoicePacket): boolean {
    const { ssrc } = packet;
    if (ssrc === this.#ssrc) {
      this.#fromFormer = 0;
      const sequence = extend(packet.sequenceNumber, this.#newest.sequence, 16);
      const time = this.#extendTime(packet);
      const missing = sequence - this.#newest.sequence;
      const back = missing > 0 && time < this.#newest.time;
      if (Math.abs(missing) > mostMissing || back) this.#restart(packet);
      return true;
    }
    if (ssrc === this.#formerSsrc) {
      this.#fromFormer += 1;
      if (this.#fromFormer < returning) {
        this.#counts.late += 1;
        return false;
      }
    }
    this.#restart(packet);
    return true;
  }

  #extendTime({ timestamp }: VoicePacket): number {
    return extend(timestamp, this.#newest.time + this.#ahead, 32) - this.#ahead;
  }

  /** The sender's time, without what it was put forward while no time passed. */
  #timeOf(packet: VoicePacket, sequence: number): number {
    const time = this.#extendTime(packet);
    const since = sequence - this.#newest.sequence;
    const jump = time - this.#newest.time - since * this.#packetMs * ticksPerMs;
    if (since <= 0 || jump <= 0 || this.#slackOf(time) <= this.#maxDepthMs) return time;
    this.#ahead += jump;
    return time - jump;
  }

  #restart({ ssrc, sequenceNumber, timestamp }: VoicePacket): void {
    if (this.#ssrc !== null) {
      this.#counts.restarts += 1;
      for (const waiting of [...this.#packets]) this.#reach(waiting);
      this.#formerSsrc = this.#ssrc === ssrc ? null : this.#ssrc;
    }
    this.#ssrc = ssrc;
    this.#fromFormer = 0;
    this.#packets = [];
    this.#seen = new Set();
    this.#slack.clear();
    this.#newest = { sequence: sequenceNumber, time: timestamp };
    this.#next = { ...this.#newest };
    this.#ahead = 0;
    this.#waited = 0;
    this.#concealed = longestConcealmentMs;
    this.#addSilence(this.#minDepthMs + frameMs - this.#ms(this.#sound.length));
  }

  /** How much earlier than needed a packet of this time is here, in milliseconds. */
  #slackOf(time: number): number {
    return (time - this.#next.time - this.#waited) / ticksPerMs + this.#ms(this.#sound.length);
  }

  #insert(packet: Waiting): void {
    let place = this.#packets.length;
    while (place > 0 && this.#packets[place - 1]!.sequence > packet.sequence) place -= 1;
    this.#packets.splice(place, 0, packet);
  }

  #forget(): void {
    const oldest = this.#newest.sequence - remembered / 2;
    for (const sequence of this.#seen) if (sequence < oldest) this.#seen.delete(sequence);
  }

  /** Of what waits, the oldest is left out where it is too much. */
  #keepWithinBounds(): void {
    const tooMuchMs = this.#slackOf(this.#newest.time) - this.#maxDepthMs;
    if (tooMuchMs <= 0) return;
    this.#leaveOut(tooMuchMs);
    while (this.#packets.length > 1 && this.#packets[0]!.time < this.#next.time) this.#packets.shift();
    // What is left out is neither lost nor a gap to be filled.
    const [head] = this.#packets;
    if (head !== undefined)
      this.#next = { sequence: head.sequence, time: Math.max(head.time, this.#next.time) };
  }

  /** Goes on later in the sender's time. */
  #leaveOut(ms: number): void {
    this.#next.time += ms * ticksPerMs;
    this.#counts.removedMs += ms;
    this.#slack.shift(-ms);
  }

  /** Decodes what is next, or puts something in its place. */
  #fill(): void {
    const [head] = this.#packets;
    if (head === undefined) {
      this.#waited += this.#conceal(frameMs) * ticksPerMs;
      return;
    }
    const passed = Math.min(this.#waited, Math.max(0, head.time - this.#next.time));
    this.#next.time += passed;
    // It was waited for longer than the gap in front of it lasts: all that follows is heard later by as much.
    this.#slack.shift((this.#waited - passed) / ticksPerMs);
    this.#waited = 0;
    if (this.#deepen()) return;
    const missing = head.sequence - this.#next.sequence;
    const gapMs = (head.time - this.#next.time) / ticksPerMs;
    if (gapMs < 2.5) this.#reach(head);
    else if (missing === 0) this.#pause(Math.min(gapMs, frameMs));
    else this.#replace(head, gapMs);
  }

  /** Packets come too close to their time, or late: the sound waits longer from here on, best where it is quiet. */
  #deepen(): boolean {
    const leastMs = this.#slack.least;
    const { most } = this.#slack;
    if (leastMs >= this.#minDepthMs / 2 || most + frameMs > this.#maxDepthMs) return false;
    if (leastMs >= 0 && this.#lastLevel > quiet) return false;
    this.#conceal(frameMs);
    this.#slack.shift(frameMs);
    return true;
  }

  /** It is the packet's turn. */
  #reach(head: Waiting): void {
    this.#packets.shift();
    this.#counts.lost += Math.max(0, head.sequence - this.#next.sequence);
    this.#next = { sequence: head.sequence + 1, time: Math.max(head.time, this.#next.time) };
    // Some send packets without a sound in them to try out the network.
    if (head.payload.length === 0) return;
    const toldMs = packetMs(head.payload);
    const ms = toldMs > 0 ? toldMs : this.#packetMs;
    this.#next.time += ms * ticksPerMs;
    let samples: Int16Array;
    try {
      samples = this.#decoder.decode(head.payload);
    } catch {
      this.#counts.broken += 1;
      this.#conceal(ms);
      return;
    }
    this.#packetMs = ms;
    this.#concealed = isSilent(head.payload) ? longestConcealmentMs : 0;
    this.#play(samples);
  }

  /** Gives sound to be heard; less of it where packets have come early for long. */
  #play(samples: Int16Array): void {
    const excessMs = this.#excessMs();
    if (excessMs <= 5) {
      this.#sound.push(samples);
      return;
    }
    const soundMs = this.#ms(samples.length);
    let kept = samples;
    if (excessMs >= soundMs && this.#lastLevel < quiet && level(samples) < quiet) {
      kept = samples.subarray(0, 0);
    } else if (this.#sinceShortened >= shortenEvery) {
      this.#sinceShortened = 0;
      kept = shorten(samples, this.#decoder.sampleRate);
    }
    const removedMs = soundMs - this.#ms(kept.length);
    this.#counts.removedMs += removedMs;
    this.#slack.shift(-removedMs);
    this.#sound.push(kept);
  }

  /** How much later than needed the sound is heard, in milliseconds. */
  #excessMs(): number {
    return this.#slack.settled ? Math.max(0, this.#slack.least - this.#minDepthMs) : 0;
  }

  /** The sender sent nothing: it is silent there, not lost. */
  #pause(ms: number): void {
    const removedMs = Math.min(this.#excessMs(), ms);
    if (removedMs > 0) this.#leaveOut(removedMs);
    this.#next.time += (ms - removedMs) * ticksPerMs;
    this.#concealed = longestConcealmentMs;
    this.#addSilence(ms - removedMs);
  }

  /** Something before the packet is lost. */
  #replace(head: Waiting, gapMs: number): void {
    const last = gapMs < this.#packetMs + 2.5;
    if (last && gapMs > this.#packetMs - 2.5 && repeatsPrevious(head.payload)) {
      const samples = this.#recover(head.payload, this.#packetMs);
      if (samples !== null) {
        this.#counts.recovered += 1;
        this.#concealed = 0;
        this.#next.time = head.time;
        this.#sound.push(samples);
        return;
      }
    }
    const ms = last ? gapMs : Math.min(gapMs, this.#packetMs);
    this.#next.time += ms * ticksPerMs;
    this.#conceal(ms);
  }

  #recover(payload: Uint8Array, ms: number): Int16Array | null {
    try {
      return this.#decoder.recover(payload, ms);
    } catch {
      return null;
    }
  }

  /** Sound like what was heard last, fading, then silence. Returns how much, in milliseconds. */
  #conceal(ms: number): number {
    const rest = longestConcealmentMs - this.#concealed;
    if (rest <= 0) {
      this.#addSilence(ms);
      return ms;
    }
    this.#concealed += ms;
    this.#counts.concealedMs += ms;
    // The codec conceals whole steps of 2.5 ms.
    const samples = this.#decoder.conceal(Math.max(2.5, Math.ceil(ms / 2.5) * 2.5));
    const length = this.#samples(ms);
    const kept = samples.subarray(0, length);
    if (this.#concealed >= longestConcealmentMs) fadeOut(kept);
    this.#sound.push(kept);
    if (kept.length < length) this.#sound.pushSilence(length - kept.length);
    return ms;
  }

  #addSilence(ms: number): void {
    if (ms > 0) this.#sound.pushSilence(this.#samples(ms));
  }

  #samples(ms: number): number {
    return Math.round((ms * this.#decoder.sampleRate) / 1_000);
  }

  #ms(samples: number): number {
    return (samples * this.#ticksPerSample) / ticksPerMs;
  }
}

function fadeOut(samples: Int16Array): void {
  const { length } = samples;
  for (let index = 0; index < length; index += 1) {
    samples[index] = Math.round(samples[index]! * (1 - (index + 1) / length));
  }
}
