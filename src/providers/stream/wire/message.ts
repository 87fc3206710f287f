/** Integers of 64 bits are numbers here: exact up to 2^53, rounded beyond. */
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

/** Names and numbers of an enumeration. Its fields are plain numbers: a newer server may send one that is not in it. */
export type Enumeration = Readonly<Record<string, number>>;

export type Kind = Scalar | Enumeration | Message<Fields>;

/** The number of a field, what is in it, and whether there may be several. */
export type Field = readonly [number: number, kind: Kind, repeated?: "repeated"];
export type Fields = Readonly<Record<string, Field>>;

type OneValue<K> = K extends Scalar ? ScalarTypes[K] : K extends Message<infer F> ? FieldValues<F> : number;
type OneInput<K> = K extends Scalar ? ScalarTypes[K] : K extends Message<infer F> ? FieldInputs<F> : number;

type NestedNames<F extends Fields> = {
  [N in keyof F]: F[N] extends readonly [number, Message<Fields>] ? N : never;
}[keyof F];

export type FieldValues<F extends Fields> = {
  readonly [N in Exclude<keyof F, NestedNames<F>>]: F[N] extends readonly [number, infer K, "repeated"]
    ? readonly OneValue<K>[]
    : OneValue<F[N][1]>;
} & { readonly [N in NestedNames<F>]?: OneValue<F[N][1]> };

export type FieldInputs<F extends Fields> = {
  readonly [N in keyof F]?:
    | (F[N] extends readonly [number, infer K, "repeated"] ? readonly OneInput<K>[] : OneInput<F[N][1]>)
    | undefined;
};

/** A decoded message: scalars that were not sent have their default, messages that were not sent are absent. */
export type Value<M> = M extends Message<infer F> ? FieldValues<F> : never;

/** A message to encode: whatever is left out has its default. */
export type Input<M> = M extends Message<infer F> ? FieldInputs<F> : never;

/** A message: its fields by name, in camelCase. */
export class Message<F extends Fields> {
  readonly fields: F;
  /** True where all its fields exclude one another: the last one that was sent counts. */
  readonly exclusive: boolean;
  readonly byNumber: ReadonlyMap<number, readonly [name: string, field: Field]>;

  constructor(fields: F, exclusive: boolean) {
    this.fields = fields;
    this.exclusive = exclusive;
    this.byNumber = new Map(Object.entries(fields).map(([name, field]) => [field[0], [name, field]]));
  }
}

export function message<const F extends Fields>(fields: F): Message<F> {
  return new Message(fields, false);
}

/** A message that is one of several. */
export function oneof<const F extends Fields>(fields: F): Message<F> {
  return new Message(fields, true);
}

/** The variant of a message that was sent, if it is known here. */
export type Variant<M> =
  M extends Message<infer F>
    ? { [N in keyof F & string]: { readonly type: N; readonly value: OneValue<F[N][1]> } }[keyof F & string]
    : never;

export function variantOf<F extends Fields>(value: FieldValues<F>): Variant<Message<F>> | null {
  const [entry] = Object.entries(value);
  return entry === undefined ? null : ({ type: entry[0], value: entry[1] } as Variant<Message<F>>);
}
