import type { PcmFrame } from "./audio.ts";

/** Text to speech. */
export interface TTS {
  /** Who speaks, such as `elevenlabs`: a label in metrics. */
  readonly provider: string;
  readonly model: string;
  /**
   * Speaks one sentence or more, streamed as the sound is made. Several may be asked for at once, so that the next
   * sentence is made while one is played.
   */
  speak(text: string, options: { readonly signal: AbortSignal }): AsyncIterable<PcmFrame>;
  /** Frees connections. Called once, when the agent closes. */
  close(): Promise<void>;
}
