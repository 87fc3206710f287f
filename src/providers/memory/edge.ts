import type {
  Call,
  CallRequest,
  Connection,
  ConnectionAudio,
  ConnectionEvent,
  Edge as EdgeInterface,
  Participant as EdgeParticipant,
  JoinRequest,
} from "../../agent/edge.ts";
import {
  anyFunction,
  type Checks,
  checkOptions,
  longestWaitMs,
  number,
  text,
  truth,
  whole,
} from "../../agent/options/option-checks.ts";
import { frameLength, frameMs } from "../../audio/pcm.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { Pacer } from "../../audio/playback/pacer.ts";
import { type JsonObject, now } from "../../shared/protocol.ts";
import { EdgeChannel } from "./edge-channel.ts";
import { EdgeClock } from "./edge-clock.ts";
import { InMemoryParticipant } from "./participant.ts";
import { SoundRecording } from "./recording.ts";
import type { TestCall } from "./test-call.ts";

/** The options of a call in memory. */
export interface EdgeOptions {
  /**
   * The sample rate of all sound in the call, in hertz. Sound that is played into the call may have any rate.
   * @default 16000
   */
  readonly sampleRate?: number;
  /**
   * The edge's lead: the time from sending the agent's sound until it is heard, in milliseconds.
   * @default 0
   */
  readonly leadMs?: number;
  /**
   * The factor by which the call is faster than real time, 1–100, or `Infinity`. Frames have the same order
   * and length, so that code which measures time by the sound, as turn detectors do, is not affected;
   * deadlines and pauses in real time are not shortened. With `Infinity` sound is delivered without waiting.
   * Then there is no silence except what is played, since an open microphone would never stop: end a turn
   * with `pause`.
   * @default 1
   */
  readonly speed?: number;
  /**
   * Says whether the call has sound; false is for participants who type.
   * @default true
   */
  readonly sound?: boolean;
  /**
   * The name under which `dial` reaches the edge from other threads. It must be unique in the process, such
   * as the session's id.
   * @default the edge cannot be reached
   */
  readonly name?: string;
  /**
   * Runs before a join resolves. It may wait, or throw to make the join fail.
   * @default nothing runs
   */
  readonly beforeJoin?: (request: JoinRequest) => Promise<void>;
}

const checks: Checks<EdgeOptions> = {
  sampleRate: whole(1),
  leadMs: number(0, longestWaitMs),
  speed: {
    fits: (value) => value === Infinity || number(1, 100).fits(value),
    expected: "a number from 1 to 100, or Infinity",
  },
  sound: truth,
  name: text,
  beforeJoin: anyFunction,
};

/** The time that a silent call keeps the process alive, in milliseconds. */
const maxHoldMs = 10_000;
/**
 * The number of frames that are delivered at once where sound takes no time; then other work of the thread
 * can run.
 */
const framesWithoutTime = 50;

/**
 * A call in memory, for tests of agents: participants whose microphones play what the test gives them, and a
 * recording of the agent's sound. It is used in the agent's thread, or by {@link dial} from another one.
 *
 * ```ts
 * const edge = new testing.Edge();
 * const agent = new Agent({ edge, … });
 * {
 *   const alice = edge.addParticipant("alice");   // an agent that is alone waits for somebody, for 10 s
 *   await using _ = await agent.join(await agent.createCall("default", "call-1"));
 *   await alice.play("question.wav");
 *   await edge.recording.reached(500);
 * }
 * await agent.close();
 * ```
 *
 * A call that is left open keeps the process alive until it has been silent for 10 s.
 */
export interface Edge extends EdgeInterface, TestCall {
  /** The events that the agent sent into the call, in order. */
  readonly events: JsonObject[];
  /** The participants who are in the call, by their ids. */
  readonly participants: ReadonlyMap<string, EdgeParticipant>;
}

class InMemoryEdge implements Edge {
  readonly provider: string = "testing";
  readonly recording: SoundRecording;
  readonly events: JsonObject[] = [];
  readonly joined: Promise<void>;
  readonly left: Promise<void>;
  readonly #options: EdgeOptions;
  readonly #clock = new EdgeClock();
  readonly #pacer: Pacer;
  readonly #participants = new Map<string, InMemoryParticipant>();
  readonly #listeners = new Set<(participantId: string, frame: PcmFrame) => void>();
  readonly #subscribers = new Set<(event: ConnectionEvent) => void>();
  readonly #enter: () => void;
  readonly #exit: () => void;
  readonly #channel: EdgeChannel | null;
  #state: "outside" | "inside" | "over" = "outside";
  /** The time of the last sound, in epoch milliseconds. */
  #soundAt = now();

  constructor(options: EdgeOptions = {}) {
    checkOptions("testing.Edge", options, checks);
    const { sampleRate = 16_000, speed = 1, name } = options;
    frameLength(sampleRate);
    this.#options = options;
    this.recording = new SoundRecording(sampleRate, speed);
    ({ promise: this.joined, resolve: this.#enter } = Promise.withResolvers<void>());
    ({ promise: this.left, resolve: this.#exit } = Promise.withResolvers<void>());
    this.#pacer = new Pacer({
      intervalMs: frameMs / speed,
      ahead: 0,
      // Sound from participants is never skipped, however late.
      burst: speed === Infinity ? framesWithoutTime : Infinity,
      beat: () => this.#deliver(),
      clock: this.#clock,
    });
    this.#channel = name === undefined ? null : new EdgeChannel(name, this);
  }

  get participants(): ReadonlyMap<string, EdgeParticipant> {
    return this.#participants;
  }

  addParticipant(id: string, { name = id }: { readonly name?: string } = {}): InMemoryParticipant {
    if (this.#participants.has(id)) throw new Error(`Participant ${id} is in the call already`);
    const participant = new InMemoryParticipant(id, name, {
      sampleRate: this.recording.sampleRate,
      play: () => this.#play(),
      leave: () => this.#remove(participant),
    });
    this.#participants.set(id, participant);
    if (this.#state === "over") participant.leave();
    else this.#emit({ type: "participant_joined", participant });
    return participant;
  }

  hangUp(): void {
    if (this.#state === "over") return;
    this.#emit({ type: "ended" });
    this.#end();
  }

  async createCall({ callType, callId }: CallRequest): Promise<Call> {
    return { callType, callId };
  }

  async join(_call: Call, request: JoinRequest): Promise<Connection> {
    await this.#options.beforeJoin?.(request);
    request.signal.throwIfAborted();
    if (this.#state !== "outside") throw new Error("A testing.Edge is one call, joined once");
    this.#state = "inside";
    this.#play();
    this.#enter();
    return {
      audio: this.#options.sound === false ? null : this.#audio(),
      participants: this.#participants,
      subscribe: (listener) => {
        this.#subscribers.add(listener);
        return () => this.#subscribers.delete(listener);
      },
      sendEvent: async (data) => {
        this.events.push(structuredClone(data));
      },
      leave: async () => this.#end(),
    };
  }

  async close(): Promise<void> {
    this.#end();
    this.#channel?.close();
  }

  #audio(): ConnectionAudio {
    const { recording } = this;
    const length = frameLength(recording.sampleRate);
    return {
      sampleRate: recording.sampleRate,
      leadMs: this.#options.leadMs ?? 0,
      speed: recording.speed,
      send: ({ samples, sampleRate }) => {
        if (this.#state !== "inside") return;
        if (samples.length !== length || sampleRate !== recording.sampleRate) {
          throw new TypeError(`A frame of this call is ${length} samples at ${recording.sampleRate} Hz`);
        }
        this.#noteSound();
        recording.add(samples);
      },
      listen: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }

  #noteSound(): void {
    this.#soundAt = now();
    this.#clock.holding = true;
  }

  #play(): void {
    this.#noteSound();
    if (this.#state === "inside" && this.#options.sound !== false) this.#pacer.start();
  }

  /** Delivers 20 ms of every participant's microphone. It returns false where there is nothing to play. */
  #deliver(): boolean {
    const { sampleRate, speed } = this.recording;
    const playing = [...this.#participants.values()];
    if (speed === Infinity && !playing.some((one) => one.playing && !one.muted)) return false;
    if (playing.some((one) => one.playing)) this.#noteSound();
    else if (now() - this.#soundAt > maxHoldMs) this.#clock.holding = false;
    for (const participant of playing) {
      const samples = participant.frame();
      if (samples === null) continue;
      for (const listener of this.#listeners) listener(participant.id, { samples, sampleRate });
    }
    return true;
  }

  #remove(participant: InMemoryParticipant): void {
    this.#participants.delete(participant.id);
    this.#emit({ type: "participant_left", participant });
  }

  #emit(event: ConnectionEvent): void {
    for (const subscriber of [...this.#subscribers]) subscriber(event);
  }

  #end(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#pacer.stop();
    this.#subscribers.clear();
    this.#listeners.clear();
    for (const participant of [...this.#participants.values()]) participant.leave();
    this.#exit();
  }
}

/** @throws a `TypeError` that names an option which does not exist or cannot be */
export const Edge: new (options?: EdgeOptions) => Edge = InMemoryEdge;
