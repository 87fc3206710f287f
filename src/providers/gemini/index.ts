/** Models of Google's Gemini: `new gemini.LLM()`. */
import "../../process/node-version.ts";
import { registerPreload } from "../../agent/thread/preload.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { openAhead } from "../http/connections.ts";
import { defaultBaseUrl } from "./options.ts";

const { variables } = providers.gemini;

export { BadAnswerError } from "../../agent/model/bad-answer-error.ts";
export { GeminiError, RefusalError } from "./errors.ts";
export { LLM } from "./llm.ts";
export type { Harm, HarmThreshold, LLMOptions } from "./options.ts";
export type { ThinkingEffort } from "./thinking-effort.ts";

/**
 * Loads the SDK, and begins to open a connection where the environment has a key. A model that is created
 * later uses both. It is for a thread that waits for its session.
 */
export async function preload(): Promise<void> {
  await import("@google/genai");
  openAhead(variables, defaultBaseUrl);
}

registerPreload(preload);
