import { Refusal } from "../refusal.ts";

type Json = Readonly<Record<string, unknown>>;

/** The session of a transcription, as far as it decides what the emulator does. */
export interface TranscriptionSession {
  readonly model: string;
  /** Null: the client commits each turn. */
  readonly turnDetection: {
    readonly type: "server_vad" | "semantic_vad";
    readonly silenceMs: number;
    readonly prefixMs: number;
  } | null;
  /** The session as the service repeats it. */
  readonly shown: Json;
}

/** The models that transcribe in real time, each with what it takes beside `model` and `language`. */
const models: Readonly<Record<string, readonly string[]>> = {
  "whisper-1": ["prompt"],
  "gpt-4o-transcribe": ["prompt"],
  "gpt-4o-mini-transcribe": ["prompt"],
  "gpt-transcribe": ["prompt", "keywords", "languages"],
  "gpt-live-transcribe": ["prompt", "keywords", "languages"],
  "gpt-realtime-whisper": ["delay"],
};
/** They write while somebody speaks, and find no turns. */
export const writesMeanwhile = (model: string): boolean =>
  model === "gpt-live-transcribe" || model === "gpt-realtime-whisper";

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const invalid = (param: string, message: string, code = "invalid_value"): Refusal =>
  new Refusal(400, message, { code, param });

/** Throws a {@link Refusal} unless the value is an object of these fields alone. */
function fieldsOf(value: unknown, param: string, known: readonly string[]): Json {
  if (!isObject(value)) {
    throw invalid(param, `Invalid type for '${param}': expected an object.`, "invalid_type");
  }
  const strange = Object.keys(value).find((name) => !known.includes(name));
  if (strange === undefined) return value;
  throw invalid(`${param}.${strange}`, `Unknown parameter: '${param}.${strange}'.`, "unknown_parameter");
}

function within(value: unknown, param: string, least: number, most: number, usual: number): number {
  if (value === undefined) return usual;
  if (typeof value === "number" && value >= least && value <= most) return value;
  throw invalid(param, `Invalid '${param}': must be from ${least} to ${most}.`);
}

function oneOf(value: unknown, param: string, known: readonly string[]): string {
  if (typeof value === "string" && known.includes(value)) return value;
  const supported = known.map((one) => `'${one}'`).join(", ");
  throw invalid(param, `Invalid value: '${value}'. Supported values are: ${supported}.`);
}

/** Reads the session of a `session.update`. Throws a {@link Refusal} for what OpenAI refuses. */
export function readSession(given: unknown): TranscriptionSession {
  const session = fieldsOf(given, "session", ["type", "audio", "include"]);
  if (session.type === undefined) {
    throw invalid(
      "session.type",
      "Missing required parameter: 'session.type'.",
      "missing_required_parameter",
    );
  }
  if (session.type !== "transcription") {
    throw invalid(
      "session.type",
      "Passing a realtime session update event to a transcription session is not allowed.",
    );
  }
  const { input } = fieldsOf(session.audio, "session.audio", ["input"]);
  const path = "session.audio.input";
  const audio = fieldsOf(input, path, ["format", "noise_reduction", "transcription", "turn_detection"]);
  readFormat(audio.format, `${path}.format`);
  readNoise(audio.noise_reduction, `${path}.noise_reduction`);
  const model = readTranscription(audio.transcription, `${path}.transcription`);
  const turnDetection = readTurnDetection(audio.turn_detection, `${path}.turn_detection`, model);
  return { model, turnDetection, shown: session };
}

function readFormat(given: unknown, param: string): void {
  if (given === undefined) return;
  const { type, rate } = fieldsOf(given, param, ["type", "rate"]);
  const form = oneOf(type, `${param}.type`, ["audio/pcm", "audio/pcmu", "audio/pcma"]);
  if (form !== "audio/pcm") throw invalid(param, "The emulator listens to audio/pcm only.");
  if (rate !== 24_000) throw invalid(`${param}.rate`, `Invalid '${param}.rate': must be 24000.`);
}

function readNoise(given: unknown, param: string): void {
  if (given === undefined || given === null) return;
  const { type } = fieldsOf(given, param, ["type", "strength"]);
  oneOf(type, `${param}.type`, ["near_field", "far_field"]);
}

function readTranscription(given: unknown, param: string): string {
  const all = ["model", "language", "prompt", "keywords", "languages", "delay"];
  const transcription = fieldsOf(given, param, all);
  const { model, language } = transcription;
  const takes = typeof model === "string" ? models[model] : undefined;
  if (takes === undefined) {
    throw invalid(
      `${param}.model`,
      `The model \`${model}\` does not exist or you do not have access to it.`,
      "model_not_found",
    );
  }
  if (language !== undefined && !/^[a-z]{2,3}$/.test(String(language))) {
    throw invalid(`${param}.language`, `Invalid language '${language}'.`);
  }
  const odd = all.slice(2).find((name) => transcription[name] !== undefined && !takes.includes(name));
  if (odd !== undefined) {
    throw invalid(
      `${param}.${odd}`,
      `'${odd}' is not supported with the model '${model}'.`,
      "unsupported_parameter",
    );
  }
  const { keywords } = transcription;
  if (
    keywords !== undefined &&
    !(Array.isArray(keywords) && keywords.every((one) => typeof one === "string"))
  ) {
    throw invalid(`${param}.keywords`, `Invalid type for '${param}.keywords'.`, "invalid_type");
  }
  return model as string;
}

function readTurnDetection(
  given: unknown,
  param: string,
  model: string,
): TranscriptionSession["turnDetection"] {
  if (given === null) return null;
  if (writesMeanwhile(model)) {
    if (given === undefined) return null;
    throw invalid(
      param,
      `Turn detection is not supported with the model '${model}'.`,
      "unsupported_parameter",
    );
  }
  if (given === undefined) return { type: "server_vad", silenceMs: 500, prefixMs: 300 };
  if (!isObject(given)) throw invalid(param, `Invalid type for '${param}'.`, "invalid_type");
  if (oneOf(given.type, `${param}.type`, ["server_vad", "semantic_vad"]) === "semantic_vad") {
    const { eagerness } = fieldsOf(given, param, [
      "type",
      "eagerness",
      "create_response",
      "interrupt_response",
    ]);
    if (eagerness !== undefined) oneOf(eagerness, `${param}.eagerness`, ["low", "medium", "high", "auto"]);
    return { type: "semantic_vad", silenceMs: 400, prefixMs: 300 };
  }
  const known = ["type", "threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"];
  const vad = fieldsOf(given, param, [...known, "create_response", "interrupt_response"]);
  within(vad.threshold, `${param}.threshold`, 0, 1, 0.5);
  return {
    type: "server_vad",
    prefixMs: within(vad.prefix_padding_ms, `${param}.prefix_padding_ms`, 0, 5_000, 300),
    silenceMs: within(vad.silence_duration_ms, `${param}.silence_duration_ms`, 0, 10_000, 500),
  };
}
