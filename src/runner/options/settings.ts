import type { z } from "zod";
import type { OptionRow, OptionTable, OutsideRow } from "../../options/option.ts";
import {
  flagOf,
  type OutsideOption,
  outsideOptions,
  readerOfOption,
  variableOf,
} from "../../options/outside.ts";
import { UsageError } from "../commands/usage-error.ts";
import type { Environment, Variable } from "./environment.ts";

/** The texts of the flags that were given, by option name. */
export type Flags = ReadonlyMap<string, string>;

/** The options of a table that were set from outside, under the names that code has for them. */
export type Settings<Table extends OptionTable> = {
  -readonly [Name in keyof Table as Table[Name] extends OptionRow & { readonly outside: OutsideRow }
    ? Name
    : never]?: Exclude<z.input<Table[Name]["schema"]>, undefined>;
};

/**
 * Returns the options of each table that were set from outside: by flag, or else by variable, or else in `.env`. Throws
 * a {@link UsageError} that names each wrong one and its origin.
 */
export function readSettings<Tables extends Readonly<Record<string, OptionTable>>>(
  tables: Tables,
  flags: Flags,
  environment: Environment,
): { [Group in keyof Tables]: Settings<Tables[Group]> } {
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
  for (const option of outsideOptions(table)) {
    const found = find(option, flags, environment);
    if (!found) continue;
    const result = readerOfOption(option).safeParse(found.text);
    if (result.success) values[option.key] = result.data;
    else complain(`${found.origin}: ${complaint(result.error, option, found.text)}`);
  }
  return values;
}

function find(
  { name, outside }: OutsideOption,
  flags: Flags,
  environment: Environment,
): Variable | undefined {
  const flag = flags.get(name);
  if (flag !== undefined) return { text: flag, origin: flagOf(name) };
  return environment.find([variableOf(name), ...(outside.alsoReads ?? [])]);
}

function complaint(error: z.ZodError, { outside }: OutsideOption, text: string): string {
  const [issue] = error.issues;
  const rule = issue ? ruleOf(issue) : error.message;
  return outside.secret ? rule : `${rule}, not ${JSON.stringify(text)}`;
}

function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small")
    return `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
  if (issue.code === "too_big")
    return `must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
  return issue.message;
}
