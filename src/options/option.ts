import { z } from "zod";

/** An option: one row holds everything that is known of it. Its default is in its schema, its unit in its name. */
export interface OptionRow<Schema extends z.ZodType = z.ZodType> {
  /** The effect, for whoever writes code: sentences, of which the doc comment of the option is made. */
  readonly doc: string;
  /** The type in code, where the schema does not tell it. */
  readonly type?: string;
  /** Checks a value, and fills in the default. */
  readonly schema: Schema;
  /** The default in words, where it is not a constant of the schema. */
  readonly derived?: string;
  /** The way to set it without code; missing where it is set in code alone. */
  readonly outside?: OutsideRow;
}

/** The heading under which `--help` shows an option. */
export type HelpGroup = "Server" | "Reports" | "Limits" | "Fleet" | "Conversation" | "Common";

/** The way to set an option from outside: by a flag or a variable of the environment. */
export interface OutsideRow {
  readonly group: HelpGroup;
  /** The effect in a line, for `--help` and `.env.example`: no full stop at its end. */
  readonly help: string;
  /** The word for the value behind the flag; a switch has none. */
  readonly placeholder?: string;
  /** The name, of which flag and variable are made. Default: the option's own. */
  readonly name?: string;
  /** The default in words, where the command line has another one than the code. */
  readonly derived?: string;
  /** Further variables, read where the GREENROOM_… one is not set. */
  readonly alsoReads?: readonly string[];
  /**
   * True where no flag sets it, since other users of the machine can read flags, and where messages do not show its
   * value.
   */
  readonly secret?: boolean;
  /** Reads the text, where the schema does not tell how. Its messages complete "--flag: …". */
  readonly reader?: z.ZodType<unknown, string>;
  /** A value for `.env.example`. Default: the option's default. */
  readonly example?: string;
}

/** A table of options, by the names that they have in code. */
export type OptionTable = Readonly<Record<string, OptionRow>>;

/** A value whose fields may also be undefined, as zod takes them. */
type Loose<Value> = Value extends object ? { [Name in keyof Value]: Value[Name] | undefined } : Value;

/** A table that has a row for each option of the interface `Options`, whose schema takes what the interface says. */
export type RowsOf<Options> = {
  readonly [Name in keyof Required<Options>]: OptionRow<
    z.ZodType<unknown, Options[Name] | Loose<Options[Name]> | undefined>
  >;
};

/** Returns the shape of an object of these options, for `z.strictObject`. */
export function shapeOf<Table extends OptionTable>(
  table: Table,
): { [Name in keyof Table]: Table[Name]["schema"] } {
  const shape = Object.fromEntries(Object.entries(table).map(([name, { schema }]) => [name, schema]));
  return shape as { [Name in keyof Table]: Table[Name]["schema"] };
}

/** Returns whether an option may be left out. */
export const isOptional = ({ schema }: OptionRow): boolean => schema.safeParse(undefined).success;

/** Returns the default of an option as a value, or `undefined` where it has none. */
export function defaultOf({ schema }: OptionRow): unknown {
  return schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
}

/** Returns the default of an option in words, as code has it; null where it has none. */
export function defaultText(row: OptionRow): string | null {
  if (row.derived !== undefined) return row.derived;
  const value = defaultOf(row);
  return value === undefined ? null : JSON.stringify(value);
}

/** The units that a name may carry at its end. */
const units = {
  Ms: "ms",
  Mb: "MiB",
  Bytes: "bytes",
  PerSecond: "per second",
} as const satisfies Record<string, string>;

/** Returns the unit of an option's value, as its name tells; null where it counts things, or is no number. */
export function unitOf(name: string): string | null {
  const found = Object.entries(units).find(([ending]) => name.endsWith(ending));
  return found?.[1] ?? null;
}
