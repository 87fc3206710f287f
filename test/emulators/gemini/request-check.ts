import { ApiFault } from "./error-answer.ts";
import type { GeminiRequest, WireContent, WirePart } from "./script.ts";
import { checkTools } from "./tools-check.ts";

/** The texts that a caller may send in place of a signature, for a call that another model made. */
const skips = new Set(["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"]);

/** The generation of a model such as `gemini-2.5-flash`; 3 for the names that mean the latest. */
export function generationOf(model: string): number {
  return Number(/^gemini-(\d+(?:\.\d+)?)/.exec(model)?.[1] ?? 3);
}

/** Throws the 400 with which the real service answers a request that it does not take. `signatures`: those it gave out. */
export function checkRequest(request: GeminiRequest, model: string, signatures: ReadonlySet<string>): void {
  const { contents = [], toolConfig, tools } = request;
  if (contents.length === 0)
    throw new ApiFault(400, "* GenerateContentRequest.contents: contents is not specified");
  if (toolConfig?.functionCallingConfig !== undefined && tools?.[0]?.functionDeclarations === undefined) {
    throw new ApiFault(400, "Function calling config is set without function_declarations.");
  }
  checkTools(request);
  checkThinking(request, model);
  contents.forEach((content, index) => {
    checkParts(content, index);
    checkCalls(contents, index);
  });
  if (generationOf(model) >= 3) checkSignatures(contents, signatures);
}

function checkThinking({ generationConfig }: GeminiRequest, model: string): void {
  const { thinkingBudget, thinkingLevel } = generationConfig?.thinkingConfig ?? {};
  const generation = generationOf(model);
  if (generation < 2.5 && (thinkingBudget ?? thinkingLevel) !== undefined) {
    throw new ApiFault(400, "thinking_config is not supported.");
  }
  if (thinkingBudget === 0 && model.startsWith("gemini-2.5-pro")) {
    throw new ApiFault(400, "Budget 0 is invalid. This model only works in thinking mode.");
  }
  const refused =
    thinkingLevel !== undefined &&
    (generation < 3 || (thinkingLevel === "MINIMAL" && !/flash-lite|gemini-3-flash/.test(model)));
  if (refused) throw new ApiFault(400, `Thinking level ${thinkingLevel} is not supported for this model.`);
}

function checkParts({ role, parts = [] }: WireContent, index: number): void {
  const at = `* GenerateContentRequest.contents[${index}]`;
  if (role !== "user" && role !== "model") throw new ApiFault(400, "Please use a valid role: user, model.");
  if (parts.length === 0) throw new ApiFault(400, `${at}.parts: contents.parts must not be empty.`);
  for (const { text, functionCall, functionResponse, thoughtSignature } of parts) {
    if (text === "" && !functionCall && !functionResponse) {
      throw new ApiFault(400, `${at}.parts: required oneof field 'data' must have one initialized field`);
    }
    for (const [field, named] of Object.entries({
      function_call: functionCall,
      function_response: functionResponse,
    })) {
      if (named !== undefined && !named.name)
        throw new ApiFault(400, `${at}.parts.${field}.name: Name cannot be empty.`);
    }
    const response = functionResponse?.response;
    if (functionResponse && (typeof response !== "object" || response === null || Array.isArray(response))) {
      throw new ApiFault(
        400,
        `Invalid value at 'contents[${index}]' (type.googleapis.com/google.protobuf.Struct)`,
      );
    }
    if (thoughtSignature !== undefined && !/^[\w+/-]*={0,2}$/.test(thoughtSignature)) {
      throw new ApiFault(400, "Invalid value at 'thought_signature' (TYPE_BYTES), Base64 decoding failed");
    }
  }
}

/** Calls come after words of the user or results; the results of all calls follow at once. */
function checkCalls(contents: readonly WireContent[], index: number): void {
  const calls = callsIn(contents[index]);
  const results = resultsIn(contents[index]);
  if (calls.length > 0 && contents[index - 1]?.role !== "user") {
    throw new ApiFault(
      400,
      "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
    );
  }
  const asked = callsIn(contents[index - 1]);
  if (results.length > 0 && asked.length === 0) {
    throw new ApiFault(
      400,
      "Please ensure that function response turn comes immediately after a function call turn.",
    );
  }
  if (results.length !== asked.length) {
    throw new ApiFault(
      400,
      "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
    );
  }
  asked.forEach((call, at) => {
    const { name, id } = results[at]?.functionResponse ?? {};
    if (name !== call.functionCall?.name || (id !== undefined && id !== call.functionCall?.id)) {
      throw new ApiFault(400, "Please ensure that function response parts answer the function call parts.");
    }
  });
}

/** Checks that the first call of every answer since the user's last words carries its signature. */
function checkSignatures(contents: readonly WireContent[], signatures: ReadonlySet<string>): void {
  const lastWords = contents.findLastIndex(
    ({ role, parts }) => role === "user" && parts?.some(({ text }) => text !== undefined),
  );
  contents.forEach((content, index) => {
    const [first] = callsIn(content);
    const { thoughtSignature } = first ?? {};
    if (thoughtSignature !== undefined && !skips.has(thoughtSignature) && !signatures.has(thoughtSignature)) {
      throw new ApiFault(400, "Thought signature is not valid.");
    }
    if (first === undefined || index < lastWords || thoughtSignature !== undefined) return;
    throw new ApiFault(
      400,
      "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, " +
        "and missing thought_signature may lead to degraded model performance. " +
        `Additional data, function call \`default_api:${first.functionCall?.name}\`, position ${index + 1}.`,
    );
  });
}

function callsIn(content: WireContent | undefined): readonly WirePart[] {
  return content?.parts?.filter(({ functionCall }) => functionCall !== undefined) ?? [];
}

function resultsIn(content: WireContent | undefined): readonly WirePart[] {
  return content?.parts?.filter(({ functionResponse }) => functionResponse !== undefined) ?? [];
}
