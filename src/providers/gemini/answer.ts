import { randomUUID } from "node:crypto";
import type { GenerateContentResponse, GenerateContentResponseUsageMetadata, Part } from "@google/genai";
import type { LlmEvent } from "../../agent/llm.ts";
import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import type { ToolCall } from "../../agent/model/message.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { isBlank } from "../../shared/text.ts";
import { ownCall } from "./contents.ts";
import { RefusalError } from "./errors.ts";

interface Tokens {
  readonly input: number;
  readonly output: number;
}

const refusals = new Set(["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"]);
/** The model tried to call a function, and nobody can tell how. */
const brokenCalls = new Set(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"]);
/** Reasons by their number, which some gateways send in place of the name. */
const byNumber = [
  "FINISH_REASON_UNSPECIFIED",
  "STOP",
  "MAX_TOKENS",
  "SAFETY",
  "RECITATION",
  "OTHER",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
  "MALFORMED_FUNCTION_CALL",
];

/**
 * One response of the model, as it is streamed. Its calls come out at its end, since an answer that breaks off before may be
 * asked for again as long as nothing of it was spoken.
 */
export class Answer {
  readonly #model: string;
  readonly #spent: Tokens;
  readonly #ids = new Set<string>();
  readonly #calls: ToolCall[] = [];
  /** Text in which there is nothing to hear yet, such as the line break that some answers begin with. */
  #blank = "";
  /** Length of the text so far, in characters. */
  #length = 0;
  #spoken = false;
  /**
   * True where the answer has a call without the name of a function, which cannot be run, and which Gemini would not
   * take back.
   */
  #nameless = false;
  #counts = { prompt: 0, tools: 0, candidates: 0, thoughts: 0 };
  #finishReason: string | undefined;
  #blockReason: string | undefined;

  /** `spent`: tokens of earlier tries at the same request, which are paid for too. */
  constructor(model: string, spent: Tokens = { input: 0, output: 0 }) {
    this.#model = model;
    this.#spent = spent;
  }

  /** Returns whether something has been said. */
  get spoken(): boolean {
    return this.#spoken;
  }

  get tokens(): Tokens {
    const { prompt, tools, candidates, thoughts } = this.#counts;
    return {
      input: this.#spent.input + prompt + tools,
      // Thoughts are paid for as output.
      output: this.#spent.output + candidates + thoughts,
    };
  }

  /** Yields the events of a chunk. Its parts are read one by one: the SDK's `text` warns of every part that is none. */
  *read({
    candidates,
    promptFeedback,
    usageMetadata,
  }: GenerateContentResponse): Generator<LlmEvent, void, void> {
    const [candidate] = candidates ?? [];
    for (const part of candidate?.content?.parts ?? []) yield* this.#take(part);
    this.#finishReason = reasonOf(candidate?.finishReason) ?? this.#finishReason;
    this.#blockReason = reasonOf(promptFeedback?.blockReason) ?? this.#blockReason;
    if (usageMetadata !== undefined) yield this.#count(usageMetadata);
  }

  /** Returns the fault of an answer that is over; null where it is a good one. */
  problem(): RefusalError | BadAnswerError | null {
    const reason = this.#reason;
    if (this.#blockReason !== undefined) return new RefusalError("prompt", this.#blockReason);
    if (reason === undefined) {
      return new BadAnswerError(
        "UNFINISHED",
        "The answer of Gemini ended before Gemini said that it was over",
      );
    }
    if (refusals.has(reason)) return new RefusalError("answer", reason);
    // Whatever else ended it, there is something to go on with.
    if (this.#calls.length > 0 || this.#spoken) return null;
    if (reason === "MAX_TOKENS") {
      const message = "Gemini used up maxOutputTokens before its first word: allow more, or less thinking";
      return new BadAnswerError("MAX_TOKENS", message);
    }
    return ["STOP", "CONTINUATION", "FINISH_REASON_UNSPECIFIED"].includes(reason)
      ? new BadAnswerError("EMPTY", "The answer of Gemini is empty")
      : new BadAnswerError(reason, `Gemini could not finish its answer: ${reason}`);
  }

  /** Yields what it holds back until it is over: its calls, or that it tried to make one. */
  *rest(): Generator<LlmEvent, void, void> {
    if (this.#blank !== "") yield { type: "text", delta: this.#blank };
    for (const call of this.#calls) yield { type: "tool_call", call };
    const reason = this.#reason ?? "";
    if (this.#calls.length === 0 && brokenCalls.has(reason)) yield { type: "broken_call", reason };
  }

  /** The reason for which the answer ended, as Gemini says, or should have said. */
  get #reason(): string | undefined {
    const reason = this.#finishReason;
    if (!this.#nameless || reason === undefined || refusals.has(reason)) return reason;
    return "MALFORMED_FUNCTION_CALL";
  }

  *#take(part: Part): Generator<LlmEvent, void, void> {
    const { text, thought, functionCall } = part;
    if (functionCall !== undefined) {
      const { id, name = "", args = {} } = functionCall;
      if (name === "") {
        this.#nameless = true;
        return;
      }
      const call = { id: this.#ownId(id), name, arguments: args as JsonValue };
      this.#calls.push({ ...call, providerData: ownCall(part, this.#model, this.#length) });
      return;
    }
    // Reasoning is never spoken.
    if (thought === true || text === undefined || text === "") return;
    this.#length += text.length;
    if (!this.#spoken && isBlank(text)) {
      this.#blank += text;
      return;
    }
    this.#spoken = true;
    yield { type: "text", delta: this.#blank + text };
    this.#blank = "";
  }

  /**
   * Each chunk counts from the beginning. The last one may correct the prompt to fewer tokens, and where it tells nothing of
   * the thoughts they were thought all the same.
   */
  #count(usage: GenerateContentResponseUsageMetadata): LlmEvent {
    const { prompt, tools, candidates, thoughts } = this.#counts;
    this.#counts = {
      prompt: usage.promptTokenCount ?? prompt,
      tools: usage.toolUsePromptTokenCount ?? tools,
      candidates: Math.max(candidates, usage.candidatesTokenCount ?? 0),
      thoughts: Math.max(thoughts, usage.thoughtsTokenCount ?? 0),
    };
    const { input, output } = this.tokens;
    return { type: "usage", inputTokens: input, outputTokens: output };
  }

  /** Older models give their calls no id, and some give one twice. */
  #ownId(given: string | undefined): string {
    const id = given === undefined || given === "" || this.#ids.has(given) ? randomUUID() : given;
    this.#ids.add(id);
    return id;
  }
}

function reasonOf(given: unknown): string | undefined {
  if (typeof given === "number") return byNumber[given] ?? String(given);
  return typeof given === "string" && given !== "" ? given : undefined;
}
