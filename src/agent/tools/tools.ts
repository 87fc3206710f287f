import { didYouMean } from "../../shared/text/similar.ts";
import type { AgentValues } from "../call/agent-in-call.ts";
import { type Check, isObject } from "../options/option-checks.ts";
import {
  CheckedFunction,
  type FunctionDeclaration,
  type JsonSchemaFunction,
  type RegisteredFunction,
  type SchemaFunction,
} from "./functions.ts";
import type { StandardSchema } from "./schema.ts";

/** A set of functions that a model may call. */
export interface Toolset {
  /** The functions, by name. They may change in the middle of a call: each turn has those of its beginning. */
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
}

/** A set of functions that a server offers, such as those of an MCP server: they are known once it is reached. */
export interface RemoteToolset extends Toolset {
  /** The name of the kind of server, such as `mcp`. It is a label in metrics. */
  readonly provider: string;
  /** The name of the server, for logs. */
  readonly model: string;
  /**
   * Reaches the server, so that its functions are known. An agent begins with it as it joins, and does not speak before; it may fail, and
   * ends by a deadline of its own.
   */
  warm(signal: AbortSignal): Promise<void>;
  /** Frees connections. Called once, when the agent closes. */
  close(): Promise<void>;
}

/** The check of an option that takes sets of functions. */
export const toolsetsCheck: Check = {
  fits: (value) => [value].flat().every((set) => isObject(set) && "functions" in set),
  expected: "new Tools(), new mcp.Server(…), or a list of those",
};

/** Returns whether a set is one whose functions are known only once its server is reached. */
export const isRemote = (set: Toolset): set is RemoteToolset =>
  "warm" in set && typeof set.warm === "function";

/**
 * A set of functions that a model may call. A model has one, for what is registered on it. An agent may be given one of its
 * own, with functions that it has whatever its model is:
 *
 * ```ts
 * const tools = new Tools();
 * tools.registerFunction({ name: "hang_up", description: "Ends the call.", execute: () => agent.close() });
 * const agent = new Agent({ tools, … });
 * ```
 *
 * `new Tools<Values>()` knows the values of `agent.data` in its functions.
 */
export interface Tools<Values extends AgentValues = AgentValues> extends Toolset {
  /**
   * Lets the model call a function.
   * @throws a `TypeError` where the definition cannot work, or its name is taken
   */
  registerFunction<Schema extends StandardSchema>(definition: SchemaFunction<Schema, Values>): void;
  registerFunction<Arguments extends object>(definition: JsonSchemaFunction<Arguments, Values>): void;
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

export const Tools: new <Values extends AgentValues = AgentValues>() => Tools<Values> = FunctionSet;

/**
 * Returns the functions of several sets together; where names are given, only those. Throws a `TypeError` where two have the
 * same name, unless one of them is a server's: the server may have changed in the middle of the call.
 * @param onLeftOut Takes each function of a server that is left out, since its name is taken.
 */
export function joinedTools(
  sets: readonly Toolset[],
  names?: readonly string[],
  onLeftOut: (set: RemoteToolset, name: string) => void = () => {},
): Tools {
  const joined = new FunctionSet();
  for (const set of sets) {
    if (isRemote(set)) continue;
    for (const registered of set.functions.values()) joined.add(registered);
  }
  for (const set of sets) {
    if (!isRemote(set)) continue;
    for (const [name, registered] of set.functions) {
      if (joined.functions.has(name)) onLeftOut(set, name);
      else joined.add(registered);
    }
  }
  if (names === undefined) return joined;
  const some = new FunctionSet();
  for (const [name, registered] of joined.functions) if (names.includes(name)) some.add(registered);
  return some;
}

/** Returns the functions of a set but for those whose names another set has. */
export function withoutNamesOf({ functions: others }: Tools, { functions }: Tools): Tools {
  const rest = new FunctionSet();
  for (const [name, registered] of functions) if (!others.has(name)) rest.add(registered);
  return rest;
}

/** Throws a `TypeError` that names the first of these names which no function has. */
export function requireFunctions({ functions }: Tools, names: readonly string[], where: string): void {
  for (const name of names) {
    if (functions.has(name)) continue;
    throw new TypeError(`${where}: there is no function ${name}${didYouMean(name, functions.keys())}`);
  }
}
