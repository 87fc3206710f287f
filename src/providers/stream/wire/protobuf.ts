/**
 * Protocol Buffers (proto3) over tables: as much of the encoding as Stream's signalling uses. Maps, groups and the
 * zigzag and fixed-width integers are not part of it.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import {
  type Enumeration,
  type Field,
  type FieldInputs,
  type Fields,
  type FieldValues,
  type Kind,
  Message,
  type Scalar,
} from "./message.ts";
import { ProtobufError } from "./protobuf-error.ts";
import { Reader, wireTypes } from "./protobuf-reader.ts";
import { Writer } from "./protobuf-writer.ts";

export * from "./message.ts";
export { ProtobufError } from "./protobuf-error.ts";

/** The bytes of a message. Throws a {@link ProtobufError} for a number that its field cannot hold. */
export function encode<F extends Fields>(type: Message<F>, input: FieldInputs<F>): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  for (const [name, [number, kind, repeated]] of Object.entries(type.fields)) {
    const value: unknown = input[name];
    if (value === undefined) continue;
    const wireType = wireTypeOf(kind);
    if (repeated === undefined) {
      if (isDefault(value)) continue;
      writer.tag(number, wireType);
      writeOne(writer, kind, value, name);
    } else if (wireType === lengthDelimited) {
      for (const one of value as readonly unknown[]) {
        writer.tag(number, wireType);
        writeOne(writer, kind, one, name);
      }
    } else if ((value as readonly unknown[]).length > 0) {
      const packed = new Writer();
      for (const one of value as readonly unknown[]) writeOne(packed, kind, one, name);
      writer.tag(number, lengthDelimited);
      writer.delimited(packed.bytes());
    }
  }
  return writer.bytes();
}

/** The message in the bytes. Fields that are not in the table are skipped. Throws a {@link ProtobufError}. */
export function decode<F extends Fields>(type: Message<F>, bytes: Uint8Array): FieldValues<F> {
  const target = emptyOf(type);
  readInto(type, target, new Reader(bytes));
  return target as FieldValues<F>;
}

const { varint, fixed64, lengthDelimited, fixed32 } = wireTypes;

type Draft = Record<string, unknown>;

function wireTypeOf(kind: Kind): number {
  if (kind instanceof Message || kind === "string" || kind === "bytes") return lengthDelimited;
  if (kind === "double") return fixed64;
  return kind === "float" ? fixed32 : varint;
}

/** Returns the value of a scalar that was not sent. Such a value is not sent either. */
function defaultOf(kind: Scalar | Enumeration): unknown {
  if (kind === "string") return "";
  if (kind === "bytes") return new Uint8Array();
  return kind === "bool" ? false : 0;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === false || Object.is(value, 0);
}

function emptyOf(type: Message<Fields>): Draft {
  const draft: Draft = {};
  for (const [name, [, kind, repeated]] of Object.entries(type.fields)) {
    if (repeated !== undefined) draft[name] = [];
    else if (!(kind instanceof Message)) draft[name] = defaultOf(kind);
  }
  return draft;
}

const integerRanges = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
} as const;

function integer(kind: keyof typeof integerRanges, value: unknown, name: string): bigint {
  const [least, most] = integerRanges[kind];
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new ProtobufError(`${name}: ${String(value)} is not of type ${kind}`);
  }
  return BigInt(value as number);
}

function writeOne(writer: Writer, kind: Kind, value: unknown, name: string): void {
  if (kind instanceof Message) writer.delimited(encode(kind, value as FieldInputs<Fields>));
  else if (kind === "string") writer.delimited(utf8.encode(value as string));
  else if (kind === "bytes") writer.delimited(value as Uint8Array);
  else if (kind === "float") writer.float(value as number);
  else if (kind === "double") writer.double(value as number);
  else if (kind === "bool") writer.varint(value === true ? 1n : 0n);
  else writer.varint(integer(typeof kind === "string" ? kind : "int32", value, name));
}

function readInto(type: Message<Fields>, draft: Draft, reader: Reader): void {
  while (!reader.done) {
    const [number, wireType] = reader.tag();
    const known = type.byNumber.get(number);
    if (known === undefined || !readField(draft, known, reader, wireType)) reader.skip(wireType);
    else if (type.exclusive) for (const name of Object.keys(draft)) if (name !== known[0]) delete draft[name];
  }
}

/** Returns whether the field is laid out as its kind demands; otherwise nothing was read. */
function readField(
  draft: Draft,
  [name, [, kind, repeated]]: readonly [string, Field],
  reader: Reader,
  wireType: number,
): boolean {
  const several = draft[name] as unknown[];
  if (wireType === wireTypeOf(kind)) {
    if (repeated !== undefined) several.push(readOne(reader, kind));
    // A message that comes in several pieces is put together.
    else if (kind instanceof Message) readInto(kind, nested(draft, name, kind), reader.delimited());
    else draft[name] = readOne(reader, kind);
    return true;
  }
  if (repeated === undefined || wireType !== lengthDelimited) return false;
  const packed = reader.delimited();
  while (!packed.done) several.push(readOne(packed, kind));
  return true;
}

function nested(draft: Draft, name: string, type: Message<Fields>): Draft {
  draft[name] ??= emptyOf(type);
  return draft[name] as Draft;
}

function readOne(reader: Reader, kind: Kind): unknown {
  if (kind instanceof Message) {
    const draft = emptyOf(kind);
    readInto(kind, draft, reader.delimited());
    return draft;
  }
  switch (kind) {
    case "string":
      return text.decode(reader.delimited().rest());
    case "bytes":
      return reader.delimited().rest().slice();
    case "bool":
      return reader.varint() !== 0n;
    case "float":
      return reader.float();
    case "double":
      return reader.double();
    case "int64":
      return Number(BigInt.asIntN(64, reader.varint()));
    case "uint32":
      return Number(BigInt.asUintN(32, reader.varint()));
    default:
      return Number(BigInt.asIntN(32, reader.varint()));
  }
}

const utf8 = new TextEncoder();
/** Bytes that are not UTF-8 become U+FFFD: somebody's odd name must not cost a call its signalling. */
const text = new TextDecoder("utf-8", { ignoreBOM: true });
