/** How the voice sounds, over what is stored with it at ElevenLabs. All but `speed` and the boost are shares from 0 to 1. */
export interface VoiceSettings {
  /** Low: lively, and different each time. High: even, and monotonous. */
  readonly stability?: number;
  /** How closely it keeps to the recording that the voice was made of. */
  readonly similarityBoost?: number;
  /** How much of the speaker's manner is exaggerated. More than 0 costs time. */
  readonly style?: number;
  /** Closer to the speaker; costs time. */
  readonly useSpeakerBoost?: boolean;
  /** Pace, 0.7 to 1.2; 1 is the voice's own. */
  readonly speed?: number;
}

export type SampleRate = (typeof sampleRates)[number];
export type TextNormalization = (typeof normalizations)[number];

export interface TTSOptions {
  /** Default: the environment's `ELEVENLABS_API_KEY`. */
  readonly apiKey?: string;
  /**
   * Where the API is: another region (`https://api.us.elevenlabs.io`), a gateway, or an emulator. Default: the environment's
   * `ELEVENLABS_BASE_URL`, else `https://api.elevenlabs.io`.
   */
  readonly baseUrl?: string;
  /**
   * Who speaks: the id of a voice of your account, from elevenlabs.io/app/voice-library. Default `JBFqnCBsd6RMkjVDRZzb`,
   * "George", the voice of ElevenLabs' own first steps, which every account has.
   */
  readonly voiceId?: string;
  /**
   * Default `eleven_flash_v2_5`: the quickest, in 32 languages. `eleven_multilingual_v2` sounds richer, and begins several
   * times later.
   */
  readonly modelId?: string;
  /** ISO 639-1, such as `de`. Default: told from the text, which goes wrong for short ones. Only models of version 2.5 take it. */
  readonly languageCode?: string;
  /** Default: what is stored with the voice. */
  readonly voiceSettings?: VoiceSettings;
  /**
   * In hertz: 16000, 22050 or 24000. Default 24000: it keeps the sibilants that 16000 cuts off, Opus codes that band as it
   * is, and two samples of a call's 48000 are one of it. 16000 saves a third of the traffic; take it for telephones.
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
  /** Whether numbers and dates are written out before they are spoken. `on` needs an enterprise account with models of version 2.5. */
  readonly applyTextNormalization?: TextNormalization;
  /**
   * Longest from the request to the first sound, retries included, in milliseconds. Default 5,000, ten times what the slow
   * ones take; a caller does not wait longer. Raise it for slow models.
   */
  readonly firstByteTimeoutMs?: number;
  /** Longest between two pieces of the sound, in milliseconds. Default 3,000: it comes faster than it is played. */
  readonly idleTimeoutMs?: number;
  /**
   * How often a request is sent again while nothing has come of it: after 408, 429 (not for too many at once), 5xx, an empty
   * answer and network errors. Default 2; 0 behind a `fallback` that should take over at once.
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

type Check = readonly [fits: (value: unknown) => boolean, expected: string];

const text: Check = [(value) => typeof value === "string" && value.trim() !== "", "a text"];
const truth: Check = [(value) => typeof value === "boolean", "true or false"];
const number = (least: number, most: number): Check => [
  (value) => typeof value === "number" && value >= least && value <= most,
  `a number from ${least} to ${most}`,
];
const whole = (least: number, most = Number.MAX_SAFE_INTEGER): Check => [
  (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
  most === Number.MAX_SAFE_INTEGER
    ? `a whole number of at least ${least}`
    : `a whole number from ${least} to ${most}`,
];
const oneOf = (values: readonly unknown[]): Check => [
  (value) => values.includes(value),
  `one of ${values.join(", ")}`,
];

const checks: Readonly<Record<keyof TTSOptions, Check>> = {
  apiKey: text,
  baseUrl: [
    (value) => typeof value === "string" && /^https?:$/.test(URL.parse(value)?.protocol ?? ""),
    "an http(s) URL",
  ],
  voiceId: text,
  modelId: text,
  languageCode: [(value) => typeof value === "string" && /^[a-z]{2,3}$/.test(value), "a code such as de"],
  voiceSettings: [(value) => typeof value === "object" && value !== null, "an object"],
  sampleRate: oneOf(sampleRates),
  alignment: truth,
  enableLogging: truth,
  optimizeStreamingLatency: whole(0, 4),
  applyTextNormalization: oneOf(normalizations),
  // Timers beyond these are no timers any more.
  firstByteTimeoutMs: whole(1, 3_600_000),
  idleTimeoutMs: whole(1, 3_600_000),
  maxRetries: whole(0),
};

const settingChecks: Readonly<Record<keyof VoiceSettings, Check>> = {
  stability: number(0, 1),
  similarityBoost: number(0, 1),
  style: number(0, 1),
  useSpeakerBoost: truth,
  speed: number(0.7, 1.2),
};

/** Fills in the defaults and the environment. Throws a `TypeError` that names what is wrong, and never quotes a key. */
export function fillOptions(given: TTSOptions): FilledOptions {
  checkAll("", given, checks);
  checkAll("voiceSettings.", given.voiceSettings ?? {}, settingChecks);
  const baseUrl = given.baseUrl ?? fromEnvironment("ELEVENLABS_BASE_URL") ?? defaultBaseUrl;
  if (!checks.baseUrl[0](baseUrl)) throw new TypeError("ELEVENLABS_BASE_URL must be an http(s) URL");
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(named), apiKey: keyFrom(given.apiKey), baseUrl };
}

/** A variable that is empty counts as none. */
export function fromEnvironment(name: string): string | undefined {
  const value = process.env[name]?.trim();
  return value === "" ? undefined : value;
}

function checkAll(prefix: string, given: object, known: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(known, name))
      throw new TypeError(`elevenlabs.TTS: there is no option ${prefix}${name}`);
    const [fits, expected] = known[name]!;
    if (value !== undefined && !fits(value)) {
      throw new TypeError(`elevenlabs.TTS: ${prefix}${name} must be ${expected}`);
    }
  }
}

function keyFrom(given: string | undefined): string {
  const key = given?.trim() ?? fromEnvironment("ELEVENLABS_API_KEY");
  if (key === undefined) {
    throw new TypeError("ELEVENLABS_API_KEY is not set: elevenlabs.TTS needs a key, or the option apiKey");
  }
  // As a header it would be refused by an error that quotes it.
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError("ELEVENLABS_API_KEY holds characters that no key has");
  return key;
}
