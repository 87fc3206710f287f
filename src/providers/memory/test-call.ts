import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { readWav } from "../../audio/wav.ts";
import type { Recording } from "./recording.ts";

/** A call as a test uses it: the edge itself or, from another thread, the result of `dial`. */
export interface TestCall {
  /** The recording of the agent's speech. */
  readonly recording: Recording;
  /** Resolves when the agent has joined the call. */
  readonly joined: Promise<void>;
  /** Resolves when the agent has left the call. */
  readonly left: Promise<void>;
  /** Adds a participant with an open microphone. Participants may join before the agent does. */
  addParticipant(id: string, options?: { readonly name?: string }): TestParticipant;
  /** Ends the call for everybody. */
  hangUp(): void;
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
