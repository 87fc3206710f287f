import { BroadcastChannel } from "node:worker_threads";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import {
  notPlayed,
  type Playback,
  type RecordedFrame,
  type Recording,
  type TestParticipant,
} from "./test-call.ts";

/** A request of a test in another thread to an edge. */
export type ToEdge =
  | { readonly type: "hello" }
  | { readonly type: "add"; readonly id: string; readonly name: string }
  | { readonly type: "play"; readonly id: string; readonly sound: PcmFrame; readonly playback: number }
  | { readonly type: "mute"; readonly id: string; readonly muted: boolean }
  | { readonly type: "stop"; readonly id: string }
  | { readonly type: "leave"; readonly id: string }
  | { readonly type: "hang_up" };

/** A message of an edge to a test in another thread. */
export type FromEdge =
  /** Announces the edge: when it is created, and after each `hello`. `frames` is the agent's sound so far. */
  | {
      readonly type: "here";
      readonly sampleRate: number;
      readonly speed: number;
      readonly joined: boolean;
      readonly frames: readonly RecordedFrame[];
    }
  | { readonly type: "joined" }
  | { readonly type: "said"; readonly frame: RecordedFrame }
  | { readonly type: "played"; readonly playback: number; readonly result: Playback }
  | { readonly type: "left" };

/**
 * A message on a broadcast channel, with its receiver: everybody on a channel receives every message but
 * their own.
 */
export type ChannelMessage =
  | { readonly to: "edge"; readonly message: ToEdge }
  | { readonly to: "test"; readonly message: FromEdge };

/** Returns the name of the broadcast channel of an edge. */
export const channelName = (name: string): string => `greenroom.testing.${name}`;

/** The part of an edge that a test in another thread uses. */
interface RemoteEdge {
  readonly recording: Recording;
  readonly joined: Promise<void>;
  readonly left: Promise<void>;
  readonly participants: ReadonlyMap<string, unknown>;
  addParticipant(id: string, options: { readonly name?: string }): TestParticipant;
  hangUp(): void;
}

/** The edge's end of the channel: it does what a test in another thread asks. */
export class EdgeChannel {
  readonly #edge: RemoteEdge;
  readonly #channel: BroadcastChannel;
  readonly #participants = new Map<string, TestParticipant>();
  readonly #unsubscribe: () => void;
  #state: "waiting" | "joined" | "left" | "closed" = "waiting";

  constructor(name: string, edge: RemoteEdge) {
    this.#edge = edge;
    this.#channel = new BroadcastChannel(channelName(name));
    this.#channel.unref();
    this.#channel.onmessage = (event) => {
      const { to, message } = (event as { readonly data: ChannelMessage }).data;
      if (to === "edge") this.#handle(message);
    };
    this.#unsubscribe = edge.recording.subscribe((frame) => this.#post({ type: "said", frame }));
    void edge.joined.then(() => this.#joined());
    void edge.left.then(() => this.#left());
    this.#announce();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#left();
    this.#state = "closed";
    this.#unsubscribe();
    this.#channel.close();
  }

  #handle(message: ToEdge): void {
    switch (message.type) {
      case "hello":
        this.#announce();
        return;
      case "add":
        this.#add(message.id, message.name);
        return;
      case "play":
        void this.#play(message);
        return;
      case "mute": {
        const participant = this.#participants.get(message.id);
        if (participant) participant.muted = message.muted;
        return;
      }
      case "stop":
        this.#participants.get(message.id)?.stop();
        return;
      case "leave":
        this.#participants.get(message.id)?.leave();
        this.#participants.delete(message.id);
        return;
      case "hang_up":
        this.#edge.hangUp();
        return;
      default:
        message satisfies never;
    }
  }

  /**
   * Adds a participant. The test refuses ids that it has used; an id that the agent's own thread has used is
   * skipped here.
   */
  #add(id: string, name: string): void {
    if (!this.#edge.participants.has(id)) this.#participants.set(id, this.#edge.addParticipant(id, { name }));
  }

  async #play({ id, sound, playback }: Extract<ToEdge, { readonly type: "play" }>): Promise<void> {
    const result = await this.#participants
      .get(id)
      ?.play(sound)
      .catch(() => notPlayed);
    this.#post({ type: "played", playback, result: result ?? notPlayed });
  }

  #announce(): void {
    const { sampleRate, speed, frames } = this.#edge.recording;
    this.#post({ type: "here", sampleRate, speed, frames, joined: this.#state === "joined" });
  }

  #joined(): void {
    if (this.#state !== "waiting") return;
    this.#state = "joined";
    this.#post({ type: "joined" });
  }

  #left(): void {
    if (this.#state === "left" || this.#state === "closed") return;
    this.#post({ type: "left" });
    this.#state = "left";
  }

  #post(message: FromEdge): void {
    if (this.#state !== "closed") this.#channel.postMessage({ to: "test", message } satisfies ChannelMessage);
  }
}
