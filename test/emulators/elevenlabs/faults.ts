import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";

export const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;

/** The faults of one request for speech. Times are wall-clock milliseconds, but for those of sound. */
export interface ElevenlabsFault {
  /** Refuses the request with this HTTP status, such as 503, and ElevenLabs' body for it. */
  readonly status?: number;
  /** The reason in the body of a refusal. Default: what ElevenLabs says for the status. */
  readonly code?: string;
  readonly message?: string;
  /** Seconds in the Retry-After header of a refusal. */
  readonly retryAfterSeconds?: number;
  /** The whole body of a refusal, instead of ElevenLabs' own; what is no string is sent as JSON. */
  readonly body?: unknown;
  /** The encoding of a refusal's body. Default: gzip where the client accepts it. */
  readonly encoding?: keyof typeof encoders;
  /** The body of a refusal never ends. */
  readonly endlessBody?: boolean;
  /** The address that a redirect leads to. */
  readonly location?: string;
  /** The head of the answer comes this much later. */
  readonly delayMs?: number;
  /** Leaves the request without a response. */
  readonly hangs?: boolean;
  /** The connection is cut before anything is answered. */
  readonly resets?: boolean;
  /** The connection is cut after this much sound, in milliseconds of sound. */
  readonly cutAfterMs?: number;
  /** The sound after which nothing more comes, in milliseconds of sound; 0: after the head. */
  readonly stallAfterMs?: number;
  /** Sends a successful response without any sound. */
  readonly empty?: boolean;
  /** The type of the answer's content. */
  readonly contentType?: string;
  /** The sound after which an answer with timestamps ends with a line that says what went wrong. */
  readonly errorAfterMs?: number;
}

/** The faults of requests to come. They may be changed at any time. */
export class ElevenlabsFaults {
  /** One for each of the next requests. */
  next: ElevenlabsFault[] = [];
  /** The fault of every request beyond those. */
  always: ElevenlabsFault = {};

  /** Adds faults of the next requests, in this order. */
  push(...faults: readonly ElevenlabsFault[]): void {
    this.next.push(...faults);
  }

  clear(): void {
    this.next = [];
    this.always = {};
  }

  take(): ElevenlabsFault {
    return this.next.shift() ?? this.always;
  }
}
