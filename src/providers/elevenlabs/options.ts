import {
  type Checks,
  duration,
  fillWith,
  group,
  key,
  matching,
  number,
  oneOf,
  text,
  truth,
  url,
  whole,
} from "../../agent/options/option-checks.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { baseUrlFrom, keyFrom } from "../access.ts";

const { variables } = providers.elevenlabs;

/**
 * The settings of the voice, which replace those stored with it at ElevenLabs. All but `speed` and
 * `useSpeakerBoost` are shares from 0 to 1.
 */
export interface VoiceSettings {
  /** The stability: low is lively and varies each time, high is even and monotonous. */
  readonly stability?: number;
  /** The similarity to the recording from which the voice was made. */
  readonly similarityBoost?: number;
  /** The exaggeration of the speaker's style. More than 0 adds latency. */
  readonly style?: number;
  /** Makes the voice more similar to its speaker, which adds latency. */
  readonly useSpeakerBoost?: boolean;
  /** The pace, 0.7 to 1.2; 1 is the voice's own. */
  readonly speed?: number;
}

/** A sample rate that the voice can make, in Hz. */
export type SampleRate = (typeof sampleRates)[number];
/** The choice of whether ElevenLabs writes numbers and the like out in words. */
export type TextNormalization = (typeof normalizations)[number];

/** The options of text to speech by ElevenLabs. A wrong option throws a `TypeError` that names it. */
export interface TTSOptions {
  /**
   * The API key.
   * @default the environment's `ELEVENLABS_API_KEY`
   */
  readonly apiKey?: string;
  /**
   * The address of the API: another region (`https://api.us.elevenlabs.io`), a gateway, or an emulator.
   * @default the environment's `ELEVENLABS_BASE_URL`, else `https://api.elevenlabs.io`
   */
  readonly baseUrl?: string;
  /**
   * The id of the voice, one of your account, from elevenlabs.io/app/voice-library.
   * @default `JBFqnCBsd6RMkjVDRZzb`, "George", the voice of ElevenLabs' quickstart, which every account has
   */
  readonly voiceId?: string;
  /**
   * The model. `eleven_multilingual_v2` sounds richer, and has several times the latency.
   * @default `eleven_flash_v2_5`, the fastest, in 32 languages
   */
  readonly modelId?: string;
  /**
   * The language, by ISO 639-1, such as `de`. Only models of version 2.5 accept it.
   * @default detected from the text, which fails for short ones
   */
  readonly languageCode?: string;
  /**
   * The settings of the voice.
   * @default those that are stored with it
   */
  readonly voiceSettings?: VoiceSettings;
  /**
   * The sample rate, in hertz: 16000, 22050 or 24000. 24000 keeps the sibilants that 16000 cuts off, and is a rate that Opus encodes
   * without resampling. 16000 saves a third of the traffic.
   * @default that of the call's sound: 16000 where it has no more, else 24000
   */
  readonly sampleRate?: SampleRate;
  /**
   * Asks for the time of each character, so that after an interruption the conversation holds exactly what
   * was heard. It costs a third more traffic.
   * @default true; otherwise what was heard is estimated from the length of the sound
   */
  readonly alignment?: boolean;
  /**
   * Says whether ElevenLabs may keep the text and the sound. False is for enterprise accounts only.
   * @default the account's setting
   */
  readonly enableLogging?: boolean;
  /**
   * The level, 0 to 4, at which older models trade quality for latency; 4 reads numbers and dates wrongly.
   * @default none
   */
  readonly optimizeStreamingLatency?: number;
  /**
   * Says whether numbers and dates are written out before they are spoken. `on` needs an enterprise account
   * with models of version 2.5.
   * @default ElevenLabs' own, `auto`
   */
  readonly applyTextNormalization?: TextNormalization;
  /**
   * The longest time from the request to the first sound, retries included, in milliseconds. Raise it for
   * slow models.
   * @default 5000, ten times that of slow responses; a caller does not wait longer
   */
  readonly firstByteTimeoutMs?: number;
  /**
   * The longest time between two pieces of the sound, in milliseconds.
   * @default 3000: the sound arrives faster than it is played
   */
  readonly idleTimeoutMs?: number;
  /**
   * The number of times that a request is sent again while no sound has arrived: after 408, 429 (except for
   * too many concurrent requests), 5xx, an empty response and network errors. Set it to 0 for a member of a
   * `fallback`.
   * @default 2
   */
  readonly maxRetries?: number;
}

/** The names of the options that have a default. */
type FilledName =
  | "apiKey"
  | "baseUrl"
  | "voiceId"
  | "modelId"
  | "alignment"
  | "firstByteTimeoutMs"
  | "idleTimeoutMs"
  | "maxRetries";
/** The options with their defaults. */
export type FilledElevenlabsOptions = TTSOptions & {
  readonly [Name in FilledName]-?: NonNullable<TTSOptions[Name]>;
};

const sampleRates = [16_000, 22_050, 24_000] as const;
const normalizations = ["auto", "on", "off"] as const;
export const defaultBaseUrl = "https://api.elevenlabs.io";

const defaults = {
  voiceId: "JBFqnCBsd6RMkjVDRZzb",
  modelId: "eleven_flash_v2_5",
  alignment: true,
  firstByteTimeoutMs: 5_000,
  idleTimeoutMs: 3_000,
  maxRetries: 2,
} as const;

const baseUrl = url("http", "https");

const settings: Checks<VoiceSettings> = {
  stability: number(0, 1),
  similarityBoost: number(0, 1),
  style: number(0, 1),
  useSpeakerBoost: truth,
  speed: number(0.7, 1.2),
};

const checks: Checks<TTSOptions> = {
  apiKey: key,
  baseUrl,
  voiceId: text,
  modelId: text,
  languageCode: matching(/^[a-z]{2,3}$/, "a code such as de"),
  voiceSettings: group(settings),
  sampleRate: oneOf(sampleRates),
  alignment: truth,
  enableLogging: truth,
  optimizeStreamingLatency: whole(0, 4),
  applyTextNormalization: oneOf(normalizations),
  firstByteTimeoutMs: duration(),
  idleTimeoutMs: duration(),
  maxRetries: whole(0),
};

/**
 * Checks the options and fills them in. It throws a `TypeError` that names a wrong one, or a missing key; it
 * quotes no key.
 */
export function fillOptions(given: TTSOptions): FilledElevenlabsOptions {
  return {
    ...fillWith("elevenlabs.TTS", given, checks, defaults),
    apiKey: keyFrom("elevenlabs.TTS", given.apiKey, variables.apiKey),
    baseUrl: baseUrlFrom(given.baseUrl, variables.baseUrl, { usual: defaultBaseUrl, check: baseUrl }),
  };
}
