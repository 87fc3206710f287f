import type { JsonObject } from "../../shared/protocol.ts";
import type { ToolContext } from "../call/agent-in-call.ts";
import {
  anyFunction,
  type Check,
  type Checks,
  checkOptions,
  either,
  isObject,
  text,
  textOrEmpty,
} from "../options/option-checks.ts";
import { schemaProblems } from "./json-schema.ts";
import {
  describeSchema,
  isStandardSchema,
  issueText,
  type JsonSchema,
  type SchemaOutput,
  type StandardSchema,
} from "./schema.ts";
import { standardDialect } from "./schema-dialect.ts";

/** The second argument of a function that the model calls. */
export interface FunctionContext extends ToolContext {
  /** Fires when the result is of no use any more: the user interrupted, or the time is up. */
  readonly signal: AbortSignal;
}

/** The fields of every function that the model calls. */
export interface FunctionBase<Arguments> {
  /** Letters, digits, `_`, `.` and `-`, at most 64. */
  readonly name: string;
  /** A text that says what the function does and when to call it. The model decides by it. */
  readonly description: string;
  /**
   * Returns a text, which reaches the model as it is, or anything that JSON can hold, now or later. Of what it throws the
   * model learns nothing but that it failed, unless it is a `ToolError`.
   */
  execute(args: Arguments, context: FunctionContext): unknown;
}

/** A function whose arguments are described, checked and typed by a Standard Schema, such as one of zod. */
export interface SchemaFunction<Schema extends StandardSchema> extends FunctionBase<SchemaOutput<Schema>> {
  readonly parameters: Schema;
  /** The JSON Schema that the model is shown, for a schema that cannot describe itself as one. */
  readonly jsonSchema?: JsonSchema;
}

/** A function described by plain JSON Schema: type, required, properties, items, enum and const are checked. */
export interface JsonSchemaFunction<Arguments extends object = JsonObject> extends FunctionBase<Arguments> {
  /**
   * The JSON Schema of the arguments.
   * @default no parameters
   */
  readonly parameters?: JsonSchema;
}

const jsonSchema: Check = {
  fits: (value) => isObject(value) && "type" in value && /^object$/i.test(String(value.type)),
  expected: 'a JSON Schema whose type is "object"',
};

const checks: Checks<SchemaFunction<StandardSchema>> = {
  name: text,
  description: textOrEmpty,
  execute: anyFunction,
  parameters: either(
    { fits: (value) => value instanceof Object && isStandardSchema(value), expected: "a Standard Schema" },
    jsonSchema,
  ),
  jsonSchema,
};

/** The description of a function for the model. */
export interface FunctionDeclaration {
  readonly name: string;
  readonly description: string;
  readonly parameters: JsonSchema;
}

/** The arguments of a call do not fit; the message is for the model. */
export class BadArgumentsError extends Error {
  override readonly name = "BadArgumentsError";
  readonly code = "BAD_ARGUMENTS";
}

/** A function as the model may call it. */
export interface RegisteredFunction {
  readonly declaration: FunctionDeclaration;
  /**
   * Checks the arguments, then runs the function.
   * @throws an error whose `code` is `BAD_ARGUMENTS`, with a message for the model; or what the function throws
   */
  call(args: unknown, context: FunctionContext): Promise<unknown>;
}

/** A function that users have registered. */
export class CheckedFunction implements RegisteredFunction {
  readonly declaration: FunctionDeclaration;
  readonly #definition: SchemaFunction<StandardSchema> | JsonSchemaFunction;

  /** Throws a `TypeError` where the definition cannot work. */
  constructor(definition: SchemaFunction<StandardSchema> | JsonSchemaFunction) {
    const { name, description, parameters } = definition;
    if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name)) {
      const given = typeof name === "string" ? `"${name}"` : String(name);
      throw new TypeError(
        `registerFunction: ${given} is no name for a function: use letters, digits, _ . - (at most 64)`,
      );
    }
    const { execute } = definition;
    // An object of a class may keep what it likes.
    const plain = Object.getPrototypeOf(definition) === Object.prototype;
    const parts = plain ? definition : { name, description, parameters, execute };
    checkOptions(`registerFunction ${name}`, parts as SchemaFunction<StandardSchema>, checks);
    for (const part of ["description", "execute"] as const) {
      if (definition[part] === undefined) throw new TypeError(`registerFunction ${name}: ${part} is missing`);
    }
    this.#definition = definition;
    this.declaration = {
      name,
      description,
      parameters: standardDialect(described(definition), name),
    };
  }

  async call(args: unknown, context: FunctionContext): Promise<unknown> {
    const { parameters } = this.#definition;
    if (parameters !== undefined && isStandardSchema(parameters)) {
      const checked = await parameters["~standard"].validate(args);
      if (checked.issues !== undefined) throw badArguments(checked.issues.map(issueText));
      return this.#execute(checked.value, context);
    }
    const problems = schemaProblems(this.declaration.parameters, args);
    if (problems.length > 0) throw badArguments(problems);
    return this.#execute(args, context);
  }

  #execute(args: unknown, context: FunctionContext): unknown {
    return (this.#definition as FunctionBase<unknown>).execute(args, context);
  }
}

/** Returns the schema of the parameters, in any dialect, as it is before it is made fit for the model. */
function described(definition: SchemaFunction<StandardSchema> | JsonSchemaFunction): JsonSchema {
  const { name, parameters } = definition;
  if (parameters === undefined) return { type: "object", properties: {} };
  if (!isStandardSchema(parameters)) return parameters;
  const { jsonSchema } = definition as SchemaFunction<StandardSchema>;
  return jsonSchema ?? describeSchema(parameters, `registerFunction ${name}`);
}

function badArguments(problems: readonly string[]): BadArgumentsError {
  const shown = problems.slice(0, 5).join("; ");
  return new BadArgumentsError(`Invalid arguments: ${shown}${problems.length > 5 ? "; …" : ""}`);
}
