import type { ThinkingEffort } from "./thinking.ts";

/** What a safety setting is about. */
export const harms = ["harassment", "hate_speech", "sexually_explicit", "dangerous_content"] as const;
export type Harm = (typeof harms)[number];

/** From which probability of harm on an answer is stopped; `off` also skips the check. */
export const thresholds = [
  "block_low_and_above",
  "block_medium_and_above",
  "block_only_high",
  "block_none",
  "off",
] as const;
export type HarmThreshold = (typeof thresholds)[number];

export interface LLMOptions {
  /** Default: the environment's `GOOGLE_API_KEY`. */
  readonly apiKey?: string;
  /** Where the API is: a gateway, or an emulator. Default: the environment's `GOOGLE_GEMINI_BASE_URL`, else Google itself. */
  readonly baseUrl?: string;
  /**
   * The version of the API. Default `v1beta`: previews and the names that end in `-latest` exist only there, and what is
   * the default of the SDK changes with its releases.
   */
  readonly apiVersion?: string;
  /** How freely words are chosen, 0 to 2. Default: the model's own, for which those of Gemini 3 are tuned. */
  readonly temperature?: number;
  /** Choose among the most probable words that make up this share, 0 to 1. Default: the model's own. */
  readonly topP?: number;
  /** Longest answer to one request, in tokens, thoughts included. Default: the model's own limit. */
  readonly maxOutputTokens?: number;
  /**
   * Tokens that a model of Gemini 2.5 may think before it speaks; -1: as it sees fit. Default: the least that the model
   * allows (0, or 128 for Pro). Raise it where answers matter more than the silence before them.
   */
  readonly thinkingBudget?: number;
  /** The same for Gemini 3 and later. Default: the least that the model allows, `minimal` or `low`. */
  readonly thinkingLevel?: ThinkingEffort;
  /** Where answers are stopped for safety. Default: Google's own thresholds. */
  readonly safetySettings?: Readonly<Partial<Record<Harm, HarmThreshold>>>;
  /**
   * What is said when the model may not answer (safety, forbidden content, recitation). A refusal is no failure: an
   * apology for one, with the request to say it again, would lead into it once more. Null: a `RefusalError` is thrown
   * instead, for a turn that fails, or a `fallback` that asks another model. Default: "I'm sorry, I can't help with that."
   */
  readonly refusal?: string | null;
  /**
   * How often a request is sent again while nothing of the answer has come: after 408, 429, 5xx, network errors and answers
   * of no use. Default 2; 0 behind a `fallback` that should take over at once.
   */
  readonly maxRetries?: number;
  /**
   * Longest pause before a retry, in milliseconds. Where Google asks for a longer one the error is thrown at once, since
   * nobody waits that long on the phone. Default 1,000.
   */
  readonly maxRetryDelayMs?: number;
}

export interface FilledOptions extends LLMOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly apiVersion: string;
  readonly refusal: string | null;
  readonly maxRetries: number;
  readonly maxRetryDelayMs: number;
}

export const defaultModel = "gemini-2.5-flash-lite";
export const defaultBaseUrl = "https://generativelanguage.googleapis.com";

const defaults = {
  apiVersion: "v1beta",
  refusal: "I'm sorry, I can't help with that.",
  maxRetries: 2,
  maxRetryDelayMs: 1_000,
} as const;

type Check = readonly [fits: (value: unknown) => boolean, expected: string];

const text: Check = [(value) => typeof value === "string" && value.trim() !== "", "a text"];
const number = (least: number, most: number): Check => [
  (value) => typeof value === "number" && value >= least && value <= most,
  `a number from ${least} to ${most}`,
];
const whole = (least: number): Check => [
  (value) => Number.isInteger(value) && (value as number) >= least,
  `a whole number of at least ${least}`,
];
const oneOf = (values: readonly string[]): Check => [
  (value) => values.includes(value as string),
  `one of ${values.join(", ")}`,
];

const checks: Readonly<Record<keyof LLMOptions, Check>> = {
  apiKey: text,
  baseUrl: [
    (value) => typeof value === "string" && /^https?:$/.test(URL.parse(value)?.protocol ?? ""),
    "an http(s) URL",
  ],
  apiVersion: [(value) => typeof value === "string" && /^v\d\w*$/.test(value), "a version such as v1beta"],
  temperature: number(0, 2),
  topP: number(0, 1),
  maxOutputTokens: whole(1),
  thinkingBudget: whole(-1),
  thinkingLevel: oneOf(["minimal", "low", "medium", "high"]),
  safetySettings: [(value) => typeof value === "object" && value !== null, "an object"],
  refusal: [(value) => value === null || text[0](value), "a text, or null"],
  maxRetries: whole(0),
  maxRetryDelayMs: whole(0),
};

/** Fills in the defaults and the environment. Throws a `TypeError` that names what is wrong, and never quotes a key. */
export function fillOptions(given: LLMOptions): FilledOptions {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(checks, name)) throw new TypeError(`gemini.LLM: there is no option ${name}`);
    const [fits, expected] = checks[name as keyof LLMOptions];
    if (value !== undefined && !fits(value)) throw new TypeError(`gemini.LLM: ${name} must be ${expected}`);
  }
  for (const [harm, threshold] of Object.entries(given.safetySettings ?? {})) {
    const [wrong, known] = harms.includes(harm as Harm) ? [threshold, thresholds] : [harm, harms];
    if (!(known as readonly string[]).includes(wrong)) {
      throw new TypeError(`gemini.LLM: safetySettings: "${wrong}" is none of ${known.join(", ")}`);
    }
  }
  if (given.thinkingBudget !== undefined && given.thinkingLevel !== undefined) {
    throw new TypeError(
      "gemini.LLM: give thinkingBudget (Gemini 2.5) or thinkingLevel (3 and later), not both",
    );
  }
  const baseUrl = given.baseUrl ?? fromEnvironment("GOOGLE_GEMINI_BASE_URL") ?? defaultBaseUrl;
  if (!checks.baseUrl[0](baseUrl)) throw new TypeError("GOOGLE_GEMINI_BASE_URL must be an http(s) URL");
  const refusal = given.refusal === undefined ? defaults.refusal : given.refusal;
  return {
    ...given,
    apiKey: keyFrom(given.apiKey),
    baseUrl,
    apiVersion: given.apiVersion ?? defaults.apiVersion,
    refusal,
    maxRetries: given.maxRetries ?? defaults.maxRetries,
    maxRetryDelayMs: given.maxRetryDelayMs ?? defaults.maxRetryDelayMs,
  };
}

/** A variable that is empty counts as none. */
export function fromEnvironment(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === "" ? undefined : value;
}

function keyFrom(given: string | undefined): string {
  const key = given?.trim() ?? fromEnvironment("GOOGLE_API_KEY");
  if (key === undefined) {
    throw new TypeError(
      "GOOGLE_API_KEY is not set: gemini.LLM needs a key of Google AI Studio, or the option apiKey",
    );
  }
  // As a header it would be refused by an error that quotes it.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError("GOOGLE_API_KEY holds characters that no key has");
  return key;
}
