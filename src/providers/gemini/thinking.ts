import type { ThinkingConfig, ThinkingLevel } from "@google/genai";
import type { ThinkingEffort } from "./thinking-effort.ts";

/**
 * Returns the generation of a Gemini model, such as 2.5; null for other models. The names that mean the
 * latest model count as 3.
 */
export function generationOf(model: string): number | null {
  const name = model.slice(model.lastIndexOf("/") + 1);
  const digits = /^gemini-(\d+(?:\.\d+)?)/.exec(name)?.[1];
  if (digits !== undefined) return Number(digits);
  return /^gemini-.*latest$/.test(name) ? 3 : null;
}

/**
 * Returns the least thinking that a model allows, since a participant waits for the answer. A model that is
 * asked for less than it allows refuses every request. So `minimal` is asked only of models that are known to
 * accept it, and nothing of unknown models (ai.google.dev/gemini-api/docs/generate-content/thinking).
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
