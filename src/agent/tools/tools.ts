import { didYouMean } from "../../shared/text/similar.ts";
import {
  CheckedFunction,
  type FunctionDeclaration,
  type JsonSchemaFunction,
  type RegisteredFunction,
  type SchemaFunction,
} from "./functions.ts";
import type { StandardSchema } from "./schema.ts";

/**
 * A set of functions that a model may call. A model has one, for what is registered on it. An agent may be given one of its
 * own, with functions that it has whatever its model is:
 *
 * ```ts
 * const tools = new Tools();
 * tools.registerFunction({ name: "hang_up", description: "Ends the call.", execute: () => agent.close() });
 * const agent = new Agent({ tools, … });
 * ```
 */
export interface Tools {
  /**
   * Lets the model call a function.
   * @throws a `TypeError` where the definition cannot work, or its name is taken
   */
  registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
  registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
  /** The functions, by name. */
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  /** The functions as the model is told of them. */
  readonly declarations: readonly FunctionDeclaration[];
}

class FunctionSet implements Tools {
  readonly #functions = new Map<string, RegisteredFunction>();

  registerFunction(definition: SchemaFunction<StandardSchema> | JsonSchemaFunction): void {
    this.add(new CheckedFunction(definition));
  }

  add(registered: RegisteredFunction): void {
    const { name } = registered.declaration;
    if (this.#functions.has(name)) throw new TypeError(`A function named "${name}" is registered already`);
    this.#functions.set(name, registered);
  }

  get functions(): ReadonlyMap<string, RegisteredFunction> {
    return this.#functions;
  }

  get declarations(): readonly FunctionDeclaration[] {
    return [...this.#functions.values()].map(({ declaration }) => declaration);
  }
}

export const Tools: new () => Tools = FunctionSet;

/**
 * Returns the functions of several sets together; where names are given, only those. Throws a `TypeError` where two have the
 * same name.
 */
export function joinedTools(sets: readonly Tools[], names?: readonly string[]): Tools {
  const joined = new FunctionSet();
  for (const { functions } of sets) for (const registered of functions.values()) joined.add(registered);
  if (names === undefined) return joined;
  const some = new FunctionSet();
  for (const [name, registered] of joined.functions) if (names.includes(name)) some.add(registered);
  return some;
}

/** Throws a `TypeError` that names the first of these names which no function has. */
export function requireFunctions({ functions }: Tools, names: readonly string[], where: string): void {
  for (const name of names) {
    if (functions.has(name)) continue;
    throw new TypeError(`${where}: there is no function ${name}${didYouMean(name, functions.keys())}`);
  }
}
