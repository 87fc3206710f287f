import { BroadcastChannel } from "node:worker_threads";
import { silence } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { within } from "../../shared/deadline.ts";
import { type ChannelMessage, channelName, type FromEdge, type ToEdge } from "./edge-channel.ts";
import { SoundRecording } from "./recording.ts";
import { notPlayed, type Playback, soundOf, type TestCall, type TestParticipant } from "./test-call.ts";

/**
 * The time between two requests for an edge, in milliseconds. An edge announces itself when it is created;
 * the requests reach one that existed before.
 */
const helloIntervalMs = 100;

/** A call in memory whose edge is in another thread. Disposing of it closes the connection. */
export interface DialedCall extends TestCall, Disposable {
  /** Closes the connection to the call, which continues. */
  close(): void;
}

/** The options of {@link dial}. */
export interface DialOptions {
  /**
   * The longest wait for the edge, in milliseconds.
   * @default 10000
   */
  readonly timeoutMs?: number;
}

/**
 * Connects to the {@link Edge} of this name, in whichever thread it is, such as one that a session's agent created with
 * `new testing.Edge({ name: sessionId })`. Resolves when the edge has answered. The result has to be closed, or disposed of.
 *
 * ```ts
 * using call = await testing.dial(session.id);
 * const alice = call.addParticipant("alice");
 * await alice.play("question.wav");
 * ```
 *
 * @throws a `DeadlineError` where no edge answers in time
 */
export async function dial(name: string, { timeoutMs = 10_000 }: DialOptions = {}): Promise<DialedCall> {
  const channel = new BroadcastChannel(channelName(name));
  const send = (message: ToEdge) => channel.postMessage({ to: "edge", message } satisfies ChannelMessage);
  const { promise, resolve } = Promise.withResolvers<RemoteCall>();
  let call: RemoteCall | null = null;
  channel.onmessage = (event) => {
    const { to, message } = (event as { readonly data: ChannelMessage }).data;
    if (to !== "test") return;
    if (call !== null) call.handle(message);
    else if (message.type === "here") {
      call = new RemoteCall(message, send, () => channel.close());
      resolve(call);
    }
  };
  send({ type: "hello" });
  const hello = setInterval(() => send({ type: "hello" }), helloIntervalMs);
  try {
    return await within(promise, timeoutMs, `The answer of a testing.Edge named ${name}`);
  } catch (error) {
    channel.close();
    throw error;
  } finally {
    clearInterval(hello);
  }
}

class RemoteCall implements DialedCall {
  readonly recording: SoundRecording;
  readonly joined: Promise<void>;
  readonly left: Promise<void>;
  readonly #enter: () => void;
  readonly #exit: () => void;
  readonly #send: (message: ToEdge) => void;
  readonly #closeChannel: () => void;
  readonly #playbacks = new Map<number, (result: Playback) => void>();
  readonly #ids = new Set<string>();
  #playbackNumber = 0;
  #state: "open" | "over" | "closed" = "open";

  constructor(
    { sampleRate, speed, joined, frames }: Extract<FromEdge, { readonly type: "here" }>,
    send: (message: ToEdge) => void,
    closeChannel: () => void,
  ) {
    this.#send = send;
    this.#closeChannel = closeChannel;
    this.recording = new SoundRecording(sampleRate, speed);
    for (const { samples, at } of frames) this.recording.add(samples, at);
    ({ promise: this.joined, resolve: this.#enter } = Promise.withResolvers<void>());
    ({ promise: this.left, resolve: this.#exit } = Promise.withResolvers<void>());
    if (joined) this.#enter();
  }

  addParticipant(id: string, { name = id }: { readonly name?: string } = {}): TestParticipant {
    if (this.#ids.has(id)) throw new Error(`Participant ${id} is in the call already`);
    this.#ids.add(id);
    this.#post({ type: "add", id, name });
    return new DialedParticipant(id, name, {
      sampleRate: this.recording.sampleRate,
      post: (message) => {
        if (message.type === "leave") this.#ids.delete(id);
        this.#post(message);
      },
      play: (participantId, sound) => this.#play(participantId, sound),
    });
  }

  hangUp(): void {
    this.#post({ type: "hang_up" });
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#closeChannel();
    this.#settle();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Handles a message of the edge. */
  handle(message: FromEdge): void {
    switch (message.type) {
      // The edge answers a request of another test, or a repeated one.
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
    this.#post({ type: "play", id, sound, playback: this.#playbackNumber });
    return promise;
  }

  /** Resolves all sound that is being played as not played, since its end will not be reported. */
  #settle(): void {
    for (const resolve of this.#playbacks.values()) resolve(notPlayed);
    this.#playbacks.clear();
  }

  #post(message: ToEdge): void {
    if (this.#state === "closed") throw new Error("The connection to the call is closed");
    this.#send(message);
  }
}

/** The call, as a participant uses it. */
interface CallChannel {
  readonly sampleRate: number;
  post(message: ToEdge): void;
  play(id: string, sound: PcmFrame): Promise<Playback>;
}

class DialedParticipant implements TestParticipant {
  readonly id: string;
  readonly name: string;
  readonly #channel: CallChannel;
  #reading: Promise<unknown> = Promise.resolve();
  #round = 0;
  #muted = false;

  constructor(id: string, name: string, channel: CallChannel) {
    this.id = id;
    this.name = name;
    this.#channel = channel;
  }

  get muted(): boolean {
    return this.#muted;
  }

  set muted(muted: boolean) {
    this.#muted = muted;
    this.#channel.post({ type: "mute", id: this.id, muted });
  }

  async play(sound: PcmFrame | string | URL): Promise<Playback> {
    const round = this.#round;
    const read = this.#reading.then(() => soundOf(sound));
    this.#reading = read.catch(() => {});
    const whole = await read;
    return round === this.#round ? this.#channel.play(this.id, whole) : notPlayed;
  }

  pause(ms: number): Promise<Playback> {
    return this.play(silence(ms, this.#channel.sampleRate));
  }

  stop(): void {
    this.#round += 1;
    this.#channel.post({ type: "stop", id: this.id });
  }

  leave(): void {
    this.#round += 1;
    this.#channel.post({ type: "leave", id: this.id });
  }
}
