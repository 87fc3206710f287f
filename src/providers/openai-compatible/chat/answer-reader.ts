import type { LlmEvent } from "../../../agent/llm.ts";
import { BadAnswerError } from "../../../agent/model/bad-answer-error.ts";
import type { ToolCall } from "../../../agent/model/message.ts";
import { isBlank } from "../../../shared/text/text.ts";
import { tokenCount } from "../../model/token-count.ts";
import { RefusalError } from "../error.ts";
import { ownData } from "./own-data.ts";
import { Thoughts } from "./thoughts.ts";
import { type ToolCallPiece, ToolCalls } from "./tool-calls.ts";

interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** A chunk of an answer, as far as it is read. Nothing in it is certain to be there. */
export interface Chunk {
  readonly choices?: readonly (Choice | null)[] | null;
  readonly usage?: Usage | null;
  readonly x_groq?: { readonly usage?: Usage | null } | null;
}

interface Choice {
  readonly index?: unknown;
  readonly delta?: Delta | null;
  /** The whole answer, by a service that does not stream. */
  readonly message?: Delta | null;
  readonly finish_reason?: string | null;
  readonly usage?: Usage | null;
}

interface Delta {
  readonly content?: unknown;
  readonly refusal?: unknown;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly tool_calls?: readonly (ToolCallPiece | null)[] | null;
}

interface Usage {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
}

/** The finish reasons of an answer that came to its own end. */
const goodEnds = new Set(["stop", "tool_calls", "function_call", "eos", "end_turn"]);
/** The finish reasons of an answer that was cut for its length. */
const lengthEnds = new Set(["length", "model_length", "max_tokens"]);
/** The longest reasoning that is kept to be given back, in characters. */
const longestReasoning = 65_536;

export interface AnswerReaderOptions {
  /** The name of the service, for errors. */
  readonly title: string;
  readonly model: string;
  readonly beginsWithThought: boolean;
  /** The tokens of earlier attempts at the same request, which are paid for too. */
  readonly spent?: Tokens;
}

/**
 * Reads one answer of the model, as it is streamed. Its calls are given at its end, since an answer that breaks off before that may
 * be asked for again as long as nothing of it was spoken.
 */
export class AnswerReader {
  readonly #options: AnswerReaderOptions;
  readonly #thoughts: Thoughts;
  readonly #calls = new ToolCalls();
  /** Text that cannot be heard yet, such as the line break with which some answers begin. */
  #blank = "";
  #spoken = false;
  #reasoning: { readonly field: string; text: string } | null = null;
  #counts: Tokens = { input: 0, output: 0 };
  #finishReason: string | null = null;
  #over = false;

  constructor(options: AnswerReaderOptions) {
    this.#options = options;
    this.#thoughts = new Thoughts(options.beginsWithThought);
  }

  /** Returns whether text was given to be spoken. */
  get spoken(): boolean {
    return this.#spoken;
  }

  /** Returns whether the model has said that its answer is over. Its tokens may still follow. */
  get finished(): boolean {
    return this.#finishReason !== null;
  }

  get tokens(): Tokens {
    const { spent = { input: 0, output: 0 } } = this.#options;
    return { input: spent.input + this.#counts.input, output: spent.output + this.#counts.output };
  }

  /** Yields the events of a chunk. */
  *read({ choices, usage, x_groq: groq }: Chunk): Generator<LlmEvent, void, void> {
    let counted = usage ?? groq?.usage;
    for (const choice of listOf(choices)) {
      if (Number(choice.index ?? 0) !== 0) continue;
      yield* this.#take(choice.delta ?? choice.message ?? {});
      const reason = choice.finish_reason;
      if (typeof reason === "string" && reason !== "") this.#finishReason = reason;
      counted ??= choice.usage;
    }
    if (counted) yield this.#count(counted);
  }

  /** Notes the end that a server marks, since some give no reason. */
  end(): void {
    this.#over = true;
  }

  /** Returns the error of an answer that is over; null where it is a good one. */
  problem(): RefusalError | BadAnswerError | null {
    const { title } = this.#options;
    const reason = this.#finishReason ?? (this.#over ? "stop" : null);
    if (reason === null) {
      return new BadAnswerError("UNFINISHED", `The answer of ${title} ended before it was said to be over`);
    }
    if (reason === "content_filter") return new RefusalError(title, "answer", reason);
    const { calls, broken } = this.#result();
    // An answer with calls or text is good, whatever the reason of its end.
    if (calls.length > 0 || this.#spoken || this.#ended() !== "") return null;
    if (lengthEnds.has(reason)) {
      const message = `${title} used up the tokens of its answer before the first word: allow more, or less reasoning`;
      return new BadAnswerError("MAX_TOKENS", message);
    }
    if (broken) {
      return new BadAnswerError("MALFORMED_FUNCTION_CALL", `A call of ${title} could not be read`);
    }
    return goodEnds.has(reason)
      ? new BadAnswerError("EMPTY", `The answer of ${title} is empty`)
      : new BadAnswerError(codeOf(reason), `${title} could not finish its answer: ${reason}`);
  }

  /** Yields the events that are held until the end of the answer: its calls, or that a call could not be read. */
  *rest(): Generator<LlmEvent, void, void> {
    const text = this.#ended();
    if (text !== "") yield { type: "text", delta: text };
    const { calls, broken } = this.#result();
    for (const [index, { extra, ...call }] of calls.entries()) {
      const reasoning = index === 0 ? this.#reasoning : null;
      const data = ownData({ model: this.#options.model, reasoning, extra });
      yield {
        type: "tool_call",
        call: data === undefined ? call : ({ ...call, providerData: data } as ToolCall),
      };
    }
    if (calls.length === 0 && broken) yield { type: "broken_call", reason: "MALFORMED_FUNCTION_CALL" };
  }

  #result(): ReturnType<ToolCalls["result"]> {
    return this.#calls.result(lengthEnds.has(this.#finishReason ?? ""));
  }

  #endText: string | null = null;

  /** Returns the text that is still held at the end. Blanks alone are said only behind words. */
  #ended(): string {
    this.#endText ??= this.#blank + this.#thoughts.end();
    return this.#spoken || !isBlank(this.#endText) ? this.#endText : "";
  }

  *#take(delta: Delta): Generator<LlmEvent, void, void> {
    for (const field of ["reasoning_content", "reasoning"] as const) this.#think(field, delta[field]);
    const said = `${this.#wordsIn(delta.content)}${typeof delta.refusal === "string" ? delta.refusal : ""}`;
    for (const piece of listOf(delta.tool_calls)) this.#calls.add(piece);
    if (said === "") return;
    const text = this.#thoughts.push(said);
    if (text === "") return;
    if (!this.#spoken && isBlank(this.#blank + text)) {
      this.#blank += text;
      return;
    }
    this.#spoken = true;
    yield { type: "text", delta: this.#blank + text };
    this.#blank = "";
  }

  /** Keeps reasoning to be given back with the calls that follow it, under the name that it came by. */
  #think(field: "reasoning_content" | "reasoning", text: unknown): void {
    if (typeof text !== "string" || text === "") return;
    this.#reasoning ??= { field, text: "" };
    if (this.#reasoning.field !== field) return;
    if (this.#reasoning.text.length < longestReasoning) this.#reasoning.text += text;
  }

  /** Returns the words of a content: a text, or a list of parts, of which thoughts are left out. */
  #wordsIn(content: unknown): string {
    if (typeof content === "string") return content;
    if (!Array.isArray(content)) return "";
    return content
      .map((part: { readonly type?: unknown; readonly text?: unknown } | null) =>
        part?.type === "text" && typeof part.text === "string" ? part.text : "",
      )
      .join("");
  }

  /** Counts the tokens. Where several chunks count, each counts from the beginning. */
  #count({ prompt_tokens: input, completion_tokens: output }: Usage): LlmEvent {
    this.#counts = {
      input: tokenCount(input) ?? this.#counts.input,
      output: tokenCount(output) ?? this.#counts.output,
    };
    const { input: inputTokens, output: outputTokens } = this.tokens;
    return { type: "usage", inputTokens, outputTokens };
  }
}

/** Returns the objects of a list; none where it is no list. */
const listOf = <T extends object>(list: readonly (T | null)[] | null | undefined): readonly T[] =>
  Array.isArray(list) ? list.filter((one) => typeof one === "object" && one !== null) : [];

const codeOf = (reason: string): string =>
  reason
    .toUpperCase()
    .replaceAll(/[^A-Z0-9_]/g, "_")
    .slice(0, 40) || "OTHER";
