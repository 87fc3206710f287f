import type { ThinkingConfig, ThinkingLevel } from "@google/genai";
import type { ThinkingEffort } from "./thinking-effort.ts";

/** The generation of a Gemini model, such as 2.5; null for what is none. The names that mean "the latest" count as 3. */
export function generationOf(model: string): number | null {
  const name = model.slice(model.lastIndexOf("/") + 1);
  const digits = /^gemini-(\d+(?:\.\d+)?)/.exec(name)?.[1];
  if (digits !== undefined) return Number(digits);
  return /^gemini-.*latest$/.test(name) ? 3 : null;
}

/**
 * The least thinking that a model allows: somebody waits to hear the answer. A model that is asked for less than it allows
 * refuses every request, so that `minimal` is asked only of those known to take it, and nothing of a model that is unknown
 * (ai.google.dev/gemini-api/docs/generate-content/thinking).
 */
export function leastThinking(model: string): ThinkingConfig | undefined {
  const generation = generationOf(model);
  if (generation === null || generation < 2.5) return undefined;
  if (generation < 3) return { thinkingBudget: /-pro/.test(model) ? 128 : 0 };
  return level(/-flash-lite|gemini-3-flash/.test(model) ? "minimal" : "low");
}

export function level(effort: ThinkingEffort): ThinkingConfig {
  return { thinkingLevel: effort.toUpperCase() as ThinkingLevel };
}
