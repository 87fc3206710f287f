import type { JsonObject, JsonValue } from "../../shared/protocol.ts";
import { cutText } from "../../shared/text/text.ts";
import type { ToolResult } from "../model/message.ts";

/** The deepest nesting of a result: Gemini refuses a message that is nested deeper than a hundred protobuf fields. */
const deepest = 24;

const inspectError = (error: Error) => `${error.name}: ${error.message}`;

/**
 * A tool's result as the model is told it: a text as it was written, anything else as JSON. A value that JSON cannot
 * hold is described, since the work was done all the same: a `BigInt` is decimal text, a `Map` an object or a list of
 * entries, a `Set` a list, a circle `(circular)`, a function or a stream `(its kind)`. Never throws.
 */
export class ToolOutput {
  /** The parts that could not be told whole, as `path: what it is`, for the log. */
  readonly untold: string[] = [];
  readonly #maxLength: number;
  /** The objects around the one that is being told. */
  readonly #around = new Set<object>();
  /** Values that may still be told: each takes a character at least. */
  #left: number;

  /** @param maxLength Where the text is cut, in characters. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
    this.#left = maxLength;
  }

  tell(value: unknown): Pick<ToolResult, "output" | "format"> {
    if (typeof value === "string") return this.#text(value);
    // Not `null`, which reads as "there is none".
    if (value === undefined) return this.#text("(done, without a result)");
    const told = this.#told(value, "", 0);
    if (typeof told === "string") return this.#text(told);
    const json = JSON.stringify(told);
    return json.length > this.#maxLength ? this.#text(json) : { output: json, format: "json" };
  }

  #text(text: string): Pick<ToolResult, "output" | "format"> {
    return { output: cutText(text, this.#maxLength), format: "text" };
  }

  #told(value: unknown, path: string, depth: number): JsonValue {
    if (this.#left-- <= 0) return this.#instead(path, "cut");
    try {
      return this.#plain(value, path, depth);
    } catch {
      // A getter, a proxy or a conversion of the value's own throws.
      return this.#instead(path, "unreadable");
    }
  }

  #plain(value: unknown, path: string, depth: number): JsonValue {
    switch (typeof value) {
      case "string":
      case "boolean":
        return value;
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "bigint":
        return String(value);
      case "undefined":
        return null;
      case "function":
      case "symbol":
        return this.#instead(path, typeof value);
      default:
        return value === null ? null : this.#object(value as object, path, depth);
    }
  }

  #object(value: object, path: string, depth: number): JsonValue {
    if (this.#around.has(value)) return this.#instead(path, "circular");
    if (depth >= deepest) return this.#instead(path, "nested too deeply");
    this.#around.add(value);
    try {
      // Its `toJSON` may hold the request that failed, with its keys.
      if (value instanceof Error) return inspectError(value);
      const { toJSON } = value as { readonly toJSON?: unknown };
      const own = typeof toJSON === "function" && !isBytes(value) ? this.#converted(value) : undefined;
      return own === undefined ? this.#fields(value, path, depth) : this.#told(own.value, path, depth + 1);
    } finally {
      this.#around.delete(value);
    }
  }

  /** Returns what the object's own `toJSON` makes of it; undefined where that is of no use. */
  #converted(value: object): { readonly value: unknown } | undefined {
    if (value instanceof Date && Number.isNaN(value.getTime())) return { value: String(value) };
    try {
      const converted: unknown = (value as { toJSON(key: string): unknown }).toJSON("");
      return converted === value ? undefined : { value: converted };
    } catch {
      return undefined;
    }
  }

  #fields(value: object, path: string, depth: number): JsonValue {
    const inner = (one: unknown, key: string | number) => this.#told(one, `${path}.${key}`, depth + 1);
    if (Array.isArray(value)) return Array.from(value, inner);
    if ("rawJSON" in value && isRawJson(value)) return String(value.rawJSON);
    if (value instanceof Map) {
      const entries = [...value];
      const named = entries.every(([key]) => ["string", "number", "bigint", "boolean"].includes(typeof key));
      // 1 and "1" are two keys of a map, and one of an object.
      const names = new Set(named ? entries.map(([key]) => String(key)) : []);
      if (names.size < entries.length) return entries.map((entry, index) => inner(entry, index));
      return Object.fromEntries(entries.map(([key, one]) => [String(key), inner(one, String(key))]));
    }
    if (value instanceof Set) return [...value].map(inner);
    if (isBytes(value)) return this.#instead(path, `${kindOf(value)} of ${value.byteLength} bytes`);
    if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, inner);
    if (isPairs(value)) return [...value].map((pair, index) => inner(pair, index));
    const kind = kindOf(value);
    switch (kind) {
      case "RegExp":
      case "URLSearchParams":
        return String(value);
      case "String":
      case "Number":
      case "Boolean":
      case "BigInt":
        return inner(value.valueOf(), "value");
      case "Response": {
        const { status, statusText } = value as unknown as Response;
        return this.#instead(path, `Response ${status} ${statusText}`.trim());
      }
      default:
        return this.#entries(value, kind, path, inner);
    }
  }

  #entries(
    value: object,
    kind: string,
    path: string,
    inner: (one: unknown, key: string) => JsonValue,
  ): JsonValue {
    const fields: [string, JsonValue][] = [];
    for (const key of Object.keys(value)) {
      let one: unknown;
      try {
        one = (value as Record<string, unknown>)[key];
      } catch {
        fields.push([key, this.#instead(`${path}.${key}`, "unreadable")]);
        continue;
      }
      // As JSON has it: what is undefined is not there, and neither are methods.
      if (one !== undefined && typeof one !== "function" && typeof one !== "symbol")
        fields.push([key, inner(one, key)]);
    }
    const plain = kind === "Object" || kind === "";
    if (fields.length > 0 || plain) return Object.fromEntries(fields) as JsonObject;
    return this.#instead(path, kind);
  }

  #instead(path: string, what: string): string {
    if (this.untold.length < 10) this.untold.push(`${path === "" ? "the result" : path.slice(1)}: ${what}`);
    return `(${what})`;
  }
}

/**
 * Resolves with the body of a `Response` that a tool returned instead of reading it; with any other value as it is. Of
 * a long one only the beginning is read, and of sound, pictures and the like nothing; neither of one that cannot be
 * read any more.
 */
export async function readResponse(value: unknown, maxLength: number): Promise<unknown> {
  if (!isReadable(value)) return value;
  const { body, status, statusText, ok, headers } = value;
  const type = headers.get("content-type") ?? "";
  if (!/^$|^text\/|[/+](json|xml|javascript|x-www-form-urlencoded)\b/i.test(type)) {
    await body.cancel();
    return value;
  }
  let text = ok ? "" : `HTTP ${status} ${statusText}`.trim().concat(": ");
  try {
    for await (const piece of body.pipeThrough(decoderOf(type))) {
      text += piece;
      if (text.length > maxLength) break;
    }
  } catch {
    // It broke off: what the tool asked for may be done all the same.
    return value;
  }
  return text;
}

function isReadable(value: unknown): value is Response & { readonly body: ReadableStream<Uint8Array> } {
  return value instanceof Response && value.body !== null && !value.bodyUsed && !value.body.locked;
}

/** Returns a decoder of the character set that the content type names; of UTF-8 where it names none that is known. */
function decoderOf(contentType: string): TextDecoderStream {
  const charset = /;\s*charset="?([^\s;"]+)/i.exec(contentType)?.[1];
  try {
    return new TextDecoderStream(charset);
  } catch {
    return new TextDecoderStream();
  }
}

/** Digits that are to be written as they are (`JSON.rawJSON`); TypeScript does not know of them yet. */
function isRawJson(value: object): boolean {
  return (JSON as unknown as { isRawJSON(value: object): boolean }).isRawJSON(value);
}

/** Bytes, which no model reads as numbers. */
function isBytes(value: object): value is { readonly byteLength: number } {
  return (
    value instanceof Uint8Array ||
    value instanceof DataView ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer
  );
}

/** Headers, form data and the like. */
function isPairs(value: object): value is Iterable<unknown> {
  return ["Headers", "FormData"].includes(kindOf(value));
}

/** Returns the name of a value's class, such as `Promise` or `ReadableStream`; `Object` for a plain one. */
function kindOf(value: object): string {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  if (tag !== "Object") return tag;
  const { constructor: maker } = value as { readonly constructor?: { readonly name?: unknown } };
  return typeof maker === "function" && typeof maker.name === "string" ? maker.name : tag;
}
