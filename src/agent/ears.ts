import type { Measurement } from "../protocol.ts";
import { Ear } from "./ear.ts";
import type { ConnectionAudio } from "./edge.ts";
import type { Log } from "./host.ts";
import type { AskPermit } from "./permits.ts";
import type { SpeechEvent, STT } from "./stt.ts";

/** What is heard of the participant who has the floor. */
export type HeardEvent = Exclude<SpeechEvent, { readonly type: "error" }>;

export interface EarsOptions {
  readonly stt: STT;
  readonly audio: ConnectionAudio;
  readonly heard: (participantId: string, event: HeardEvent) => void;
  /** A participant cannot be heard. It is tried again for as long as they are there; told once until they are heard again. */
  readonly unheard: (participantId: string, error: unknown) => void;
  readonly heardAgain: (participantId: string) => void;
  /** Pause before a participant is listened to again, in milliseconds. It doubles, up to 12 times as much. */
  readonly retryAfterMs: number;
  readonly permit: AskPermit;
  readonly measure: (measurement: Measurement) => void;
  readonly log: Log;
  /** Fires when the agent leaves. */
  readonly signal: AbortSignal;
}

/** Participants who are heard at the same time; further ones are not. */
const mostStreams = 8;

/**
 * Listens to the participants, each by a stream of their own. The first who speaks holds the floor until their turn is
 * over; what others say meanwhile is not heard.
 */
export class Ears {
  readonly #options: EarsOptions;
  readonly #streams = new Map<string, Ear>();
  readonly #stopListening: () => void;
  #floor: string | null = null;

  constructor(options: EarsOptions) {
    this.#options = options;
    this.#stopListening = options.audio.listen((participantId, frame) => {
      let ear = this.#streams.get(participantId);
      if (ear === undefined) {
        if (this.#streams.size >= mostStreams) return;
        ear = new Ear(participantId, { ...options, heard: (event) => this.#heard(participantId, event) });
        this.#streams.set(participantId, ear);
      }
      ear.write(frame);
    });
  }

  /** A participant has left, or is not to be heard any more. */
  async forget(participantId: string): Promise<void> {
    const ear = this.#streams.get(participantId);
    this.#streams.delete(participantId);
    if (this.#floor === participantId) this.#floor = null;
    await ear?.close();
  }

  /** The floor is free: whoever has it is not waited for any longer. */
  release(): void {
    this.#floor = null;
  }

  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all([...this.#streams.keys()].map((participantId) => this.forget(participantId)));
  }

  #heard(participantId: string, event: HeardEvent): void {
    if (this.#floor === null && event.type !== "ended" && event.type !== "resumed") {
      this.#floor = participantId;
      // Who spoke on while another had the floor is heard from here on.
      if (event.type !== "started") this.#options.heard(participantId, { type: "started" });
    }
    if (this.#floor !== participantId) return;
    if (event.type === "ended") this.#floor = null;
    this.#options.heard(participantId, event);
    // A start without an end before it gives up the turn before, and the floor with it.
    if (event.type === "started") this.#floor = participantId;
  }
}
