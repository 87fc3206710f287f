import { LLM as BaseLLM, type LlmEvent, type LlmRequest } from "../../agent/llm.ts";
import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import type { FunctionDeclaration } from "../../agent/tools/functions.ts";
import { pause } from "../../shared/back-off.ts";
import { retryPause } from "../model/retry-pause.ts";
import { WithheldTexts } from "../model/withheld-texts.ts";
import { AiSdkError, asFailure, type Failure, isPassing, RefusalError } from "./errors.ts";
import { checkKey } from "./key.ts";
import { AnswerReader } from "./language/answer-reader.ts";
import { callOptions, checkFunctions } from "./language/call-options.ts";
import type { StreamPart } from "./language/stream-part.ts";
import { type LanguageModel, type SpecificationVersion, vendorOf, versionOf } from "./models.ts";
import { type FilledLlmOptions, fillLlmOptions, type LLMOptions } from "./options.ts";
import { Warnings } from "./warnings.ts";

/**
 * A language model of any provider of the AI SDK. The provider comes from the agent's own code, with its key and its options:
 *
 * ```ts
 * import { openai } from "@ai-sdk/openai";
 *
 * const llm = new aiSdk.LLM(openai("gpt-5-mini"), { reasoning: "minimal" });
 * ```
 */
export interface LLM extends BaseLLM {
  /** The vendor, such as `openai`. */
  readonly provider: string;
  /**
   * Yields the events of an answer.
   * @throws an `AiSdkError`, a `RefusalError` (where the option `refusal` is null) or a `BadAnswerError`, which contain no words
   * of the conversation; or the reason of the signal
   */
  generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}

/** `doStream` as it is called. Its options are those of the model's version. */
type DoStream = (options: object) => PromiseLike<{ readonly stream: ReadableStream<StreamPart> }>;

class AiSdkLlm extends BaseLLM implements LLM {
  readonly provider: string;
  readonly model: string;
  readonly #model: LanguageModel;
  readonly #version: SpecificationVersion;
  readonly #options: FilledLlmOptions;
  readonly #warnings: Warnings;
  readonly #running = new Set<AbortController>();
  readonly #withheld = new WithheldTexts();
  #closed = false;

  constructor(model: LanguageModel, options: LLMOptions = {}) {
    super();
    this.#version = versionOf("aiSdk.LLM", model, "doStream", 'openai("gpt-5-mini")');
    this.#options = fillLlmOptions(options, this.#version);
    this.#model = model;
    this.provider = vendorOf(model);
    this.model = model.modelId;
    this.#warnings = new Warnings(`aiSdk.LLM ${this.model}`);
  }

  override checkFunctions(functions: readonly FunctionDeclaration[]): void {
    checkFunctions(functions);
  }

  async *generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    const { signal, messages, watch } = request;
    const { refusal, maxRetries } = this.#options;
    const { provider, modelId } = this.#model;
    const owner = { provider, modelId };
    const reader = { ...owner, version: this.#version, withheld: this.#withheld };
    const options = callOptions(request, this.#options, reader);
    let answer = new AnswerReader(owner, this.provider);
    for (let retry = 0; ; retry++) {
      const failure = yield* this.#attempt(options, answer, signal);
      if (failure === null) return;
      if (failure instanceof RefusalError) {
        if (!answer.spoken) this.#withheld.add(messages);
        if (refusal === null) throw failure;
        yield { type: "text", delta: answer.spoken ? ` ${refusal}` : refusal };
        return;
      }
      if (failure instanceof BadAnswerError) watch?.onBadAnswer?.(this, failure.code.toLowerCase());
      const pauseMs = !answer.spoken && retry < maxRetries ? this.#retryDelay(failure, retry) : null;
      if (pauseMs === null) throw failure;
      await pause(pauseMs, { signal });
      answer = new AnswerReader(owner, this.provider, answer.tokens);
    }
  }

  override async warm(): Promise<void> {
    await checkKey(this.#model);
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const running of this.#running) running.abort();
  }

  /** Makes one attempt. It returns what went wrong, and throws only the reason of the signal. */
  async *#attempt(
    options: object,
    answer: AnswerReader,
    signal: AbortSignal,
  ): AsyncGenerator<LlmEvent, Failure | null, void> {
    signal.throwIfAborted();
    if (this.#closed) return closed();
    // Each attempt has a controller of its own, whose abort closes the response whatever the provider does with the stream.
    const cancel = new AbortController();
    const abort = () => cancel.abort();
    signal.addEventListener("abort", abort, { once: true });
    this.#running.add(cancel);
    let reader: ReadableStreamDefaultReader<StreamPart> | undefined;
    try {
      const doStream = this.#model.doStream.bind(this.#model) as DoStream;
      const { stream } = await doStream({ ...options, abortSignal: cancel.signal });
      reader = stream.getReader();
      // The end of the answer is the last part; a stream that then stays open is not waited for.
      while (!answer.finished) {
        const { done, value } = await reader.read();
        if (done) break;
        if (value.type === "stream-start") this.#warnings.log(value.warnings);
        for (const event of answer.read(value)) {
          yield event;
          signal.throwIfAborted();
        }
      }
      const problem = answer.problem();
      if (problem === null) yield* answer.rest();
      return problem;
    } catch (error) {
      signal.throwIfAborted();
      return this.#closed ? closed() : asFailure(error, this.provider);
    } finally {
      signal.removeEventListener("abort", abort);
      this.#running.delete(cancel);
      cancel.abort();
      // Not awaited: a stream that is stuck would never get to it.
      reader?.cancel().catch(() => undefined);
    }
  }

  /**
   * Returns the pause before another attempt, in milliseconds; null where another attempt is of no use, or
   * too late.
   */
  #retryDelay(failure: Failure, retry: number): number | null {
    if (this.#closed || !isPassing(failure)) return null;
    const { maxRetryDelayMs } = this.#options;
    const asked = failure instanceof AiSdkError ? failure.retryDelayMs : undefined;
    return retryPause(retry, maxRetryDelayMs, asked);
  }
}

/**
 * The first argument is a model of a provider of the AI SDK, of version v2, v3 or v4 of its interface.
 * @throws a `TypeError` that names a wrong option, or says that it is no model
 */
export const LLM: new (model: LanguageModel, options?: LLMOptions) => LLM = AiSdkLlm;

function closed(): AiSdkError {
  return new AiSdkError("aiSdk.LLM is closed", { code: "CLOSED" });
}
