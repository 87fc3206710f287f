import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ToolCall } from "../../../agent/model/message.ts";
import type { JsonValue } from "../../../shared/protocol.ts";

/** A piece of a call as it stands in `delta.tool_calls`. */
export interface ToolCallPiece {
  readonly index?: number | null;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null;
  /** Data that the service wants back with the call, such as a thought signature of Google's. */
  readonly extra_content?: JsonValue;
}

/** The most calls of an answer that are read, and the most characters of the arguments of each: a server may write them without end. */
const mostCalls = 256;
const longestArguments = 262_144;

interface OpenCall {
  id: string;
  name: string;
  arguments: string;
  extra: JsonValue | undefined;
}

/**
 * Puts the calls of an answer together from their pieces. OpenAI gives each call an index, an id and a name once, and its
 * arguments in pieces. Others give no index or the same to all, no id or a new one with each piece, the name again, or the whole
 * call at once: a piece begins a call where it cannot go on with one.
 */
export class ToolCalls {
  readonly #calls: OpenCall[] = [];
  readonly #byIndex = new Map<number, OpenCall>();

  /** Returns whether a call has begun. */
  get begun(): boolean {
    return this.#calls.length > 0;
  }

  add(piece: ToolCallPiece): void {
    const id = textOf(piece.id);
    const name = textOf(piece.function?.name);
    const text = argumentsOf(piece.function?.arguments);
    const index = typeof piece.index === "number" ? piece.index : null;
    const open = this.#openCall(index, id);
    const known = open !== undefined && goesOn(open, { id, name, text }) ? open : undefined;
    if (known === undefined && this.#calls.length >= mostCalls) return;
    const call = known ?? this.#begin();
    if (index !== null) this.#byIndex.set(index, call);
    call.id ||= id;
    call.name ||= name;
    // Beyond that they are cut, and so cannot be read.
    if (call.arguments.length <= longestArguments) call.arguments += text;
    call.extra ??= piece.extra_content;
  }

  /**
   * Returns the calls that can be made, each with an id of its own, and whether one of them could not be read. The same call again is
   * no other one: what it does would be done twice.
   * @param isCut True where the answer was cut for its length: the arguments of its last call may not have begun.
   */
  result(isCut: boolean): {
    readonly calls: readonly (ToolCall & { readonly extra?: JsonValue })[];
    readonly broken: boolean;
  } {
    const byId = new Map<string, ToolCall>();
    let broken = false;
    const calls = this.#calls.flatMap((call) => {
      const { id: given, name, arguments: text, extra } = call;
      const parsed = read(text);
      const isBegun = isCut && call === this.#calls.at(-1) && text.trim() === "";
      if (name === "" || parsed === undefined || isBegun) {
        broken = true;
        return [];
      }
      const same = given === "" ? undefined : byId.get(given);
      if (same?.name === name && isDeepStrictEqual(same.arguments, parsed)) return [];
      const id = given === "" || same !== undefined ? randomUUID() : given;
      const made = { id, name, arguments: parsed };
      byId.set(id, made);
      return [{ ...made, ...(extra === undefined ? {} : { extra }) }];
    });
    return { calls, broken };
  }

  #openCall(index: number | null, id: string): OpenCall | undefined {
    if (index !== null) return this.#byIndex.get(index);
    return this.#calls.findLast((call) => id !== "" && call.id === id) ?? this.#calls.at(-1);
  }

  #begin(): OpenCall {
    const call: OpenCall = { id: "", name: "", arguments: "", extra: undefined };
    this.#calls.push(call);
    return call;
  }
}

/** Returns whether a piece belongs to a call that has begun. Ids alone do not tell: some servers make one for each piece. */
function goesOn(
  open: OpenCall,
  { id, name, text }: { readonly id: string; readonly name: string; readonly text: string },
): boolean {
  if (name === "" || open.name === "") return true;
  if (name !== open.name) return false;
  const otherId = id !== "" && open.id !== "" && id !== open.id;
  if (open.arguments === "") return !otherId;
  const whole = open.arguments.trimEnd().endsWith("}") && read(open.arguments) !== undefined;
  return !whole || (text === "" && !otherId);
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** Returns arguments as text: some servers give an object. */
function argumentsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : "";
}

/** Returns arguments as JSON; undefined where they are none. No arguments are an empty object. */
function read(text: string): JsonValue | undefined {
  if (text.trim() === "") return {};
  try {
    const value = JSON.parse(text) as JsonValue;
    // Some servers write the text of the arguments as JSON once more.
    const inner = typeof value === "string" ? objectIn(value) : null;
    return inner ?? (value === null ? {} : value);
  } catch {
    return undefined;
  }
}

function objectIn(text: string): JsonValue | null {
  try {
    const value = JSON.parse(text) as JsonValue;
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
