import { ApiFault } from "./error-answer.ts";
import type { GeminiRequest } from "./script.ts";

type Schema = Readonly<Record<string, unknown>>;

const types: readonly unknown[] = ["string", "number", "integer", "boolean", "object", "array", "null"];
const maps = ["properties", "$defs", "definitions", "patternProperties"];
const lists = ["anyOf", "oneOf", "allOf", "prefixItems"];
const single = ["items", "additionalProperties", "not", "contains"];

/**
 * Throws the 400 that names every function which the service does not take: by its name, or by a schema in a dialect of
 * another API (ai.google.dev/gemini-api/docs/structured-output#json_schema_support).
 */
export function checkTools({ tools = [] }: GeminiRequest): void {
  const problems: string[] = [];
  const names = new Set<string>();
  for (const [index, { functionDeclarations = [] }] of tools.entries()) {
    for (const [number, { name, parametersJsonSchema }] of functionDeclarations.entries()) {
      const at = `tools[${index}].function_declarations[${number}]`;
      if (!/^[A-Za-z_][\w.:-]{0,63}$/.test(name)) {
        problems.push(
          `${at}.name: [FIELD_INVALID] Invalid function name. Must start with a letter or an underscore. Must be a-z, A-Z, 0-9, ` +
            "or contain underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.",
        );
      }
      if (names.has(name)) problems.push(`${at}.name: Duplicate function declaration found: ${name}`);
      names.add(name);
      if (parametersJsonSchema !== undefined) {
        problems.push(...schemaProblems(parametersJsonSchema, `${at}.parameters_json_schema`));
      }
    }
  }
  if (problems.length === 0) return;
  const shown = problems.map((problem) => `  * ${problem}`).join("\n");
  throw new ApiFault(400, `The GenerateContentRequest proto is invalid:\n${shown}`);
}

function* schemaProblems(schema: unknown, at: string): Generator<string> {
  if (typeof schema === "boolean") return;
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
    return yield `${at}: [FIELD_INVALID] must be a schema`;
  }
  const { type, $ref: reference, enum: allowed } = schema as Schema;
  for (const name of [type ?? []].flat()) {
    if (!types.includes(name)) yield `${at}.type: [FIELD_INVALID] ${JSON.stringify(name)} is not a type`;
  }
  for (const name of ["$schema", "const", "nullable"]) {
    if (Object.hasOwn(schema, name)) yield `${at}: [FIELD_INVALID] unknown keyword ${name}`;
  }
  for (const name of ["exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"]) {
    const value = (schema as Schema)[name];
    if (value !== undefined && typeof value !== "number")
      yield `${at}.${name}: [FIELD_INVALID] must be a number`;
  }
  if (Array.isArray((schema as Schema).items)) yield `${at}.items: [FIELD_INVALID] must be a schema`;
  if (reference !== undefined && Object.keys(schema).some((name) => !name.startsWith("$"))) {
    yield `${at}: [FIELD_INVALID] $ref stands beside other keywords`;
  }
  const fits = (value: unknown) => value === null || ["string", "number"].includes(typeof value);
  if (allowed !== undefined && !(Array.isArray(allowed) && allowed.length > 0 && allowed.every(fits))) {
    yield `${at}.enum: [FIELD_INVALID] must be a list of strings or numbers`;
  }
  for (const [keyword, inner] of Object.entries(schema)) {
    if (single.includes(keyword) && !Array.isArray(inner)) yield* schemaProblems(inner, `${at}.${keyword}`);
    if (lists.includes(keyword) && Array.isArray(inner)) {
      for (const [index, one] of inner.entries()) yield* schemaProblems(one, `${at}.${keyword}[${index}]`);
    }
    if (maps.includes(keyword) && typeof inner === "object" && inner !== null) {
      for (const [name, one] of Object.entries(inner))
        yield* schemaProblems(one, `${at}.${keyword}[${name}]`);
    }
  }
}
