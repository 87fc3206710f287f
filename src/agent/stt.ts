import type { PcmFrame } from "./audio.ts";

/**
 * What is heard of one participant. `text` is the whole turn so far and replaces what came before.
 * A turn goes `started → partial* → (eager_end → (resumed → partial*)?)* → ended`.
 */
export type SpeechEvent =
  | { readonly type: "started" }
  | { readonly type: "partial"; readonly text: string }
  /** The speaker has probably finished: worth to start the model, not yet to speak. */
  | { readonly type: "eager_end"; readonly text: string }
  /** The speaker went on after all. */
  | { readonly type: "resumed" }
  /** The turn is over. Where an `eager_end` with the same text came before, its answer may be spoken. */
  | { readonly type: "ended"; readonly text: string };

export interface SpeechStream extends AsyncIterable<SpeechEvent> {
  /** Hands over sound as it comes, silence too. Never waits: where the provider lags behind, the oldest sound is dropped. */
  write(frame: PcmFrame): void;
  close(): Promise<void>;
}

/** Speech to text that also tells when a turn ends. */
export interface STT {
  /** Who recognises, such as `deepgram`: a label in metrics. */
  readonly provider: string;
  readonly model: string;
  /** Begins to listen to one participant. */
  listen(options: { readonly participantId: string; readonly signal: AbortSignal }): Promise<SpeechStream>;
  /** Frees connections. Called once, when the agent closes. */
  close(): Promise<void>;
}
