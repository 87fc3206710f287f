import {
  type Checks,
  duration,
  fillWith,
  matching,
  number,
  orNull,
  text,
  whole,
} from "../../agent/options/option-checks.ts";
import type { EnergyGateOptions } from "../../audio/detection/energy-gate.ts";
import type { TurnDetectorOptions } from "../../audio/detection/turn-detector.ts";
import { headersCheck, type ProviderOptions, providerOptionsCheck } from "./options.ts";

/** The options that recognisers and voices have in common. */
interface CommonOptions {
  /**
   * Headers of each request, besides the vendor's own.
   * @default none
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Settings of the vendor, by its name, as the AI SDK's documentation lists them.
   * @default none
   */
  readonly providerOptions?: ProviderOptions;
  /**
   * The longest wait for the words of a turn, or for the sound of a sentence, retries included, in milliseconds.
   * @default 10000
   */
  readonly timeoutMs?: number;
  /**
   * The number of times that a request is sent again: after 408, 409, 429, 5xx and network errors.
   * @default 2
   */
  readonly maxRetries?: number;
}

/** The options of a recogniser of the AI SDK, and of how turns are found. A wrong option throws a `TypeError` that names it. */
export interface STTOptions extends CommonOptions, TurnDetectorOptions, EnergyGateOptions {
  /**
   * The language that is spoken, such as `de`, by which backchannels are known. The vendor is told by `providerOptions`, such as
   * `{ openai: { language: "de" } }`.
   * @default none
   */
  readonly language?: string;
  /**
   * The quiet after which the words are asked for already, so that they are there when the turn ends, in milliseconds, 60 to 10000.
   * It costs a further request for each pause of a speaker who goes on. Null: they are asked for once, when the turn has ended.
   * @default null
   */
  readonly eagerMs?: number | null;
}

/** The options of a voice of the AI SDK. A wrong option throws a `TypeError` that names it. */
export interface TTSOptions extends CommonOptions {
  /**
   * The voice, by the vendor's name for it.
   * @default the vendor's own
   */
  readonly voice?: string;
  /**
   * Instructions of how to speak, for models that take such instructions.
   * @default none
   */
  readonly instructions?: string;
  /**
   * The pace; 1 is the voice's own.
   * @default the voice's own
   */
  readonly speed?: number;
  /**
   * The language of the texts, such as `de`, for models that take it.
   * @default told from the text
   */
  readonly language?: string;
  /**
   * The form of the sound, by the vendor's name for it. WAV and raw samples of 16 bits are read, such as `pcm` of OpenAI and `pcm_24000`
   * of ElevenLabs.
   * @default "wav"
   */
  readonly outputFormat?: string;
  /**
   * The rate of raw samples, in hertz. The vendor decides it: this only says which it is.
   * @default the number in `outputFormat`, else 24000
   */
  readonly sampleRate?: number;
}

type Filled<Options, Name extends keyof Options> = Options & Required<Pick<Options, Name>>;

/** The options of a recogniser with their defaults. */
export type FilledSttOptions = Filled<STTOptions, "timeoutMs" | "maxRetries">;
/** The options of a voice with their defaults. */
export type FilledTtsOptions = Filled<TTSOptions, "timeoutMs" | "maxRetries" | "outputFormat" | "sampleRate">;

const common: Checks<CommonOptions> = {
  headers: headersCheck,
  providerOptions: providerOptionsCheck,
  timeoutMs: duration(),
  maxRetries: whole(0),
};
const language = matching(/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/, "a code such as de or pt-BR");

const sttChecks: Checks<STTOptions> = {
  ...common,
  startMs: number(20, 2_000),
  endMs: number(100, 10_000),
  maxTurnMs: number(1_000, 600_000),
  overBackground: number(1, 100),
  minLevel: number(1, 32_768),
  language,
  eagerMs: orNull(number(60, 10_000)),
};

const ttsChecks: Checks<TTSOptions> = {
  ...common,
  voice: text,
  instructions: text,
  speed: number(0.25, 4),
  language,
  outputFormat: text,
  sampleRate: whole(8_000, 48_000),
};

const defaults = { timeoutMs: 10_000, maxRetries: 2 } as const;

/** Checks the options of a recogniser and fills them in. Throws a `TypeError` that names a wrong one. */
export function fillSttOptions(given: STTOptions): FilledSttOptions {
  return fillWith("aiSdk.STT", given, sttChecks, defaults);
}

/** Checks the options of a voice and fills them in. Throws a `TypeError` that names a wrong one. */
export function fillTtsOptions(given: TTSOptions): FilledTtsOptions {
  const told = Number(/\d{4,5}/.exec(given.outputFormat ?? "")?.[0]);
  const sampleRate = told >= 8_000 && told <= 48_000 ? told : 24_000;
  return fillWith("aiSdk.TTS", given, ttsChecks, { ...defaults, outputFormat: "wav", sampleRate });
}
