import { setImmediate as nextTick } from "node:timers/promises";
import type { GenerateContentParameters, GoogleGenAI } from "@google/genai";
import { LLM as BaseLLM, type LlmEvent, type LlmRequest } from "../../agent/llm.ts";
import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import { checkValue, matching } from "../../agent/options/option-checks.ts";
import type { FunctionDeclaration } from "../../agent/tools/functions.ts";
import { pause } from "../../shared/back-off.ts";
import { DeadlineError, within } from "../../shared/deadline.ts";
import { Connections } from "../http/connections.ts";
import { retryPause } from "../model/retry-pause.ts";
import { WithheldTexts } from "../model/withheld-texts.ts";
import { AnswerReader } from "./answer-reader.ts";
import { asFailure, asRefusedRequest, GeminiError, isPassing, RefusalError, wasSent } from "./errors.ts";
import { checkFunctions } from "./functions.ts";
import { fetchOver } from "./kept-fetch.ts";
import { defaultModel, type FilledGeminiOptions, fillOptions, type LLMOptions } from "./options.ts";
import { parametersOf } from "./parameters.ts";

const warmTimeoutMs = 10_000;

const modelName = matching(/^[\w./-]+$/, `the name of a model, such as "${defaultModel}"`);

/**
 * A model of Gemini, by Google's SDK and the Gemini Developer API.
 *
 * ```ts
 * const llm = new gemini.LLM("gemini-2.5-flash", { temperature: 0.7 });
 * ```
 */
export interface LLM extends BaseLLM {
  readonly provider: "gemini";
  /**
   * Opens a connection by asking for the model.
   * @throws a `GeminiError` where the key is wrong or the model unknown, a `DeadlineError` after 10 s
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Yields the events of an answer.
   * @throws a `GeminiError`, a `RefusalError` (where the option `refusal` is null) or a `BadAnswerError`, which contain neither
   * the key nor the words of the conversation; or the reason of the signal
   */
  generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}

class GeminiLlm extends BaseLLM implements LLM {
  readonly provider = "gemini";
  readonly model: string;
  readonly #options: FilledGeminiOptions;
  readonly #connections: Connections;
  readonly #running = new Set<AbortController>();
  /**
   * The texts that a safety filter blocked. If they remained in the conversation, they would block every
   * later answer as well.
   */
  readonly #withheld = new WithheldTexts();
  #client: Promise<GoogleGenAI> | null = null;
  #closed = false;

  constructor(model: string = defaultModel, options: LLMOptions = {}) {
    super();
    checkValue("gemini.LLM: the first argument", model, modelName);
    this.model = model.replace(/^models\//, "");
    this.#options = fillOptions(options, this.model);
    this.#connections = Connections.to(this.#options.baseUrl).hold();
  }

  override checkFunctions(functions: readonly FunctionDeclaration[]): void {
    checkFunctions(functions);
  }

  override async warm(signal: AbortSignal): Promise<void> {
    const cancel = new AbortController();
    this.#running.add(cancel);
    try {
      const { models } = await this.#sdk();
      const asked = models.get({ model: this.model, config: { abortSignal: cancel.signal } });
      await within(asked, warmTimeoutMs, "To reach Gemini", signal);
      // The connection can be used again just after the end of the response.
      await nextTick();
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof DeadlineError ? error : asFailure(error, this.#options.apiKey);
    } finally {
      this.#running.delete(cancel);
      cancel.abort();
    }
  }

  async *generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    const { signal, messages, watch } = request;
    const { refusal, maxRetries } = this.#options;
    const parameters = parametersOf(request, this.model, this.#options, this.#withheld);
    let answer = new AnswerReader(this.model);
    for (let retry = 0; ; retry++) {
      const failure = yield* this.#attempt(parameters, answer, signal);
      if (failure === null) return;
      if (failure instanceof RefusalError) {
        if (failure.refused === "prompt") this.#withheld.add(messages);
        if (refusal === null) throw failure;
        yield { type: "text", delta: answer.spoken ? ` ${refusal}` : refusal };
        return;
      }
      if (failure instanceof BadAnswerError) watch?.onBadAnswer?.(this, failure.code.toLowerCase());
      const pauseMs = !answer.spoken && retry < maxRetries ? this.#retryDelay(failure, retry) : null;
      if (pauseMs === null) throw failure;
      await pause(pauseMs, { signal });
      answer = new AnswerReader(this.model, answer.tokens);
    }
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const running of this.#running) running.abort();
    this.#connections.release();
  }

  /** Makes one attempt. It returns what went wrong, and throws only the reason of the signal. */
  async *#attempt(
    parameters: GenerateContentParameters,
    answer: AnswerReader,
    signal: AbortSignal,
  ): AsyncGenerator<LlmEvent, GeminiError | RefusalError | BadAnswerError | null, void> {
    signal.throwIfAborted();
    // Each attempt has a controller of its own, since the SDK never removes its listener from a signal.
    const cancel = new AbortController();
    const abort = () => cancel.abort();
    signal.addEventListener("abort", abort, { once: true });
    this.#running.add(cancel);
    let over = false;
    try {
      const { models } = await this.#sdk();
      const config = { ...parameters.config, abortSignal: cancel.signal };
      const chunks = await models.generateContentStream({ ...parameters, config }).catch((error) => {
        throw wasSent(error) ? error : asRefusedRequest(error, this.#options.apiKey);
      });
      for await (const chunk of chunks) {
        for (const event of answer.read(chunk)) {
          yield event;
          signal.throwIfAborted();
        }
      }
      over = true;
      const problem = answer.problem();
      if (problem === null) yield* answer.rest();
      return problem;
    } catch (error) {
      signal.throwIfAborted();
      over = true;
      return this.#closed ? closed() : asFailure(error, this.#options.apiKey);
    } finally {
      signal.removeEventListener("abort", abort);
      this.#running.delete(cancel);
      // A reader that stops leaves the response open, and only an abort closes it.
      cancel.abort();
      // The abort also closed the connection. The next answer should not wait for a new one.
      if (!over && !this.#closed) this.#connections.prepare().catch(() => undefined);
    }
  }

  async #sdk(): Promise<GoogleGenAI> {
    if (this.#closed) throw closed();
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<GoogleGenAI> {
    const { GoogleGenAI } = await import("@google/genai");
    const { apiKey, apiVersion, baseUrl } = this.#options;
    const fetch = fetchOver(this.#connections);
    // These are explicit, since the SDK would take another service and version from the environment.
    return new GoogleGenAI({ enterprise: false, apiKey, apiVersion, httpOptions: { baseUrl, fetch } });
  }

  /**
   * Returns the pause before another attempt, in milliseconds; null where another attempt is of no use, or
   * too late.
   */
  #retryDelay(failure: GeminiError | BadAnswerError, retry: number): number | null {
    if (this.#closed || !isPassing(failure)) return null;
    const { maxRetryDelayMs } = this.#options;
    const asked = failure instanceof GeminiError ? failure.retryDelayMs : undefined;
    return retryPause(retry, maxRetryDelayMs, asked);
  }
}

/**
 * The first argument is the name of the model.
 * @default "gemini-2.5-flash-lite"
 * @throws a `TypeError` that names a wrong option, or the missing key
 */
export const LLM: new (model?: string, options?: LLMOptions) => LLM = GeminiLlm;

function closed(): GeminiError {
  return new GeminiError("gemini.LLM is closed", { code: "CLOSED" });
}
