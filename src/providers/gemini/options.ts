import {
  type Checks,
  duration,
  fillWith,
  group,
  key,
  matching,
  number,
  oneOf,
  orNull,
  text,
  url,
  whole,
} from "../../agent/options/option-checks.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { baseUrlFrom, keyFrom } from "../access.ts";
import { generationOf } from "./thinking.ts";
import type { ThinkingEffort } from "./thinking-effort.ts";

const { variables } = providers.gemini;

/** The harms that a safety setting is about. */
export type Harm = "harassment" | "hate_speech" | "sexually_explicit" | "dangerous_content";

/** The probabilities of harm at which an answer is stopped; `off` also skips the check. */
const thresholds = [
  "block_low_and_above",
  "block_medium_and_above",
  "block_only_high",
  "block_none",
  "off",
] as const;
/** The probability of harm at which an answer is stopped; `off` also skips the check. */
export type HarmThreshold = (typeof thresholds)[number];

/** The options of a model of Gemini. A wrong option throws a `TypeError` that names it. */
export interface LLMOptions {
  /**
   * The API key.
   * @default the environment's `GOOGLE_API_KEY`
   */
  readonly apiKey?: string;
  /**
   * The address of the API, for a gateway or an emulator.
   * @default the environment's `GOOGLE_GEMINI_BASE_URL`, else Google's own
   */
  readonly baseUrl?: string;
  /**
   * The version of the API.
   * @default `v1beta`: only there are previews and the names that end in `-latest`, and the SDK's own default
   * changes with its releases
   */
  readonly apiVersion?: string;
  /**
   * The randomness of the answer, 0 to 2.
   * @default the model's own, for which Gemini 3 is tuned
   */
  readonly temperature?: number;
  /**
   * The share of probability from which words are chosen, 0 to 1.
   * @default the model's own
   */
  readonly topP?: number;
  /**
   * The longest answer to one request, in tokens, thoughts included.
   * @default the model's own limit
   */
  readonly maxOutputTokens?: number;
  /**
   * The tokens that a model of Gemini 2.5 may think before it speaks; -1 leaves that to the model. Raise it
   * where the quality of answers matters more than their latency.
   * @default the least that the model allows (0, or 128 for Pro)
   */
  readonly thinkingBudget?: number;
  /**
   * The effort of a model of Gemini 3 and later to think before it speaks.
   * @default the least that the model allows, `minimal` or `low`
   */
  readonly thinkingLevel?: ThinkingEffort;
  /**
   * The thresholds at which answers are stopped for safety.
   * @default Google's own
   */
  readonly safetySettings?: Readonly<Partial<Record<Harm, HarmThreshold>>>;
  /**
   * The words that are spoken when the model may not answer (safety, forbidden content, recitation). A
   * refusal is not a failure: asking the participant to repeat the question would lead to the same refusal.
   * Null: a `RefusalError` is thrown instead, which fails the turn or makes a `fallback` ask another model.
   * @default "I'm sorry, I can't help with that."
   */
  readonly refusal?: string | null;
  /**
   * The number of times that a request is sent again while nothing of the answer has arrived: after 408, 429,
   * 5xx, network errors and unusable answers. Set it to 0 for a member of a `fallback`.
   * @default 2
   */
  readonly maxRetries?: number;
  /**
   * The longest pause before a retry, in milliseconds. Where Google asks for a longer one the error is thrown
   * at once, since a caller does not wait that long.
   * @default 1000
   */
  readonly maxRetryDelayMs?: number;
}

/** The options with their defaults. */
export interface FilledGeminiOptions extends LLMOptions {
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

const baseUrl = url("http", "https");

const checks: Checks<LLMOptions> = {
  apiKey: key,
  baseUrl,
  apiVersion: matching(/^v\d\w*$/, "a version such as v1beta"),
  temperature: number(0, 2),
  topP: number(0, 1),
  maxOutputTokens: whole(1),
  thinkingBudget: whole(-1),
  thinkingLevel: oneOf(["minimal", "low", "medium", "high"]),
  safetySettings: group<Readonly<Record<Harm, HarmThreshold>>>({
    harassment: oneOf(thresholds),
    hate_speech: oneOf(thresholds),
    sexually_explicit: oneOf(thresholds),
    dangerous_content: oneOf(thresholds),
  }),
  refusal: orNull(text),
  maxRetries: whole(0),
  maxRetryDelayMs: duration(0),
};

/**
 * Checks the options and fills them in. It throws a `TypeError` that names a wrong one, or a missing key; it
 * quotes no key.
 */
export function fillOptions(given: LLMOptions, model: string): FilledGeminiOptions {
  const filled = fillWith("gemini.LLM", given, checks, defaults);
  checkThinking(filled, model);
  return {
    ...filled,
    apiKey: keyFrom("gemini.LLM", given.apiKey, variables.apiKey),
    baseUrl: baseUrlFrom(given.baseUrl, variables.baseUrl, { usual: defaultBaseUrl, check: baseUrl }),
  };
}

/**
 * Checks the options for thinking. Each belongs to a generation of models, and another generation refuses
 * every request that has it.
 */
function checkThinking({ thinkingBudget, thinkingLevel }: LLMOptions, model: string): void {
  if (thinkingBudget !== undefined && thinkingLevel !== undefined) {
    throw new TypeError(
      "gemini.LLM: give thinkingBudget (Gemini 2.5) or thinkingLevel (3 and later), not both",
    );
  }
  const generation = generationOf(model);
  if (generation === null) return;
  if (thinkingLevel !== undefined && generation < 3) {
    const instead = generation < 2.5 ? "it does not think" : "give thinkingBudget";
    throw new TypeError(`gemini.LLM: thinkingLevel is for Gemini 3 and later: with ${model}, ${instead}`);
  }
  if (thinkingBudget !== undefined && (generation < 2.5 || generation >= 3)) {
    const instead = generation < 2.5 ? "it does not think" : "give thinkingLevel";
    throw new TypeError(`gemini.LLM: thinkingBudget is for Gemini 2.5: with ${model}, ${instead}`);
  }
}
