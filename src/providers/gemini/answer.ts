import { randomUUID } from "node:crypto";
import type { GenerateContentResponse, Part } from "@google/genai";
import type { LlmEvent } from "../../agent/llm.ts";
import type { JsonValue } from "../../protocol.ts";
import { ownCall } from "./contents.ts";
import { BadAnswerError, RefusalError } from "./errors.ts";

interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** Why the model stopped, where it is as it should be. Some gateways do not tell. */
const good = new Set(["STOP", "MAX_TOKENS", "CONTINUATION", "FINISH_REASON_UNSPECIFIED"]);
const refusals = new Set(["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"]);

/** One response of the model, as it is streamed. */
export class Answer {
  /** Pieces of text and tool calls so far. */
  pieces = 0;
  /** Has something been said? */
  spoken = false;
  #tokens: Tokens;
  readonly #model: string;
  readonly #spent: Tokens;
  readonly #ids = new Set<string>();
  #finishReason: string | undefined;
  #blockReason: string | undefined;

  /** `spent`: tokens of earlier tries at the same request, which are paid for too. */
  constructor(model: string, spent: Tokens = { input: 0, output: 0 }) {
    this.#model = model;
    this.#spent = spent;
    this.#tokens = spent;
  }

  get tokens(): Tokens {
    return this.#tokens;
  }

  /** What a chunk brings. Its parts are read one by one: the SDK's `text` warns of every part that is none. */
  *read({
    candidates,
    promptFeedback,
    usageMetadata,
  }: GenerateContentResponse): Generator<LlmEvent, void, void> {
    const [candidate] = candidates ?? [];
    for (const part of candidate?.content?.parts ?? []) {
      const event = this.#eventOf(part);
      if (event === null) continue;
      this.pieces++;
      yield event;
    }
    this.#finishReason = candidate?.finishReason ?? this.#finishReason;
    this.#blockReason = promptFeedback?.blockReason ?? this.#blockReason;
    if (usageMetadata === undefined) return;
    const { promptTokenCount = 0, toolUsePromptTokenCount = 0 } = usageMetadata;
    const { candidatesTokenCount = 0, thoughtsTokenCount = 0 } = usageMetadata;
    // Each chunk counts from the beginning. Thoughts are paid for as output.
    this.#tokens = {
      input: this.#spent.input + promptTokenCount + toolUsePromptTokenCount,
      output: this.#spent.output + candidatesTokenCount + thoughtsTokenCount,
    };
    yield { type: "usage", inputTokens: this.#tokens.input, outputTokens: this.#tokens.output };
  }

  /** What is wrong with it now that it is over. `mayBeEmpty`: there may be nothing to say. */
  problem(mayBeEmpty: boolean): RefusalError | BadAnswerError | null {
    const reason = this.#finishReason ?? "FINISH_REASON_UNSPECIFIED";
    if (this.#blockReason !== undefined) return new RefusalError("prompt", this.#blockReason);
    if (refusals.has(reason)) return new RefusalError("answer", reason);
    if (!good.has(reason)) return new BadAnswerError(reason, `Gemini could not finish its answer: ${reason}`);
    if (this.pieces > 0) return null;
    if (reason === "MAX_TOKENS") {
      const message = "Gemini used up maxOutputTokens before its first word: allow more, or less thinking";
      return new BadAnswerError("MAX_TOKENS", message);
    }
    return mayBeEmpty ? null : new BadAnswerError("EMPTY", "The answer of Gemini is empty");
  }

  #eventOf(part: Part): LlmEvent | null {
    const { text, thought, functionCall } = part;
    if (functionCall !== undefined) {
      const { id, name = "", args = {} } = functionCall;
      const call = { id: this.#ownId(id), name, arguments: args as JsonValue };
      return { type: "tool_call", call: { ...call, providerData: ownCall(part, this.#model) } };
    }
    // Reasoning is never spoken.
    if (thought === true || text === undefined || text === "") return null;
    this.spoken = true;
    return { type: "text", delta: text };
  }

  /** Older models give their calls no id, and some give one twice. */
  #ownId(given: string | undefined): string {
    const id = given === undefined || given === "" || this.#ids.has(given) ? randomUUID() : given;
    this.#ids.add(id);
    return id;
  }
}
