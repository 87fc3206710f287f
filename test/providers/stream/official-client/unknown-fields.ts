import { type MessageFields, MessageType } from "../../../../src/providers/stream/wire/protobuf.ts";

/** The numbers of the fields in these bytes that the table does not have, each with its path. */
export function unknownFields<F extends MessageFields>(
  type: MessageType<F>,
  bytes: Uint8Array,
  path = "",
): readonly string[] {
  const unknown: string[] = [];
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[offset++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (offset < bytes.length) {
    const tag = varint();
    const [name, field] = type.byNumber.get(tag >>> 3) ?? [];
    if (field === undefined) unknown.push(`${path}${tag >>> 3}`);
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType !== 2) offset += wireType === 1 ? 8 : 4;
    else {
      const end = varint() + offset;
      const kind = field?.[1];
      if (kind instanceof MessageType) {
        unknown.push(...unknownFields(kind, bytes.subarray(offset, end), `${path}${name}.`));
      }
      offset = end;
    }
  }
  return unknown;
}
