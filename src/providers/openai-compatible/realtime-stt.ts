import type { STT as AgentSTT, ListenOptions, SpeechStream } from "../../agent/stt.ts";
import { VoiceActivity } from "../../audio/detection/voice-activity.ts";
import { MarkedSpeech } from "../listening/marked-speech.ts";
import { StreamedSpeech } from "../listening/speech-stream.ts";
import { checkModel, Endpoint } from "./endpoint.ts";
import { closedError } from "./error.ts";
import {
  type FilledRealtimeOptions,
  fillRealtimeOptions,
  type RealtimeSTTOptions,
} from "./realtime/options.ts";
import { RealtimeRecogniser } from "./realtime/realtime-recogniser.ts";
import { realtimeRate } from "./realtime/session.ts";

/**
 * Speech to text by OpenAI's realtime transcription, over a WebSocket: the words come while somebody speaks, or at the end of the
 * turn, as the model does it.
 *
 * ```ts
 * const stt = new openaiCompatible.RealtimeSTT("gpt-live-transcribe", { service: "openai", keyterms: ["Greenroom"] });
 * ```
 */
export interface RealtimeSTT extends AgentSTT {
  /** The name of the service, such as `openai`, or `openai-compatible`. */
  readonly provider: string;
  /**
   * Checks the key and the model by asking for the list of models. It opens no session ahead.
   * @throws an `OpenAICompatibleError` where the key is wrong or the service knows no such model, a `DeadlineError` after 10 s
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Begins to listen to one participant; the signal ends that at once, whenever it fires.
   * @throws an `OpenAICompatibleError`: at once where another attempt is of no use (a wrong key, a model that the service does not
   * have), else after the attempts that the options allow
   */
  listen(options: ListenOptions): Promise<SpeechStream>;
}

class OpenAICompatibleRealtimeStt implements RealtimeSTT {
  readonly provider: string;
  readonly model: string;
  readonly language: string | undefined;
  readonly #options: FilledRealtimeOptions;
  readonly #endpoint: Endpoint;
  readonly #streams = new Set<StreamedSpeech>();
  #closed = false;

  constructor(model: string, options: RealtimeSTTOptions = {}) {
    checkModel("openaiCompatible.RealtimeSTT", model);
    this.#options = fillRealtimeOptions(model, options);
    this.model = model;
    this.language = options.language;
    this.#endpoint = new Endpoint("openaiCompatible.RealtimeSTT", options);
    this.provider = this.#endpoint.provider;
  }

  async warm(signal: AbortSignal): Promise<void> {
    await this.#endpoint.warm(this.model, signal);
  }

  async listen({ signal }: Pick<ListenOptions, "signal">): Promise<SpeechStream> {
    signal.throwIfAborted();
    const local = this.#options.turnDetection === "local";
    const activity = local ? await VoiceActivity.create(this.#options) : null;
    if (signal.aborted || this.#closed) {
      activity?.free();
      throw signal.aborted ? signal.reason : closedError("RealtimeSTT");
    }
    const stream = this.#stream(signal);
    const listening =
      activity === null ? stream : new MarkedSpeech(stream, activity, turnOptions(this.#options));
    await stream.opened;
    return listening;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#streams].map((stream) => stream.close()));
    this.#endpoint.close();
  }

  #stream(signal: AbortSignal): StreamedSpeech {
    const stream = new StreamedSpeech({
      recogniser: new RealtimeRecogniser(this.#endpoint, this.model, this.#options),
      settings: { ...this.#options, sampleRate: realtimeRate, stallTimeoutMs: Number.POSITIVE_INFINITY },
      signal,
    });
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
    return stream;
  }
}

function turnOptions({ startMs, endMs, maxTurnMs }: FilledRealtimeOptions) {
  return {
    endMs,
    ...(startMs === undefined ? {} : { startMs }),
    ...(maxTurnMs === undefined ? {} : { maxTurnMs }),
  };
}

/**
 * The first argument is the name of the model, as the service calls it.
 * @throws a `TypeError` that names a wrong option, or the missing key or address
 */
export const RealtimeSTT: new (model: string, options?: RealtimeSTTOptions) => RealtimeSTT =
  OpenAICompatibleRealtimeStt;
