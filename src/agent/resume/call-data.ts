import type { JsonObject, JsonValue } from "../../shared/protocol.ts";

/** The most characters of JSON that the store may have. */
const mostCharacters = 64 * 1_024;

/** The store of an agent's own code for one call, of JSON alone. */
export class CallData {
  #values: Readonly<Record<string, JsonValue>> = {};
  /** Called when a value has changed. */
  onChange: () => void = () => {};

  /** Returns all values, as JSON. */
  get json(): JsonObject {
    return this.#values;
  }

  /** Takes over the values of the agent before. */
  restore(values: JsonObject): void {
    this.#values = { ...values };
  }

  get(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
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

/** Returns a copy, so that a later change of the value by its owner changes nothing here. */
function copyOf(name: string, value: JsonValue): JsonValue {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // It refers to itself, or holds a bigint.
  }
  if (text === undefined) throw new TypeError(`agent.data: ${name} is not JSON`);
  return JSON.parse(text) as JsonValue;
}
