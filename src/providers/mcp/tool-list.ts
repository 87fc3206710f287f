import {
  CheckedFunction,
  type FunctionContext,
  type RegisteredFunction,
} from "../../agent/tools/functions.ts";
import type { JsonSchema } from "../../agent/tools/schema.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text/text.ts";
import type { FilledServerOptions } from "./options.ts";

/** The longest description of a tool, in characters: each request to the model has it. */
const longestDescription = 1_024;
/** The longest schema of a tool, in characters. */
const longestSchema = 16_384;

/** The part of a function's context that a call needs. */
export type CallContext = Pick<FunctionContext, "signal" | "progress">;

/** Calls a tool of the server, by its name there. */
export type CallTool = (name: string, args: JsonObject, context: CallContext) => Promise<unknown>;

export interface ToolList {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  /** The tools that are left out, and why. */
  readonly leftOut: readonly string[];
}

/**
 * Returns the tools of a server as functions. A server says of them what it likes: a tool with a schema that no model could be given is
 * left out, and so are those beyond the most.
 */
export function functionsOf(
  listed: readonly unknown[],
  options: FilledServerOptions,
  call: CallTool,
): ToolList {
  const functions = new Map<string, RegisteredFunction>();
  const leftOut: string[] = [];
  for (const tool of listed) {
    const { name, description, inputSchema } = (tool ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof name !== "string" || name === "") {
      leftOut.push("a tool has no name");
      continue;
    }
    if (options.allowedTools?.has(name) === false) continue;
    const shown = cutText(name, 80, "…");
    const own = nameFor(name, options.prefix);
    if (functions.has(own)) leftOut.push(`${shown}: another tool is called ${own} too`);
    else if (functions.size >= options.maxTools)
      leftOut.push(`${shown}: there are more than ${options.maxTools} (maxTools)`);
    else {
      try {
        const schema = schemaOf(inputSchema);
        const text = cutText(typeof description === "string" ? description : "", longestDescription, "…");
        const execute = (args: JsonObject, context: CallContext) => call(name, args, context);
        // The server is told first that the time of a call is up.
        const timeoutMs = options.maxTimeoutMs + 1_000;
        const definition = { name: own, description: text, parameters: schema, execute, timeoutMs };
        functions.set(own, new CheckedFunction(definition));
      } catch (error) {
        leftOut.push(`${shown}: ${cutText(error instanceof Error ? error.message : "", 200, "…")}`);
      }
    }
  }
  return { functions, leftOut };
}

/** Returns the name of a tool for the models, which take letters, digits, _ and -, of which the first is a letter or _. */
function nameFor(name: string, prefix: string): string {
  const letters = `${prefix}${name}`.replaceAll(/[^\w-]/g, "_");
  return (/^[A-Za-z_]/.test(letters) ? letters : `_${letters}`).slice(0, 64);
}

/** Returns the schema of a tool's arguments. Some servers give none for a tool without any. */
function schemaOf(schema: unknown): JsonSchema {
  if (schema === undefined || schema === null) return { type: "object", properties: {} };
  if (typeof schema !== "object" || Array.isArray(schema)) throw new TypeError("its schema is no object");
  if (JSON.stringify(schema).length > longestSchema) throw new TypeError("its schema is too long");
  return { ...schema, type: "object" };
}
