import type {
  FunctionCallingConfigMode,
  GenerateContentConfig,
  GenerateContentParameters,
  HarmBlockThreshold,
  HarmCategory,
} from "@google/genai";
import type { LlmRequest } from "../../agent/llm.ts";
import type { WithheldTexts } from "../model/withheld-texts.ts";
import { mapMessages } from "./contents.ts";
import { checkFunctions, declarationOf } from "./functions.ts";
import type { LLMOptions } from "./options.ts";
import { leastThinking, level } from "./thinking.ts";

const severalSpeakersNote =
  "Several people are in this call. Each of their messages begins with the name of who speaks, and a colon. " +
  "Never begin your own answers like that.";

/** Returns the parameters of a request for the SDK. */
export function parametersOf(
  request: LlmRequest,
  model: string,
  options: LLMOptions,
  withheld: WithheldTexts,
): GenerateContentParameters {
  const { contents, severalSpeakers } = mapMessages(request.messages, model, withheld);
  const system = [request.instructions, severalSpeakers ? severalSpeakersNote : ""].filter(
    (text) => text !== "",
  );
  return {
    model,
    contents,
    config: {
      // The caller decides about an answer that broke off.
      automaticContinuation: false,
      ...(system.length > 0 ? { systemInstruction: system.join("\n\n") } : {}),
      ...settings(model, options),
      ...tools(request),
    },
  };
}

function settings(model: string, options: LLMOptions): GenerateContentConfig {
  const { temperature, topP, maxOutputTokens, safetySettings = {} } = options;
  const thinkingConfig = thinking(model, options);
  const safety = Object.entries(safetySettings).map(([harm, threshold]) => ({
    category: `HARM_CATEGORY_${harm.toUpperCase()}` as HarmCategory,
    threshold: threshold.toUpperCase() as HarmBlockThreshold,
  }));
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(thinkingConfig === undefined ? {} : { thinkingConfig }),
    ...(safety.length === 0 ? {} : { safetySettings: safety }),
  };
}

function thinking(model: string, { thinkingBudget, thinkingLevel }: LLMOptions) {
  if (thinkingBudget !== undefined) return { thinkingBudget };
  return thinkingLevel === undefined ? leastThinking(model) : level(thinkingLevel);
}

function tools({ functions, toolChoice }: LlmRequest): GenerateContentConfig {
  if (functions.length === 0) return {};
  checkFunctions(functions);
  const functionDeclarations = functions.map(declarationOf);
  // The functions remain declared, since calls in the conversation refer to them. Only further calls are forbidden.
  const functionCallingConfig = { mode: "NONE" as FunctionCallingConfigMode };
  return {
    tools: [{ functionDeclarations }],
    ...(toolChoice === "none" ? { toolConfig: { functionCallingConfig } } : {}),
  };
}
