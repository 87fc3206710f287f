import { z } from "zod";

/** A text as it is compared with words: templates and other languages write `True`, `INFO` and blanks around them. */
const word = z.string().trim().toLowerCase();

/** Returns the schema of a choice of words, in upper or lower case. */
const oneOf = (choices: readonly string[]) =>
  word.pipe(z.enum(choices, { error: `must be one of ${choices.join(", ")}` }));

/** The names that Python's logging, and so Vision Agents, has for levels that are called otherwise here. */
const levelsOfPython: ReadonlyMap<string, string> = new Map([
  ["warning", "warn"],
  ["critical", "fatal"],
]);

const yes = ["true", "1", "yes", "on"];
const no = ["false", "0", "no", "off"];

/** A switch. */
export const toggle = word
  .pipe(z.enum([...yes, ...no], { error: "must be true or false" }))
  .transform((text) => yes.includes(text));

/** Words separated by commas. */
const list = z.string().transform((text) => text.split(/\s*,\s*/).filter((part) => part !== ""));

/** Names with numbers, separated by commas: `elevenlabs:20,gemini:50`. */
const countsByName = list.transform((entries, context) => {
  const counts = entries.map((entry) => /^([\w.-]+)\s*:\s*([1-9]\d{0,8})$/.exec(entry));
  const names = counts.map((count) => count?.[1]);
  if (counts.includes(null) || new Set(names).size < names.length) {
    context.addIssue("must be names with whole numbers above 0, such as elevenlabs:20,gemini:50");
    return z.NEVER;
  }
  return Object.fromEntries(counts.map((count) => [count![1]!, Number(count![2])]));
});

const wholeNumber = z
  .string()
  .trim()
  .regex(/^\d{1,15}$/, { error: "must be a whole number" })
  .transform(Number);

const wholeNumberOrNone = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^(\d{1,15}|none)$/, { error: "must be a whole number or none" })
  .transform((text) => (text === "none" ? null : Number(text)));

/** A schema without its default, and whether it takes null. */
interface Bare {
  readonly schema: z.core.$ZodType;
  readonly isNullable: boolean;
}

function bare(schema: z.core.$ZodType, isNullable = false): Bare {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodReadonly)
    return bare(schema.def.innerType, isNullable);
  if (schema instanceof z.ZodNullable) return bare(schema.def.innerType, true);
  return { schema, isNullable };
}

/**
 * Returns the schema that reads the text of a flag or a variable for an option: the text becomes a value of the kind
 * that the option's own schema takes, which then checks it.
 */
export function readerOf(option: z.ZodType): z.ZodType<unknown, string> {
  const { schema, isNullable } = bare(option);
  const checks = <Value>() => option as z.ZodType<unknown, Value>;
  if (schema instanceof z.ZodNumber) {
    return isNullable ? wholeNumberOrNone.pipe(checks<number | null>()) : wholeNumber.pipe(checks<number>());
  }
  if (schema instanceof z.ZodBoolean) return toggle;
  if (schema instanceof z.ZodArray) return list.pipe(checks<string[]>());
  if (schema instanceof z.ZodRecord) return countsByName.pipe(checks<Record<string, number>>());
  if (schema instanceof z.ZodEnum) {
    const choices = schema.options.map(String);
    const known = choices.includes("warn")
      ? word.transform((text) => levelsOfPython.get(text) ?? text)
      : word;
    return known.pipe(oneOf(choices));
  }
  return z.string().pipe(checks<string>());
}

/** Returns the type of a value as it is written in TypeScript, where the schema shows it; null where the row has to name it. */
export function typeOf(option: z.ZodType): string | null {
  const { schema, isNullable } = bare(option);
  const type = plainTypeOf(schema);
  return type === null || !isNullable ? type : `${type} | null`;
}

function plainTypeOf(schema: z.core.$ZodType): string | null {
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "boolean";
  if (schema instanceof z.ZodString) return "string";
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => JSON.stringify(option)).join(" | ");
  if (schema instanceof z.ZodArray) {
    const item = plainTypeOf(schema.def.element);
    return item === null ? null : `readonly ${item}[]`;
  }
  if (schema instanceof z.ZodPipe) return plainTypeOf(schema.def.in);
  return null;
}
