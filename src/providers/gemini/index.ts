/** Google's Gemini. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { fromEnvironment, providers } from "../../shared/provider-table.ts";
import { Connections } from "../connections.ts";
import { defaultBaseUrl } from "./options.ts";

const { variables } = providers.gemini;

export { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
export { GeminiError, RefusalError } from "./errors.ts";
export { LLM } from "./llm.ts";
export type { Harm, HarmThreshold, LLMOptions } from "./options.ts";
export type { ThinkingEffort } from "./thinking-effort.ts";

/**
 * Loads the SDK, and begins to open a connection where the environment has a key; a model that is made later uses both.
 * For a thread that waits for its call.
 */
export async function preload(): Promise<void> {
  await import("@google/genai");
  if (fromEnvironment(variables.apiKey) === undefined) return;
  const baseUrl = fromEnvironment(variables.baseUrl) ?? defaultBaseUrl;
  // Not waited for, and no harm done where it fails: the first request then opens its own.
  if (URL.canParse(baseUrl))
    Connections.to(baseUrl)
      .prepare()
      .catch(() => undefined);
}

registerPreload(preload);
