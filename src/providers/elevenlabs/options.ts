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
import { providers } from "../../shared/provider-table.ts";
import { baseUrlFrom, keyFrom } from "../access.ts";

const { variables } = providers.elevenlabs;

/**
 * The settings of the voice's sound, over those that are stored with it at ElevenLabs. All but `speed` and the boost are
 * shares from 0 to 1.
 */
export interface VoiceSettings {
  /** Low: lively, and different each time. High: even, and monotonous. */
  readonly stability?: number;
  /** The share by which it keeps to the recording that the voice was made of. */
  readonly similarityBoost?: number;
  /** The share by which the speaker's manner is exaggerated. More than 0 costs time. */
  readonly style?: number;
  /** Closer to the speaker; costs time. */
  readonly useSpeakerBoost?: boolean;
  /** Pace, 0.7 to 1.2; 1 is the voice's own. */
  readonly speed?: number;
}

export type SampleRate = (typeof sampleRates)[number];
export type TextNormalization = (typeof normalizations)[number];

export interface TTSOptions {
  /** The API key. Default: the environment's `ELEVENLABS_API_KEY`. */
  readonly apiKey?: string;
  /**
   * The address of the API: another region (`https://api.us.elevenlabs.io`), a gateway, or an emulator. Default: the
   * environment's `ELEVENLABS_BASE_URL`, else `https://api.elevenlabs.io`.
   */
  readonly baseUrl?: string;
  /**
   * The id of the voice that speaks, one of your account, from elevenlabs.io/app/voice-library. Default
   * `JBFqnCBsd6RMkjVDRZzb`, "George", the voice of ElevenLabs' own first steps, which every account has.
   */
  readonly voiceId?: string;
  /**
   * The model. Default `eleven_flash_v2_5`: the quickest, in 32 languages. `eleven_multilingual_v2` sounds richer, and
   * begins several times later.
   */
  readonly modelId?: string;
  /** ISO 639-1, such as `de`. Default: told from the text, which goes wrong for short ones. Only models of version 2.5 take it. */
  readonly languageCode?: string;
  /** The settings of the voice. Default: those that are stored with it. */
  readonly voiceSettings?: VoiceSettings;
  /**
   * The sample rate, in hertz: 16000, 22050 or 24000. Default 24000: it keeps the sibilants that 16000 cuts off, Opus
   * codes that band as it is, and two samples of a call's 48000 are one of it. 16000 saves a third of the traffic; take
   * it for telephones.
   */
  readonly sampleRate?: SampleRate;
  /**
   * Asks when each character is spoken, so that after an interruption the conversation holds exactly what was heard.
   * Costs a third more traffic. Default true; without it, what was heard is estimated from the length of the sound.
   */
  readonly alignment?: boolean;
  /** False keeps nothing of the text and the sound at ElevenLabs: for enterprise accounts alone. Default: the account's. */
  readonly enableLogging?: boolean;
  /** 0 to 4: quality for time, with older models; 4 reads numbers and dates wrongly. Default: none. */
  readonly optimizeStreamingLatency?: number;
  /**
   * The setting by which numbers and dates are written out before they are spoken. `on` needs an enterprise account
   * with models of version 2.5.
   */
  readonly applyTextNormalization?: TextNormalization;
  /**
   * The longest time from the request to the first sound, retries included, in milliseconds. Default 5,000, ten times
   * what the slow ones take; a caller does not wait longer. Raise it for slow models.
   */
  readonly firstByteTimeoutMs?: number;
  /**
   * The longest time between two pieces of the sound, in milliseconds. Default 3,000: it comes faster than it is
   * played.
   */
  readonly idleTimeoutMs?: number;
  /**
   * The number of times that a request is sent again while nothing has come of it: after 408, 429 (not for too many at
   * once), 5xx, an empty answer and network errors. Default 2; 0 behind a `fallback` that should take over at once.
   */
  readonly maxRetries?: number;
}

type Filled = "apiKey" | "baseUrl" | "voiceId" | "modelId" | "sampleRate" | "alignment" | Timing;
type Timing = "firstByteTimeoutMs" | "idleTimeoutMs" | "maxRetries";
export type FilledOptions = TTSOptions & { readonly [Name in Filled]-?: NonNullable<TTSOptions[Name]> };

const sampleRates = [16_000, 22_050, 24_000] as const;
const normalizations = ["auto", "on", "off"] as const;
export const defaultBaseUrl = "https://api.elevenlabs.io";

const defaults = {
  voiceId: "JBFqnCBsd6RMkjVDRZzb",
  modelId: "eleven_flash_v2_5",
  sampleRate: 24_000,
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

/** Fills in the defaults and the environment. Throws a `TypeError` that names what is wrong, and never quotes a key. */
export function fillOptions(given: TTSOptions): FilledOptions {
  return {
    ...fillWith("elevenlabs.TTS", given, checks, defaults),
    apiKey: keyFrom("elevenlabs.TTS", given.apiKey, variables.apiKey),
    baseUrl: baseUrlFrom(given.baseUrl, variables.baseUrl, { usual: defaultBaseUrl, check: baseUrl }),
  };
}
