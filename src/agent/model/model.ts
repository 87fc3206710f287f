import {
  CheckedFunction,
  type FunctionDeclaration,
  type JsonSchemaFunction,
  type RegisteredFunction,
  type SchemaFunction,
} from "../tools/functions.ts";
import type { StandardSchema } from "../tools/schema.ts";
import { Tools } from "../tools/tools.ts";

/** A model of either kind: one that writes text, or one that hears and speaks. Users register functions on it. */
export abstract class Model {
  /** The name of who serves the model, such as `gemini`. It is a label in metrics. */
  abstract readonly provider: string;
  /** The model's name: a label in metrics. */
  abstract readonly model: string;
  /** The functions that are registered on the model. */
  readonly tools: Tools = new Tools();

  /**
   * Lets the model call a function.
   *
   * ```ts
   * llm.registerFunction({
   *   name: "get_weather",
   *   description: "Tells the weather at a place.",
   *   parameters: z.object({ place: z.string() }),
   *   execute: ({ place }, { signal }) => weatherOf(place, signal),
   * });
   * ```
   *
   * @throws a `TypeError` where the definition cannot work, its name is taken, or the model's service would refuse it
   */
  registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
  registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
  registerFunction(definition: SchemaFunction<StandardSchema> & JsonSchemaFunction): void {
    this.checkFunctions([new CheckedFunction(definition).declaration]);
    this.tools.registerFunction(definition);
  }

  /** Returns the functions that the model may call, by name. */
  get functions(): ReadonlyMap<string, RegisteredFunction> {
    return this.tools.functions;
  }

  /**
   * Checks functions as they are registered, and as an agent is made and joins.
   * @default all are taken
   * @throws a `TypeError` that names a function which the model's service would refuse, and with it every request
   */
  checkFunctions(_functions: readonly FunctionDeclaration[]): void {}

  /**
   * Prepares connections, so that a call pays no handshake. Called in a thread that waits for its call; may fail.
   * @default nothing is prepared
   */
  async warm(_signal: AbortSignal): Promise<void> {}

  /** Frees connections. Called once, when the agent closes. */
  async close(): Promise<void> {}
}
