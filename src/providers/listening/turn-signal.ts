/** A message about a turn. Times are in seconds of the connection's sound; null where they are unknown. */
export type TurnSignal =
  | { readonly type: "start" }
  /** The text of the turn, as far as this connection understood it. */
  | { readonly type: "text" | "eager" | "end"; readonly text: string; readonly speechEnd: number | null }
  | { readonly type: "resumed" }
  /** A failure that leaves the turns as they are. */
  | { readonly type: "error"; readonly error: Error }
  /** The turn ends without the words that were to come. `speechMs` is the length of its speech, in milliseconds. */
  | { readonly type: "failed"; readonly error: Error; readonly speechMs: number | null };

/** The signals of one message. */
export interface TurnSignals {
  readonly signals: readonly TurnSignal[];
  /** The position up to which the sound was processed, in seconds; null where the message does not tell. */
  readonly heardUntil: number | null;
}

/** A border of a turn within the sound, where turns are found on this side. */
export type TurnMark = "start" | "end";

/** Reads the messages of one connection. */
export interface MessageReader {
  read(message: unknown): TurnSignals;
  /** Notes a border of a turn behind the sound that was sent so far, in seconds. Only where turns are found on this side. */
  mark?(mark: TurnMark, sent: number): TurnSignals;
}

export const noSignals: TurnSignals = { signals: [], heardUntil: null };

export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord => typeof value === "object" && value !== null;

export const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

export const secondsIn = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
