import { isStandardSchema, type JsonSchema } from "./schema.ts";

type Schema = Readonly<Record<string, unknown>>;

const types: readonly unknown[] = ["string", "number", "integer", "boolean", "object", "array", "null"];
/** Keywords whose values are lists of schemas. */
export const inLists = ["anyOf", "oneOf", "allOf", "prefixItems"] as const;
/** Keywords whose values are schemas by name. */
export const inMaps = [
  "properties",
  "patternProperties",
  "$defs",
  "definitions",
  "dependentSchemas",
] as const;
/** Keywords whose values are schemas. */
export const single = [
  "items",
  "additionalProperties",
  "propertyNames",
  "contains",
  "not",
  "if",
  "then",
  "else",
  "unevaluatedProperties",
  "unevaluatedItems",
] as const;
const texts = ["title", "description", "format"] as const;
const counts = ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"] as const;

/**
 * Returns a schema in the dialects that are found in the wild, as JSON Schema 2020-12: types in capitals and `nullable`
 * (Google's, OpenAPI's), tuples in `items` and exclusive bounds as flags (older drafts), a `const` that is an object or a
 * list. Throws a `TypeError` that names the function and the place for what no dialect has: a model's service would answer
 * 400 to every request of every call.
 */
export function standardDialect(schema: JsonSchema, owner: string): JsonSchema {
  const { $schema: _, ...rest } = schema;
  const standard = new Dialect(owner, rest).standard(rest, "parameters") as JsonSchema;
  try {
    JSON.stringify(standard);
  } catch (error) {
    // Such as a default that is a BigInt.
    throw new TypeError(`registerFunction ${owner}: parameters cannot be written as JSON`, { cause: error });
  }
  return standard;
}

class Dialect {
  readonly #owner: string;
  readonly #root: Schema;
  /** The schemas around the one that is being read. */
  readonly #around = new Set<unknown>();

  constructor(owner: string, root: Schema) {
    this.#owner = owner;
    this.#root = root;
  }

  standard(schema: unknown, at: string): unknown {
    if (typeof schema === "boolean") return schema;
    if (!isSchema(schema)) throw this.#wrong(at, "must be a schema: an object, true or false");
    if (isStandardSchema(schema)) {
      throw this.#wrong(
        at,
        `is a ${schema["~standard"].vendor} schema inside of JSON Schema: use one for all`,
      );
    }
    if (this.#around.has(schema)) throw this.#wrong(at, "contains itself: use $defs and $ref");
    this.#around.add(schema);
    const { type, nullable, const: only, ...others } = schema;
    const parts: Record<string, unknown> = {
      ...others,
      ...(type === undefined ? {} : { type: this.#type(type, at) }),
      ...this.#parts(others, at),
      ...bounds(others),
      ...("const" in schema ? constant(only) : {}),
    };
    this.#checkRest(parts, at);
    this.#around.delete(schema);
    return nullable === true ? orNull(parts) : parts;
  }

  /** Rewrites the schemas inside of one. */
  #parts(schema: Schema, at: string): Schema {
    const { items, additionalItems, ...rest } = schema;
    // A tuple, as drafts before 2020-12 have it.
    const tuple = Array.isArray(items) ? { prefixItems: items, items: additionalItems ?? true } : {};
    const all: Schema = { ...rest, ...(items === undefined ? {} : { items }), ...tuple };
    const parts: Record<string, unknown> = {};
    for (const name of single) {
      if (all[name] !== undefined) parts[name] = this.standard(all[name], `${at}.${name}`);
    }
    for (const name of inLists) {
      const list = all[name];
      if (list === undefined) continue;
      if (!Array.isArray(list) || list.length === 0) {
        throw this.#wrong(`${at}.${name}`, "must be a list of schemas");
      }
      parts[name] = list.map((one, index) => this.standard(one, `${at}.${name}[${index}]`));
    }
    for (const name of inMaps) {
      const map = all[name];
      if (map === undefined) continue;
      if (!isSchema(map)) throw this.#wrong(`${at}.${name}`, "must be an object of schemas");
      const below = (key: string) => (name === "properties" ? `${at}.${key}` : `${at}.${name}.${key}`);
      parts[name] = Object.fromEntries(
        Object.entries(map).map(([key, one]) => [key, this.standard(one, below(key))]),
      );
    }
    return parts;
  }

  #type(type: unknown, at: string): unknown {
    const known = [type].flat().map((name) => {
      const lower = typeof name === "string" ? name.toLowerCase() : name;
      if (!types.includes(lower)) {
        throw this.#wrong(at, `has the type ${JSON.stringify(name)}, which is none of ${types.join(", ")}`);
      }
      return lower;
    });
    return Array.isArray(type) ? known : known[0];
  }

  #checkRest(schema: Schema, at: string): void {
    const { required, enum: allowed, $ref: reference } = schema;
    for (const name of texts) {
      if (schema[name] !== undefined && !isText(schema[name])) {
        throw this.#wrong(at, `has a ${name} that is no text`);
      }
    }
    if (required !== undefined && !(Array.isArray(required) && required.every(isText))) {
      throw this.#wrong(at, "has a required that is no list of names");
    }
    if (allowed !== undefined && !(Array.isArray(allowed) && allowed.length > 0)) {
      throw this.#wrong(at, "has an enum that is no list of values");
    }
    if (reference !== undefined && !this.#resolves(reference)) {
      throw this.#wrong(at, `refers to ${JSON.stringify(reference)}, which is not in the schema`);
    }
  }

  #resolves(reference: unknown): boolean {
    if (typeof reference !== "string" || !reference.startsWith("#")) return false;
    if (reference === "#" || !reference.startsWith("#/")) return true;
    let found: unknown = this.#root;
    for (const step of reference.slice(2).split("/")) {
      const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return false;
      found = (found as Schema)[key];
    }
    return true;
  }

  #wrong(at: string, what: string): TypeError {
    return new TypeError(`registerFunction ${this.#owner}: ${at} ${what}`);
  }
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Lengths that are written as text (protobuf's 64-bit numbers), and exclusive bounds that are flags (draft 4). */
function bounds(schema: Schema): Schema {
  const numbers = counts.flatMap((name) => {
    const value = schema[name];
    return isText(value) && /^\d+$/.test(value) ? [[name, Number(value)] as const] : [];
  });
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  return {
    ...Object.fromEntries(numbers),
    ...(typeof exclusiveMinimum === "boolean"
      ? { exclusiveMinimum: undefined, ...(exclusiveMinimum && { exclusiveMinimum: minimum }) }
      : {}),
    ...(typeof exclusiveMaximum === "boolean"
      ? { exclusiveMaximum: undefined, ...(exclusiveMaximum && { exclusiveMaximum: maximum }) }
      : {}),
  };
}

/** Returns the schema of one value; where it has parts, by its parts, since some services take no `const` but of a text or a number. */
function constant(value: unknown): Schema {
  if (Array.isArray(value)) {
    const length = { minItems: value.length, maxItems: value.length };
    return { type: "array", ...(value.length > 0 ? { prefixItems: value.map(constant) } : {}), ...length };
  }
  if (typeof value !== "object" || value === null) return { const: value };
  const properties = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, constant(one)]));
  return { type: "object", properties, required: Object.keys(value), additionalProperties: false };
}

/** Returns the same schema, which also takes null. */
function orNull(schema: Schema): Schema {
  const { type, enum: allowed } = schema;
  if (type === undefined || "const" in schema || "$ref" in schema) {
    const { description, ...rest } = schema;
    return { ...(description === undefined ? {} : { description }), anyOf: [rest, { type: "null" }] };
  }
  return {
    ...schema,
    type: [...new Set([type, "null"].flat())],
    ...(Array.isArray(allowed) && !allowed.includes(null) ? { enum: [...allowed, null] } : {}),
  };
}
