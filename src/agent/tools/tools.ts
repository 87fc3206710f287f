import { didYouMean } from "../../shared/similar.ts";
import {
  type FunctionDeclaration,
  type JsonSchemaFunction,
  RegisteredFunction,
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
export class Tools {
  readonly #functions = new Map<string, RegisteredFunction>();

  /** Lets the model call a function. Throws a `TypeError` where the definition cannot work, or its name is taken. */
  registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema>): void;
  registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments>): void;
  registerFunction(definition: SchemaFunction<StandardSchema> | JsonSchemaFunction): void {
    this.add(new RegisteredFunction(definition));
  }

  /** Adds a function. Throws a `TypeError` where its name is taken. */
  add(registered: RegisteredFunction): void {
    const { name } = registered.declaration;
    if (this.#functions.has(name)) throw new TypeError(`A function named "${name}" is registered already`);
    this.#functions.set(name, registered);
  }

  /** The functions, by name. */
  get functions(): ReadonlyMap<string, RegisteredFunction> {
    return this.#functions;
  }

  /** The functions as the model is told of them. */
  get declarations(): FunctionDeclaration[] {
    return [...this.#functions.values()].map(({ declaration }) => declaration);
  }

  /** Returns the functions of both. Throws a `TypeError` where two have the same name. */
  with(others: Tools | undefined): Tools {
    if (others === undefined) return this;
    const all = new Tools();
    for (const registered of [...this.#functions.values(), ...others.#functions.values()])
      all.add(registered);
    return all;
  }

  /** Returns only the functions of these names; all of them where no names are given. */
  only(names: readonly string[] | undefined): Tools {
    if (names === undefined) return this;
    const some = new Tools();
    for (const [name, registered] of this.#functions) if (names.includes(name)) some.add(registered);
    return some;
  }

  /** Throws a `TypeError` that names the first of these names which no function has. */
  requireAll(names: readonly string[], where: string): void {
    for (const name of names) {
      if (this.#functions.has(name)) continue;
      throw new TypeError(
        `${where}: there is no function ${name}${didYouMean(name, this.#functions.keys())}`,
      );
    }
  }
}
