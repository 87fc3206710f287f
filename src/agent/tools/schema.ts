/**
 * The parts of Standard Schema and Standard JSON Schema (standardschema.dev) that tools need, copied as the specification
 * invites to: zod ≥ 4.2, valibot, arktype and others fit them, and none of them is imported.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** The schema as JSON Schema, where the library can tell. */
    readonly jsonSchema?: {
      readonly input: (options: { readonly target: string }) => Record<string, unknown>;
    };
  };
}

/** The outcome of a check, of the Standard Schema. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** A flaw of a value, as Standard Schema reports it. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type that `execute` gets for a schema. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

/** A JSON Schema (2020-12) of the one object that a tool takes. */
export interface JsonSchema {
  readonly type: "object";
  readonly [keyword: string]: unknown;
}

export function isStandardSchema(schema: object): schema is StandardSchema {
  return "~standard" in schema;
}

/** Returns a Standard Schema as JSON Schema. Throws where its library cannot tell. */
export function describeSchema(schema: StandardSchema, owner: string): JsonSchema {
  const { jsonSchema, vendor } = schema["~standard"];
  if (jsonSchema === undefined) {
    throw new TypeError(
      `${owner}: this ${vendor} schema cannot describe itself as JSON Schema (zod 4.2 and later can): give jsonSchema beside it`,
    );
  }
  const described = toJsonSchema(jsonSchema.input, owner);
  if (!("type" in described) || described.type !== "object")
    throw new TypeError(`${owner}: parameters must be the schema of an object`);
  return described as JsonSchema;
}

function toJsonSchema(input: (options: { readonly target: string }) => object, owner: string): object {
  try {
    return input({ target: "draft-2020-12" });
  } catch (error) {
    // The library says which part of the schema has no JSON, but not whose it is.
    const why = error instanceof Error ? error.message : String(error);
    throw new TypeError(`${owner}: ${why}`, { cause: error });
  }
}

/** Returns what is wrong with a value, as `path: message`, for the model to read. */
export function issueText({ message, path }: SchemaIssue): string {
  const keys = (path ?? []).map((step) => String(typeof step === "object" ? step.key : step));
  return keys.length > 0 ? `${keys.join(".")}: ${message}` : message;
}
