import { randomUUID } from "node:crypto";
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
    const call = open !== undefined && goesOn(open, { id, name, text }) ? open : this.#begin();
    if (index !== null) this.#byIndex.set(index, call);
    call.id ||= id;
    call.name ||= name;
    call.arguments += text;
    call.extra ??= piece.extra_content;
  }

  /** Returns the calls that can be made, each with an id of its own, and whether one of them could not be read. */
  result(): {
    readonly calls: readonly (ToolCall & { readonly extra?: JsonValue })[];
    readonly broken: boolean;
  } {
    const ids = new Set<string>();
    let broken = false;
    const calls = this.#calls.flatMap(({ id: given, name, arguments: text, extra }) => {
      const parsed = read(text);
      if (name === "" || parsed === undefined) {
        broken = true;
        return [];
      }
      const id = given === "" || ids.has(given) ? randomUUID() : given;
      ids.add(id);
      return [{ id, name, arguments: parsed, ...(extra === undefined ? {} : { extra }) }];
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
  const whole = read(open.arguments) !== undefined;
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
    return value === null ? {} : value;
  } catch {
    return undefined;
  }
}
