import { setTimeout as delay } from "node:timers/promises";
import { AsyncQueue } from "../agent/async-queue.ts";
import { LLM as BaseLLM, type LlmEvent, type LlmRequest } from "../agent/llm.ts";
import { type Check, type Checks, checkOptions, duration } from "../agent/options/option-checks.ts";
import { within } from "../shared/deadline.ts";
import type { JsonValue } from "../shared/protocol.ts";

/** A step of a scripted model. */
export type LlmStep =
  | { readonly text: string }
  /** Calls a function. Its results come with the next request, which the next reply answers. */
  | { readonly call: string; readonly arguments?: JsonValue; readonly providerData?: JsonValue }
  /** Waits for so many milliseconds. */
  | { readonly delayMs: number }
  /** Gives nothing more until the request is aborted; with `deaf`, not even then. */
  | { readonly hang: true; readonly deaf?: boolean }
  /** Throws an error. `status` becomes the error's, as with a real provider. */
  | { readonly fail: string; readonly status?: number };

/** A reply: a text, a list of steps, or a function that makes them of the request. */
export type LlmReply = string | readonly LlmStep[] | ((request: LlmRequest) => string | readonly LlmStep[]);

/** The options of a scripted model. */
export interface LlmOptions {
  /**
   * The replies of the model, request after request.
   * @default none
   */
  readonly replies?: readonly LlmReply[];
  /**
   * The reply to all further requests.
   * @default `You said: …`, or the results of the tools
   */
  readonly otherwise?: LlmReply;
  /**
   * The pause before the first token, in milliseconds.
   * @default 0
   */
  readonly firstTokenMs?: number;
  /**
   * The pause before each further word, in milliseconds.
   * @default 0
   */
  readonly wordMs?: number;
}

const reply: Check = {
  fits: (value) => typeof value === "string" || Array.isArray(value) || typeof value === "function",
  expected: "a text, a list of steps, or a function that makes them",
};

const checks: Checks<LlmOptions> = {
  replies: {
    fits: (value) => Array.isArray(value) && value.every(reply.fits),
    expected: "a list of replies",
  },
  otherwise: reply,
  firstTokenMs: duration(0),
  wordMs: duration(0),
};

/**
 * A model that says what a test tells it. It streams word by word, counts words as tokens, and has nothing
 * random.
 *
 * ```ts
 * const llm = new testing.LLM({ replies: ["Hello!", [{ call: "get_weather", arguments: { location: "Oslo" } }], "It rains."] });
 * const held = llm.hold();              // the next request is answered by hand
 * const request = await held.request;
 * held.text("Once upon"); held.end();
 * ```
 */
export interface LLM extends BaseLLM {
  readonly provider: "testing";
  readonly model: "script";
  /** The requests so far. */
  readonly requests: LlmRequest[];
  /** The number of requests that were aborted before their end. */
  readonly aborted: number;
  /** Adds replies after those that are scripted already. */
  reply(...replies: readonly LlmReply[]): void;
  /** Lets the test answer the request after those that are scripted already. */
  hold(): HeldReply;
}

/** A reply that a test gives by hand, piece by piece. */
export interface HeldReply {
  /**
   * Resolves with the request.
   * @throws a `DeadlineError` where none arrives within 10 s
   */
  readonly request: Promise<LlmRequest>;
  /** Resolves when the request is aborted. */
  readonly aborted: Promise<void>;
  /** Gives the next piece of the text. */
  text(delta: string): void;
  /**
   * Calls a function.
   * @param args The arguments. Default: none.
   */
  call(name: string, args?: JsonValue): void;
  /** Fails the request. */
  fail(error: Error): void;
  /** Ends the reply. */
  end(): void;
}

class ScriptedLlm extends BaseLLM implements LLM {
  readonly provider = "testing";
  readonly model = "script";
  readonly requests: LlmRequest[] = [];
  readonly #options: LlmOptions;
  readonly #replies: (LlmReply | QueuedReply)[];
  #aborted = 0;

  constructor(options: LlmOptions = {}) {
    super();
    checkOptions("testing.LLM", options, checks);
    this.#options = options;
    this.#replies = [...(options.replies ?? [])];
  }

  get aborted(): number {
    return this.#aborted;
  }

  reply(...replies: readonly LlmReply[]): void {
    this.#replies.push(...replies);
  }

  hold(): HeldReply {
    const held = new QueuedReply();
    this.#replies.push(held);
    return held;
  }

  async *generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    this.requests.push(request);
    const next = this.#replies.shift() ?? this.#options.otherwise ?? repeat;
    const inputTokens = request.messages.length;
    let outputTokens = 0;
    let complete = false;
    try {
      const events = next instanceof QueuedReply ? next.answer(request) : this.#play(next, request);
      for await (const event of events) {
        yield event;
        if (event.type === "text") outputTokens += 1;
      }
      yield { type: "usage", inputTokens, outputTokens };
      complete = true;
    } finally {
      if (!complete && request.signal.aborted) this.#aborted += 1;
    }
  }

  async *#play(reply: LlmReply, request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    const { firstTokenMs = 0, wordMs = 0 } = this.#options;
    const { signal } = request;
    const script = typeof reply === "function" ? reply(request) : reply;
    const steps = typeof script === "string" ? [{ text: script }] : script;
    let calls = 0;
    let pauseMs = firstTokenMs;
    for (const step of steps) {
      signal.throwIfAborted();
      if ("delayMs" in step) await delay(step.delayMs, undefined, { signal });
      else if ("hang" in step) await hang(step.deaf ? null : signal);
      else if ("fail" in step) throw Object.assign(new Error(step.fail), { status: step.status });
      else if ("call" in step) {
        if (pauseMs > 0) await delay(pauseMs, undefined, { signal });
        pauseMs = wordMs;
        calls += 1;
        const { call: name, arguments: args = {}, providerData } = step;
        const id = `call_${this.requests.length}_${calls}`;
        const call = { id, name, arguments: args, ...(providerData === undefined ? {} : { providerData }) };
        yield { type: "tool_call", call };
      } else {
        for (const delta of step.text.match(/\s*\S+\s*$|\s*\S+/g) ?? [step.text]) {
          if (pauseMs > 0) await delay(pauseMs, undefined, { signal });
          pauseMs = wordMs;
          yield { type: "text", delta };
        }
      }
    }
  }
}

/** @throws a `TypeError` that names an option which does not exist or cannot be */
export const LLM: new (options?: LlmOptions) => LLM = ScriptedLlm;

class QueuedReply implements HeldReply {
  readonly #asked = Promise.withResolvers<LlmRequest>();
  readonly #aborted = Promise.withResolvers<void>();
  readonly #events = new AsyncQueue<LlmEvent | Error>();
  #calls = 0;

  get request(): Promise<LlmRequest> {
    return within(this.#asked.promise, 10_000, "The request to the model");
  }

  get aborted(): Promise<void> {
    return this.#aborted.promise;
  }

  text(delta: string): void {
    this.#events.push({ type: "text", delta });
  }

  call(name: string, args: JsonValue = {}): void {
    this.#calls += 1;
    this.#events.push({ type: "tool_call", call: { id: `held_${this.#calls}`, name, arguments: args } });
  }

  fail(error: Error): void {
    this.#events.push(error);
  }

  end(): void {
    this.#events.end();
  }

  /** Answers a request with what the test gives. */
  async *answer(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    const { signal } = request;
    const abort = () => {
      this.#aborted.resolve();
      this.#events.push(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
    };
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    this.#asked.resolve(request);
    for await (const event of this.#events) {
      if (event instanceof Error) throw event;
      yield event;
    }
  }
}

function repeat({ messages }: LlmRequest): string {
  const last = messages.at(-1);
  if (last === undefined) return "Hello.";
  return last.role === "tools"
    ? last.results.map(({ output }) => output).join(" ")
    : `You said: ${last.text}`;
}

function hang(signal: AbortSignal | null): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (signal?.aborted) reject(signal.reason);
  });
}
