import { setTimeout as delay } from "node:timers/promises";
import { LLM as BaseLLM, type LlmEvent, type LlmRequest } from "../../agent/llm.ts";
import { type Checks, duration, fillWith } from "../../agent/options/option-checks.ts";
import { decide } from "./replies/rules.ts";

/** The options of the offline model. */
export interface LocalLLMOptions {
  /**
   * The pause before each word, in milliseconds, so that the text streams like a real model's. Default 5; 0:
   * none.
   */
  readonly wordDelayMs?: number;
}

const checks: Checks<LocalLLMOptions> = { wordDelayMs: duration(0) };

/**
 * A replacement of a language model: a few rules, without network or key. It streams word by word, and calls
 * functions like a real model: `get_weather` when asked about the weather at places (several ones in
 * parallel), and `get_time` when asked for the time. Its tokens are words.
 */
export class LLM extends BaseLLM {
  readonly provider = "local";
  readonly model = "rules";
  readonly #wordDelayMs: number;

  /** Throws a `TypeError` for an unknown or wrong option. */
  constructor(options: LocalLLMOptions = {}) {
    super();
    this.#wordDelayMs = fillWith("local.LLM", options, checks, { wordDelayMs: 5 }).wordDelayMs;
  }

  async *generate(request: LlmRequest): AsyncGenerator<LlmEvent, void, void> {
    const { calls, text } = decide(request);
    const inputTokens = inputWords(request);
    let outputTokens = 0;
    yield { type: "usage", inputTokens, outputTokens };
    for (const call of calls) yield { type: "tool_call", call };
    for (const word of text.match(/\S+\s*/g) ?? []) {
      if (this.#wordDelayMs > 0) await delay(this.#wordDelayMs, undefined, { signal: request.signal });
      yield { type: "text", delta: word };
      yield { type: "usage", inputTokens, outputTokens: ++outputTokens };
    }
  }
}

function inputWords({ instructions, messages }: LlmRequest): number {
  return messages.reduce(
    (sum, message) =>
      sum +
      (message.role === "tools"
        ? message.results.reduce((inner, { output }) => inner + words(output), 0)
        : words(message.text)),
    words(instructions),
  );
}

function words(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
