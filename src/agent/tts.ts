import type { SpeechChunk } from "../audio/speech-chunk.ts";
import type { ServiceWatch } from "./service.ts";
import type { SpeechMarkup } from "./speech-text/voice-markup.ts";

export type { Alignment, SpeechChunk } from "../audio/speech-chunk.ts";

/** The options with which a voice speaks a text. */
export interface SpeakOptions {
  /** Fires when it is not wanted any more. Made for this speech alone: listeners need no removal. */
  readonly signal: AbortSignal;
  /** The words just before and just after, where they are known, for the melody of the voice. */
  readonly previousText?: string;
  readonly nextText?: string;
  /** The rate of the call's sound, in hertz. A voice that makes sound at this rate spares a conversion; any other rate is taken too. */
  readonly sampleRate?: number;
  /** A listener for which voice speaks, where several stand behind this one. */
  readonly watch?: ServiceWatch;
}

/** Text to speech. */
export interface TTS {
  /** The name of who speaks, such as `elevenlabs`. It is a label in metrics. */
  readonly provider: string;
  readonly model: string;
  /**
   * Markup that this voice performs: it is passed on as it is written. The alignment may leave it out or tell of it.
   * @default none, and what looks like it is left out
   */
  readonly markup?: SpeechMarkup;
  /** Prepares connections, so that a call pays no handshake. Called in a thread that waits for its call; may fail. */
  warm?(signal: AbortSignal): Promise<void>;
  /**
   * Speaks one sentence or more, streamed as the sound is made. Several may be asked for at once, so that the next
   * sentence is made while one is played. Throws what the provider throws: a numeric `status` or a `code` on the error
   * becomes its kind in metrics.
   */
  speak(text: string, options: SpeakOptions): AsyncIterable<SpeechChunk>;
  /** Frees connections. Called once, when the agent closes. */
  close(): Promise<void>;
}
