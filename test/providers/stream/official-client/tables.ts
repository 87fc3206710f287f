import * as enums from "../../../../src/providers/stream/wire/enums.ts";
import * as messages from "../../../../src/providers/stream/wire/messages.ts";
import {
  type Enumeration,
  type MessageFields,
  MessageType,
} from "../../../../src/providers/stream/wire/protobuf.ts";

/** A message type of the official package: protobuf-ts, without its types, which need a browser's. */
export interface OfficialMessage {
  fromBinary(bytes: Uint8Array, options: { readonly readUnknownField: "throw" }): Tree;
  toBinary(message: Tree): Uint8Array;
}
export type Tree = { readonly [name: string]: unknown };

/** The names of messages that the package calls otherwise than we do. */
const officialNames: Readonly<Record<string, string>> = {
  OperatingSystem: "OS",
  IceTrickle: "ICETrickle",
  IceRestart: "ICERestart",
  ErrorEvent: "Error",
  SfuError: "Error",
};

/** Names that the package has twice, where we mean the one of the models. */
const models = new Set(["SfuError", "IceTrickle"]);

const { SfuEvents, SfuModels } = await (async () => {
  const name: string = "@stream-io/video-client";
  const { SfuEvents, SfuModels } = await import(name);
  return { SfuEvents, SfuModels } as Readonly<Record<string, Readonly<Record<string, OfficialMessage>>>>;
})();

export const ourMessages: readonly (readonly [name: string, type: MessageType<MessageFields>])[] =
  Object.entries(messages as Readonly<Record<string, unknown>>).flatMap(([name, value]) =>
    value instanceof MessageType ? [[name, value] as const] : [],
  );

export const ourEnums = Object.entries(enums as Readonly<Record<string, unknown>>).flatMap(([name, value]) =>
  typeof value === "object" ? [[name, value as Enumeration] as const] : [],
);

/** `undefined`: the package exports none. */
export function officialMessage(name: string): OfficialMessage | undefined {
  const official = officialNames[name] ?? name;
  const event = models.has(name) ? undefined : SfuEvents?.[official];
  return event ?? SfuModels?.[official];
}

export function officialEnum(name: string): Readonly<Record<string, number | string>> | undefined {
  return SfuModels?.[name] as Readonly<Record<string, number | string>> | undefined;
}

/** Messages in which each field has a value of its own; as many as it takes for each value of each enumeration, and of each variant. */
export function samples(type: MessageType<MessageFields>): readonly Tree[] {
  if (type.exclusive) {
    return Object.entries(type.fields).flatMap(([name, [, kind]]) =>
      samples(kind as MessageType<MessageFields>).map((value) => ({ [name]: value })),
    );
  }
  const most = Math.max(1, ...Object.values(type.fields).map(([, kind]) => variety(kind)));
  return Array.from({ length: most }, (_, turn) => filled(type, turn));
}

function variety(kind: MessageFields[string][1]): number {
  if (kind instanceof MessageType)
    return Math.max(1, ...Object.values(kind.fields).map(([, one]) => variety(one)));
  return typeof kind === "object" ? Object.keys(kind).length : 1;
}

function filled(type: MessageType<MessageFields>, turn: number): Tree {
  const entries = Object.entries(type.fields).map(([name, [number, kind, repeated]]) => {
    const value = valueFor(kind, name, number, turn);
    return [name, repeated ? [value, valueFor(kind, name, number, turn + 1)] : value];
  });
  return Object.fromEntries(entries);
}

function valueFor(kind: MessageFields[string][1], name: string, number: number, turn: number): unknown {
  if (kind instanceof MessageType) return filled(kind, turn);
  if (typeof kind === "object") {
    const numbers = Object.values(kind);
    return numbers[turn % numbers.length];
  }
  switch (kind) {
    case "string":
      return `${name} – ${turn}`;
    case "bytes":
      return new Uint8Array([number, turn]);
    case "bool":
      return true;
    case "float":
    case "double":
      return number + turn + 0.25;
    case "int32":
      return -number - turn * 1_000;
    case "uint32":
      return 4_000_000_000 + number + turn;
    case "int64":
      return 1_700_000_000_000 + number + turn;
    default:
      return kind satisfies never;
  }
}

/**
 * A message of the package in the form of ours: variants are fields, and 64 bits are a number. Only the fields that ours has; their names
 * may differ in case, as where a figure is within (`e2EeEnabled`).
 */
export function likeOurs(type: MessageType<MessageFields>, theirs: Tree): Tree {
  const variants = Object.values(theirs).filter(isVariant);
  const all = Object.entries<unknown>(Object.assign({}, theirs, ...variants));
  const flat = new Map(all.map(([name, value]) => [name.toLowerCase(), value]));
  const entries = Object.entries(type.fields).flatMap(([name, [, kind, repeated]]) => {
    const value = flat.get(name.toLowerCase());
    if (value === undefined) return [];
    const one = (given: unknown): unknown => {
      if (kind instanceof MessageType) return likeOurs(kind, given as Tree);
      return kind === "int64" ? Number(given) : given;
    };
    return [[name, repeated ? (value as readonly unknown[]).map(one) : one(value)] as const];
  });
  return Object.fromEntries(entries);
}

function isVariant(value: unknown): boolean {
  return typeof value === "object" && value !== null && "oneofKind" in value;
}
