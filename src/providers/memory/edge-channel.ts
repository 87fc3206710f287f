import { BroadcastChannel } from "node:worker_threads";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import type { RecordedFrame, Recording } from "./recording.ts";
import { notPlayed, type Playback, type TestParticipant } from "./test-call.ts";

/** A request of a test in another thread to an edge. */
export type ToEdge =
  | { readonly type: "hello" }
  | { readonly type: "add"; readonly id: string; readonly name: string }
  | { readonly type: "play"; readonly id: string; readonly sound: PcmFrame; readonly playback: number }
  | { readonly type: "mute"; readonly id: string; readonly muted: boolean }
  | { readonly type: "stop"; readonly id: string }
  | { readonly type: "leave"; readonly id: string }
  | { readonly type: "hang_up" };

/** A message of the edge to a test in another thread. */
export type FromEdge =
  /** Answers `hello`, and is said as the edge comes up. `frames`: what the agent has said before. */
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

/** Everybody on a channel hears everything but their own words. */
export type OnTheLine =
  | { readonly to: "edge"; readonly message: ToEdge }
  | { readonly to: "test"; readonly message: FromEdge };

export const channelName = (name: string): string => `greenroom.testing.${name}`;

/** The part of an edge that a test in another thread reaches. */
interface EdgeOnLine {
  readonly recording: Recording;
  readonly joined: Promise<void>;
  readonly left: Promise<void>;
  readonly participants: ReadonlyMap<string, unknown>;
  addParticipant(id: string, options: { readonly name?: string }): TestParticipant;
  hangUp(): void;
}

/** The edge's end of the line: does what a test in another thread asks. */
export class EdgeLine {
  readonly #edge: EdgeOnLine;
  readonly #channel: BroadcastChannel;
  readonly #participants = new Map<string, TestParticipant>();
  readonly #unsubscribe: () => void;
  #state: "waiting" | "joined" | "left" | "closed" = "waiting";

  constructor(name: string, edge: EdgeOnLine) {
    this.#edge = edge;
    this.#channel = new BroadcastChannel(channelName(name));
    this.#channel.unref();
    this.#channel.onmessage = (event) => {
      const { to, message } = (event as { readonly data: OnTheLine }).data;
      if (to === "edge") this.#take(message);
    };
    this.#unsubscribe = edge.recording.subscribe((frame) => this.#tell({ type: "said", frame }));
    void edge.joined.then(() => this.#joined());
    void edge.left.then(() => this.#left());
    this.#here();
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#left();
    this.#state = "closed";
    this.#unsubscribe();
    this.#channel.close();
  }

  #take(message: ToEdge): void {
    switch (message.type) {
      case "hello":
        this.#here();
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

  /** The other end refuses ids that it gave already; one that the agent's own thread gave is spoken for. */
  #add(id: string, name: string): void {
    if (!this.#edge.participants.has(id)) this.#participants.set(id, this.#edge.addParticipant(id, { name }));
  }

  async #play({ id, sound, playback }: Extract<ToEdge, { readonly type: "play" }>): Promise<void> {
    const result = await this.#participants
      .get(id)
      ?.play(sound)
      .catch(() => notPlayed);
    this.#tell({ type: "played", playback, result: result ?? notPlayed });
  }

  #here(): void {
    const { sampleRate, speed, frames } = this.#edge.recording;
    this.#tell({ type: "here", sampleRate, speed, frames, joined: this.#state === "joined" });
  }

  #joined(): void {
    if (this.#state !== "waiting") return;
    this.#state = "joined";
    this.#tell({ type: "joined" });
  }

  #left(): void {
    if (this.#state === "left" || this.#state === "closed") return;
    this.#tell({ type: "left" });
    this.#state = "left";
  }

  #tell(message: FromEdge): void {
    if (this.#state !== "closed") this.#channel.postMessage({ to: "test", message } satisfies OnTheLine);
  }
}
