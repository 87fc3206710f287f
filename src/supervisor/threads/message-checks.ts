/** The counts of what one message holds, over all of its parts. */
export interface Meter {
  /** The UTF-16 code units in its texts. */
  characters: number;
  /** The values within its JSON. */
  values: number;
}

/**
 * A check of a value. It returns null where the value is right, else the place and what was expected: `.at: expected a
 * time`.
 */
export type Check = (value: unknown, meter: Meter) => string | null;

/** A check of a field that may be missing. */
export interface Optional {
  readonly optional: Check;
}

/** One check for each field of `T`; the compiler asks for all of them. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K> ? Optional : Check;
};

type VariantOf<U, D extends keyof U, V> = U extends unknown ? (V extends U[D] ? U : never) : never;

/** One row for each variant of the union `U`, by its field `D`. */
export type Variants<U, D extends keyof U> = {
  readonly [V in U[D] & string]: Fields<Omit<VariantOf<U, D, V>, D>>;
};

const fault = (expected: string): string => `: expected ${expected}`;

const when =
  (expected: string, holds: (value: unknown) => boolean): Check =>
  (value) =>
    holds(value) ? null : fault(expected);

export const yesOrNo = when("true or false", (value) => typeof value === "boolean");

/** Checks a duration, a share or an amount: it is finite, and not negative. */
export const amount = when(
  "a number, finite and not negative",
  (value) => typeof value === "number" && value >= 0 && value < Number.MAX_SAFE_INTEGER,
);

export const wholeNumber = when(
  "a whole number that is not negative",
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
);

/** Returns a check of epoch milliseconds that are not in the future, apart from a difference of clocks. */
export function time(now: () => number, spareMs: number): Check {
  return when(
    "a time that is not in the future",
    (value) => typeof value === "number" && value >= 0 && value <= now() + spareMs,
  );
}

export function text(most: number): Check {
  return (value, meter) => {
    if (typeof value !== "string") return fault("a text");
    if (value.length > most) return fault(`at most ${most} characters`);
    meter.characters += value.length;
    return null;
  };
}

export function oneOf(values: readonly string[]): Check {
  const known: ReadonlySet<unknown> = new Set(values);
  return when(`one of ${values.join(", ")}`, (value) => known.has(value));
}

export function nullOr(check: Check): Check {
  return (value, meter) => (value === null ? null : check(value, meter));
}

export function optional(check: Check): Optional {
  return { optional: check };
}

export function listOf(check: Check, most: number): Check {
  return (value, meter) => {
    if (!Array.isArray(value)) return fault("a list");
    if (value.length > most) return fault(`at most ${most} items`);
    for (let at = 0; at < value.length; at += 1) {
      const wrong = check(value[at], meter);
      if (wrong !== null) return `[${at}]${wrong}`;
    }
    return null;
  };
}

/** Returns a check of an object with these fields and no others. */
export function fields<T>(checks: Fields<T>): Check {
  return fieldsAnd(checks as Fields<Record<string, unknown>>, null);
}

/** Returns a check of one of several kinds of objects, told apart by the text in the field `by`. */
export function variants<U, D extends keyof U & string>(by: D, rows: Variants<U, D>): Check {
  const checks = new Map<unknown, Check>(
    Object.entries(rows).map(([name, row]) => [name, fieldsAnd(row as Fields<Record<string, unknown>>, by)]),
  );
  return (value, meter) => {
    if (!isPlainObject(value)) return fault("an object");
    const check = checks.get(value[by]);
    return check ? check(value, meter) : `.${by}${fault(`one of ${[...checks.keys()].join(", ")}`)}`;
  };
}

function fieldsAnd(rows: Fields<Record<string, unknown>>, known: string | null): Check {
  const entries = Object.entries<Check | Optional>(rows);
  const checks = new Map(
    entries.map(([name, row]) => [name, typeof row === "function" ? row : row.optional] as const),
  );
  const required = entries.filter(([, row]) => typeof row === "function").map(([name]) => name);
  return (value, meter) => {
    if (!isPlainObject(value)) return fault("an object");
    for (const name of Object.keys(value)) {
      if (name === known) continue;
      const check = checks.get(name);
      if (check === undefined) return fault("no such field as it has");
      const wrong = check(value[name], meter);
      // An optional field may also be undefined.
      if (wrong !== null && (value[name] !== undefined || required.includes(name))) return `.${name}${wrong}`;
    }
    for (const name of required) if (!Object.hasOwn(value, name)) return `.${name}${fault("a value")}`;
    return null;
  };
}

/** The bounds of JSON that a thread hands over. */
const mostJson = { depth: 32, values: 10_000, text: 1_048_576 };

const jsonText = text(mostJson.text);

/** Returns a check of JSON, which neither holds itself nor anything that has no JSON. */
const json =
  (depth: number): Check =>
  (value, meter) => {
    meter.values += 1;
    if (meter.values > mostJson.values) return fault(`at most ${mostJson.values} values`);
    if (value === null || typeof value === "boolean" || Number.isFinite(value)) return null;
    if (typeof value === "string") return jsonText(value, meter);
    if (depth >= mostJson.depth) return fault(`at most ${mostJson.depth} levels`);
    if (Array.isArray(value)) return listOf(json(depth + 1), mostJson.values)(value, meter);
    if (!isPlainObject(value)) return fault("JSON");
    for (const name of Object.keys(value)) {
      const wrong = jsonText(name, meter) ?? json(depth + 1)(value[name], meter);
      if (wrong !== null) return wrong;
    }
    return null;
  };

export const jsonObject: Check = (value, meter) =>
  isPlainObject(value) ? json(0)(value, meter) : fault("an object");

/**
 * Returns whether a value is what a structured clone makes of an object of no class. A `Map`, a buffer or a port is
 * something else.
 */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
