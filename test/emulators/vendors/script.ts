/** A call of a function, as a model writes it. */
export interface VendorCall {
  readonly name: string;
  readonly args?: Readonly<Record<string, unknown>>;
  /** The arguments as text, which may be no JSON. Default: `args` as JSON. */
  readonly raw?: string;
}

/** The steps of a model, one after the other. */
export type VendorStep =
  /** Words, in pieces of a few characters. */
  | { readonly text: string }
  /** Reasoning, which the vendor signs or stores. */
  | { readonly reasoning: string }
  /** Calls in one answer, whose arguments come in pieces. */
  | { readonly calls: readonly VendorCall[] }
  /** A search that the vendor runs itself. */
  | { readonly searched: string }
  /** The token counts. Default: 12 and 5. */
  | { readonly usage: { readonly input: number; readonly output: number } }
  /** The end: for its length, by a filter, for a reason that nobody knows; null: it is not told. Default `stop`. */
  | { readonly finish: "stop" | "length" | "filter" | "odd" | null };

/** A request, as far as scripts look at it. */
export type VendorBody = Readonly<Record<string, unknown>>;

/** Makes the answer to a request. */
export type VendorScript = (body: VendorBody) => readonly VendorStep[];

/** A server-sent event. */
export interface WireEvent {
  readonly event?: string;
  readonly data: object | string;
}

/** What an answer is made of besides its steps. */
export interface AnswerSetting {
  readonly body: VendorBody;
  /** Ids and signatures that were given, which alone are taken back. */
  readonly given: Set<string>;
}

/** The protocol of a vendor: its errors for requests, and its events. */
export interface Dialect {
  /** The path of its requests, below the vendor's own. */
  readonly path: string;
  /** The error of a request that the vendor would refuse; null where it is a good one. */
  problem(setting: AnswerSetting): string | null;
  events(steps: readonly VendorStep[], setting: AnswerSetting): WireEvent[];
  /** The body of an error response. */
  error(status: number, code: string, message: string): object;
  /** An error in a stream that has begun. */
  streamedError(code: string, message: string): WireEvent;
}

/** Returns the last one of the steps that says how the answer ends. */
export function endOf(steps: readonly VendorStep[]): {
  readonly finish: "stop" | "length" | "filter" | "odd" | null;
  readonly usage: { readonly input: number; readonly output: number };
} {
  const finish = steps.findLast((step) => "finish" in step)?.finish;
  const usage = steps.findLast((step) => "usage" in step)?.usage;
  return { finish: finish === undefined ? "stop" : finish, usage: usage ?? { input: 12, output: 5 } };
}

/** Cuts a text into pieces of at most seven characters, between two of UTF-16 wherever that is. */
export function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,7}/g) ?? [];
}

let count = 0;

/** Returns a new id, which the vendor will know again. */
export function newId(prefix: string, { given }: AnswerSetting): string {
  count += 1;
  const id = `${prefix}${String(count).padStart(8, "0")}`;
  given.add(id);
  return id;
}

export const argumentsText = ({ args = {}, raw }: VendorCall): string => raw ?? JSON.stringify(args);
