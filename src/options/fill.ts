import { z } from "zod";
import { GreenroomError } from "../shared/errors.ts";
import { didYouMean } from "../shared/text/similar.ts";
import { type OptionTable, shapeOf } from "./option.ts";

/** The filled options of a table: each is there that has a default. */
export type Filled<Table extends OptionTable> = z.output<
  z.ZodObject<{ [Name in keyof Table]: Table[Name]["schema"] }, z.core.$strict>
>;

/**
 * Makes filled options of raw ones: each is checked, and has its default where it is not given. Throws INVALID_OPTIONS
 * that names each wrong one.
 * @param variables The variable of the environment that sets an option, for those that one may have set.
 */
export function fill<Table extends OptionTable>(
  table: Table,
  raw: object,
  variables: Readonly<Record<string, string>> = {},
): Filled<Table> {
  const result = z.strictObject(shapeOf(table)).safeParse(raw);
  if (result.success) return result.data as Filled<Table>;
  const names = Object.keys(table);
  throw new GreenroomError(
    "INVALID_OPTIONS",
    result.error.issues.map((issue) => describe(issue, names, variables)).join("; "),
  );
}

function describe(
  issue: z.core.$ZodIssue,
  names: readonly string[],
  variables: Readonly<Record<string, string>>,
): string {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownOption([...issue.path, key], names)).join("; ");
  }
  const name = issue.path.join(".");
  return `${name in variables ? `${name} (${variables[name]})` : name}: ${issue.message}`;
}

function unknownOption(path: readonly PropertyKey[], names: readonly string[]): string {
  const name = path.join(".");
  // Of what is within another option none is suggested.
  if (path.length > 1) return `${name}: there is no such option`;
  const withUnit = `${name}Ms`;
  if (names.includes(withUnit)) return `${name}: durations carry their unit here, write ${withUnit}`;
  return `${name}: there is no such option${didYouMean(name, names)}`;
}
