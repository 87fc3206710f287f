import type { Model } from "../model/model.ts";
import {
  isRemote,
  joinedTools,
  type RemoteToolset,
  requireFunctions,
  type Tools,
  type Toolset,
} from "./tools.ts";

/** The options that say which functions a model may call. */
interface ToolOptions {
  readonly llm: Model;
  readonly tools?: Toolset | readonly Toolset[];
  readonly allowedTools?: readonly string[];
}

/** The options of an agent that has roles, each with functions of its own where it names any. */
interface RoleTools extends ToolOptions {
  readonly roles?: Readonly<Record<string, Partial<ToolOptions>>>;
}

/**
 * Returns the functions that the model may call. Throws a `TypeError` where two of them have the same name.
 * @param onLeftOut Takes each function of a server that is left out, since its name is taken.
 */
export function toolsOf(options: ToolOptions, onLeftOut?: (set: RemoteToolset, name: string) => void): Tools {
  return joinedTools(toolSets(options), options.allowedTools, onLeftOut);
}

/** Returns the sets of functions that servers offer, in whatever role of the agent. */
export function remoteToolsets(options: RoleTools): readonly RemoteToolset[] {
  const roles = Object.values(options.roles ?? {}).map((role) => ({ ...options, ...role }));
  return [...new Set([options, ...roles].flatMap(toolSets).filter(isRemote))];
}

/**
 * Throws a `TypeError` that names the first function which is allowed and does not exist, or which the service of the model
 * would refuse.
 */
export function checkTools(options: RoleTools): void {
  const { allowedTools = [], roles = {} } = options;
  requireTools(options, allowedTools, "new Agent: allowedTools");
  for (const [name, role] of Object.entries(roles)) {
    requireTools({ ...options, ...role }, role.allowedTools ?? [], `new Agent: roles.${name}.allowedTools`);
  }
  checkTaken(options);
}

/** Throws a `TypeError` for a function that is allowed and does not exist. Servers may offer any name, also later. */
function requireTools(options: ToolOptions, names: readonly string[], where: string): void {
  const sets = toolSets(options);
  if (!sets.some(isRemote)) requireFunctions(joinedTools(sets), names, where);
}

const toolSets = ({ llm, tools = [] }: ToolOptions): readonly Toolset[] => [llm.tools, ...[tools].flat()];

/** Throws a `TypeError` that names a function which the service of the model would refuse. */
export function checkTaken(options: RoleTools): void {
  for (const role of [{}, ...Object.values(options.roles ?? {})]) {
    const { llm, tools, allowedTools } = { ...options, ...role };
    llm.checkFunctions(
      toolsOf({ llm, ...(tools && { tools }), ...(allowedTools && { allowedTools }) }).declarations,
    );
  }
}
