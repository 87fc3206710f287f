import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { LlmEvent } from "../../../agent/llm.ts";
import { BadAnswerError } from "../../../agent/model/bad-answer-error.ts";
import type { ToolCall } from "../../../agent/model/message.ts";
import type { JsonValue } from "../../../shared/protocol.ts";
import { isBlank } from "../../../shared/text/text.ts";
import { RefusalError } from "../errors.ts";
import type { ProviderMetadata } from "../models.ts";
import { type AnswerOwner, type KeptPart, withKept } from "./kept-answer.ts";
import { type Finish, finishOf, type StreamPart, tokensOf } from "./stream-part.ts";

interface Tokens {
  readonly input: number;
  readonly output: number;
}

/** A block of text or reasoning, whose metadata may come with its beginning, any piece of it, or its end. */
interface Block {
  text: string;
  length: number;
  metadata: ProviderMetadata | undefined;
}

/** Reasons of vendors by which they refuse to answer, and for which the AI SDK has no word. */
const refusals = new Set(["MODEL_ARMOR", "content_filter", "refusal"]);
/** Reasons of vendors for which a call of the model could not be read. */
const brokenCalls = new Set(["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"]);

/**
 * Reads one answer of a model, as it is streamed. Its calls are given at its end, since an answer that breaks off before that may
 * be asked for again as long as nothing of it was spoken.
 */
export class AnswerReader {
  readonly #owner: AnswerOwner;
  readonly #vendor: string;
  readonly #spent: Tokens;
  readonly #calls: ToolCall[] = [];
  readonly #kept: (() => KeptPart)[] = [];
  readonly #blocks = new Map<string, Block>();
  /** Text that cannot be heard yet, such as the line break with which some answers begin. */
  #blank = "";
  /** The last character of the text so far, where another block of text has begun behind it. */
  #joint = "";
  #last = "";
  #spoken = false;
  /** The ids of calls without a text of arguments. */
  readonly #bare = new Set<string>();
  #brokenCall: string | null = null;
  #tokens: Tokens = { input: 0, output: 0 };
  #finish: Finish | null = null;

  /** @param spent The tokens of earlier attempts at the same request, which are paid for too. */
  constructor(owner: AnswerOwner, vendor: string, spent: Tokens = { input: 0, output: 0 }) {
    this.#owner = owner;
    this.#vendor = vendor;
    this.#spent = spent;
  }

  /** Returns whether the model has said that its answer is over: nothing follows. */
  get finished(): boolean {
    return this.#finish !== null;
  }

  /** Returns whether text was given to be spoken. */
  get spoken(): boolean {
    return this.#spoken;
  }

  get tokens(): Tokens {
    return {
      input: this.#spent.input + this.#tokens.input,
      output: this.#spent.output + this.#tokens.output,
    };
  }

  /** Yields the events of a part. Throws the error of the vendor where the part is one. */
  *read(part: StreamPart): Generator<LlmEvent, void, void> {
    switch (part.type) {
      case "text-start":
        this.#joint = this.#last;
        this.#open("text", part.id, part.providerMetadata);
        break;
      case "text-delta":
        yield* this.#write(part.id, textOf(part.delta), part.providerMetadata);
        break;
      case "reasoning-start":
        this.#open("reasoning", part.id, part.providerMetadata);
        break;
      case "reasoning-delta": {
        const block = this.#block("reasoning", part.id, part.providerMetadata);
        block.text += textOf(part.delta);
        break;
      }
      case "text-end":
        this.#block("text", part.id, part.providerMetadata);
        break;
      case "reasoning-end":
        this.#block("reasoning", part.id, part.providerMetadata);
        break;
      case "tool-call":
        this.#call(part);
        break;
      case "tool-result":
        this.#result(part);
        break;
      case "finish": {
        this.#finish = finishOf(part.finishReason);
        this.#tokens = tokensOf(part.usage);
        if (this.#finish.unified === "length") this.#dropCutCall();
        const { input, output } = this.tokens;
        if (input + output > 0) yield { type: "usage", inputTokens: input, outputTokens: output };
        break;
      }
      case "error":
        throw part.error;
      default:
        // Beginnings of calls, sources, files and the like.
        break;
    }
  }

  /** Returns the error of an answer that is over; null where it is a good one. */
  problem(): RefusalError | BadAnswerError | null {
    const vendor = this.#vendor;
    if (this.#finish === null || this.#isCut(this.#finish)) {
      return new BadAnswerError("UNFINISHED", `The answer of ${vendor} ended before it was over`);
    }
    const { unified, raw } = this.#finish;
    if (unified === "content-filter" || refusals.has(raw ?? ""))
      return new RefusalError(vendor, raw ?? unified);
    // An answer with calls or text is good, whatever the reason of its end.
    if (this.#calls.length > 0 || this.#spoken) return null;
    if (this.#brokenCall !== null) {
      return new BadAnswerError(this.#brokenCall, `${vendor} made a function call that cannot be read`);
    }
    if (unified === "length") {
      const message = `${vendor} used up maxOutputTokens before its first word: allow more, or less reasoning`;
      return new BadAnswerError("MAX_TOKENS", message);
    }
    return ["stop", "tool-calls", "unknown"].includes(unified)
      ? new BadAnswerError("EMPTY", `The answer of ${vendor} is empty`)
      : new BadAnswerError(
          (raw ?? unified).toUpperCase(),
          `${vendor} could not finish its answer: ${raw ?? unified}`,
        );
  }

  /** Yields the events that are held until the end of the answer: its calls, or that a call could not be read. */
  *rest(): Generator<LlmEvent, void, void> {
    if (this.#blank !== "") yield { type: "text", delta: this.#blank };
    const kept = this.#kept.map((part) => part());
    for (const call of withKept(this.#calls, this.#owner, kept)) yield { type: "tool_call", call };
    const raw = this.#finish?.raw ?? "";
    const reason = this.#brokenCall ?? (brokenCalls.has(raw) ? raw : null);
    if (this.#calls.length === 0 && reason !== null) yield { type: "broken_call", reason };
  }

  /** Drops the last call of an answer that was cut for its length where its arguments had not begun: it would be made without any. */
  #dropCutCall(): void {
    const last = this.#calls.at(-1);
    if (last === undefined || !this.#bare.has(last.id)) return;
    this.#calls.pop();
    this.#brokenCall = "MAX_TOKENS";
  }

  /** Returns whether the vendor's stream ended without its end. Before v4 that is told like a reason which nobody knows. */
  #isCut({ unified, raw }: Finish): boolean {
    if (unified === "interrupted") return true;
    return ["other", "unknown"].includes(unified) && raw === undefined && this.#tokens.output === 0;
  }

  #open(type: "text" | "reasoning", id: string, metadata: ProviderMetadata | undefined): Block {
    const block: Block = { text: "", length: 0, metadata };
    this.#blocks.set(`${type} ${id}`, block);
    this.#kept.push((): KeptPart => {
      const given = block.metadata === undefined ? {} : { metadata: block.metadata };
      // A beginning that was never spoken is not in the conversation.
      if (type === "text") return { type, length: this.#spoken ? block.length : 0, ...given };
      return { type, text: block.text, ...given };
    });
    return block;
  }

  #block(type: "text" | "reasoning", id: string, metadata: ProviderMetadata | undefined): Block {
    const block = this.#blocks.get(`${type} ${id}`) ?? this.#open(type, id, undefined);
    block.metadata = metadata ?? block.metadata;
    return block;
  }

  *#write(
    id: string,
    delta: string,
    metadata: ProviderMetadata | undefined,
  ): Generator<LlmEvent, void, void> {
    const block = this.#block("text", id, metadata);
    if (delta === "") return;
    // Two blocks are two paragraphs, with nothing between them.
    const gap = /\S/.test(this.#joint) && /^\S/.test(delta) ? " " : "";
    this.#joint = "";
    const text = gap + delta;
    block.length += text.length;
    this.#last = text.at(-1)!;
    if (!this.#spoken && isBlank(text)) {
      this.#blank += text;
      return;
    }
    this.#spoken = true;
    yield { type: "text", delta: this.#blank + text };
    this.#blank = "";
  }

  #call(part: Extract<StreamPart, { readonly type: "tool-call" }>): void {
    const { toolCallId, toolName: name, providerExecuted = false, providerMetadata } = part;
    const metadata = providerMetadata === undefined ? {} : { metadata: providerMetadata };
    const input = argumentsOf(part.input);
    if (providerExecuted) {
      const value = input === undefined ? String(part.input) : input;
      this.#kept.push(() => ({ type: "vendor_call", id: toolCallId, name, input: value, ...metadata }));
      return;
    }
    if (input === undefined || typeof name !== "string" || name === "") {
      this.#brokenCall = "MALFORMED_FUNCTION_CALL";
      return;
    }
    const taken = this.#calls.find(({ id }) => id === toolCallId);
    // The same call again is no other one: what it does would be done twice.
    if (taken?.name === name && isDeepStrictEqual(taken.arguments, input)) return;
    const id =
      typeof toolCallId !== "string" || toolCallId === "" || taken !== undefined ? newId() : toolCallId;
    this.#calls.push({ id, name, arguments: input });
    if (isBlankText(part.input)) this.#bare.add(id);
    this.#kept.push(() => ({ type: "call", id, ...metadata }));
  }

  #result(part: Extract<StreamPart, { readonly type: "tool-result" }>): void {
    const { toolCallId: id, toolName: name, result, isError = false, preliminary = false } = part;
    if (preliminary) return;
    const metadata = part.providerMetadata === undefined ? {} : { metadata: part.providerMetadata };
    const value = (result ?? null) as JsonValue;
    this.#kept.push(() => ({ type: "vendor_result", id, name, ok: !isError, value, ...metadata }));
  }
}

/** Returns a piece of text; a provider that gives anything else says nothing with it. */
const textOf = (delta: unknown): string => (typeof delta === "string" ? delta : "");
const isBlankText = (input: unknown): boolean => typeof input === "string" && input.trim() === "";

/** Reads the arguments of a call; undefined where they are no JSON. A call without arguments may have an empty text. */
function argumentsOf(input: unknown): JsonValue | undefined {
  if (input === undefined || input === null || isBlankText(input)) return {};
  try {
    return JSON.parse(typeof input === "string" ? input : JSON.stringify(input)) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Returns an id for a call that has none. Mistral takes nine letters and digits, and all others take those too. */
const newId = (): string => randomBytes(5).toString("hex").slice(1);
