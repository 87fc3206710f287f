import type { FunctionDeclaration as GeminiDeclaration } from "@google/genai";
import type { FunctionDeclaration } from "../../agent/functions.ts";

/** Those that were found to be right. */
const checked = new WeakSet<FunctionDeclaration>();

/**
 * Throws a `TypeError` for a function that Gemini answers with 400, and so every request of every call: its name has to begin
 * with a letter or an underscore (ai.google.dev/api/caching#FunctionDeclaration).
 */
export function checkFunctions(functions: readonly FunctionDeclaration[]): void {
  for (const declaration of functions) {
    if (checked.has(declaration)) continue;
    const { name } = declaration;
    if (!/^[A-Za-z_][\w.:-]{0,63}$/.test(name)) {
      throw new TypeError(
        `gemini.LLM: ${JSON.stringify(name)} is no name for a function: Gemini takes letters, digits, _ . : - ` +
          "(at most 64), of which the first is a letter or _",
      );
    }
    checked.add(declaration);
  }
}

/** A function as Gemini is told of it. */
export function declarationOf({ name, description, parameters }: FunctionDeclaration): GeminiDeclaration {
  const { $schema: _, ...parametersJsonSchema } = parameters;
  return { name, description, parametersJsonSchema: withoutConst(parametersJsonSchema) };
}

/** Gemini knows `enum`, of texts and numbers, and not `const` (ai.google.dev/gemini-api/docs/structured-output). */
function withoutConst(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutConst);
  if (typeof schema !== "object" || schema === null) return schema;
  const { const: only, ...rest } = schema as Record<string, unknown>;
  const inner = mapValues(rest, (value, key) => {
    if (dataKeywords.includes(key)) return value;
    // The keys in it are names of the user's.
    return mapKeywords.includes(key) ? mapValues(value as object, withoutConst) : withoutConst(value);
  });
  if (only === undefined) return inner;
  const type = inner.type ?? (only === null ? "null" : typeof only);
  return {
    ...inner,
    type,
    ...(typeof only === "string" || typeof only === "number" ? { enum: [only] } : {}),
  };
}

/** Keywords whose values are no schemas, and those whose values are objects of schemas. */
const dataKeywords = ["enum", "default", "examples", "required"];
const mapKeywords = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

const mapValues = (
  object: object,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
