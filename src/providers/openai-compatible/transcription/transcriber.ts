import { encodeWav } from "../../../audio/wav.ts";
import { BackOff, pause } from "../../../shared/back-off.ts";
import { DeadlineError } from "../../../shared/deadline.ts";
import { wholeText } from "../../http/body.ts";
import { transcriptionRate, type Transcriber as WordSource } from "../../sound/transcribed-speech.ts";
import type { Endpoint } from "../endpoint.ts";
import { asFailure, OpenAICompatibleError, streamedError, wrongContent } from "../error.ts";
import type { FilledSttOptions } from "../voice-options.ts";
import { formOf } from "./form.ts";

/** The longest body with the words of a turn, in bytes. */
const longestWords = 1_048_576;

const backOff = new BackOff({ firstMs: 100, jitter: [1, 1.5] });

/** Makes words of sound, with a request for each. */
export class Transcriber implements WordSource {
  readonly #endpoint: Endpoint;
  readonly #model: string;
  readonly #options: FilledSttOptions;

  constructor(endpoint: Endpoint, model: string, options: FilledSttOptions) {
    this.#endpoint = endpoint;
    this.#model = model;
    this.#options = options;
  }

  /**
   * Resolves with the words. It rejects with an `OpenAICompatibleError`, a `DeadlineError`, or the reason of the signal.
   * @param samples Mono, at {@link transcriptionRate}.
   */
  async transcribe(samples: Int16Array, signal: AbortSignal): Promise<string> {
    const { timeoutMs, maxRetries, language, prompt, body } = this.#options;
    const form = formOf(
      {
        model: this.#model,
        response_format: "json",
        ...(language === undefined ? {} : { language }),
        ...(prompt === undefined ? {} : { prompt }),
        ...body,
      },
      encodeWav({ samples, sampleRate: transcriptionRate }),
    );
    const deadline = AbortSignal.timeout(timeoutMs);
    const all = AbortSignal.any([signal, deadline]);
    for (let retries = 0; ; retries++) {
      try {
        return await this.#ask(form, all);
      } catch (error) {
        signal.throwIfAborted();
        if (deadline.aborted) {
          throw new DeadlineError(
            `The words of ${this.#endpoint.title} took longer than ${timeoutMs} ms`,
            "timeoutMs",
          );
        }
        const again = error instanceof OpenAICompatibleError && error.retryable && retries < maxRetries;
        if (!again) throw error;
        await pause(Math.max(error.retryAfterMs ?? 0, backOff.pauseMs(retries + 1)), { signal: all }).catch(
          () => {},
        );
      }
    }
  }

  async #ask(form: ReturnType<typeof formOf>, signal: AbortSignal): Promise<string> {
    const request = { ...form, accept: "application/json", signal };
    const incoming = await this.#endpoint.post("/audio/transcriptions", request);
    const type = incoming.headers["content-type"] ?? "";
    try {
      const said = await wholeText(incoming, longestWords);
      // Some servers answer with the words alone, whatever they are asked for.
      if (/^text\/plain/i.test(type)) return said.trim();
      if (/^text\/html/i.test(type)) throw wrongContent(this.#endpoint, type, "words");
      const answer: unknown = JSON.parse(said);
      const error = streamedError(this.#endpoint, answer);
      if (error !== undefined) throw error;
      const { text } = (answer ?? {}) as { readonly text?: unknown };
      if (typeof text !== "string") throw new SyntaxError("The answer has no text");
      return text.trim();
    } catch (error) {
      signal.throwIfAborted();
      throw asFailure(this.#endpoint, error);
    }
  }
}
