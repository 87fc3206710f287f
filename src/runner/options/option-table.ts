import { z } from "zod";

/**
 * An option that can be set from outside, as a flag or a variable: `maxSessionsPerCall` is --max-sessions-per-call and
 * GREENROOM_MAX_SESSIONS_PER_CALL.
 */
export interface OutsideOption<Value = unknown> {
  /** The value that follows the flag, for the help; a switch has none. */
  readonly placeholder?: string;
  readonly description: string;
  /** The default, for the help. */
  readonly default?: string;
  /** Further variables, read where the GREENROOM_… one is not set. */
  readonly alsoReads?: readonly string[];
  /**
   * True where it cannot be set as a flag, since other users of the machine can read those; its value is not shown in
   * messages.
   */
  readonly secret?: boolean;
  /** Reads the text. What it complains of completes "--flag: …". */
  readonly schema: z.ZodType<Value, string>;
}

export type OptionTable = Readonly<Record<string, OutsideOption>>;
export type OptionValues<Table extends OptionTable> = {
  -readonly [Name in keyof Table]?: z.output<Table[Name]["schema"]>;
};

export const flagOf = (name: string): string => `--${words(name).join("-")}`;
export const variableOf = (name: string): string => `GREENROOM_${words(name).join("_").toUpperCase()}`;

const words = (name: string): string[] => name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());

/** A text as it is compared with words: templates and other languages write `True`, `INFO` and blanks around them. */
const word = z.string().trim().toLowerCase();

/** A choice of words, in whatever case. */
export const oneOf = <const Word extends string>(...choices: Word[]) =>
  word.pipe(z.enum(choices, { error: `must be one of ${choices.join(", ")}` }));

/** The names that Python's logging, and so Vision Agents, has for levels that are called otherwise here. */
const levelsOfPython: ReadonlyMap<string, string> = new Map([
  ["warning", "warn"],
  ["critical", "fatal"],
]);

/** A level of log lines. */
export const logLevel = word
  .transform((text) => levelsOfPython.get(text) ?? text)
  .pipe(oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent"));

const yes = ["true", "1", "yes", "on"];
const no = ["false", "0", "no", "off"];

export const toggle = word
  .pipe(z.enum([...yes, ...no], { error: "must be true or false" }))
  .transform((text) => yes.includes(text));

/** Words separated by commas. */
export const list = z.string().transform((text) => text.split(/\s*,\s*/).filter((part) => part !== ""));

/** Names with numbers, separated by commas: `elevenlabs:20,gemini:50`. */
export const countsByName = list.transform((entries, context) => {
  const counts = entries.map((entry) => /^([\w.-]+)\s*:\s*([1-9]\d{0,8})$/.exec(entry));
  const names = counts.map((count) => count?.[1]);
  if (counts.includes(null) || new Set(names).size < names.length) {
    context.addIssue("must be names with whole numbers above 0, such as elevenlabs:20,gemini:50");
    return z.NEVER;
  }
  return Object.fromEntries(counts.map((count) => [count![1]!, Number(count![2])]));
});

export const wholeNumber = z
  .string()
  .trim()
  .regex(/^\d{1,15}$/, { error: "must be a whole number" })
  .transform(Number);

export const wholeNumberOrNone = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^(\d{1,15}|none)$/, { error: "must be a whole number or none" })
  .transform((text) => (text === "none" ? null : Number(text)));

/** A time in milliseconds. Timers of Node overflow beyond the greatest, and fire at once. */
export const duration = wholeNumber.pipe(z.int().max(2 ** 31 - 1));

/** The option of a whole number, with the bounds and the default of the launcher's own option. */
export function limit(
  placeholder: string,
  description: string,
  bounds: z.ZodDefault<z.ZodInt>,
): OutsideOption<number> {
  return {
    placeholder,
    description,
    default: String(bounds.def.defaultValue),
    schema: wholeNumber.pipe(bounds.unwrap()),
  };
}
