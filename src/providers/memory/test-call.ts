import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { readWav } from "../../audio/wav.ts";

/** A call as a test uses it: the edge itself or, from another thread, the result of `dial`. */
export interface TestCall {
  /** The recording of the agent's speech. */
  readonly recording: Recording;
  /** Resolves when the agent has joined the call. */
  readonly joined: Promise<void>;
  /** Resolves when the agent has left the call. */
  readonly left: Promise<void>;
  /**
   * Adds a participant with an open microphone. Participants may join before the agent does.
   * @throws an `Error` where a participant of this id is in the call
   */
  addParticipant(id: string, options?: { readonly name?: string }): TestParticipant;
  /** Ends the call for everybody. */
  hangUp(): void;
}

/** The recording of an agent's sound: every frame, with the time of its arrival. */
export interface Recording {
  /** The sample rate, in hertz. */
  readonly sampleRate: number;
  /** The factor by which the call is faster than real time. */
  readonly speed: number;
  readonly frames: readonly RecordedFrame[];
  /** The length of the recorded sound, in milliseconds. */
  readonly durationMs: number;
  /**
   * The longest time by which sound arrived ahead of its time, in milliseconds of sound. So much is still heard after the
   * agent stops.
   */
  readonly mostAheadMs: number;
  /** All recorded sound, without the silence between. */
  readonly sound: PcmFrame;
  /**
   * Returns the recorded sound with the silence between.
   * @param from The beginning, in epoch milliseconds. Default: the first frame.
   */
  timeline(from?: number): PcmFrame;
  /**
   * Returns the gaps in the order of time. A gap is between two speeches, or due to late frames.
   * @param atLeastMs The shortest gap that counts, in milliseconds. Default: 10.
   */
  gaps(atLeastMs?: number): Gap[];
  /** Calls `listener` with every frame from here on. It returns a function that unsubscribes. */
  subscribe(listener: (frame: RecordedFrame) => void): () => void;
  /**
   * Resolves when the agent has spoken for `ms` milliseconds of sound since the call began.
   * @param timeoutMs The longest wait, in milliseconds. Default: 10,000.
   * @throws a `DeadlineError` after that
   */
  reached(ms: number, timeoutMs?: number): Promise<void>;
  /**
   * Resolves when the agent was silent for `ms` milliseconds of real time, whatever the speed of the call. The time counts
   * from the call of this function, or from the end of the last sound.
   * @param timeoutMs The longest wait, in milliseconds. Default: 60,000.
   * @throws a `DeadlineError` after that
   */
  quiet(ms: number, timeoutMs?: number): Promise<void>;
}

/** A frame of the agent's sound. */
export interface RecordedFrame {
  /** The time of its arrival, in epoch milliseconds. */
  readonly at: number;
  readonly samples: Int16Array;
}

/** A silence within the agent's sound. */
export interface Gap {
  /** The end of the sound before it, in epoch milliseconds. */
  readonly at: number;
  /** Its length, in milliseconds. */
  readonly ms: number;
}

/** A participant in the call, other than the agent. */
export interface TestParticipant {
  readonly id: string;
  readonly name: string;
  /**
   * Says whether the microphone is muted. A muted microphone sends nothing, not even silence, and sound to be
   * played waits.
   */
  muted: boolean;
  /**
   * Plays sound, or a WAV file given by its path, after what is being played. It begins when the agent has
   * joined. It resolves when all of it was delivered, or will not be: after `stop` or `leave`, or at the end
   * of the call.
   */
  play(sound: PcmFrame | string | URL): Promise<Playback>;
  /** Plays silence for `ms` milliseconds of the call's time, before what is played next. */
  pause(ms: number): Promise<Playback>;
  /** Drops the sound that was not played yet. */
  stop(): void;
  /** Leaves the call. */
  leave(): void;
}

/** The result of `play`. */
export interface Playback {
  /** The time at which the first frame was delivered, in epoch milliseconds; null where none was. */
  readonly startedAt: number | null;
  /** The time at which the last frame was delivered, in epoch milliseconds; null where none was. */
  readonly endedAt: number | null;
  /** Says whether all of the sound was delivered. */
  readonly complete: boolean;
}

/** The result for sound that was not delivered at all. */
export const notPlayed: Playback = { startedAt: null, endedAt: null, complete: false };

/** Resolves with the sound itself, or with that of a WAV file. */
export async function soundOf(sound: PcmFrame | string | URL): Promise<PcmFrame> {
  return typeof sound === "object" && "samples" in sound ? sound : readWav(sound);
}
