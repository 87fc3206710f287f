import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import type { Participants } from "./participants.ts";

/** The number of frames of 20 ms that are held for each unknown track: one second. */
const maxHeldFrames = 50;

/** The number of unknown tracks of which frames are held. */
const maxHeldTracks = 32;

export type SoundListener = (participantId: string, frame: PcmFrame) => void;

/**
 * Finds the participant of each track's sound, and passes the sound to the listeners. Sound that arrives
 * before its track is known is held for up to a second.
 */
export class ParticipantAudio {
  readonly #participants: Participants;
  readonly #listeners = new Set<SoundListener>();
  /** The frames that are held, by track lookup prefix. */
  readonly #held = new Map<string, PcmFrame[]>();

  constructor(participants: Participants) {
    this.#participants = participants;
  }

  /** Calls `listener` with each participant's frames. It returns a function that unsubscribes. */
  listen(listener: SoundListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes a frame of a track. */
  push(trackLookupPrefix: string, frame: PcmFrame): void {
    const speaker = this.#participants.speakerOf(trackLookupPrefix);
    if (speaker === undefined) {
      this.#hold(trackLookupPrefix, frame);
      return;
    }
    const held = this.#held.get(trackLookupPrefix);
    if (held !== undefined) this.#held.delete(trackLookupPrefix);
    if (speaker === null) return;
    for (const earlier of held ?? []) this.#emit(speaker, earlier);
    this.#emit(speaker, frame);
  }

  #hold(trackLookupPrefix: string, frame: PcmFrame): void {
    const held = this.#held.get(trackLookupPrefix) ?? [];
    held.push(frame);
    if (held.length > maxHeldFrames) held.shift();
    this.#held.set(trackLookupPrefix, held);
    const [oldest] = this.#held.keys();
    if (this.#held.size > maxHeldTracks && oldest !== undefined) this.#held.delete(oldest);
  }

  #emit(speaker: string, frame: PcmFrame): void {
    for (const listener of this.#listeners) listener(speaker, frame);
  }
}
