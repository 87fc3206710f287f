import type { DeepgramClient } from "@deepgram/sdk";

/** A message of a model about a turn. Times are in seconds of the connection's sound; null where they are not known. */
export type TurnSignal =
  | { readonly type: "start" }
  /** `text` is the turn as far as this connection heard it. */
  | { readonly type: "text" | "eager" | "end"; readonly text: string; readonly speechEnd: number | null }
  | { readonly type: "resumed" };

export interface Reading {
  readonly signals: readonly TurnSignal[];
  /** Up to where the sound is heard; null where the message does not tell. */
  readonly heardUntil: number | null;
}

/** Reads the messages of one connection. */
export interface Reader {
  read(message: unknown): Reading;
}

export const nothing: Reading = { signals: [], heardUntil: null };

/** The SDK's sockets, as far as both kinds are used. */
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
  /** Keeps a connection alive over which no sound goes. */
  keepAlive(transport: { ping(): void }): void;
}

/** A way in which Deepgram listens; there are two. */
export interface Protocol {
  /** Returns whether sound of this rate, in hertz, can be listened to as it is. */
  takes(sampleRate: number): boolean;
  /** A socket that is not connected yet. */
  open(client: DeepgramClient, sampleRate: number, connectTimeoutSeconds: number): Promise<OpenSocket>;
  reader(): Reader;
}

export type Json = Readonly<Record<string, unknown>>;

export const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;

export const textIn = (value: unknown): string => (typeof value === "string" ? value : "");

export const secondsIn = (value: unknown): number | null =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;

/** Returns the end of the last of these words. */
export function lastWordEnd(words: unknown): number | null {
  if (!Array.isArray(words)) return null;
  return words.reduce<number | null>((latest, word: unknown) => {
    const end = isJson(word) ? secondsIn(word.end) : null;
    return end === null || (latest !== null && latest > end) ? latest : end;
  }, null);
}
