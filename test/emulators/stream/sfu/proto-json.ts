/** Messages in Twirp's JSON: snake_case names, and enumerations by name. camelCase and numbers are read too. */
import * as enums from "../../../../src/providers/stream/wire/enums.ts";
import {
  type Enumeration,
  type MessageFields,
  MessageType,
  type MessageValue,
} from "../../../../src/providers/stream/wire/protobuf.ts";

type FieldKind = MessageFields[string][1];
type Json = Readonly<Record<string, unknown>>;

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Returns the prefix of an enumeration's values, such as `TRACK_TYPE_`. */
const prefixes = new Map<unknown, string>(
  Object.entries(enums)
    .filter(([, value]) => typeof value === "object")
    .map(([name, value]) => [value, `${snake(name).slice(1).toUpperCase()}_`]),
);

/** Returns the message. `unknown` is called with the path of each key that the message does not have. */
export function fromJson<F extends MessageFields>(
  type: MessageType<F>,
  json: Json,
  unknown: string[] = [],
  path = "",
): MessageValue<MessageType<F>> {
  const draft: Record<string, unknown> = {};
  for (const [name, [, kind, repeated]] of Object.entries<MessageFields[string]>(type.fields)) {
    if (repeated) draft[name] = [];
    else if (!(kind instanceof MessageType))
      draft[name] = kind === "string" ? "" : kind === "bool" ? false : 0;
  }
  for (const [key, value] of Object.entries(json)) {
    const name = camel(key);
    const field = type.fields[name];
    if (field === undefined) unknown.push(`${path}${key}`);
    else if (value !== null) {
      const [, kind, repeated] = field;
      const read = (one: unknown) => readValue(kind, one, unknown, `${path}${name}.`);
      draft[name] = repeated ? (value as readonly unknown[]).map(read) : read(value);
    }
  }
  return draft as MessageValue<MessageType<F>>;
}

export function toJson<F extends MessageFields>(type: MessageType<F>, value: object): Json {
  const write = (kind: FieldKind, one: unknown): unknown => {
    if (kind instanceof MessageType) return toJson(kind, one as object);
    if (typeof kind === "object") return enumName(kind, one as number);
    if (kind === "int64") return String(one);
    return kind === "bytes" ? Buffer.from(one as Uint8Array).toString("base64") : one;
  };
  const entries = Object.entries(value).flatMap(([name, given]) => {
    const field = type.fields[name];
    if (field === undefined || given === undefined) return [];
    const [, kind, repeated] = field;
    const written = repeated ? given.map((one: unknown) => write(kind, one)) : write(kind, given);
    return [[snake(name), written] as const];
  });
  return Object.fromEntries(entries);
}

function readValue(kind: FieldKind, json: unknown, unknown: string[], path: string): unknown {
  if (kind instanceof MessageType) return fromJson(kind, json as Json, unknown, path);
  if (typeof kind === "object") return enumNumber(kind, json, unknown, path);
  if (kind === "bytes") return new Uint8Array(Buffer.from(json as string, "base64"));
  if (kind === "string" || kind === "bool") return json;
  return Number(json);
}

function enumNumber(kind: Enumeration, json: unknown, unknown: string[], path: string): number {
  if (typeof json === "number") return json;
  const prefix = prefixes.get(kind) ?? "";
  const number = String(json).startsWith(prefix) ? kind[String(json).slice(prefix.length)] : undefined;
  if (number === undefined) unknown.push(`${path}${json}`);
  return number ?? 0;
}

function enumName(kind: Enumeration, number: number): string | number {
  const name = Object.keys(kind).find((one) => kind[one] === number);
  return name === undefined ? number : `${prefixes.get(kind)}${name}`;
}
