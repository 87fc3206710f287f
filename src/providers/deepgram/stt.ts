import type { SpeechStream, STT as SttInterface } from "../../agent/stt.ts";
import { loadSdk } from "./connection/sdk.ts";
import { warmUp } from "./connection/warm-up.ts";
import { type DeepgramOptions, type FilledDeepgramOptions, fillOptions, isFlux } from "./options.ts";
import { Flux } from "./protocol/flux.ts";
import { Nova } from "./protocol/nova.ts";
import type { Protocol } from "./protocol/protocol.ts";
import { DeepgramStream } from "./stream/speech-stream.ts";

/** Speech to text by Deepgram, which also detects the end of a turn. */
export class STT implements SttInterface {
  readonly provider = "deepgram";
  readonly model: string;
  readonly language: string | undefined;
  readonly #options: FilledDeepgramOptions;
  readonly #protocol: Protocol;
  readonly #streams = new Set<DeepgramStream>();
  #closed = false;

  /** Throws a `TypeError` where an option is wrong, or the key is missing. */
  constructor(options: DeepgramOptions = {}) {
    this.#options = fillOptions(options);
    this.model = this.#options.model;
    this.language = languageOf(this.#options);
    this.#protocol = isFlux(this.model) ? new Flux(this.#options) : new Nova(this.#options);
  }

  /**
   * Resolves the host name, keeps a TLS session for later handshakes, and checks the key. It rejects with
   * status 401 where the key is wrong. It opens no socket ahead.
   */
  async warm(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await warmUp(this.#options, signal);
  }

  /**
   * Begins to listen to one participant; the signal ends that at once, whenever it fires. It rejects with an
   * error that has the `status` of Deepgram's refusal or the `code` of the failure: at once where another
   * attempt is of no use (a wrong key, no credit), else after the attempts that the options allow.
   */
  async listen({ signal }: Parameters<SttInterface["listen"]>[0]): Promise<SpeechStream> {
    signal.throwIfAborted();
    const sdk = await loadSdk();
    if (this.#closed) throw new Error("deepgram.STT is closed");
    const stream = new DeepgramStream({ sdk, settings: this.#options, protocol: this.#protocol, signal });
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
    await stream.opened;
    return stream;
  }

  /** Ends all streams. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#streams].map((stream) => stream.close()));
  }
}

/** Returns the one language that is listened for; undefined where there are several. */
function languageOf({ model, language, languageHints }: FilledDeepgramOptions): string | undefined {
  if (model === "flux-general-multi") return languageHints.length === 1 ? languageHints[0] : undefined;
  if (isFlux(model)) return "en";
  return language === "multi" ? undefined : (language ?? "en");
}
