/** The types of scalars. Integers of 64 bits are numbers: exact up to 2^53, and rounded beyond. */
interface ScalarTypes {
  readonly string: string;
  readonly bytes: Uint8Array;
  readonly bool: boolean;
  readonly int32: number;
  readonly uint32: number;
  readonly int64: number;
  readonly float: number;
  readonly double: number;
}
export type Scalar = keyof ScalarTypes;

/**
 * The names and numbers of an enumeration. Fields of it are plain numbers, since a newer server may send one
 * that is not listed.
 */
export type Enumeration = Readonly<Record<string, number>>;

export type FieldKind = Scalar | Enumeration | MessageType<MessageFields>;

/** A field: its number, its kind, and whether it is repeated. */
export type MessageField = readonly [number: number, kind: FieldKind, repeated?: "repeated"];
export type MessageFields = Readonly<Record<string, MessageField>>;

type OneValue<K> = K extends Scalar
  ? ScalarTypes[K]
  : K extends MessageType<infer F>
    ? FieldValues<F>
    : number;
type OneInput<K> = K extends Scalar
  ? ScalarTypes[K]
  : K extends MessageType<infer F>
    ? FieldInputs<F>
    : number;

type NestedNames<F extends MessageFields> = {
  [N in keyof F]: F[N] extends readonly [number, MessageType<MessageFields>] ? N : never;
}[keyof F];

export type FieldValues<F extends MessageFields> = {
  readonly [N in Exclude<keyof F, NestedNames<F>>]: F[N] extends readonly [number, infer K, "repeated"]
    ? readonly OneValue<K>[]
    : OneValue<F[N][1]>;
} & { readonly [N in NestedNames<F>]?: OneValue<F[N][1]> };

export type FieldInputs<F extends MessageFields> = {
  readonly [N in keyof F]?:
    | (F[N] extends readonly [number, infer K, "repeated"] ? readonly OneInput<K>[] : OneInput<F[N][1]>)
    | undefined;
};

/**
 * A decoded message. Scalars that were not sent have their default; messages that were not sent are absent.
 */
export type MessageValue<M> = M extends MessageType<infer F> ? FieldValues<F> : never;

/** A message to encode. Fields that are left out have their default. */
export type MessageInput<M> = M extends MessageType<infer F> ? FieldInputs<F> : never;

/** The type of a message: its fields by name, in camelCase. */
export class MessageType<F extends MessageFields> {
  readonly fields: F;
  /** Says whether the fields exclude one another (`oneof`): the last one that was sent counts. */
  readonly exclusive: boolean;
  readonly byNumber: ReadonlyMap<number, readonly [name: string, field: MessageField]>;

  constructor(fields: F, exclusive: boolean) {
    this.fields = fields;
    this.exclusive = exclusive;
    this.byNumber = new Map(Object.entries(fields).map(([name, field]) => [field[0], [name, field]]));
  }
}

/** Makes the type of a message. */
export function message<const F extends MessageFields>(fields: F): MessageType<F> {
  return new MessageType(fields, false);
}

/** Makes the type of a message that has exactly one of its fields. */
export function oneof<const F extends MessageFields>(fields: F): MessageType<F> {
  return new MessageType(fields, true);
}

/** The field of a `oneof` message that was sent, with its name. */
export type Variant<M> =
  M extends MessageType<infer F>
    ? { [N in keyof F & string]: { readonly type: N; readonly value: OneValue<F[N][1]> } }[keyof F & string]
    : never;

/** Returns the field that was sent; null where it is unknown. */
export function variantOf<F extends MessageFields>(value: FieldValues<F>): Variant<MessageType<F>> | null {
  const [entry] = Object.entries(value);
  return entry === undefined ? null : ({ type: entry[0], value: entry[1] } as Variant<MessageType<F>>);
}
