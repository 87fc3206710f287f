import type { JsonObject } from "../../shared/protocol.ts";
import { toolName } from "../../shared/session/running-tools.ts";
import type { AgentValues, ToolContext } from "../call/agent-in-call.ts";
import {
  anyFunction,
  type Check,
  type Checks,
  checkOptions,
  duration,
  either,
  group,
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

/** The second argument of a function that the model calls. `Values`: those of the agent's `data`. */
export interface FunctionContext<Values extends AgentValues = AgentValues> extends ToolContext<Values> {
  /** Fires when the result is of no use any more: the user interrupted, or the time is up. */
  readonly signal: AbortSignal;
  /** Keeps how far the function has come, in words, for a model that asks while the function runs on. */
  progress(words: string): void;
}

/** The words that an agent says while a function takes long, so that nobody thinks that the line is dead. */
export interface Filler {
  /**
   * The time that the function may take until they are said, in milliseconds.
   * @default 1500
   */
  readonly afterMs?: number;
  /** The words, or a function that makes them of the arguments as the model wrote them. Nothing is said of an empty text. */
  readonly say: string | ((args: unknown) => string | Promise<string>);
}

/** The fields of every function that the model calls. */
export interface FunctionBase<Arguments, Values extends AgentValues = AgentValues> {
  /** Letters, digits, `_`, `.` and `-`, at most 64. */
  readonly name: string;
  /** A text that says what the function does and when to call it. The model decides by it. */
  readonly description: string;
  /**
   * Returns a text, which reaches the model as it is, or anything that JSON can hold, now or later. Of what it throws the
   * model learns nothing but that it failed, unless it is a `ToolError`.
   */
  execute(args: Arguments, context: FunctionContext<Values>): unknown;
  /** The words that the agent says where the function takes long. Default: none. */
  readonly filler?: Filler;
  /**
   * The longest time that the function may run, in milliseconds.
   * @default `limits.toolTimeoutMs`, or `limits.taskTimeoutMs` where it may run on
   */
  readonly timeoutMs?: number;
  /**
   * The time after which the function runs on while the conversation goes on, in milliseconds; 0: at once. The model is told that it
   * does, and of the result when it is there; it can ask how far it has come, and give it up when the participant does not want it any
   * more. Where the turn is cut short before that time, the function is given up.
   * @default it does not: the answer waits for it
   */
  readonly runOnAfterMs?: number;
}

/** A function whose arguments are described, checked and typed by a Standard Schema, such as one of zod. */
export interface SchemaFunction<Schema extends StandardSchema, Values extends AgentValues = AgentValues>
  extends FunctionBase<SchemaOutput<Schema>, Values> {
  readonly parameters: Schema;
  /** The JSON Schema that the model is shown, for a schema that cannot describe itself as one. */
  readonly jsonSchema?: JsonSchema;
}

/** A function described by plain JSON Schema: type, required, properties, items, enum and const are checked. */
export interface JsonSchemaFunction<
  Arguments extends object = JsonObject,
  Values extends AgentValues = AgentValues,
> extends FunctionBase<Arguments, Values> {
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
  filler: group<Filler>({ afterMs: duration(0), say: either(text, anyFunction) }),
  timeoutMs: duration(),
  runOnAfterMs: duration(0),
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
export interface RegisteredFunction
  extends Pick<FunctionBase<never>, "filler" | "timeoutMs" | "runOnAfterMs"> {
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
  readonly filler?: Filler;
  readonly timeoutMs?: number;
  readonly runOnAfterMs?: number;
  readonly #definition: SchemaFunction<StandardSchema> | JsonSchemaFunction;

  /** Throws a `TypeError` where the definition cannot work. */
  constructor(definition: SchemaFunction<StandardSchema> | JsonSchemaFunction) {
    const { name, description, parameters } = definition;
    if (typeof name !== "string" || !toolName.test(name)) {
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
    const { filler, timeoutMs, runOnAfterMs } = definition;
    if (filler !== undefined) this.filler = filler;
    if (timeoutMs !== undefined) this.timeoutMs = timeoutMs;
    if (runOnAfterMs !== undefined) this.runOnAfterMs = runOnAfterMs;
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
