import {
  type Check,
  type Checks,
  duration,
  fillWith,
  isObject,
  number,
  oneOf,
  orNull,
  text,
  texts,
  whole,
} from "../../agent/options/option-checks.ts";
import type { SpecificationVersion } from "./models.ts";

/** A tool that the vendor runs itself, such as `openai.tools.webSearch({})`. */
export interface VendorTool {
  /** The vendor's name of it, such as `openai.web_search`. */
  readonly id: `${string}.${string}`;
  /**
   * The name of it for the model.
   * @default the part of the id behind the dot
   */
  readonly name?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

/** Settings of one vendor, by the vendor's name, such as `{ openai: { store: false } }`. */
export type ProviderOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const efforts = ["provider-default", "none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
/** The effort with which a model reasons before it speaks. */
export type ReasoningEffort = (typeof efforts)[number];

/** The options of a language model of the AI SDK. A wrong option throws a `TypeError` that names it. */
export interface LLMOptions {
  /**
   * The longest answer to one request, in tokens, reasoning included.
   * @default the model's own limit
   */
  readonly maxOutputTokens?: number;
  /**
   * The randomness of the answer. Its range is the vendor's.
   * @default the model's own
   */
  readonly temperature?: number;
  /**
   * The share of probability from which words are chosen, 0 to 1.
   * @default the model's own
   */
  readonly topP?: number;
  /**
   * The number of most probable words from which each is chosen.
   * @default the model's own
   */
  readonly topK?: number;
  /**
   * The effort with which the model reasons before it speaks, of a model of version v4: with v2 and v3 it is in `providerOptions`.
   * Nobody hears it, and everybody waits for it: `none` or `minimal` answer soonest.
   * @default the model's own
   */
  readonly reasoning?: ReasoningEffort;
  /**
   * Texts at which the answer ends.
   * @default none
   */
  readonly stopSequences?: readonly string[];
  /**
   * The seed of the model's choices, where the vendor takes one.
   * @default none
   */
  readonly seed?: number;
  /**
   * Tools that the vendor runs itself. Their work is not spoken, and is given back to the model with its history.
   * @default none
   */
  readonly vendorTools?: readonly VendorTool[];
  /**
   * Headers of each request, besides the vendor's own.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Settings of the vendor, by its name, as the AI SDK's documentation lists them.
   * @default none
   */
  readonly providerOptions?: ProviderOptions;
  /**
   * The words that are spoken when the model may not answer (content filters). A refusal is not a failure: asking the participant
   * to repeat the question would lead to the same refusal. Null: a `RefusalError` is thrown instead, which fails the turn or makes
   * a `fallback` ask another model.
   * @default "I'm sorry, I can't help with that."
   */
  readonly refusal?: string | null;
  /**
   * The number of times that a request is sent again while nothing of the answer has arrived: after 408, 429, 5xx, network errors
   * and unusable answers. Set it to 0 for a member of a `fallback`.
   * @default 2
   */
  readonly maxRetries?: number;
  /**
   * The longest pause before a retry, in milliseconds. Where the vendor asks for a longer one the error is thrown at once, since a
   * caller does not wait that long.
   * @default 1000
   */
  readonly maxRetryDelayMs?: number;
}

/** The options with their defaults. */
export interface FilledLlmOptions extends LLMOptions {
  readonly refusal: string | null;
  readonly maxRetries: number;
  readonly maxRetryDelayMs: number;
}

const defaults = {
  refusal: "I'm sorry, I can't help with that.",
  maxRetries: 2,
  maxRetryDelayMs: 1_000,
} as const;

export const headersCheck: Check = {
  fits: (value) => isObject(value) && Object.values(value).every((one) => typeof one === "string"),
  expected: "an object of texts",
  secret: true,
};

export const providerOptionsCheck: Check = {
  fits: (value) => isObject(value) && Object.values(value).every(isObject),
  expected: "an object of a vendor's settings by its name, such as { openai: { store: false } }",
};

const vendorTools: Check = {
  fits: (value) =>
    Array.isArray(value) &&
    value.every((tool) => isObject(tool) && /^[^.\s]+\.\S+$/.test(String((tool as { id?: unknown }).id))),
  expected: "a list of tools of a vendor, such as [openai.tools.webSearch({})]",
};

const checks: Checks<LLMOptions> = {
  maxOutputTokens: whole(1),
  temperature: number(0, 2),
  topP: number(0, 1),
  topK: whole(1),
  reasoning: oneOf(efforts),
  stopSequences: texts,
  seed: whole(0),
  vendorTools,
  headers: headersCheck,
  providerOptions: providerOptionsCheck,
  refusal: orNull(text),
  maxRetries: whole(0),
  maxRetryDelayMs: duration(0),
};

/** Checks the options and fills them in. It throws a `TypeError` that names a wrong one. */
export function fillLlmOptions(given: LLMOptions, version: SpecificationVersion): FilledLlmOptions {
  const filled = fillWith("aiSdk.LLM", given, checks, defaults);
  if (given.reasoning !== undefined && version !== "v4") {
    throw new TypeError(
      `aiSdk.LLM: reasoning is for models of version v4: with ${version} it is in providerOptions`,
    );
  }
  return filled;
}
