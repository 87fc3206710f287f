import type { z } from "zod";
import { defaultOf, type HelpGroup, type OptionRow, type OptionTable, type OutsideRow } from "./option.ts";
import { variables } from "./runner.ts";
import { type Command, commandTables } from "./tables.ts";
import { readerOf } from "./text-values.ts";

/** An option as the command line and the environment set it. */
export interface OutsideOption {
  /** Its name in the object that it belongs to. */
  readonly key: string;
  /** Its name outside: `maxSessionsPerCall` is --max-sessions-per-call and GREENROOM_MAX_SESSIONS_PER_CALL. */
  readonly name: string;
  readonly row: OptionRow;
  readonly outside: OutsideRow;
}

export const flagOf = (name: string): string => `--${words(name).join("-")}`;
export const variableOf = (name: string): string => `GREENROOM_${words(name).join("_").toUpperCase()}`;

const words = (name: string): string[] => name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());

/** Returns the options of a table that can be set from outside. */
export function outsideOptions(table: OptionTable): OutsideOption[] {
  return Object.entries(table).flatMap(([key, row]) =>
    row.outside === undefined ? [] : [{ key, name: row.outside.name ?? key, row, outside: row.outside }],
  );
}

/** Returns the schema that reads the text of a flag or a variable. */
export const readerOfOption = ({ row, outside }: OutsideOption): z.ZodType<unknown, string> =>
  outside.reader ?? readerOf(row.schema);

/** Returns the options of a command, in the order of its tables. */
export const optionsOf = (command: Command): OutsideOption[] =>
  Object.values(commandTables[command]).flatMap((table: OptionTable) => outsideOptions(table));

/** Returns every option that can be set from outside, each name once. */
export function allOutsideOptions(): OutsideOption[] {
  const all = [...optionsOf("serve"), ...optionsOf("run")];
  return [...new Map(all.map((option) => [option.name, option])).values()];
}

/** Returns the variables of the environment that hold secrets of the server. */
export function secretNames(): ReadonlySet<string> {
  const ofOptions = allOutsideOptions().flatMap(({ name, outside }) =>
    outside.secret ? [variableOf(name), ...(outside.alsoReads ?? [])] : [],
  );
  const alone = Object.entries(variables).flatMap(([name, { isSecret }]) => (isSecret ? [name] : []));
  return new Set([...ofOptions, ...alone]);
}

/** The headings of the help of each command, in their order, and the groups of options below each. */
export const helpHeadings = {
  serve: { Server: ["Server", "Common"], Reports: ["Reports"], Limits: ["Limits"], Fleet: ["Fleet"] },
  run: { Conversation: ["Conversation", "Common"], Limits: ["Limits"] },
} as const satisfies Record<Command, Readonly<Partial<Record<HelpGroup, readonly HelpGroup[]>>>>;

/** The limits that the help of `run` shows; the others have little meaning for a single call. */
const limitsOfRun: readonly string[] = ["providerConcurrency", "noLocalStt"];

/** Returns the options below each heading of the help of a command, flags alone. */
export function helpOf(command: Command): (readonly [heading: string, options: readonly OutsideOption[]])[] {
  const flags = optionsOf(command).filter(
    ({ name, outside }) =>
      !outside.secret && (command === "serve" || outside.group !== "Limits" || limitsOfRun.includes(name)),
  );
  const headings: readonly (readonly [string, readonly HelpGroup[]])[] = Object.entries(
    helpHeadings[command],
  );
  return headings.map(([heading, groups]) => [
    heading,
    groups.flatMap((group) => flags.filter(({ outside }) => outside.group === group)),
  ]);
}

/** Returns the default of an option as the help tells it; null for a switch, and for what has none. */
export function outsideDefault({ row, outside }: OutsideOption): string | null {
  if (outside.secret || outside.placeholder === undefined) return null;
  if (outside.derived !== undefined) return outside.derived;
  if (row.derived !== undefined) return row.derived;
  const value = defaultOf(row);
  return value === undefined || value === null ? "none" : String(value);
}
