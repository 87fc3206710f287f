import type { JsonObject, JsonValue } from "../../shared/protocol.ts";
import type { AgentData, AgentValues } from "../call/agent-in-call.ts";

/** The most characters of JSON that the store may have. */
const mostCharacters = 64 * 1_024;

/** The store of an agent's own code for one call, of JSON alone. */
export class CallData implements AgentData {
  #values: Readonly<Record<string, JsonValue>> = {};
  /** Called when a value has changed. */
  onChange: () => void = () => {};

  /** Throws where a value is not JSON, or all of them are too long. */
  constructor(values: AgentValues = {}) {
    for (const [name, value] of Object.entries(values)) this.set(name, value);
  }

  /** Returns all values, as JSON. */
  get json(): JsonObject {
    return this.#values;
  }

  /** Takes over the values of the agent before. Those that it did not have stay, such as those of a newer version of its code. */
  restore(values: JsonObject): void {
    this.#values = { ...this.#values, ...values };
  }

  get(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#values, name) ? structuredClone(this.#values[name]) : undefined;
  }

  set(name: string, value: JsonValue | undefined): void {
    const { [name]: _, ...others } = this.#values;
    const values = value === undefined ? others : { ...others, [name]: copyOf(name, value) };
    if (JSON.stringify(values).length > mostCharacters)
      throw new RangeError(`agent.data: at most ${mostCharacters} characters of JSON in all`);
    this.#values = values;
    this.onChange();
  }
}

/** Returns a copy, so that a later change of the value by its owner changes nothing here. Throws for what JSON would change or lose. */
function copyOf(name: string, value: JsonValue): JsonValue {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, function (this: unknown, key, converted: unknown) {
      // The value before its own `toJSON`, which makes a text of a date.
      const given = (this as Record<string, unknown>)[key];
      if (!isJson(given) && !(given === undefined && !Array.isArray(this))) throw new TypeError(typeof given);
      return converted;
    });
  } catch {
    // It refers to itself, or holds something else than JSON.
  }
  if (text === undefined) throw new TypeError(`agent.data: ${name} is not JSON`);
  return JSON.parse(text) as JsonValue;
}

/** Returns whether JSON holds a value as it is. The members of objects are asked for one by one. */
function isJson(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null)
    return typeof value === "string" || typeof value === "boolean" || value === null;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
}
