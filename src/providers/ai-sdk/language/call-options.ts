import type { LlmRequest } from "../../../agent/llm.ts";
import type { FunctionDeclaration } from "../../../agent/tools/functions.ts";
import type { SpecificationVersion } from "../models.ts";
import type { LLMOptions, VendorTool } from "../options.ts";
import { type PromptReader, promptOf } from "./prompt.ts";

/**
 * Throws a `TypeError` for a function whose name some vendors do not accept, and which would make them refuse every request.
 * OpenAI, Anthropic and Mistral take the same letters.
 */
export function checkFunctions(functions: readonly FunctionDeclaration[]): void {
  for (const { name } of functions) {
    if (/^[A-Za-z_][\w-]{0,63}$/.test(name)) continue;
    throw new TypeError(
      `aiSdk.LLM: ${JSON.stringify(name)} is no name for a function: the vendors take letters, digits, _ and - (at most 64), ` +
        "of which the first is a letter or _",
    );
  }
}

/** Returns the argument of `doStream`, but for the signal. */
export function callOptions(
  request: LlmRequest,
  options: LLMOptions,
  reader: PromptReader,
): Record<string, unknown> {
  const {
    maxOutputTokens,
    temperature,
    topP,
    topK,
    reasoning,
    stopSequences,
    seed,
    headers,
    providerOptions,
  } = options;
  const given = {
    maxOutputTokens,
    temperature,
    topP,
    topK,
    reasoning,
    stopSequences,
    seed,
    headers,
    providerOptions,
  };
  return {
    prompt: promptOf(request.instructions, request.messages, reader),
    ...tools(request, options.vendorTools ?? [], reader.version),
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

function tools(
  { functions, toolChoice }: LlmRequest,
  ofVendor: readonly VendorTool[],
  version: SpecificationVersion,
): object {
  if (functions.length + ofVendor.length === 0) return {};
  checkFunctions(functions);
  const type = version === "v2" ? "provider-defined" : "provider";
  return {
    tools: [
      ...functions.map(({ name, description, parameters }) => ({
        type: "function",
        name,
        description,
        inputSchema: parameters,
      })),
      ...ofVendor.map(({ id, name, args = {} }) => ({
        type,
        id,
        name: name ?? id.replace(/^[^.]+\./, ""),
        args,
      })),
    ],
    // The functions remain declared, since calls in the conversation refer to them. Only further calls are forbidden.
    toolChoice: { type: toolChoice },
  };
}
