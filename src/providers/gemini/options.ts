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
import { providers } from "../../shared/provider-table.ts";
import { baseUrlFrom, keyFrom } from "../access.ts";
import { generationOf } from "./thinking.ts";
import type { ThinkingEffort } from "./thinking-effort.ts";

const { variables } = providers.gemini;

/** The subject of a safety setting. */
export type Harm = "harassment" | "hate_speech" | "sexually_explicit" | "dangerous_content";

/** The probabilities of harm from which on an answer is stopped; `off` also skips the check. */
const thresholds = [
  "block_low_and_above",
  "block_medium_and_above",
  "block_only_high",
  "block_none",
  "off",
] as const;
export type HarmThreshold = (typeof thresholds)[number];

export interface LLMOptions {
  /** The API key. Default: the environment's `GOOGLE_API_KEY`. */
  readonly apiKey?: string;
  /**
   * The address of the API: a gateway, or an emulator. Default: the environment's `GOOGLE_GEMINI_BASE_URL`, else Google
   * itself.
   */
  readonly baseUrl?: string;
  /**
   * The version of the API. Default `v1beta`: previews and the names that end in `-latest` exist only there, and what is
   * the default of the SDK changes with its releases.
   */
  readonly apiVersion?: string;
  /** The freedom with which words are chosen, 0 to 2. Default: the model's own, for which those of Gemini 3 are tuned. */
  readonly temperature?: number;
  /** Choose among the most probable words that make up this share, 0 to 1. Default: the model's own. */
  readonly topP?: number;
  /** The longest answer to one request, in tokens, thoughts included. Default: the model's own limit. */
  readonly maxOutputTokens?: number;
  /**
   * Tokens that a model of Gemini 2.5 may think before it speaks; -1: as it sees fit. Default: the least that the model
   * allows (0, or 128 for Pro). Raise it where answers matter more than the silence before them.
   */
  readonly thinkingBudget?: number;
  /**
   * The effort that a model of Gemini 3 and later may spend on thinking before it speaks. Default: the least that the
   * model allows, `minimal` or `low`.
   */
  readonly thinkingLevel?: ThinkingEffort;
  /** The thresholds at which answers are stopped for safety. Default: Google's own thresholds. */
  readonly safetySettings?: Readonly<Partial<Record<Harm, HarmThreshold>>>;
  /**
   * The words that are said when the model may not answer (safety, forbidden content, recitation). A refusal is no failure:
   * an apology for one, with the request to say it again, would lead into it once more. Null: a `RefusalError` is thrown
   * instead, for a turn that fails, or a `fallback` that asks another model. Default: "I'm sorry, I can't help with that."
   */
  readonly refusal?: string | null;
  /**
   * The number of times that a request is sent again while nothing of the answer has come: after 408, 429, 5xx, network
   * errors and answers of no use. Default 2; 0 behind a `fallback` that should take over at once.
   */
  readonly maxRetries?: number;
  /**
   * The longest pause before a retry, in milliseconds. Where Google asks for a longer one the error is thrown at once,
   * since nobody waits that long on the phone. Default 1,000.
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

/** Fills in the defaults and the environment. Throws a `TypeError` that names what is wrong, and never quotes a key. */
export function fillOptions(given: LLMOptions, model: string): FilledOptions {
  const filled = fillWith("gemini.LLM", given, checks, defaults);
  checkThinking(filled, model);
  return {
    ...filled,
    apiKey: keyFrom("gemini.LLM", given.apiKey, variables.apiKey),
    baseUrl: baseUrlFrom(given.baseUrl, variables.baseUrl, { usual: defaultBaseUrl, check: baseUrl }),
  };
}

/**
 * Checks the options for thinking. They depend on the model's generation, which refuses every request with those of
 * another.
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
