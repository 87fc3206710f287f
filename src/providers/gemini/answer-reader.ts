import { randomUUID } from "node:crypto";
import type { GenerateContentResponse, GenerateContentResponseUsageMetadata, Part } from "@google/genai";
import type { LlmEvent } from "../../agent/llm.ts";
import { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
import type { ToolCall } from "../../agent/model/message.ts";
import type { JsonValue } from "../../shared/protocol.ts";
import { isBlank } from "../../shared/text/text.ts";
import { ownCall } from "./contents.ts";
import { RefusalError } from "./errors.ts";

interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** The finish reasons with which Gemini refuses to answer. */
const refusals = new Set(["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"]);
/** The finish reasons with which a function call of the model could not be read. */
const brokenCalls = new Set(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"]);
/** The finish reasons by their number, which some gateways send in place of the name. */
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
 * Reads one response of the model, as it is streamed. Its calls are given at its end, since an answer that
 * breaks off before that may be asked for again as long as nothing of it was spoken.
 */
export class AnswerReader {
  readonly #model: string;
  readonly #spent: Tokens;
  readonly #ids = new Set<string>();
  readonly #calls: ToolCall[] = [];
  /** Text that cannot be heard yet, such as the line break with which some answers begin. */
  #blank = "";
  /** The length of the text so far, in characters. */
  #length = 0;
  #spoken = false;
  /**
   * Says whether the answer has a call without the name of a function. It cannot be run, and Gemini would not
   * accept it in a conversation.
   */
  #nameless = false;
  #counts = { prompt: 0, tools: 0, candidates: 0, thoughts: 0 };
  #finishReason: string | undefined;
  #blockReason: string | undefined;

  /** @param spent The tokens of earlier attempts at the same request, which are paid for too. */
  constructor(model: string, spent: Tokens = { input: 0, output: 0 }) {
    this.#model = model;
    this.#spent = spent;
  }

  /** Returns whether text was given to be spoken. */
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

  /** Yields the events of a chunk. The parts are read one by one, since the SDK's `text` warns of parts that are not text. */
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

  /** Returns the error of an answer that is over; null where it is a good one. */
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
    // An answer with calls or text is good, whatever the reason of its end.
    if (this.#calls.length > 0 || this.#spoken) return null;
    if (reason === "MAX_TOKENS") {
      const message = "Gemini used up maxOutputTokens before its first word: allow more, or less thinking";
      return new BadAnswerError("MAX_TOKENS", message);
    }
    return ["STOP", "CONTINUATION", "FINISH_REASON_UNSPECIFIED"].includes(reason)
      ? new BadAnswerError("EMPTY", "The answer of Gemini is empty")
      : new BadAnswerError(reason, `Gemini could not finish its answer: ${reason}`);
  }

  /** Yields the events that are held until the end of the answer: its calls, or that a call could not be read. */
  *rest(): Generator<LlmEvent, void, void> {
    if (this.#blank !== "") yield { type: "text", delta: this.#blank };
    for (const call of this.#calls) yield { type: "tool_call", call };
    const reason = this.#reason ?? "";
    if (this.#calls.length === 0 && brokenCalls.has(reason)) yield { type: "broken_call", reason };
  }

  /** Returns the reason for which the answer ended, corrected where it has a call without a name. */
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
    // Thoughts are never spoken.
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
   * Counts the tokens. Each chunk counts from the beginning. The last one may reduce the prompt's tokens;
   * where it does not mention thoughts, those that were counted remain.
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

  /** Returns a unique id: older models give their calls none, and some give one twice. */
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
