import type { PcmFrame } from "../audio/pcm-frame.ts";
import type { ServiceWatch } from "./service.ts";

/**
 * An event of the recognition of one participant. `text` is the whole turn so far, and replaces the text before. Times are
 * epoch milliseconds, by `now()` of protocol.ts. A turn goes `started → partial* → (eager_end → (resumed → partial*)?)* →
 * ended`.
 */
export type SpeechEvent =
  | { readonly type: "started" }
  | { readonly type: "partial"; readonly text: string }
  /** The speaker has probably finished: worth to start the model, not yet to speak. */
  | { readonly type: "eager_end"; readonly text: string; readonly speechEndedAt: number | null }
  /** The speaker went on after all. */
  | { readonly type: "resumed" }
  /** The turn is over. Where an `eager_end` with the same text came before, its answer may be spoken. */
  | {
      readonly type: "ended";
      readonly text: string;
      readonly speechEndedAt: number | null;
      /** The length of the speech, in milliseconds. It is told in place of words by a recogniser that knows none. */
      readonly speechMs?: number;
    }
  /**
   * A failure of the recogniser. The recogniser goes on by itself unless the failure is `fatal`, which is the last event.
   */
  | { readonly type: "error"; readonly error: Error; readonly fatal: boolean };

/**
 * `speechEndedAt` above: when the last sound of speech was written to the stream; null where the recogniser cannot tell.
 * `ended.text` is empty where speech was heard but there is no recogniser for its words.
 */
export interface SpeechStream extends AsyncIterable<SpeechEvent> {
  /** Hands over sound as it comes, silence too. Never waits: where the provider lags behind, the oldest sound is dropped. */
  write(frame: PcmFrame): void;
  /** Sound that the provider was given so far, in milliseconds. */
  readonly audioDurationMs: number;
  /** Ends it, by a deadline of its own. The iteration then ends. */
  close(): Promise<void>;
}

/** The options with which a recogniser begins to listen to a participant. */
export interface ListenOptions {
  readonly participantId: string;
  /** Fires when the participant is not listened to any more. */
  readonly signal: AbortSignal;
  /** A listener for which recogniser listens, where several stand behind this one. */
  readonly watch?: ServiceWatch;
}

/** Speech to text that also tells when a turn ends. */
export interface STT {
  /** The name of who recognises, such as `deepgram`. It is a label in metrics. */
  readonly provider: string;
  readonly model: string;
  /**
   * The language that the recogniser expects, such as `de` or `pt-BR`, where that is one. It decides which words count as
   * backchannels.
   */
  readonly language?: string | undefined;
  /**
   * False where it hears when somebody speaks, and not what. The agent is then silent at the first sound; else it goes
   * on, more quietly, until there are words.
   * @default true
   */
  readonly words?: boolean;
  /** Prepares connections, so that a call pays no handshake. Called in a thread that waits for its call; may fail. */
  warm?(signal: AbortSignal): Promise<void>;
  /** Begins to listen to one participant. Rejects where it cannot: the error has a numeric `status` or a `code`. */
  listen(options: ListenOptions): Promise<SpeechStream>;
  /** Frees connections. Called once, when the agent closes. */
  close(): Promise<void>;
}
