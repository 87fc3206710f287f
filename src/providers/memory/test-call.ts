import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { readWav } from "../../audio/wav.ts";
import type { Recording } from "./recording.ts";

/** A call as its test sees it: the edge itself, or from another thread what `dial` gives. */
export interface TestCall {
  /** A recording of the agent's speech. */
  readonly recording: Recording;
  /** Resolves when the agent is in the call. */
  readonly joined: Promise<void>;
  /** Resolves when the agent is out of it. */
  readonly left: Promise<void>;
  /** Lets somebody come into the call, with an open microphone. They may come before the agent does. */
  addParticipant(id: string, options?: { readonly name?: string }): TestParticipant;
  /** The call ends for everybody. */
  hangUp(): void;
}

/** A participant in the call, other than the agent. */
export interface TestParticipant {
  readonly id: string;
  readonly name: string;
  /** A muted microphone sends nothing, not even silence, and what is played waits. */
  muted: boolean;
  /**
   * Says this into the call, after what is being said: sound, or the path of a WAV file. It begins when the agent is there.
   * Resolves when all of it is handed over, or will not be: after `stop` or `leave`, or as the call ends.
   */
  play(sound: PcmFrame | string | URL): Promise<Playback>;
  /** Says nothing for this long, in milliseconds of the call's time, before what is played next. */
  pause(ms: number): Promise<Playback>;
  /** Falls silent: the rest of what was to be played is dropped. */
  stop(): void;
  /** Leaves the call. */
  leave(): void;
}

export interface Playback {
  /** The times when its first and its last frame were handed over, as epoch milliseconds; null where none was. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** All of it was. */
  readonly complete: boolean;
}

export const notPlayed: Playback = { startedAt: null, endedAt: null, complete: false };

/** The sound itself, or that of a WAV file. */
export async function soundOf(sound: PcmFrame | string | URL): Promise<PcmFrame> {
  return typeof sound === "object" && "samples" in sound ? sound : readWav(sound);
}
