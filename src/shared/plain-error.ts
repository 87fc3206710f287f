import { inspect } from "node:util";
import { cutText } from "./text.ts";

/** An error as plain fields, so that it can cross a thread whole (a structured clone loses `code` and custom names). */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  /** The error that led to this one. */
  readonly cause?: PlainError;
  /** The errors that an `AggregateError` holds; of many, the first few. */
  readonly errors?: readonly PlainError[];
}

/** Bounds of what is carried between threads of one error and all that it came from. Texts in characters. */
const most = { causes: 6, errorsOfOne: 8, errorsInAll: 24, text: 8_192, textInAll: 32_768 };

/** The rest of the bounds, and the errors that were met on the way, since causes may lead back to where they began. */
interface Allowance {
  errors: number;
  characters: number;
  readonly met: Set<unknown>;
}

/** Makes plain fields of an error, its causes included. Never throws, whatever was thrown. */
export function plainError(error: unknown): PlainError {
  return plain(error, 0, { errors: most.errorsInAll, characters: most.textInAll, met: new Set() });
}

/** Makes an error of plain fields again, so that it can be thrown. */
export function errorOf({ cause, errors, message, ...fields }: PlainError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: errorOf(cause) });
  if (errors !== undefined) {
    Object.defineProperty(error, "errors", {
      value: errors.map(errorOf),
      configurable: true,
      writable: true,
    });
  }
  // Where the stack was lost, the one of this line would lead astray.
  return Object.assign(error, { stack: `${fields.name}: ${message}` }, fields);
}

/** The message of an error and of all that it came from, in one line of thought: `could not start: no such file`. */
export function messageWithCauses({ message, cause, errors = [] }: PlainError): string {
  const parts = [cause, ...errors].filter((part) => part !== undefined).map(messageWithCauses);
  const news = parts.filter((part) => part !== "" && !message.includes(part));
  return news.length === 0 ? message : `${message === "" ? "" : `${message}: `}${news.join("; ")}`;
}

/** An error of which only a summary is kept: names, codes and beginnings of messages, and two causes at the most. */
export function withoutStacks({ name, message, code, cause }: PlainError, causes = 2): PlainError {
  return {
    name,
    message: clip(message, 500),
    ...(code === undefined ? {} : { code }),
    ...(cause === undefined || causes === 0 ? {} : { cause: withoutStacks(cause, causes - 1) }),
  };
}

function plain(error: unknown, depth: number, left: Allowance): PlainError {
  left.errors -= 1;
  const clipped = (text: string) => {
    const kept = clip(text, Math.min(most.text, Math.max(0, left.characters)));
    left.characters -= kept.length;
    return kept;
  };
  if (!isErrorLike(error)) return { name: "Error", message: clipped(describe(error)) };
  left.met.add(error);
  const name = read(error, "name");
  const message = read(error, "message");
  const stack = read(error, "stack");
  const code = read(error, "code");
  const own = {
    name: clipped(typeof name === "string" ? name : "Error"),
    message: clipped(describe(message ?? error)),
    ...(typeof stack === "string" ? { stack: clipped(stack) } : {}),
    ...(typeof code === "string" || typeof code === "number" ? { code: clipped(String(code)) } : {}),
  };
  const carried = (value: unknown) =>
    depth < most.causes && left.errors > 0 && left.characters > 0 && !left.met.has(value);
  const cause = read(error, "cause");
  const carriedCause =
    cause !== undefined && cause !== null && carried(cause) ? plain(cause, depth + 1, left) : undefined;
  const held = read(error, "errors");
  const errors = (Array.isArray(held) ? held.slice(0, most.errorsOfOne) : []).flatMap((value: unknown) =>
    carried(value) ? [plain(value, depth + 1, left)] : [],
  );
  return {
    ...own,
    ...(carriedCause === undefined ? {} : { cause: carriedCause }),
    ...(errors.length === 0 ? {} : { errors }),
  };
}

function isErrorLike(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  try {
    return "message" in value;
  } catch {
    return false;
  }
}

/** Getters of others may throw. */
function read(error: object, field: string): unknown {
  try {
    return (error as Readonly<Record<string, unknown>>)[field];
  } catch {
    return undefined;
  }
}

/** A text for whatever was thrown: of an object, what is in it. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return `${value} was thrown, which is no error`;
  try {
    if (typeof value !== "object" || value === null) return String(value);
    return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 10 });
  } catch {
    return "(a value that has no text)";
  }
}

/** Cut between characters: half a surrogate pair is no text. */
function clip(text: string, length: number): string {
  return cutText(text, length, "…").toWellFormed();
}
