import type { JsonSchema } from "../../../agent/tools/schema.ts";
import type { JsonObject, JsonValue } from "../../../shared/protocol.ts";
import { numberOf, numberPattern } from "./numbers.ts";

export interface FoundArguments {
  readonly arguments: JsonObject;
  /** The parameters that the function needs, and that the question does not tell. */
  readonly missing: readonly string[];
}

/** The part of a schema that is used here: an agent's own schemas may hold anything. */
interface Property {
  readonly type?: unknown;
  readonly enum?: unknown;
}

/**
 * Finds the arguments of a function in a question, by the type and the name of each parameter. Each found value is used
 * once.
 *
 * @param isOfTool Returns whether a word is in the name or the description of the function, and so no argument.
 */
export function argumentsIn(
  text: string,
  schema: JsonSchema,
  isOfTool: (word: string) => boolean,
): FoundArguments {
  const question = new Question(text, isOfTool);
  const found: JsonObject = {};
  const entries = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Property>>);
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  // Numbers, dates and choices are told by their form; what is left over is for texts.
  const order = [
    ...entries.filter(([name, of]) => !isFreeText(name, of)),
    ...entries.filter(([name, of]) => isFreeText(name, of)),
  ];
  for (const [name, property] of order) {
    const value = valueFor(question, name, property, required.includes(name));
    if (value !== undefined) found[name] = value;
  }
  return { arguments: found, missing: required.filter((name) => !(name in found)) };
}

const typeOf = ({ type }: Property): string =>
  String(
    (Array.isArray(type) ? type.find((one) => String(one).toLowerCase() !== "null") : type) ?? "string",
  ).toLowerCase();

const asksForTime = (name: string): boolean => /date|day|time|when/i.test(name);
const asksForId = (name: string): boolean => /id$|number|code|reference|order/i.test(name);
const isFreeText = (name: string, schema: Property): boolean =>
  typeOf(schema) === "string" && schema.enum === undefined && !asksForTime(name) && !asksForId(name);

function valueFor(
  question: Question,
  name: string,
  schema: Property,
  needed: boolean,
): JsonValue | undefined {
  if (Array.isArray(schema.enum)) return question.choice(schema.enum);
  switch (typeOf(schema)) {
    case "integer":
    case "number":
      return question.number();
    case "boolean":
      return needed ? true : undefined;
    case "string":
      if (asksForTime(name)) return question.take(times);
      if (/mail/i.test(name)) return question.take(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/);
      if (asksForId(name))
        return (
          question.take(/[A-Z]{0,4}-?\d[\w-]*/i) ??
          question.number()?.toString() ??
          (needed ? question.phrase() : undefined)
        );
      return (
        question.phrase() ??
        (needed && /query|question|text|message|search|topic/i.test(name) ? question.whole : undefined)
      );
    default:
      return undefined;
  }
}

const times =
  /(?:\b(?:on )?(?:today|tomorrow|tonight|(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d{4}-\d\d-\d\d)\b)?(?:\s*\bat (?:\d{1,2}(?::\d\d)?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)(?: ?[ap]\.?m\b\.?| o'clock)?)?/i;

const links = "in|at|for|of|to|from|about|with|named|called|on|that|saying";
const words = `(?:the |my |a |an |some )?(\\S.*?)(?=\\s+(?:${links})\\b|[,;]|\\s*$)`;
const afterLink = new RegExp(`\\b(?:${links})\\s+${words}`, "i");
const verbs =
  "add|put|order|buy|play|find|show|search|open|start|call|cancel|delete|remove|get|note|write|translate";
/** The object of a question that begins with its verb. */
const object = new RegExp(
  `^\\W*(?:(?:please|can you|could you|would you)\\s+)*(?:${verbs})\\s+(?!(?:${links}|me)\\b)${words}`,
  "i",
);

/** A question, of which parts are taken. */
class Question {
  readonly whole: string;
  readonly #isOfTool: (word: string) => boolean;
  #rest: string;

  constructor(text: string, isOfTool: (word: string) => boolean) {
    this.#isOfTool = isOfTool;
    this.whole = text.trim();
    this.#rest = this.whole.replace(/[?!.]+\s*$/, "");
  }

  /** Takes the first part that fits and is not empty. */
  take(pattern: RegExp): string | undefined {
    for (const match of this.#rest.matchAll(new RegExp(pattern.source, `${pattern.flags}g`))) {
      if (match[0].trim() === "") continue;
      this.#rest = `${this.#rest.slice(0, match.index)} ${this.#rest.slice(match.index + match[0].length)}`;
      return match[0].trim().replace(/^(?:on|at) /i, "");
    }
    return undefined;
  }

  number(): number | undefined {
    const taken = this.take(numberPattern);
    return taken === undefined ? undefined : numberOf(taken);
  }

  choice(values: readonly unknown[]): JsonValue | undefined {
    return values.find(
      (value): value is string =>
        typeof value === "string" &&
        this.take(new RegExp(`\\b${RegExp.escape(value)}\\b`, "i")) !== undefined,
    );
  }

  /** Takes a text: in quotes, else the object of the verb, as in "add milk to", else the words after one such as "in". */
  phrase(): string | undefined {
    const quoted = /["“]([^"”]+)["”]/.exec(this.#rest)?.[1];
    if (quoted !== undefined) return quoted;
    return (
      this.#takeGroup(object, (words) => !words.every(this.#isOfTool)) ??
      this.#takeGroup(afterLink, () => true)
    );
  }

  #takeGroup(pattern: RegExp, isWanted: (words: readonly string[]) => boolean): string | undefined {
    const match = pattern.exec(this.#rest);
    const found = match?.[1]?.replace(/\s*\bplease\b/i, "").trim();
    if (match === null || found === undefined || found === "" || !isWanted(found.split(/\s+/)))
      return undefined;
    this.#rest = this.#rest.replace(match[0], " ");
    return found;
  }
}
