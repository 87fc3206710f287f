import {
  type Check,
  type Checks,
  checkOptions,
  either,
  key,
  matching,
  number,
  text,
  texts,
  truth,
  url,
  whole,
} from "../../agent/options/option-checks.ts";
import { providers } from "../../shared/providers/provider-table.ts";
import { baseUrlFrom, keyFrom } from "../access.ts";

const { variables } = providers.deepgram;

/** The options of speech to text by Deepgram. A wrong option throws a `TypeError` that names it. */
export interface DeepgramOptions {
  /**
   * The API key.
   * @default the environment's `DEEPGRAM_API_KEY`
   */
  readonly apiKey?: string;
  /**
   * The address of the API, of the scheme `ws`, `wss`, `http` or `https`. Change it for the EU endpoint, a
   * self-hosted Deepgram, or an emulator.
   * @default the environment's `DEEPGRAM_BASE_URL`, else `wss://api.deepgram.com`
   */
  readonly baseUrl?: string;
  /**
   * The model. `flux-general-multi` understands ten languages. `nova-3` (and its variants, such as
   * `nova-3-medical`) understands more languages, and ends a turn after a pause.
   * @default `flux-general-en`, which detects the end of a turn by the words
   */
  readonly model?: string;
  /**
   * Words and names to expect, at most 100.
   * @default none
   */
  readonly keyterms?: readonly string[];
  /**
   * Keeps the sound out of Deepgram's model improvement program, for which Deepgram charges more.
   * @default false
   */
  readonly mipOptOut?: boolean;
  /**
   * Labels for Deepgram's usage reports.
   * @default none
   */
  readonly tag?: string | readonly string[];

  /**
   * For Flux: also reports when the speaker has probably finished, so that the answer is prepared early. It
   * saves 150–250 ms of a turn, and costs 50–70 % more requests to the model, some of them in vain.
   * @default false
   */
  readonly eagerTurnDetection?: boolean;
  /**
   * For Flux with `eagerTurnDetection`: the confidence of an eager end, 0.3–0.9, at most `eotThreshold`. A
   * lower value is earlier, and more often wrong.
   * @default 0.5
   */
  readonly eagerEotThreshold?: number;
  /**
   * For Flux: the confidence of the end of a turn, 0.5–1. Raise it where speakers are interrupted.
   * @default Deepgram's, 0.7
   */
  readonly eotThreshold?: number;
  /**
   * For Flux: the silence that ends a turn at any confidence, in milliseconds, 500–60,000. Lower it where
   * speakers leave sentences unfinished.
   * @default Deepgram's, 5000
   */
  readonly eotTimeoutMs?: number;
  /**
   * For `flux-general-multi`: the languages to expect, such as `["en", "es"]`.
   * @default all of its languages
   */
  readonly languageHints?: readonly string[];

  /**
   * For Nova: the language, such as `en` or `pt-BR`; `multi` for several.
   * @default Deepgram's, `en`
   */
  readonly language?: string;
  /**
   * For Nova: the silence that ends a turn, in milliseconds, 10–5,000. Raise it where speakers pause to
   * think.
   * @default 300
   */
  readonly endpointingMs?: number;
  /**
   * For Nova: the gap after the last word that ends a turn where noise hides the silence, in milliseconds,
   * 1,000–5,000.
   * @default 1000
   */
  readonly utteranceEndMs?: number;

  /**
   * The sample rate of the sound to come, in hertz, so that the connection is open before the sound comes.
   * Sound of another rate is accepted, over a second connection.
   * @default 16000
   */
  readonly sampleRate?: number;
  /**
   * The longest wait for a connection, in milliseconds. Raise it on slow networks.
   * @default 3000
   */
  readonly connectTimeoutMs?: number;
  /**
   * The number of connections in a row that may fail before listening fails. Lower it where there is a
   * fallback.
   * @default 5
   */
  readonly connectAttempts?: number;
  /**
   * The pause before the second attempt, in milliseconds; it doubles each time, and up to half of it is
   * random.
   * @default 200
   */
  readonly retryDelayMs?: number;
  /**
   * The time after which an open connection is replaced where it answers nothing while it is given sound, in
   * milliseconds.
   * @default 3000 for Flux, which answers every quarter of a second, and 10000 for Nova
   */
  readonly stallTimeoutMs?: number;
  /**
   * The sound that is kept for a new connection while there is none, or while it lags, in milliseconds.
   * Beyond it the oldest sound is dropped. Raise it where words matter more than a prompt answer.
   * @default 5000
   */
  readonly maxUnheardMs?: number;
  /**
   * The time between two keep-alive messages on a connection without sound, in milliseconds, 100–8,000.
   * @default 4000
   */
  readonly keepAliveIntervalMs?: number;
  /**
   * The longest wait for the last words when a stream is closed, in milliseconds.
   * @default 500
   */
  readonly closeTimeoutMs?: number;
}

/** The options with their defaults. Null leaves the value to Deepgram. */
export interface FilledDeepgramOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  readonly model: string;
  readonly keyterms: readonly string[];
  readonly mipOptOut: boolean;
  readonly tags: readonly string[];
  readonly eagerEotThreshold: number | null;
  readonly eotThreshold: number | null;
  readonly eotTimeoutMs: number | null;
  readonly languageHints: readonly string[];
  readonly language: string | null;
  readonly endpointingMs: number;
  readonly utteranceEndMs: number;
  readonly sampleRate: number;
  readonly connectTimeoutMs: number;
  readonly connectAttempts: number;
  readonly retryDelayMs: number;
  readonly stallTimeoutMs: number;
  readonly maxUnheardMs: number;
  readonly keepAliveIntervalMs: number;
  readonly closeTimeoutMs: number;
}

/** Deepgram's own threshold, where none is given. */
const deepgramEotThreshold = 0.7;

const defaultEagerThreshold = 0.5;

const fluxOnly = ["eagerTurnDetection", "eagerEotThreshold", "eotThreshold", "eotTimeoutMs"] as const;
const novaOnly = ["language", "endpointingMs", "utteranceEndMs"] as const;

const baseUrl = url("ws", "wss", "http", "https");
const words: Check = { ...texts, expected: "a list of texts that are not empty" };

const checks: Checks<DeepgramOptions> = {
  apiKey: key,
  baseUrl,
  model: matching(
    /^(flux-[a-z0-9-]+|nova-3(-[a-z0-9-]+)?)$/,
    "a Flux or Nova-3 model, such as flux-general-en or nova-3",
  ),
  keyterms: {
    fits: (value) => words.fits(value) && (value as readonly unknown[]).length <= 100,
    expected: `${words.expected}, at most 100`,
  },
  mipOptOut: truth,
  tag: either(text, words),
  eagerTurnDetection: truth,
  eagerEotThreshold: number(0.3, 0.9),
  eotThreshold: number(0.5, 1),
  eotTimeoutMs: whole(500, 60_000),
  languageHints: words,
  language: text,
  endpointingMs: whole(10, 5_000),
  utteranceEndMs: whole(1_000, 5_000),
  sampleRate: whole(8_000, 96_000),
  connectTimeoutMs: whole(1, 60_000),
  connectAttempts: whole(1, 100),
  retryDelayMs: whole(0, 60_000),
  stallTimeoutMs: whole(1, 600_000),
  maxUnheardMs: whole(100, 600_000),
  keepAliveIntervalMs: whole(100, 8_000),
  closeTimeoutMs: whole(0, 60_000),
};

export const isFlux = (model: string): boolean => model.startsWith("flux-");

/** Checks the options and fills them in. Throws a `TypeError` that names a wrong one, or a missing key. */
export function fillOptions(given: DeepgramOptions = {}): FilledDeepgramOptions {
  checkOptions("deepgram.STT", given, checks);
  const { model = "flux-general-en", eotThreshold = null } = given;
  const flux = isFlux(model);
  for (const name of flux ? novaOnly : fluxOnly) {
    if (given[name] !== undefined) {
      throw new TypeError(`deepgram.STT: ${name} is for ${flux ? "Nova" : "Flux"}, not for ${model}`);
    }
  }
  if (given.languageHints !== undefined && model !== "flux-general-multi") {
    throw new TypeError(`deepgram.STT: languageHints is for flux-general-multi, not for ${model}`);
  }
  return {
    apiKey: keyFrom("deepgram.STT", given.apiKey, variables.apiKey),
    baseUrl: baseUrlFrom(given.baseUrl, variables.baseUrl, {
      usual: "wss://api.deepgram.com",
      check: baseUrl,
    }),
    model,
    keyterms: given.keyterms ?? [],
    mipOptOut: given.mipOptOut ?? false,
    tags: typeof given.tag === "string" ? [given.tag] : (given.tag ?? []),
    eagerEotThreshold: eagerThreshold(given, eotThreshold ?? deepgramEotThreshold),
    eotThreshold,
    eotTimeoutMs: given.eotTimeoutMs ?? null,
    languageHints: given.languageHints ?? [],
    language: given.language ?? null,
    endpointingMs: given.endpointingMs ?? 300,
    utteranceEndMs: given.utteranceEndMs ?? 1_000,
    sampleRate: given.sampleRate ?? 16_000,
    connectTimeoutMs: given.connectTimeoutMs ?? 3_000,
    connectAttempts: given.connectAttempts ?? 5,
    retryDelayMs: given.retryDelayMs ?? 200,
    stallTimeoutMs: given.stallTimeoutMs ?? (flux ? 3_000 : 10_000),
    maxUnheardMs: given.maxUnheardMs ?? 5_000,
    keepAliveIntervalMs: given.keepAliveIntervalMs ?? 4_000,
    closeTimeoutMs: given.closeTimeoutMs ?? 500,
  };
}

function eagerThreshold(given: DeepgramOptions, eotThreshold: number): number | null {
  const { eagerEotThreshold, eagerTurnDetection = false } = given;
  if (!eagerTurnDetection) {
    if (eagerEotThreshold === undefined) return null;
    throw new TypeError("deepgram.STT: eagerEotThreshold needs eagerTurnDetection: true");
  }
  const threshold = eagerEotThreshold ?? Math.min(defaultEagerThreshold, eotThreshold);
  if (threshold > eotThreshold) {
    throw new TypeError(`deepgram.STT: eagerEotThreshold must be at most eotThreshold, ${eotThreshold}`);
  }
  return threshold;
}
