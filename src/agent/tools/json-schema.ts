import { isDeepStrictEqual } from "node:util";

/**
 * Returns what is wrong with a value by the common keywords of JSON Schema: type, const, enum, required, properties and
 * items. Other keywords are left to the model, which is shown the whole schema; give a Standard Schema where they must
 * hold.
 */
export function schemaProblems(schema: unknown, value: unknown, path = ""): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const { type, enum: allowed, const: only, required, properties, items } = schema as Record<string, unknown>;
  const at = path === "" ? "arguments" : path;

  const types = typeof type === "string" ? [type] : Array.isArray(type) ? type : [];
  if (types.length > 0 && !types.some((name) => isOfType(value, name))) {
    return [`${at}: expected ${types.join(" or ")}, received ${typeName(value)}`];
  }
  if (only !== undefined && !isDeepStrictEqual(value, only))
    return [`${at}: expected ${JSON.stringify(only)}`];
  if (Array.isArray(allowed) && !allowed.some((one) => isDeepStrictEqual(value, one))) {
    return [`${at}: expected one of ${JSON.stringify(allowed)}`];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => schemaProblems(items, item, `${at}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return [];

  const missing = (Array.isArray(required) ? required : []).filter((key) => !Object.hasOwn(value, key));
  const below = (key: string) => (path === "" ? key : `${path}.${key}`);
  return [
    ...missing.map((key) => `${below(String(key))}: missing`),
    ...Object.entries(properties ?? {}).flatMap(([key, inner]) =>
      Object.hasOwn(value, key)
        ? schemaProblems(inner, (value as Record<string, unknown>)[key], below(key))
        : [],
    ),
  ];
}

function isOfType(value: unknown, type: unknown): boolean {
  if (type === "integer") return Number.isInteger(value);
  return typeName(value) === type;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}
