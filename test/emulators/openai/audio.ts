import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { setImmediate as nextRound } from "node:timers/promises";
import { decodeWav, encodeWav } from "../../../src/audio/wav.ts";
import { speak } from "../elevenlabs/tone.ts";
import { never } from "./chat.ts";
import { Refusal } from "./refusal.ts";

/** A recording to transcribe, as it arrived. */
export interface Heard {
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly fields: Readonly<Record<string, string>>;
}

export type TranscriptionScript = (heard: Heard) => string | Promise<string>;

/** How the emulator speaks. */
export interface SpeechStyle {
  /** The form in which it speaks whatever it is asked for; null: as it is asked. */
  readonly form: "mp3" | "wav" | "pcm" | "json" | "html" | null;
  /** The type of the content. Default: that of the form. */
  readonly type: string | null;
  readonly msPerCharacter: number;
  /** Cuts the sound into pieces of so many bytes. */
  readonly pieceBytes: number;
  /** Closes the connection behind so many pieces, or sends nothing more. */
  readonly cutAfter: number | null;
  readonly stallAfter: number | null;
  readonly empty: boolean;
  /** The length in the header of WAV is known. */
  readonly wavLength: boolean;
}

export const usualSpeech: SpeechStyle = {
  form: null,
  type: null,
  msPerCharacter: 20,
  pieceBytes: 4_801,
  cutAfter: null,
  stallAfter: null,
  empty: false,
  wavLength: false,
};

const formats = ["mp3", "opus", "aac", "flac", "wav", "pcm"];
const voices = [
  "alloy",
  "ash",
  "ballad",
  "coral",
  "echo",
  "fable",
  "nova",
  "onyx",
  "sage",
  "shimmer",
  "verse",
  "autumn",
];
export const speechRate = 24_000;

const invalid = (message: string, param: string): Refusal =>
  new Refusal(400, message, { code: "invalid_value", param });

/** Reads the form of a transcription, by Node's own parser. Throws a {@link Refusal} for what OpenAI refuses. */
export async function readTranscription(
  bytes: Buffer,
  headers: IncomingHttpHeaders,
  models: readonly string[],
): Promise<Heard> {
  const type = headers["content-type"] ?? "";
  if (!type.startsWith("multipart/form-data"))
    throw new Refusal(400, "Invalid content type. Expected multipart/form-data.");
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData().catch(() => {
    throw new Refusal(400, "Could not parse multipart form");
  });
  const file = form.get("file");
  const model = form.get("model");
  if (!(file instanceof File)) throw invalid("Missing required parameter: 'file'.", "file");
  if (typeof model !== "string") throw invalid("you must provide a model parameter", "model");
  if (!models.includes(model))
    throw new Refusal(404, `The model \`${model}\` does not exist`, { code: "model_not_found" });
  if (!/\.(wav|mp3|m4a|ogg|flac|webm)$/.test(file.name)) throw invalid("Unrecognized file format.", "file");
  const format = form.get("response_format");
  if (format !== null && !["json", "text", "srt", "verbose_json", "vtt"].includes(String(format))) {
    throw invalid(`Invalid response_format: ${format}`, "response_format");
  }
  const language = form.get("language");
  if (language !== null && !/^[a-z]{2}$/.test(String(language))) {
    throw invalid("Invalid language. Language parameter must be specified in ISO-639-1 format.", "language");
  }
  const fields = [...form.entries()].flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as const] : [],
  );
  try {
    const sound = decodeWav(new Uint8Array(await file.arrayBuffer()));
    if (sound.samples.length < sound.sampleRate / 10)
      throw invalid("Audio file is too short. Minimum audio length is 0.1 seconds.", "file");
    return { ...sound, fields: Object.fromEntries(fields) };
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw invalid("The audio file could not be decoded or its format is not supported.", "file");
  }
}

/** Answers a request for speech. */
export async function answerSpeech(
  body: unknown,
  response: ServerResponse,
  {
    style,
    models,
    gone,
    log,
  }: {
    readonly style: SpeechStyle;
    readonly models: readonly string[];
    readonly gone: AbortSignal;
    readonly log: (kind: string, details?: Readonly<Record<string, unknown>>) => void;
  },
): Promise<void> {
  const {
    model,
    input,
    voice,
    response_format: format = "mp3",
    speed = 1,
  } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof model !== "string" || !models.includes(model)) {
    throw new Refusal(404, `The model \`${model}\` does not exist`, { code: "model_not_found" });
  }
  if (typeof input !== "string" || input === "") throw invalid("Invalid 'input': string too short.", "input");
  if (input.length > 4_096)
    throw invalid("Invalid 'input': string too long. Expected a string with maximum length 4096.", "input");
  if (typeof voice !== "string" || !voices.includes(voice))
    throw invalid(`Input should be ${voices.map((one) => `'${one}'`).join(", ")}`, "voice");
  if (typeof format !== "string" || !formats.includes(format))
    throw invalid(`Invalid value: '${format}'.`, "response_format");
  if (typeof speed !== "number" || speed < 0.25 || speed > 4) throw invalid("Invalid 'speed'.", "speed");
  const form = style.form ?? format;
  const samples = style.empty
    ? new Int16Array()
    : speak(input, { sampleRate: speechRate, msPerCharacter: style.msPerCharacter });
  const bytes = bytesOf(form, samples, style);
  response.writeHead(200, { "content-type": style.type ?? types[form] ?? "application/octet-stream" });
  let count = 0;
  for (let at = 0; at < bytes.length; at += style.pieceBytes) {
    if (style.cutAfter === count) {
      response.destroy();
      return;
    }
    if (style.stallAfter === count) {
      response.flushHeaders();
      await never(gone);
    }
    response.write(bytes.subarray(at, at + style.pieceBytes));
    if (count++ === 0) log("first_byte", { speech: true });
    await nextRound();
    gone.throwIfAborted();
  }
  response.end();
  log("spoken", { text: input });
}

const types: Readonly<Record<string, string>> = {
  pcm: "audio/pcm",
  wav: "audio/wav",
  mp3: "audio/mpeg",
  json: "application/json",
  html: "text/html",
};

function bytesOf(form: string, samples: Int16Array, { wavLength }: SpeechStyle): Buffer {
  switch (form) {
    case "pcm":
      return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    case "wav": {
      const wav = Buffer.from(encodeWav({ samples, sampleRate: speechRate }));
      // OpenAI does not know the length yet when it begins to stream.
      if (!wavLength) for (const at of [4, 40]) wav.writeUInt32LE(0xffff_ffff, at);
      return wav;
    }
    case "json":
      return Buffer.from(
        JSON.stringify({ error: { message: "The voice is on holiday", type: "server_error", code: null } }),
      );
    case "html":
      return Buffer.from("<html><body>Welcome to nginx!</body></html>");
    default:
      return Buffer.from(`ID3\x04${"\x00".repeat(200)}`, "latin1");
  }
}
