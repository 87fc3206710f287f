import type { PcmFrame } from "../../../audio/pcm-frame.ts";
import type { Participants } from "./participants.ts";

/** Sound of somebody who is not known yet is kept for so long, in frames of 20 ms: a second. */
const longestHold = 50;

/** The most voices of which frames are held. */
const mostHeld = 32;

export type SoundListener = (participantId: string, frame: PcmFrame) => void;

/** Tells whose sound it is. The first sound of a track may come before the event that says whose it is. */
export class Voices {
  readonly #participants: Participants;
  readonly #listeners = new Set<SoundListener>();
  /** The frames that are held back, by track lookup prefix. */
  readonly #held = new Map<string, PcmFrame[]>();

  constructor(participants: Participants) {
    this.#participants = participants;
  }

  listen(listener: SoundListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hear(trackLookupPrefix: string, frame: PcmFrame): void {
    const speaker = this.#participants.speakerOf(trackLookupPrefix);
    if (speaker === undefined) {
      this.#hold(trackLookupPrefix, frame);
      return;
    }
    const held = this.#held.get(trackLookupPrefix);
    if (held !== undefined) this.#held.delete(trackLookupPrefix);
    if (speaker === null) return;
    for (const earlier of held ?? []) this.#tell(speaker, earlier);
    this.#tell(speaker, frame);
  }

  #hold(trackLookupPrefix: string, frame: PcmFrame): void {
    const held = this.#held.get(trackLookupPrefix) ?? [];
    held.push(frame);
    if (held.length > longestHold) held.shift();
    this.#held.set(trackLookupPrefix, held);
    const [oldest] = this.#held.keys();
    if (this.#held.size > mostHeld && oldest !== undefined) this.#held.delete(oldest);
  }

  #tell(speaker: string, frame: PcmFrame): void {
    for (const listener of this.#listeners) listener(speaker, frame);
  }
}
