import type { ListenOptions, SpeechStream, STT as SttInterface } from "../../agent/stt.ts";
import { StreamedSpeech } from "../listening/speech-stream.ts";
import { loadSdk } from "./connection/sdk.ts";
import { warmUp } from "./connection/warm-up.ts";
import { type DeepgramOptions, type FilledDeepgramOptions, fillOptions, isFlux } from "./options.ts";
import { Flux } from "./protocol/flux.ts";
import { Nova } from "./protocol/nova.ts";
import type { Protocol } from "./protocol/protocol.ts";
import { DeepgramRecogniser } from "./recogniser.ts";

/**
 * Speech to text by Deepgram, which also detects the end of a turn.
 *
 * ```ts
 * const stt = new deepgram.STT({ eagerTurnDetection: true, keyterms: ["Greenroom"] });
 * ```
 */
export interface STT extends SttInterface {
  readonly provider: "deepgram";
  /** The one language that is listened for; undefined where there are several. */
  readonly language: string | undefined;
  /**
   * Resolves the host name, keeps a TLS session for later handshakes, and checks the key. It opens no socket ahead.
   * @throws a `DeepgramError`, whose status is 401 where the key is wrong
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Begins to listen to one participant; the signal ends that at once, whenever it fires.
   * @throws a `DeepgramError` with the `status` of Deepgram's refusal or the `code` of the failure: at once where another
   * attempt is of no use (a wrong key, no credit), else after the attempts that the options allow
   */
  listen(options: ListenOptions): Promise<SpeechStream>;
  /** Ends all streams. */
  close(): Promise<void>;
}

class DeepgramStt implements STT {
  readonly provider = "deepgram";
  readonly model: string;
  readonly language: string | undefined;
  readonly #options: FilledDeepgramOptions;
  readonly #protocol: Protocol;
  readonly #streams = new Set<StreamedSpeech>();
  #closed = false;

  constructor(options: DeepgramOptions = {}) {
    this.#options = fillOptions(options);
    this.model = this.#options.model;
    this.language = languageOf(this.#options);
    this.#protocol = isFlux(this.model) ? new Flux(this.#options) : new Nova(this.#options);
  }

  async warm(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await warmUp(this.#options, signal);
  }

  async listen({ signal }: ListenOptions): Promise<SpeechStream> {
    signal.throwIfAborted();
    const sdk = await loadSdk();
    if (this.#closed) throw new Error("deepgram.STT is closed");
    const recogniser = new DeepgramRecogniser({ sdk, settings: this.#options, protocol: this.#protocol });
    const stream = new StreamedSpeech({ recogniser, settings: this.#options, signal });
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
    await stream.opened;
    return stream;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#streams].map((stream) => stream.close()));
  }
}

/** @throws a `TypeError` where an option is wrong, or the key is missing */
export const STT: new (options?: DeepgramOptions) => STT = DeepgramStt;

function languageOf({ model, language, languageHints }: FilledDeepgramOptions): string | undefined {
  if (model === "flux-general-multi") return languageHints.length === 1 ? languageHints[0] : undefined;
  if (isFlux(model)) return "en";
  return language === "multi" ? undefined : (language ?? "en");
}
