/**
 * Protocol Buffers (proto3) over tables: as much of the encoding as Stream's signalling uses. Maps, groups and the
 * zigzag and fixed-width integers are not part of it.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import {
  type Enumeration,
  type FieldInputs,
  type FieldKind,
  type FieldValues,
  type MessageField,
  type MessageFields,
  MessageType,
  type Scalar,
} from "./message.ts";
import { ProtobufError, ProtobufReader, wireTypes } from "./protobuf-reader.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";

export * from "./message.ts";
export { ProtobufError } from "./protobuf-reader.ts";

/**
 * Returns the bytes of a message. It throws a {@link ProtobufError} for a number that its field cannot hold.
 */
export function encode<F extends MessageFields>(
  type: MessageType<F>,
  input: FieldInputs<F>,
): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter();
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
      const packed = new ProtobufWriter();
      for (const one of value as readonly unknown[]) writeOne(packed, kind, one, name);
      writer.tag(number, lengthDelimited);
      writer.delimited(packed.bytes());
    }
  }
  return writer.bytes();
}

/**
 * Returns the message in the bytes. It skips fields that are not in the table. It throws a
 * {@link ProtobufError} for bytes that are no such message.
 */
export function decode<F extends MessageFields>(type: MessageType<F>, bytes: Uint8Array): FieldValues<F> {
  const target = emptyOf(type);
  readInto(type, target, new ProtobufReader(bytes));
  return target as FieldValues<F>;
}

const { varint, fixed64, lengthDelimited, fixed32 } = wireTypes;

type DecodedFields = Record<string, unknown>;

function wireTypeOf(kind: FieldKind): number {
  if (kind instanceof MessageType || kind === "string" || kind === "bytes") return lengthDelimited;
  if (kind === "double") return fixed64;
  return kind === "float" ? fixed32 : varint;
}

/** Returns the default of a scalar. A field with its default is not written. */
function defaultOf(kind: Scalar | Enumeration): unknown {
  if (kind === "string") return "";
  if (kind === "bytes") return new Uint8Array();
  return kind === "bool" ? false : 0;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === "" || value === false || Object.is(value, 0);
}

function emptyOf(type: MessageType<MessageFields>): DecodedFields {
  const draft: DecodedFields = {};
  for (const [name, [, kind, repeated]] of Object.entries(type.fields)) {
    if (repeated !== undefined) draft[name] = [];
    else if (!(kind instanceof MessageType)) draft[name] = defaultOf(kind);
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

function writeOne(writer: ProtobufWriter, kind: FieldKind, value: unknown, name: string): void {
  if (kind instanceof MessageType) writer.delimited(encode(kind, value as FieldInputs<MessageFields>));
  else if (kind === "string") writer.delimited(utf8.encode(value as string));
  else if (kind === "bytes") writer.delimited(value as Uint8Array);
  else if (kind === "float") writer.float(value as number);
  else if (kind === "double") writer.double(value as number);
  else if (kind === "bool") writer.varint(value === true ? 1n : 0n);
  else writer.varint(integer(typeof kind === "string" ? kind : "int32", value, name));
}

function readInto(type: MessageType<MessageFields>, draft: DecodedFields, reader: ProtobufReader): void {
  while (!reader.done) {
    const [number, wireType] = reader.tag();
    const known = type.byNumber.get(number);
    if (known === undefined || !readField(draft, known, reader, wireType)) reader.skip(wireType);
    else if (type.exclusive) for (const name of Object.keys(draft)) if (name !== known[0]) delete draft[name];
  }
}

/** Returns whether the field is laid out as its kind demands; otherwise nothing was read. */
function readField(
  draft: DecodedFields,
  [name, [, kind, repeated]]: readonly [string, MessageField],
  reader: ProtobufReader,
  wireType: number,
): boolean {
  const several = draft[name] as unknown[];
  if (wireType === wireTypeOf(kind)) {
    if (repeated !== undefined) several.push(readOne(reader, kind));
    // The parts of a message that was sent in several parts are merged.
    else if (kind instanceof MessageType) readInto(kind, nested(draft, name, kind), reader.delimited());
    else draft[name] = readOne(reader, kind);
    return true;
  }
  if (repeated === undefined || wireType !== lengthDelimited) return false;
  const packed = reader.delimited();
  while (!packed.done) several.push(readOne(packed, kind));
  return true;
}

function nested(draft: DecodedFields, name: string, type: MessageType<MessageFields>): DecodedFields {
  draft[name] ??= emptyOf(type);
  return draft[name] as DecodedFields;
}

function readOne(reader: ProtobufReader, kind: FieldKind): unknown {
  if (kind instanceof MessageType) {
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
/**
 * Decodes text. Bytes that are not UTF-8 become U+FFFD, so that an unusual name does not break the signalling
 * of a call.
 */
const text = new TextDecoder("utf-8", { ignoreBOM: true });
