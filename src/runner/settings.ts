import type { z } from "zod";
import type { Environment } from "./environment.ts";
import {
  flagOf,
  type OptionTable,
  type OptionValues,
  type OutsideOption,
  variableOf,
} from "./option-table.ts";
import { UsageError } from "./usage-error.ts";

/** The texts of the flags that were given, by option name. */
export type Flags = ReadonlyMap<string, string>;

/**
 * The options of a table that were set from outside: by flag, or else by variable, or else in `.env`. Throws a
 * {@link UsageError} that names each wrong one and where it came from.
 */
export function readSettings<Table extends OptionTable>(
  table: Table,
  flags: Flags,
  environment: Environment,
): OptionValues<Table> {
  const values: Record<string, unknown> = {};
  const complaints: string[] = [];
  for (const [name, option] of Object.entries(table)) {
    const flag = flags.get(name);
    const found =
      flag === undefined
        ? environment.find([variableOf(name), ...(option.alsoReads ?? [])])
        : { text: flag, origin: flagOf(name) };
    if (!found) continue;
    const result = option.schema.safeParse(found.text);
    if (result.success) values[name] = result.data;
    else complaints.push(`${found.origin}: ${complaint(result.error, option, found.text)}`);
  }
  if (complaints.length > 0) throw new UsageError(complaints.join("\n"));
  return values as OptionValues<Table>;
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
