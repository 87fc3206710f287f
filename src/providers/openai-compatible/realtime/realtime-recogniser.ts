import type { ConnectionListeners, Recogniser } from "../../listening/recogniser.ts";
import type { MessageReader } from "../../listening/turn-signal.ts";
import type { Endpoint } from "../endpoint.ts";
import { OpenAICompatibleError } from "../error.ts";
import type { FilledRealtimeOptions } from "./options.ts";
import { RealtimeConnection } from "./realtime-connection.ts";
import { realtimeRate } from "./session.ts";
import { TranscriptReader } from "./transcript-reader.ts";

/** A realtime transcription, as a stream of sound uses it. */
export class RealtimeRecogniser implements Recogniser {
  readonly timed = false;
  readonly resampledTo = realtimeRate;
  readonly turnsBy: Recogniser["turnsBy"];
  readonly #endpoint: Endpoint;
  readonly #model: string;
  readonly #options: FilledRealtimeOptions;

  constructor(endpoint: Endpoint, model: string, options: FilledRealtimeOptions) {
    this.#endpoint = endpoint;
    this.#model = model;
    this.#options = options;
    this.turnsBy = options.turnDetection === "local" ? "marks" : "service";
  }

  get title(): string {
    return this.#endpoint.title;
  }

  takes(sampleRate: number): boolean {
    return sampleRate === realtimeRate;
  }

  connect(_sampleRate: number, listeners: ConnectionListeners): RealtimeConnection {
    const options = this.#options;
    return new RealtimeConnection({ endpoint: this.#endpoint, model: this.#model, options, listeners });
  }

  reader(): MessageReader {
    const { turnDetection, silenceMs, endMs } = this.#options;
    const quietMs = { server: silenceMs, semantic: null, local: endMs }[turnDetection];
    return new TranscriptReader(this.#endpoint, quietMs === null ? null : quietMs / 1_000);
  }

  failure(message: string, code: string, retryable: boolean): OpenAICompatibleError {
    return new OpenAICompatibleError(message, { kind: retryable ? "network" : "invalid", code });
  }
}
