import type { z } from "zod";
import { GreenroomError } from "../../shared/errors.ts";

/** One fault of a request, in the form that FastAPI gives it. */
export interface Flaw {
  /** The place: `body`, `query`, `path` or `header`, then the names that lead to it. */
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  /** A short class, such as `missing` or `string_too_long`. */
  readonly type: string;
}

/** The error 422, with the faults of the request. */
export class InvalidRequest extends GreenroomError {
  readonly flaws: readonly Flaw[];

  constructor(flaws: readonly Flaw[]) {
    super("INVALID_REQUEST", flaws.map(({ loc, msg }) => `${loc.join(".")}: ${msg}`).join("; "));
    this.flaws = flaws;
  }
}

type RequestPart = "body" | "query" | "path" | "header";

/** Returns the value with the schema's defaults. Throws {@link InvalidRequest}. */
export function validated<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: RequestPart,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidRequest(flawsOf(result.error.issues, value, place));
}

/** An issue of zod, possibly of another copy of it, which is why its fields are optional. */
export interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly origin?: unknown;
  readonly expected?: unknown;
  /** The fields that are not known, where that is the issue. */
  readonly keys?: readonly string[];
}

export function flawsOf(issues: readonly Issue[], value?: unknown, place?: RequestPart): Flaw[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") return unknownKeysOf(issue, place);
    const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
    const missing = place !== undefined && valueAt(value, path) === undefined;
    return {
      loc: place === undefined ? path : [place, ...path],
      msg: missing ? "Field required" : issue.message,
      type: missing ? "missing" : typeOf(issue, place),
    };
  });
}

/** Returns a fault for each field that the schema does not know. */
function unknownKeysOf({ keys = [], path }: Issue, place?: RequestPart): Flaw[] {
  const loc = [
    ...(place === undefined ? [] : [place]),
    ...path.map((key) => (typeof key === "number" ? key : String(key))),
  ];
  return keys.map((key) => ({ loc: [...loc, key], msg: "There is no such field", type: "extra_forbidden" }));
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === "object" && at !== null ? (at as Record<string | number, unknown>)[key] : undefined,
    value,
  );
}

/** Returns FastAPI's name for an issue, as pydantic would give it. */
function typeOf({ code, origin, expected }: Issue, place?: RequestPart): string {
  const of = typeof origin === "string" ? origin : "value";
  switch (code) {
    case "invalid_type":
      // A query is text, from which a number is parsed.
      if (place === "query") return "int_parsing";
      return expected === "object" || expected === "record" ? "dict_type" : `${String(expected)}_type`;
    case "too_small":
      return of === "string" ? "string_too_short" : "greater_than_equal";
    case "too_big":
      return of === "string" ? "string_too_long" : "less_than_equal";
    case "invalid_format":
      return "string_pattern_mismatch";
    case "invalid_value":
      return "enum";
    default:
      return "value_error";
  }
}
