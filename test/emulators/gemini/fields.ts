import { badRequest, type FieldViolation } from "./error-answer.ts";

/** The fields of a message, and what they hold: null for a value of any kind, else a message, a list or a map of them. */
interface Fields {
  readonly [name: string]: null | Fields | (() => Fields) | readonly [Fields | (() => Fields)];
}

const content: Fields = {
  role: null,
  parts: [
    {
      text: null,
      thought: null,
      thoughtSignature: null,
      inlineData: null,
      fileData: null,
      functionCall: { id: null, name: null, args: null },
      functionResponse: {
        id: null,
        name: null,
        response: null,
        willContinue: null,
        scheduling: null,
        parts: null,
      },
      executableCode: null,
      codeExecutionResult: null,
      partMetadata: null,
      videoMetadata: null,
      mediaResolution: null,
    },
  ],
};

/** Google's own dialect of schemas: `$schema`, `const` and the like are fields that it does not have. */
const schema: Fields = {
  ...Object.fromEntries(
    "type format title description nullable enum maxItems minItems required minProperties maxProperties minLength maxLength"
      .concat(" pattern example propertyOrdering default minimum maximum")
      .split(" ")
      .map((name) => [name, null]),
  ),
  items: () => schema,
  anyOf: [() => schema],
  properties: { "*": () => schema },
};

const request: Fields = {
  model: null,
  contents: [content],
  systemInstruction: content,
  tools: [
    {
      functionDeclarations: [
        {
          name: null,
          description: null,
          behavior: null,
          parameters: schema,
          parametersJsonSchema: null,
          response: schema,
          responseJsonSchema: null,
        },
      ],
      googleSearch: null,
      googleSearchRetrieval: null,
      codeExecution: null,
      urlContext: null,
      computerUse: null,
      fileSearch: null,
      googleMaps: null,
    },
  ],
  toolConfig: {
    functionCallingConfig: { mode: null, allowedFunctionNames: null, streamFunctionCallArguments: null },
    retrievalConfig: null,
    includeServerSideToolInvocations: null,
  },
  safetySettings: [{ category: null, threshold: null, method: null }],
  generationConfig: {
    ...Object.fromEntries(
      "stopSequences responseMimeType responseSchema responseJsonSchema responseModalities candidateCount maxOutputTokens"
        .concat(
          " temperature topP topK seed presencePenalty frequencyPenalty responseLogprobs logprobs speechConfig",
        )
        .concat(" imageConfig mediaResolution enableEnhancedCivicAnswers")
        .split(" ")
        .map((name) => [name, null]),
    ),
    thinkingConfig: { includeThoughts: null, thinkingBudget: null, thinkingLevel: null },
  },
  cachedContent: null,
  serviceTier: null,
  store: null,
};

/** Throws the 400 that names every field which the API does not know. */
export function checkFields(body: object): void {
  const unknown = [...unknownIn(body, request, "")];
  if (unknown.length > 0) throw badRequest(unknown);
}

function* unknownIn(value: unknown, fields: Fields, path: string): Generator<FieldViolation> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [index, [name, inner]] of Object.entries(value).entries()) {
    const isMap = "*" in fields;
    const known = isMap ? fields["*"] : Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (known === undefined) {
      const at = path === "" ? "" : ` at '${path}'`;
      yield {
        field: path,
        description: `Invalid JSON payload received. Unknown name "${name}"${at}: Cannot find field.`,
      };
      continue;
    }
    if (known === null) continue;
    const below = isMap ? `${path}[${index}].value` : `${path === "" ? "" : `${path}.`}${snakeCase(name)}`;
    const isList = Array.isArray(known);
    const [message] = isList
      ? (known as readonly [Fields | (() => Fields)])
      : [known as Fields | (() => Fields)];
    const inside = typeof message === "function" ? message() : message;
    if (isList && Array.isArray(inner)) {
      for (const [at, one] of inner.entries()) yield* unknownIn(one, inside, `${below}[${at}]`);
    } else if (Array.isArray(inner)) {
      const description = `Invalid JSON payload received. Unknown name "${name}" at '${path}': Proto field is not repeating, cannot start list.`;
      yield { field: path, description };
    } else yield* unknownIn(inner, inside, below);
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
