import type { z } from "zod";
import { UsageError } from "../commands/usage-error.ts";
import type { Environment, Variable } from "./environment.ts";
import {
  flagOf,
  type OptionTable,
  type OptionValues,
  type OutsideOption,
  variableOf,
} from "./option-table.ts";

/** The texts of the flags that were given, by option name. */
export type Flags = ReadonlyMap<string, string>;

/**
 * The options of each table that were set from outside: by flag, or else by variable, or else in `.env`. Throws a
 * {@link UsageError} that names each wrong one and where it came from.
 */
export function readSettings<Tables extends Readonly<Record<string, OptionTable>>>(
  tables: Tables,
  flags: Flags,
  environment: Environment,
): { [Group in keyof Tables]: OptionValues<Tables[Group]> } {
  const complaints: string[] = [];
  const groups = Object.entries(tables).map(([group, table]) => [
    group,
    readTable(table, flags, environment, (text) => complaints.push(text)),
  ]);
  if (complaints.length > 0) throw new UsageError(complaints.join("\n"));
  return Object.fromEntries(groups);
}

function readTable(
  table: OptionTable,
  flags: Flags,
  environment: Environment,
  complain: (text: string) => void,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const found = find(name, option, flags, environment);
    if (!found) continue;
    const result = option.schema.safeParse(found.text);
    if (result.success) values[name] = result.data;
    else complain(`${found.origin}: ${complaint(result.error, option, found.text)}`);
  }
  return values;
}

function find(
  name: string,
  option: OutsideOption,
  flags: Flags,
  environment: Environment,
): Variable | undefined {
  const flag = flags.get(name);
  if (flag !== undefined) return { text: flag, origin: flagOf(name) };
  return environment.find([variableOf(name), ...(option.alsoReads ?? [])]);
}

function complaint(error: z.ZodError, option: OutsideOption, text: string): string {
  const [issue] = error.issues;
  const rule = issue ? ruleOf(issue) : error.message;
  return option.secret ? rule : `${rule}, not ${JSON.stringify(text)}`;
}

function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small")
    return `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
  if (issue.code === "too_big")
    return `must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
  return issue.message;
}
