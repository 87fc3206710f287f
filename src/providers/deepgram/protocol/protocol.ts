import type { DeepgramClient } from "@deepgram/sdk";
import { isRecord, type MessageReader, secondsIn } from "../../listening/turn-signal.ts";

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

/** Returns the end of the last of these words, in seconds; null where there is none. */
export function lastWordEnd(words: unknown): number | null {
  if (!Array.isArray(words)) return null;
  return words.reduce<number | null>((latest, word: unknown) => {
    const end = isRecord(word) ? secondsIn(word.end) : null;
    return end === null || (latest !== null && latest > end) ? latest : end;
  }, null);
}
