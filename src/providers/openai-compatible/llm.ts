import { LLM as BaseLLM, type LlmEvent, type LlmRequest } from "../../agent/llm.ts";
import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import type { FunctionDeclaration } from "../../agent/tools/functions.ts";
import { pause } from "../../shared/back-off.ts";
import { DeadlineError, within } from "../../shared/deadline.ts";
import { decoded, wholeText } from "../http/body.ts";
import { EventStream } from "../http/event-stream.ts";
import { retryPause } from "../model/retry-pause.ts";
import { WithheldTexts } from "../model/withheld-texts.ts";
import { AnswerReader, type Chunk } from "./chat/answer-reader.ts";
import { bodyOf, checkFunctions } from "./chat/request-body.ts";
import { checkModel, Endpoint } from "./endpoint.ts";
import {
  asFailure,
  closedError,
  OpenAICompatibleError,
  RefusalError,
  streamedError,
  wrongContent,
} from "./error.ts";
import { checkLlmOptions, type FilledLlmOptions, type LLMOptions, withService } from "./options.ts";

/** The longest wait for the rest of a response whose answer is over, in milliseconds. */
const restTimeoutMs = 1_000;
/** The longest answer that comes as a whole, in bytes. */
const longestAnswer = 8_388_608;

/**
 * A model of any service that speaks OpenAI's protocol, by `POST /chat/completions`.
 *
 * ```ts
 * const llm = new openaiCompatible.LLM("llama-3.3-70b-versatile", { service: "groq" });
 * const own = new openaiCompatible.LLM("qwen3", { baseUrl: "http://127.0.0.1:8080/v1" });
 * ```
 */
export interface LLM extends BaseLLM {
  /** The name of the service, such as `groq`, or `openai-compatible`. */
  readonly provider: string;
  /**
   * Opens a connection by asking for the list of models.
   * @throws an `OpenAICompatibleError` where the key is wrong or the service knows no such model, a `DeadlineError` after 10 s
   */
  warm(signal: AbortSignal): Promise<void>;
  /**
   * Yields the events of an answer.
   * @throws an `OpenAICompatibleError`, a `RefusalError` (where the option `refusal` is null), a `BadAnswerError` or a
   * `DeadlineError`, which contain neither the key nor the words of the conversation; or the reason of the signal
   */
  generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void>;
}

type Failure = OpenAICompatibleError | RefusalError | BadAnswerError | DeadlineError;

class OpenAICompatibleLlm extends BaseLLM implements LLM {
  readonly provider: string;
  readonly model: string;
  readonly #options: FilledLlmOptions;
  readonly #endpoint: Endpoint;
  readonly #running = new Set<AbortController>();
  readonly #withheld = new WithheldTexts();
  /** False once the service has refused to be asked for tokens. */
  #asksForUsage: boolean;
  #closed = false;

  constructor(model: string, options: LLMOptions = {}) {
    super();
    checkModel("openaiCompatible.LLM", model);
    const checked = checkLlmOptions(options);
    this.model = model;
    this.#endpoint = new Endpoint("openaiCompatible.LLM", options);
    this.provider = this.#endpoint.provider;
    this.#options = withService(checked, this.#endpoint.service);
    this.#asksForUsage = this.#options.usage;
  }

  override checkFunctions(functions: readonly FunctionDeclaration[]): void {
    checkFunctions(functions);
  }

  override async warm(signal: AbortSignal): Promise<void> {
    if (this.#closed) throw closedError("LLM");
    const cancel = new AbortController();
    this.#running.add(cancel);
    try {
      await this.#endpoint.warm(this.model, AbortSignal.any([signal, cancel.signal]));
    } catch (error) {
      signal.throwIfAborted();
      throw this.#closed ? closedError("LLM") : error;
    } finally {
      this.#running.delete(cancel);
    }
  }

  async *generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    const { signal, messages, watch } = request;
    const { refusal, maxRetries } = this.#options;
    let answer = this.#reader();
    for (let retry = 0; ; retry++) {
      const failure = yield* this.#attempt(request, answer, signal);
      if (failure === null) return;
      if (failure instanceof RefusalError) {
        if (failure.refused === "prompt") this.#withheld.add(messages);
        if (refusal === null) throw failure;
        yield { type: "text", delta: answer.spoken ? ` ${refusal}` : refusal };
        return;
      }
      if (this.#refusesUsage(failure)) {
        this.#asksForUsage = false;
        retry--;
        continue;
      }
      if (failure instanceof BadAnswerError) watch?.onBadAnswer?.(this, failure.code.toLowerCase());
      const pauseMs = !answer.spoken && retry < maxRetries ? this.#retryDelay(failure, retry) : null;
      if (pauseMs === null) throw failure;
      await pause(pauseMs, { signal });
      answer = this.#reader(answer.tokens);
    }
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const running of this.#running) running.abort(closedError("LLM"));
    this.#endpoint.close();
  }

  #reader(spent?: AnswerReader["tokens"]): AnswerReader {
    const { beginsWithThought } = this.#options;
    const { title } = this.#endpoint;
    return new AnswerReader({ title, model: this.model, beginsWithThought, ...(spent ? { spent } : {}) });
  }

  /** Makes one attempt. It returns what went wrong, and throws only the reason of the signal. */
  async *#attempt(
    request: LlmRequest,
    answer: AnswerReader,
    signal: AbortSignal,
  ): AsyncGenerator<LlmEvent, Failure | null, void> {
    signal.throwIfAborted();
    if (this.#closed) return closedError("LLM");
    const cancel = new AbortController();
    const abort = () => cancel.abort(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#running.add(cancel);
    let over = false;
    try {
      for await (const chunk of this.#chunks(request, answer, cancel)) {
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
      const reason: unknown = cancel.signal.aborted ? cancel.signal.reason : error;
      return asFailure(this.#endpoint, reason) as Failure;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#running.delete(cancel);
      // An abort closes the connection. The next answer should not wait for a new one.
      if (!over) {
        cancel.abort();
        if (!this.#closed) this.#endpoint.prepare();
      }
    }
  }

  /** Yields the chunks of a response. Ending the iteration before its end closes the connection. */
  async *#chunks(
    request: LlmRequest,
    answer: AnswerReader,
    cancel: AbortController,
  ): AsyncGenerator<Chunk, void, void> {
    const { firstByteTimeoutMs, idleTimeoutMs } = this.#options;
    const { title } = this.#endpoint;
    const late = () =>
      cancel.abort(
        new DeadlineError(
          `The response of ${title} took longer than ${firstByteTimeoutMs} ms`,
          "firstByteTimeoutMs",
        ),
      );
    const deadline = setTimeout(late, firstByteTimeoutMs);
    try {
      const incoming = await this.#endpoint.post("/chat/completions", {
        body: JSON.stringify(this.#body(request)),
        contentType: "application/json",
        accept: "text/event-stream",
        signal: cancel.signal,
      });
      clearTimeout(deadline);
      const type = incoming.headers["content-type"] ?? "";
      if (/^application\/json/i.test(type)) {
        // Some services answer a request for a stream as a whole.
        const what = `The answer of ${title}`;
        const whole = await within(
          wholeText(incoming, longestAnswer),
          idleTimeoutMs,
          what,
          cancel.signal,
          "idleTimeoutMs",
        );
        yield this.#parsed(whole);
        return;
      }
      if (/^(text\/html|audio\/|image\/)/i.test(type)) {
        incoming.destroy();
        throw wrongContent(this.#endpoint, type, "an answer");
      }
      const events = new EventStream(decoded(incoming), `The next piece of ${title}'s answer`, idleTimeoutMs);
      let ended = false;
      try {
        for await (const data of events) {
          if (data === "[DONE]") {
            answer.end();
            break;
          }
          yield this.#parsed(data);
          // The tokens may follow; a server that then keeps the response open is not waited for.
          if (answer.finished) events.endWithin(restTimeoutMs);
        }
        ended = true;
      } finally {
        // The rest is read, so that the connection can be used again.
        if (ended) events.endWithin(restTimeoutMs);
        else events.close();
      }
    } finally {
      clearTimeout(deadline);
    }
  }

  #body(request: LlmRequest): object {
    return bodyOf(request, {
      model: this.model,
      options: { ...this.#options, usage: this.#asksForUsage },
      withheld: this.#withheld,
      isMistral: this.#endpoint.service.isMistral ?? false,
    });
  }

  /** Returns the chunk in the data of an event. Throws the error that stands in it. */
  #parsed(data: string): Chunk {
    const chunk: unknown = JSON.parse(data);
    const error = streamedError(this.#endpoint, chunk);
    if (error !== undefined) throw error;
    if (typeof chunk !== "object" || chunk === null)
      throw new SyntaxError("The data of an event are no object");
    return chunk;
  }

  /** Returns whether a service refused the request for the field that asks for tokens. */
  #refusesUsage(failure: Failure): boolean {
    if (!this.#asksForUsage || !(failure instanceof OpenAICompatibleError)) return false;
    const { status, message } = failure;
    return (status === 400 || status === 422) && /stream_options|include_usage/.test(message);
  }

  /** Returns the pause before another attempt, in milliseconds; null where another attempt is of no use, or too late. */
  #retryDelay(failure: OpenAICompatibleError | BadAnswerError | DeadlineError, retry: number): number | null {
    if (this.#closed || failure instanceof DeadlineError) return null;
    if (failure instanceof BadAnswerError ? failure.code === "MAX_TOKENS" : !failure.retryable) return null;
    const { maxRetryDelayMs } = this.#options;
    const asked = failure instanceof OpenAICompatibleError ? failure.retryAfterMs : undefined;
    return retryPause(retry, maxRetryDelayMs, asked);
  }
}

/**
 * The first argument is the name of the model, as the service calls it.
 * @throws a `TypeError` that names a wrong option, or the missing key or address
 */
export const LLM: new (model: string, options?: LLMOptions) => LLM = OpenAICompatibleLlm;
