import type { Certificate } from "../http-server.ts";
import type { DialectName } from "./dialects.ts";
import type { ChatScript } from "./script.ts";

export interface OpenaiDelays {
  /** The time from the request to the first chunk, in milliseconds. */
  readonly firstTokenMs: number;
  /** The time for every word, in milliseconds. */
  readonly tokenMs: number;
}

export const openaiDelays = {
  none: { firstTokenMs: 0, tokenMs: 0 },
  /** A fast model of a fast service. */
  published: { firstTokenMs: 350, tokenMs: 5 },
} as const satisfies Record<string, OpenaiDelays>;

export interface OpenaiOptions {
  /** The port. Default 0: any that is free. */
  readonly port?: number;
  /** The only valid key. Default: every key that does not begin with `wrong`; null: none is asked for. */
  readonly apiKey?: string | null;
  readonly dialect?: DialectName;
  readonly delays?: OpenaiDelays;
  readonly script?: ChatScript;
  readonly models?: readonly string[];
  /** The longest conversation, in tokens. */
  readonly contextTokens?: number;
  /** Serves https with these. */
  readonly tls?: Certificate;
}

/** The models that it has where none are given. */
export const usualModels: readonly string[] = [
  "emulated",
  "gpt-5-mini",
  "whisper-1",
  "gpt-4o-transcribe",
  "gpt-transcribe",
  "gpt-live-transcribe",
  "gpt-realtime-whisper",
  "tts-1",
  "deepseek-r1:latest",
];
