import { BroadcastChannel } from "node:worker_threads";
import { silence } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { within } from "../../shared/deadline.ts";
import { channelName, type FromEdge, type OnTheLine, type ToEdge } from "./edge-channel.ts";
import { Recording } from "./recording.ts";
import { notPlayed, type Playback, soundOf, type TestCall, type TestParticipant } from "./test-call.ts";

/** Edges say by themselves that they are there: this is for those that were there before. */
const helloEveryMs = 100;

/**
 * Reaches the {@link Edge} of this name, in whichever thread it is: a session's agent made `new testing.Edge({ name: sessionId })`.
 * Resolves when it is there; rejects after `timeoutMs`, default 10 000. The line is to be closed, or disposed of.
 */
export async function dial(name: string, { timeoutMs = 10_000 } = {}): Promise<DialedCall> {
  const channel = new BroadcastChannel(channelName(name));
  const say = (message: ToEdge) => channel.postMessage({ to: "edge", message } satisfies OnTheLine);
  const { promise, resolve } = Promise.withResolvers<DialedCall>();
  let call: DialedCall | null = null;
  channel.onmessage = (event) => {
    const { to, message } = (event as { readonly data: OnTheLine }).data;
    if (to !== "test") return;
    if (call !== null) call.take(message);
    else if (message.type === "here") {
      call = new DialedCall(message, say, () => channel.close());
      resolve(call);
    }
  };
  say({ type: "hello" });
  const hello = setInterval(() => say({ type: "hello" }), helloEveryMs);
  try {
    return await within(promise, timeoutMs, `The answer of a testing.Edge named ${name}`);
  } catch (error) {
    channel.close();
    throw error;
  } finally {
    clearInterval(hello);
  }
}

/** A call in another thread. */
export class DialedCall implements TestCall, Disposable {
  readonly recording: Recording;
  readonly joined: Promise<void>;
  readonly left: Promise<void>;
  readonly #enter: () => void;
  readonly #exit: () => void;
  readonly #say: (message: ToEdge) => void;
  readonly #hangUpLine: () => void;
  readonly #playbacks = new Map<number, (result: Playback) => void>();
  readonly #ids = new Set<string>();
  #playbackNumber = 0;
  #state: "open" | "over" | "closed" = "open";

  /** Makes a line; only {@link dial} does. */
  constructor(
    { sampleRate, speed, joined, frames }: Extract<FromEdge, { readonly type: "here" }>,
    say: (message: ToEdge) => void,
    hangUpLine: () => void,
  ) {
    this.#say = say;
    this.#hangUpLine = hangUpLine;
    this.recording = new Recording(sampleRate, speed);
    for (const { samples, at } of frames) this.recording.add(samples, at);
    ({ promise: this.joined, resolve: this.#enter } = Promise.withResolvers<void>());
    ({ promise: this.left, resolve: this.#exit } = Promise.withResolvers<void>());
    if (joined) this.#enter();
  }

  addParticipant(id: string, { name = id }: { readonly name?: string } = {}): TestParticipant {
    if (this.#ids.has(id)) throw new Error(`Participant ${id} is in the call already`);
    this.#ids.add(id);
    this.#tell({ type: "add", id, name });
    return new DialedParticipant(id, name, {
      sampleRate: this.recording.sampleRate,
      tell: (message) => {
        if (message.type === "leave") this.#ids.delete(id);
        this.#tell(message);
      },
      play: (participantId, sound) => this.#play(participantId, sound),
    });
  }

  hangUp(): void {
    this.#tell({ type: "hang_up" });
  }

  /** Closes the line; the call goes on. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#hangUpLine();
    this.#settle();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Takes what the edge tells. {@link dial} calls this. */
  take(message: FromEdge): void {
    switch (message.type) {
      // The answer to another's hello, or to a second one of ours.
      case "here":
        return;
      case "joined":
        this.#enter();
        return;
      case "said":
        this.recording.add(message.frame.samples, message.frame.at);
        return;
      case "played":
        this.#playbacks.get(message.playback)?.(message.result);
        this.#playbacks.delete(message.playback);
        return;
      case "left":
        if (this.#state === "open") this.#state = "over";
        this.#exit();
        this.#settle();
        return;
      default:
        message satisfies never;
    }
  }

  #play(id: string, sound: PcmFrame): Promise<Playback> {
    if (this.#state === "over") return Promise.resolve(notPlayed);
    const { promise, resolve } = Promise.withResolvers<Playback>();
    this.#playbackNumber += 1;
    this.#playbacks.set(this.#playbackNumber, resolve);
    this.#tell({ type: "play", id, sound, playback: this.#playbackNumber });
    return promise;
  }

  /** Resolves all that is being played as not played, since nobody is there any more who would tell how it goes. */
  #settle(): void {
    for (const resolve of this.#playbacks.values()) resolve(notPlayed);
    this.#playbacks.clear();
  }

  #tell(message: ToEdge): void {
    if (this.#state === "closed") throw new Error("The line to the call is closed");
    this.#say(message);
  }
}

/** The call, as a participant sees it. */
interface Line {
  readonly sampleRate: number;
  tell(message: ToEdge): void;
  play(id: string, sound: PcmFrame): Promise<Playback>;
}

class DialedParticipant implements TestParticipant {
  readonly id: string;
  readonly name: string;
  readonly #line: Line;
  #reading: Promise<unknown> = Promise.resolve();
  #round = 0;
  #muted = false;

  constructor(id: string, name: string, line: Line) {
    this.id = id;
    this.name = name;
    this.#line = line;
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    this.#line.tell({ type: "mute", id: this.id, muted });
  }

  async play(sound: PcmFrame | string | URL): Promise<Playback> {
    const round = this.#round;
    const read = this.#reading.then(() => soundOf(sound));
    this.#reading = read.catch(() => {});
    const whole = await read;
    return round === this.#round ? this.#line.play(this.id, whole) : notPlayed;
  }

  pause(ms: number): Promise<Playback> {
    return this.play(silence(ms, this.#line.sampleRate));
  }

  stop(): void {
    this.#round += 1;
    this.#line.tell({ type: "stop", id: this.id });
  }

  leave(): void {
    this.#round += 1;
    this.#line.tell({ type: "leave", id: this.id });
  }
}
