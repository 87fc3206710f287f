import type { IncomingHttpHeaders } from "node:http";
import { isRightKey } from "../emulator.ts";
import type { ElevenlabsAccount } from "./account.ts";
import { type FieldError, type Refusal, refuse, refuseFields } from "./refusal.ts";

/** A valid request for speech. */
export interface SpeechOrder {
  readonly text: string;
  readonly sampleRate: number;
}

const models = [
  "eleven_flash_v2_5",
  "eleven_flash_v2",
  "eleven_turbo_v2_5",
  "eleven_turbo_v2",
  "eleven_multilingual_v2",
  "eleven_v3",
];
/** The longest text that each model takes, in characters (help.elevenlabs.io, article 19572237925521). */
const longestText: Readonly<Record<string, number>> = {
  eleven_flash_v2_5: 40_000,
  eleven_turbo_v2_5: 40_000,
  eleven_flash_v2: 30_000,
  eleven_turbo_v2: 30_000,
  eleven_v3: 5_000,
};
const formats = /^(pcm_(8000|16000|22050|24000|32000|44100|48000)|mp3_\d+_\d+|opus_48000_\d+|[ua]law_8000)$/;
const enforcesLanguage = /_v2_5$|_v3$/;

export function checkKey(headers: IncomingHttpHeaders, account: ElevenlabsAccount): Refusal | null {
  const key = headers["xi-api-key"];
  if (key === undefined) {
    return refuse(
      401,
      "needs_authorization",
      "Neither authorization header nor xi-api-key received, please provide one.",
    );
  }
  return isRightKey(String(key), account.apiKey) ? null : refuse(401);
}

export function checkVoice(voice: string, account: ElevenlabsAccount): Refusal | null {
  return account.unknownVoices.has(voice)
    ? refuse(404, "voice_not_found", `A voice with the voice_id ${voice} was not found.`)
    : null;
}

/** Checks a request as the service does: first the form of all fields together, then their meaning one after the other. */
export function checkOrder(query: URLSearchParams, body: unknown): SpeechOrder | Refusal {
  const fields = [...queryErrors(query), ...bodyErrors(body)];
  if (fields.length > 0) return refuseFields(fields);
  const order = body as Record<string, unknown>;
  const text = order.text as string;
  const model = (order.model_id as string | undefined) ?? "eleven_multilingual_v2";
  const format = query.get("output_format") ?? "mp3_44100_128";
  if (!models.includes(model))
    return refuse(400, "model_not_found", `A model with the model_id ${model} does not exist.`);
  if (text.trim() === "") return refuse(400, "input_text_empty", "The text is empty.");
  const longest = longestText[model] ?? 10_000;
  if (text.length > longest) {
    return refuse(
      400,
      "max_character_limit_exceeded",
      `This request's text has ${text.length} characters and exceeds the character limit of ${longest} characters.`,
    );
  }
  if (order.language_code !== undefined && !enforcesLanguage.test(model)) {
    return refuse(400, "unsupported_language", `Model '${model}' does not support language enforcement.`);
  }
  if (model === "eleven_v3" && (order.previous_text ?? order.next_text) !== undefined) {
    return refuse(400, "unsupported_model", `previous_text and next_text are not supported by '${model}'.`);
  }
  if (order.apply_text_normalization === "on" && /(flash|turbo)_v2_5$/.test(model)) {
    return refuse(400, "invalid_text_normalization", `Text normalization cannot be on for '${model}'.`);
  }
  if (!format.startsWith("pcm_"))
    return refuse(501, "not_emulated", "The emulator speaks pcm_* formats alone.");
  return { text, sampleRate: Number(format.slice("pcm_".length)) };
}

function queryErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const wrong = (name: string, type: string, msg: string) =>
    errors.push({ type, loc: ["query", name], msg, input: query.get(name) });
  const format = query.get("output_format");
  if (format !== null && !formats.test(format))
    wrong("output_format", "enum", "Input should be 'pcm_16000'…");
  const logging = query.get("enable_logging");
  if (logging !== null && !/^(true|false|1|0)$/.test(logging)) {
    wrong("enable_logging", "bool_parsing", "Input should be a valid boolean, unable to interpret input");
  }
  const latency = query.get("optimize_streaming_latency");
  if (latency !== null && !/^[0-4]$/.test(latency)) {
    wrong("optimize_streaming_latency", "int_parsing", "Input should be a valid integer from 0 to 4");
  }
  return errors;
}

type FieldCheck = (value: unknown) => boolean;
const isText: FieldCheck = (value) => typeof value === "string";
const isNumber =
  (least: number, most: number): FieldCheck =>
  (value) =>
    typeof value === "number" && value >= least && value <= most;

const bodyFields: Readonly<Record<string, readonly [check: FieldCheck, msg: string]>> = {
  text: [isText, "Input should be a valid string"],
  model_id: [isText, "Input should be a valid string"],
  language_code: [isText, "Input should be a valid string"],
  previous_text: [isText, "Input should be a valid string"],
  next_text: [isText, "Input should be a valid string"],
  voice_settings: [(value) => typeof value === "object", "Input should be a valid dictionary"],
  seed: [isNumber(0, 2 ** 32 - 1), "Input should be from 0 to 4294967295"],
  apply_text_normalization: [
    (value) => ["auto", "on", "off"].includes(value as string),
    "Input should be 'auto', 'on' or 'off'",
  ],
};
const settingFields: typeof bodyFields = {
  stability: [isNumber(0, 1), "Input should be from 0 to 1"],
  similarity_boost: [isNumber(0, 1), "Input should be from 0 to 1"],
  style: [isNumber(0, 1), "Input should be from 0 to 1"],
  use_speaker_boost: [(value) => typeof value === "boolean", "Input should be a valid boolean"],
  speed: [isNumber(0.7, 1.2), "Input should be from 0.7 to 1.2"],
};

function bodyErrors(body: unknown): FieldError[] {
  if (typeof body !== "object" || body === null) {
    return [{ type: "json_invalid", loc: ["body", 0], msg: "JSON decode error", input: {} }];
  }
  const given = body as Record<string, unknown>;
  const missing: FieldError[] =
    given.text === undefined
      ? [{ type: "missing", loc: ["body", "text"], msg: "Field required", input: body }]
      : [];
  const settings = given.voice_settings;
  return [
    ...missing,
    ...fieldErrors(["body"], given, bodyFields),
    ...(typeof settings === "object" && settings !== null
      ? fieldErrors(["body", "voice_settings"], settings, settingFields)
      : []),
  ];
}

/** Unknown fields are ignored, as by the service. */
function fieldErrors(place: readonly string[], given: object, known: typeof bodyFields): FieldError[] {
  return Object.entries(given).flatMap(([name, input]) => {
    const check = known[name];
    if (check !== undefined && typeof input === "string" && !input.isWellFormed()) {
      const msg = "Input should be a valid string, unable to parse raw data as a unicode string";
      return [{ type: "string_unicode", loc: [...place, name], msg }];
    }
    if (check === undefined || input === null || check[0](input)) return [];
    return [{ type: "value_error", loc: [...place, name], msg: check[1], input }];
  });
}
