import type { Api, SessionReference } from "./api.ts";
import type { OpeningMicrophone, Sound } from "./sound.ts";

/** A message beside the sound, as JSON. */
export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface TransportEvents {
  readonly onMessage: (message: Message) => void;
  /** The connection is over, though nobody closed it here. Called once at the most. */
  readonly onDown: () => void;
}

export interface IncomingSound {
  /** The time that it waits here until it is heard, in milliseconds; null where it is not known. */
  readonly playoutMs: number | null;
  /** The packets so far; 0 where they are not counted. */
  readonly packets: number;
}

/** A connection into the call that is open: sound and messages go both ways. */
export interface Transport {
  readonly kind: "webrtc" | "websocket";
  send(message: Message): void;
  /** Lets the agent be heard, where it was connected to ahead. */
  hear(): void;
  /** Resolves with what is known of the sound that comes. Never rejects. */
  sound(): Promise<IncomingSound>;
  /** Resolves with false where the server says that the agent does not have this connection. Never rejects. */
  isKnown(): Promise<boolean>;
  close(): void;
}

export interface ConnectOptions {
  readonly api: Api;
  /** The session, which may be starting. */
  readonly session: Promise<SessionReference>;
  readonly sound: Sound;
  readonly microphone: OpeningMicrophone;
  readonly name: string | undefined;
  /** The text by which the server knows a participant who comes back. */
  readonly resume: string | null;
  /** The replica whose agent is about to take up the call, where it is connected to ahead; null: the one that has it. */
  readonly successor: string | null;
  readonly events: TransportEvents;
  /** The longest time until the connection is there, in milliseconds. */
  readonly timeoutMs: number;
}

/** Reads a message; null where it is none. */
export function readMessage(data: unknown): Message | null {
  if (typeof data !== "string") return null;
  try {
    return JSON.parse(data) as Message;
  } catch {
    return null;
  }
}
