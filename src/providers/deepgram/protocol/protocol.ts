import type { DeepgramClient } from "@deepgram/sdk";

/** A message about a turn. Times are in seconds of the connection's sound; null where they are unknown. */
export type TurnSignal =
  | { readonly type: "start" }
  /** The text of the turn, as far as this connection understood it. */
  | { readonly type: "text" | "eager" | "end"; readonly text: string; readonly speechEnd: number | null }
  | { readonly type: "resumed" };

/** The signals of one message. */
export interface TurnSignals {
  readonly signals: readonly TurnSignal[];
  /** The position up to which the sound was processed, in seconds; null where the message does not tell. */
  readonly heardUntil: number | null;
}

/** Reads the messages of one connection. */
export interface MessageReader {
  read(message: unknown): TurnSignals;
}

export const noSignals: TurnSignals = { signals: [], heardUntil: null };

/** The part of the SDK's sockets that is used, which both protocols share. */
export interface ListenSocket {
  on(event: "open", listener: () => void): void;
  on(event: "message", listener: (message: never) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  connect(): unknown;
  sendMedia(sound: ArrayBufferView): void;
  sendCloseStream(message: { type: "CloseStream" }): void;
}

export interface OpenSocket {
  readonly socket: ListenSocket;
  /** Keeps the connection alive while no sound is sent. */
  keepAlive(transport: { ping(): void }): void;
}

/** One of the two protocols of Deepgram. */
export interface Protocol {
  /** Returns whether sound of this sample rate, in hertz, is accepted. */
  takes(sampleRate: number): boolean;
  /** Resolves with a socket that is not connected yet. */
  open(client: DeepgramClient, sampleRate: number, connectTimeoutSeconds: number): Promise<OpenSocket>;
  /** Returns a reader for the messages of a new connection. */
  reader(): MessageReader;
}

export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord => typeof value === "object" && value !== null;

export const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

export const secondsIn = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;

/** Returns the end of the last of these words, in seconds; null where there is none. */
export function lastWordEnd(words: unknown): number | null {
  if (!Array.isArray(words)) return null;
  return words.reduce<number | null>((latest, word: unknown) => {
    const end = isRecord(word) ? secondsIn(word.end) : null;
    return end === null || (latest !== null && latest > end) ? latest : end;
  }, null);
}
