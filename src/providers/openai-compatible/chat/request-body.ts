import type { LlmRequest } from "../../../agent/llm.ts";
import type { FunctionDeclaration } from "../../../agent/tools/functions.ts";
import type { WithheldTexts } from "../../model/withheld-texts.ts";
import type { FilledLlmOptions } from "../options.ts";
import { mapMessages, type WireMessage } from "./messages.ts";

const severalSpeakersNote =
  "Several people are in this call. Each of their messages begins with the name of who speaks, and a colon. " +
  "Never begin your own answers like that.";

/** The functions that were found to be valid. */
const checked = new WeakSet<FunctionDeclaration>();

/**
 * Throws a `TypeError` for a function whose name OpenAI does not take, and which would make it refuse every request with 400.
 */
export function checkFunctions(functions: readonly FunctionDeclaration[]): void {
  for (const declaration of functions) {
    if (checked.has(declaration)) continue;
    const { name } = declaration;
    if (!/^[\w-]{1,64}$/.test(name)) {
      throw new TypeError(
        `openaiCompatible.LLM: ${JSON.stringify(name)} is no name for a function: the protocol takes letters, digits, _ and - (at most 64)`,
      );
    }
    checked.add(declaration);
  }
}

/** Returns the body of a request for an answer. */
export function bodyOf(
  request: LlmRequest,
  {
    model,
    options,
    withheld,
    isMistral,
  }: {
    readonly model: string;
    readonly options: FilledLlmOptions;
    readonly withheld: WithheldTexts;
    readonly isMistral: boolean;
  },
): Record<string, unknown> {
  const { messages, severalSpeakers } = mapMessages(request.messages, { model, withheld, isMistral });
  const system = [request.instructions, severalSpeakers ? severalSpeakersNote : ""].filter(
    (text) => text !== "",
  );
  const { temperature, topP, maxOutputTokens, maxTokensField, instructionsRole, usage, body } = options;
  const first: WireMessage[] =
    system.length === 0 ? [] : [{ role: instructionsRole, content: system.join("\n\n") }];
  return {
    model,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(maxOutputTokens === undefined ? {} : { [maxTokensField]: maxOutputTokens }),
    ...body,
    messages: [...first, ...messages],
    ...tools(request),
    stream: true,
    ...(usage ? { stream_options: { include_usage: true } } : {}),
  };
}

function tools({ functions, toolChoice }: LlmRequest): object {
  if (functions.length === 0) return {};
  checkFunctions(functions);
  return {
    tools: functions.map(({ name, description, parameters }) => ({
      type: "function",
      function: { name, description, parameters },
    })),
    // The functions remain declared, since calls in the conversation refer to them. Only further calls are forbidden.
    ...(toolChoice === "none" ? { tool_choice: "none" } : {}),
  };
}
