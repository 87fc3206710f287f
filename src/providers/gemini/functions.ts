import type { FunctionDeclaration as GeminiDeclaration } from "@google/genai";
import type { FunctionDeclaration } from "../../agent/tools/functions.ts";
import { inLists, inMaps, single } from "../../agent/tools/schema-dialect.ts";

type SchemaRecord = Readonly<Record<string, unknown>>;

/** The functions that were found to be valid. */
const checked = new WeakSet<FunctionDeclaration>();

/**
 * Throws a `TypeError` for a function whose name Gemini does not accept, and which would make it refuse every
 * request with 400. A name begins with a letter or an underscore
 * (ai.google.dev/api/caching#FunctionDeclaration).
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

/** Returns the declaration of a function for Gemini. */
export function declarationOf({ name, description, parameters }: FunctionDeclaration): GeminiDeclaration {
  return { name, description, parametersJsonSchema: schemaOf(parameters) };
}

/**
 * Returns a schema as Gemini accepts it (ai.google.dev/gemini-api/docs/structured-output): one value is an
 * `enum` instead of a `const`, of texts and numbers only; no keyword stands beside a `$ref`; and no part
 * names its draft. The keywords that are left out here are still checked when a call arrives.
 */
function schemaOf(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema;
  const { $schema: _, $ref: reference, const: only, enum: allowed, ...rest } = schema as SchemaRecord;
  const inner = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, partOf(key, value)]));
  if (reference !== undefined) return withReference(reference, inner);
  if (only !== undefined) {
    const type = inner.type ?? (only === null ? "null" : typeof only);
    return { ...inner, type, ...(isEnumerable(only) ? { enum: [only] } : {}) };
  }
  if (!Array.isArray(allowed)) return inner;
  const types = [...new Set(allowed.map((value) => (value === null ? "null" : typeof value)))];
  const type = inner.type ?? (types.length === 1 ? types[0] : types);
  return {
    ...inner,
    type,
    ...(allowed.every((value) => value === null || isEnumerable(value)) ? { enum: allowed } : {}),
  };
}

function partOf(keyword: string, value: unknown): unknown {
  if (includes(single, keyword)) return schemaOf(value);
  if (includes(inLists, keyword) && Array.isArray(value)) return value.map(schemaOf);
  if (!includes(inMaps, keyword) || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, schemaOf(one)]));
}

function withReference(reference: unknown, beside: SchemaRecord): SchemaRecord {
  const { $defs, definitions, ...others } = beside;
  const definitionsHere = {
    ...($defs === undefined ? {} : { $defs }),
    ...(definitions === undefined ? {} : { definitions }),
  };
  if (Object.keys(others).length === 0) return { ...definitionsHere, $ref: reference };
  const isAlternative = "anyOf" in others || "oneOf" in others;
  return isAlternative
    ? { ...definitionsHere, ...others }
    : { ...definitionsHere, ...others, anyOf: [{ $ref: reference }] };
}

function isEnumerable(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

function includes(list: readonly string[], keyword: string): boolean {
  return list.includes(keyword);
}
