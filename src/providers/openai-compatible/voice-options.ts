import {
  type Checks,
  duration,
  fillWith,
  matching,
  number,
  oneOf,
  orNull,
  text,
  whole,
} from "../../agent/options/option-checks.ts";
import type { EnergyGateOptions } from "../../audio/detection/energy-gate.ts";
import type { TurnDetectorOptions } from "../../audio/detection/turn-detector.ts";
import type { CompatibleService } from "../../shared/providers/compatible-services.ts";
import { type EndpointOptions, endpointChecks } from "./endpoint.ts";
import { fieldsWithout } from "./options.ts";

/** The options of a recogniser. A wrong option throws a `TypeError` that names it. */
export interface STTOptions extends EndpointOptions, TurnDetectorOptions, EnergyGateOptions {
  /**
   * The language, by ISO 639-1, such as `de`.
   * @default detected by the model, which fails for short turns
   */
  readonly language?: string;
  /**
   * Text that leads the model to names and spellings to expect.
   * @default none
   */
  readonly prompt?: string;
  /**
   * The quiet after which the words are asked for already, so that they are there when the turn ends, in milliseconds, 60 to 10000.
   * It costs a further request for each pause of a speaker who goes on. Null: they are asked for once, when the turn has ended.
   * @default null
   */
  readonly eagerMs?: number | null;
  /**
   * Further fields of each request, such as `temperature`.
   * @default none
   */
  readonly body?: Readonly<Record<string, unknown>>;
  /**
   * The longest wait for the words of a turn, retries included, in milliseconds.
   * @default 10000
   */
  readonly timeoutMs?: number;
  /**
   * The number of times that a request is sent again: after 408, 409, 429, 5xx and network errors.
   * @default 2
   */
  readonly maxRetries?: number;
}

export type FilledSttOptions = STTOptions & Required<Pick<STTOptions, "body" | "timeoutMs" | "maxRetries">>;

/** The options of a voice. A wrong option throws a `TypeError` that names it. */
export interface TTSOptions extends EndpointOptions {
  /**
   * The voice, by the service's name for it.
   * @default `alloy`; `autumn` of Groq, `tara` of Together
   */
  readonly voice?: string;
  /**
   * Instructions of how to speak, for models that take such instructions.
   * @default none
   */
  readonly instructions?: string;
  /**
   * The pace, 0.25 to 4; 1 is the voice's own.
   * @default the voice's own
   */
  readonly speed?: number;
  /**
   * The form of the sound: raw samples of 16 bits, or WAV, whose header tells the rate.
   * @default `pcm`; `wav` for Groq, Together, Ollama and LocalAI
   */
  readonly format?: "pcm" | "wav";
  /**
   * The rate of raw samples, in hertz. The service decides it: this only says which it is.
   * @default 24000, that of OpenAI
   */
  readonly sampleRate?: number;
  /**
   * Further fields of each request, as they are.
   * @default none
   */
  readonly body?: Readonly<Record<string, unknown>>;
  /**
   * The longest time from the request to the first sound, retries included, in milliseconds.
   * @default 10000
   */
  readonly firstByteTimeoutMs?: number;
  /**
   * The longest time between two pieces of the sound, in milliseconds.
   * @default 5000
   */
  readonly idleTimeoutMs?: number;
  /**
   * The number of times that a request is sent again while no sound has arrived: after 408, 409, 429, 5xx, an empty response and
   * network errors. Set it to 0 for a member of a `fallback`.
   * @default 2
   */
  readonly maxRetries?: number;
}

export type FilledTtsOptions = TTSOptions &
  Required<Pick<TTSOptions, "sampleRate" | "body" | "firstByteTimeoutMs" | "idleTimeoutMs" | "maxRetries">>;

const sttChecks: Checks<STTOptions> = {
  ...endpointChecks,
  startMs: number(20, 2_000),
  endMs: number(100, 10_000),
  maxTurnMs: number(1_000, 600_000),
  overBackground: number(1, 100),
  minLevel: number(1, 32_768),
  language: matching(/^[a-z]{2,3}$/, "a code such as de"),
  prompt: text,
  eagerMs: orNull(number(60, 10_000)),
  body: fieldsWithout(["model", "file", "stream", "response_format"]),
  timeoutMs: duration(),
  maxRetries: whole(0),
};

const ttsChecks: Checks<TTSOptions> = {
  ...endpointChecks,
  voice: text,
  instructions: text,
  speed: number(0.25, 4),
  format: oneOf(["pcm", "wav"]),
  sampleRate: whole(8_000, 48_000),
  body: fieldsWithout(["model", "input", "voice", "response_format", "stream_format"]),
  firstByteTimeoutMs: duration(),
  idleTimeoutMs: duration(),
  maxRetries: whole(0),
};

/** Checks the options of a recogniser and fills them in. Throws a `TypeError` that names a wrong one. */
export function fillSttOptions(given: STTOptions): FilledSttOptions {
  return fillWith("openaiCompatible.STT", given, sttChecks, { body: {}, timeoutMs: 10_000, maxRetries: 2 });
}

/** Checks the options of a voice and fills them in. Throws a `TypeError` that names a wrong one. */
export function fillTtsOptions(given: TTSOptions): FilledTtsOptions {
  return fillWith("openaiCompatible.TTS", given, ttsChecks, {
    sampleRate: 24_000,
    body: {},
    firstByteTimeoutMs: 10_000,
    idleTimeoutMs: 5_000,
    maxRetries: 2,
  });
}

/** Returns the fields by which a service is asked for speech in a form that can be read. */
export function formatFields(
  { format }: TTSOptions,
  { speechFields }: CompatibleService,
): Readonly<Record<string, string>> {
  if (format === undefined) return speechFields ?? { response_format: "pcm" };
  return { ...speechFields, response_format: format };
}
