import { didYouMean } from "../../shared/text/similar.ts";
import { cutText, toJson } from "../../shared/text/text.ts";

/*
 * How all options that users give to agents, services and tests are checked: in the session thread too, where no library for
 * schemas is loaded.
 */

/** A rule for the values of an option. */
export interface Check {
  fits(value: unknown): boolean;
  /** Follows "must be". */
  readonly expected: string;
  /** True where its value is never quoted. */
  readonly secret?: boolean;
  /** The rules for the fields of the value, each of which is checked. */
  readonly inside?: Readonly<Record<string, Check>>;
}

/** Every option that there is. */
export type Checks<Options> = { readonly [Name in keyof Options]-?: Check };

/** The longest time that a timer can wait, in milliseconds. */
export const longestWaitMs = 2 ** 31 - 1;

const check = (fits: Check["fits"], expected: string): Check => ({ fits, expected });

/** Text that is not empty. */
export const text = check((value) => typeof value === "string" && value.trim() !== "", "a text");
export const textOrEmpty = check((value) => typeof value === "string", "a text");
export const truth = check((value) => typeof value === "boolean", "true or false");
export const anyFunction = check((value) => typeof value === "function", "a function");
export const texts = check((value) => Array.isArray(value) && value.every(text.fits), "a list of texts");
export const list = (of: string): Check => check(Array.isArray, `a list of ${of}`);

/** A key for a service, which goes into a header. */
export const key: Check = {
  fits: (value) => typeof value === "string" && /^[\x21-\x7e]+$/.test(value),
  expected: "a key, without spaces",
  secret: true,
};

/** Returns a check for a URL of these protocols without a query: paths are added to it. */
export const url = (...protocols: readonly string[]): Check => {
  const pattern = new RegExp(`^(${protocols.join("|")})://[^/?#\\s]+[^?#\\s]*$`);
  return check(
    (value) => typeof value === "string" && pattern.test(value) && URL.canParse(value),
    `${protocols[0] === "http" ? "an" : "a"} ${orList(protocols)} URL`,
  );
};

export const matching = (pattern: RegExp, expected: string): Check =>
  check((value) => typeof value === "string" && pattern.test(value), expected);

export const number = (least: number, most: number): Check =>
  check(
    (value) => typeof value === "number" && value >= least && value <= most,
    `a number from ${least} to ${most}`,
  );

export const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  check(
    (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`,
  );

/** Milliseconds that a timer waits for. */
export const duration = (least = 1): Check => whole(least, longestWaitMs);

export const oneOf = (values: readonly unknown[]): Check =>
  check((value) => values.includes(value), `one of ${values.join(", ")}`);

export const orNull = ({ fits, expected }: Check): Check =>
  check((value) => value === null || fits(value), `${expected}, or null`);

export const either = (one: Check, other: Check): Check =>
  check((value) => one.fits(value) || other.fits(value), `${one.expected}, or ${other.expected}`);

/**
 * Returns a check for an object that is known by its methods, not by `instanceof`: it holds across copies of the
 * package.
 */
export const having = (methods: readonly string[], expected: string): Check =>
  check(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((method) => typeof (value as Record<string, unknown>)[method] === "function"),
    expected,
  );

/** Returns the check of an object that has these parts, whatever else it has. */
export const matchesAll = (parts: Readonly<Record<string, Check>>): Check =>
  check(
    (value) =>
      isObject(value) &&
      Object.entries(parts).every(([name, part]) => part.fits((value as Record<string, unknown>)[name])),
    `an object of ${Object.keys(parts).join(" and ")}`,
  );

/** Options within an option. */
export const group = <Options>(inside: Checks<Options>): Check => ({
  ...check(isObject, "an object"),
  inside: inside as Readonly<Record<string, Check>>,
});

/**
 * Throws a `TypeError` for the first option that does not exist or cannot be; one that is `undefined` is not given. Never
 * quotes a key.
 * @param owner Whose they are, such as `gemini.LLM`.
 */
export function checkOptions<Options>(owner: string, given: Options, checks: Checks<Options>): void {
  if (!isObject(given)) throw new TypeError(`${owner}: the options must be an object, not ${shown(given)}`);
  checkAll(owner, "", given, checks as unknown as Readonly<Record<string, Check>>);
}

/** Returns the options with the defaults filled in. Throws as {@link checkOptions} does. */
export function fillWith<Options extends object, Name extends keyof Options>(
  owner: string,
  given: Options,
  checks: Checks<Options>,
  defaults: Readonly<Required<Pick<Options, Name>>>,
): Options & Required<Pick<Options, Name>> {
  checkOptions(owner, given, checks);
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(named) as Options) };
}

/** Throws a `TypeError` where the value does not fit. @param what Names it. */
export function checkValue(what: string, value: unknown, { fits, expected, secret }: Check): void {
  if (fits(value)) return;
  // An object that is not as it should be is better not called "an object".
  const quoted = !secret && !(isObject(value) && expected.startsWith("an object"));
  const but = quoted ? `, not ${shown(value)}` : "";
  throw new TypeError(`${what} must be ${expected}${but}`);
}

function checkAll(owner: string, path: string, given: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(checks, name)) {
      const hint = didYouMean(name, Object.keys(checks), path);
      throw new TypeError(`${owner}: there is no option ${path}${name}${hint}`);
    }
    const known = checks[name]!;
    if (value === undefined) continue;
    checkValue(`${owner}: ${path}${name}`, value, known);
    if (known.inside) checkAll(owner, `${path}${name}.`, value as object, known.inside);
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns a value as an error quotes it. */
function shown(value: unknown): string {
  if (typeof value === "string") return toJson(cutText(value, 80, "…"));
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}

const orList = (items: readonly string[]): string =>
  items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
