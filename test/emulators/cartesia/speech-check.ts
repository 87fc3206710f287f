import type { CartesiaAccount } from "./account.ts";
import { invalid, Refusal } from "./refusal.ts";

type Json = Readonly<Record<string, unknown>>;

/** A valid request for speech. */
export interface SpeechOrder {
  readonly contextId: string;
  readonly transcript: string;
  readonly sampleRate: number;
  readonly goesOn: boolean;
  readonly flushes: boolean;
  readonly timestamps: boolean;
  /** The fields that stay the same for all texts of a context. */
  readonly setting: string;
}

const fields = [
  "model_id",
  "transcript",
  "voice",
  "language",
  "output_format",
  "generation_config",
  "duration",
  "speed",
  "context_id",
  "continue",
  "max_buffer_delay_ms",
  "flush",
  "add_timestamps",
  "add_phoneme_timestamps",
  "use_normalized_timestamps",
  "pronunciation_dict_id",
];
const sampleRates = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000];
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function numberWithin(value: unknown, name: string, least: number, most: number): void {
  if (value === undefined || value === null) return;
  if (typeof value !== "number" || value < least || value > most) {
    throw invalid(`${name} must be between ${least} and ${most}`);
  }
}

/** Reads a request for speech. Throws a {@link Refusal} for what Cartesia refuses. */
export function readOrder(request: Json, account: CartesiaAccount): SpeechOrder {
  const strange = Object.keys(request).find((name) => !fields.includes(name));
  if (strange !== undefined) throw invalid(`unknown field: ${strange}`);
  const { context_id: contextId, transcript, model_id: model, voice, output_format: format } = request;
  if (typeof contextId !== "string" || !/^[\w.-]{1,200}$/.test(contextId))
    throw invalid("context_id is required");
  if (typeof transcript !== "string") throw invalid("transcript is required");
  if (typeof model !== "string" || !/^sonic(-|$)/.test(model)) {
    const message = "The model is not valid, make sure it is a valid model ID.";
    throw new Refusal(400, "model_not_found", "Invalid model", message);
  }
  readVoice(voice, account);
  if (!isObject(format) || format.container !== "raw") throw invalid("output_format.container must be raw");
  if (format.encoding !== "pcm_s16le") throw invalid("The emulator speaks pcm_s16le only");
  if (!sampleRates.includes(format.sample_rate as number))
    throw invalid("output_format.sample_rate is not supported");
  numberWithin(request.max_buffer_delay_ms, "max_buffer_delay_ms", 0, 5_000);
  readConfig(request.generation_config);
  const goesOn = request.continue === true;
  if (transcript === "" && !goesOn && request.flush !== true && request.continue === undefined) {
    throw new Refusal(400, "transcript_empty", "Empty transcript", "The transcript is empty.");
  }
  const { transcript: _, continue: __, duration: ___, flush: ____, ...setting } = request;
  return {
    contextId,
    transcript,
    sampleRate: format.sample_rate as number,
    goesOn,
    flushes: request.flush === true,
    timestamps: request.add_timestamps === true,
    setting: JSON.stringify(setting, Object.keys(setting).toSorted()),
  };
}

function readVoice(voice: unknown, { unknownVoices }: CartesiaAccount): void {
  if (!isObject(voice) || voice.mode !== "id" || typeof voice.id !== "string") {
    throw invalid("voice must be {mode: id, id}");
  }
  if (Object.keys(voice).length !== 2) throw invalid("unknown field in voice");
  if (!unknownVoices.has(voice.id)) return;
  throw new Refusal(404, "voice_not_found", "Voice not found", `The voice ${voice.id} does not exist.`);
}

function readConfig(config: unknown): void {
  if (config === undefined) return;
  if (!isObject(config)) throw invalid("generation_config must be an object");
  const strange = Object.keys(config).find((name) => !["speed", "volume", "emotion"].includes(name));
  if (strange !== undefined) throw invalid(`unknown field: generation_config.${strange}`);
  numberWithin(config.speed, "generation_config.speed", 0.6, 1.5);
  numberWithin(config.volume, "generation_config.volume", 0.5, 2);
}
