import { inspect } from "node:util";
import { cutText } from "./text/text.ts";

/**
 * An error as plain fields, which can be sent to another thread. A structured clone would lose `code` and the
 * names of classes.
 */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  /** The error that led to this one. */
  readonly cause?: PlainError;
  /** The errors in an `AggregateError`, the first few of many. */
  readonly errors?: readonly PlainError[];
}

/** The limits of what is sent of one error and its causes. Texts are in characters. */
const most = { causes: 6, errorsOfOne: 8, errorsInAll: 24, text: 8_192, textInAll: 32_768 };

/** The rest of the limits, and the errors that were visited, since causes may form a circle. */
interface Allowance {
  errors: number;
  characters: number;
  readonly met: Set<unknown>;
}

/** Returns the plain fields of an error and its causes. It never throws, whatever was thrown. */
export function plainError(error: unknown): PlainError {
  return plain(error, 0, { errors: most.errorsInAll, characters: most.textInAll, met: new Set() });
}

/** Makes an error of plain fields, so that it can be thrown. */
export function errorOf({ cause, errors, message, ...fields }: PlainError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: errorOf(cause) });
  if (errors !== undefined) {
    Object.defineProperty(error, "errors", {
      value: errors.map(errorOf),
      configurable: true,
      writable: true,
    });
  }
  // Without a stack of its own, the error would have the stack of this line, which is misleading.
  return Object.assign(error, { stack: `${fields.name}: ${message}` }, fields);
}

/** Returns the message of an error with those of its causes, such as `could not start: no such file`. */
export function messageWithCauses({ message, cause, errors = [] }: PlainError): string {
  const parts = [cause, ...errors].filter((part) => part !== undefined).map(messageWithCauses);
  const news = parts.filter((part) => part !== "" && !message.includes(part));
  return news.length === 0 ? message : `${message === "" ? "" : `${message}: `}${news.join("; ")}`;
}

/** Returns a summary of an error: names, codes and beginnings of messages, with two causes at the most. */
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

/** Returns a field; undefined where its getter throws. */
function read(error: object, field: string): unknown {
  try {
    return (error as Readonly<Record<string, unknown>>)[field];
  } catch {
    return undefined;
  }
}

/** Returns a text for a value that was thrown; for an object, its contents. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return `${value} was thrown, which is no error`;
  try {
    if (typeof value !== "object" || value === null) return String(value);
    return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 10 });
  } catch {
    return "(a value that has no text)";
  }
}

/** Cuts a text between characters, since half a surrogate pair is not text. */
function clip(text: string, length: number): string {
  return cutText(text, length, "…").toWellFormed();
}
