import {
  type Checks,
  duration,
  fillWith,
  matching,
  number,
  oneOf,
  text,
  truth,
  whole,
} from "../../agent/options/option-checks.ts";
import { type Access, type AccessOptions, accessChecks, accessOf } from "./access.ts";

/** A sample rate that the voice can make, in Hz. */
export type SampleRate = (typeof sampleRates)[number];

/** The options of text to speech by Cartesia. A wrong option throws a `TypeError` that names it. */
export interface TTSOptions extends AccessOptions {
  /**
   * The id of the voice, from play.cartesia.ai/voices.
   * @default `694f9389-aac1-45b6-b726-9d9369183238`, an English voice of Cartesia's own examples
   */
  readonly voiceId?: string;
  /**
   * The model. A name with a date, such as `sonic-3-2026-01-12`, stays as it is.
   * @default `sonic-3.5`
   */
  readonly modelId?: string;
  /**
   * The language of the text, such as `de`.
   * @default Cartesia's, the language of the voice
   */
  readonly language?: string;
  /**
   * The sample rate, in hertz: 8000, 16000, 22050, 24000, 44100 or 48000.
   * @default 24000
   */
  readonly sampleRate?: SampleRate;
  /**
   * The pace, 0.6 to 1.5; 1 is the voice's own. For `sonic-3` and later.
   * @default the voice's own
   */
  readonly speed?: number;
  /**
   * The loudness, 0.5 to 2; 1 is the voice's own. For `sonic-3` and later.
   * @default the voice's own
   */
  readonly volume?: number;
  /**
   * The emotion, such as `calm` or `excited`. For `sonic-3` and later.
   * @default told from the text
   */
  readonly emotion?: string;
  /**
   * The id of a dictionary of pronunciations of your account.
   * @default none
   */
  readonly pronunciationDictId?: string;
  /**
   * Asks for the time of each word, so that after an interruption the conversation holds what was heard.
   * @default true; otherwise what was heard is estimated from the length of the sound
   */
  readonly alignment?: boolean;
  /**
   * The longest wait for a connection, in milliseconds.
   * @default 3000
   */
  readonly connectTimeoutMs?: number;
  /**
   * The longest time from the request to the first sound, retries included, in milliseconds.
   * @default 5000
   */
  readonly firstByteTimeoutMs?: number;
  /**
   * The longest time between two pieces of the sound, in milliseconds.
   * @default 3000: the sound arrives faster than it is played
   */
  readonly idleTimeoutMs?: number;
  /**
   * The number of times that a text is sent again while no sound has arrived: after 408, 429 (except for too many concurrent
   * requests), 5xx and network errors. Set it to 0 for a member of a `fallback`.
   * @default 2
   */
  readonly maxRetries?: number;
}

type FilledName =
  | "voiceId"
  | "modelId"
  | "sampleRate"
  | "alignment"
  | "connectTimeoutMs"
  | "firstByteTimeoutMs"
  | "idleTimeoutMs"
  | "maxRetries";
/** The options with their defaults. */
export type FilledTtsOptions = TTSOptions & Required<Pick<TTSOptions, FilledName>> & Access;

const sampleRates = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000] as const;
const owner = "cartesia.TTS";

const checks: Checks<TTSOptions> = {
  ...accessChecks,
  voiceId: text,
  modelId: text,
  language: matching(/^[a-z]{2,3}$/, "a code such as de"),
  sampleRate: oneOf(sampleRates),
  speed: number(0.6, 1.5),
  volume: number(0.5, 2),
  emotion: text,
  pronunciationDictId: text,
  alignment: truth,
  connectTimeoutMs: whole(1, 60_000),
  firstByteTimeoutMs: duration(),
  idleTimeoutMs: duration(),
  maxRetries: whole(0),
};

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one, or a missing key. */
export function fillTtsOptions(given: TTSOptions): FilledTtsOptions {
  const filled = fillWith(owner, given, checks, {
    voiceId: "694f9389-aac1-45b6-b726-9d9369183238",
    modelId: "sonic-3.5",
    sampleRate: 24_000,
    alignment: true,
    connectTimeoutMs: 3_000,
    firstByteTimeoutMs: 5_000,
    idleTimeoutMs: 3_000,
    maxRetries: 2,
  });
  return { ...filled, ...accessOf(owner, given) };
}
