import type { StreamTextToSpeechRequest } from "elevenlabs/api/resources/textToSpeech/client/requests/StreamTextToSpeechRequest.js";
import type { SpeakOptions, SpeechChunk } from "../../agent/tts.ts";
import { SampleReader } from "../../audio/sample-reader.ts";
import { cutText, cutTextStart } from "../../shared/text/text.ts";
import type { Connections } from "../http/connections.ts";
import { AlignmentReader, type CharacterTiming } from "./alignment.ts";
import { brokenOff, ElevenlabsError } from "./error.ts";
import type { FilledElevenlabsOptions, SampleRate } from "./options.ts";
import { loadSdk, through } from "./sdk.ts";
import { SpeechFetch } from "./speech-fetch.ts";

export interface SpeechRequest {
  readonly connections: Connections;
  readonly options: FilledElevenlabsOptions;
  /** The rate of the sound, in hertz. */
  readonly sampleRate: SampleRate;
  readonly text: string;
  readonly neighbours: Pick<SpeakOptions, "previousText" | "nextText">;
  /** Closes the connection. */
  readonly signal: AbortSignal;
}

/**
 * The longest neighbouring text that is sent, in characters: more than a sentence on either side does not
 * change the intonation.
 */
const longestNeighbour = 300;

/**
 * Makes one request, and yields the sound as it arrives. Ending the iteration closes its connection. It
 * throws an {@link ElevenlabsError}, a `DeadlineError`, or the reason of the signal.
 */
export async function* requestSpeech(request: SpeechRequest): AsyncGenerator<SpeechChunk, void> {
  const { options, sampleRate } = request;
  const samples = new SampleReader();
  for await (const { bytes, alignment } of options.alignment ? alignedSound(request) : plainSound(request)) {
    const read = samples.read(bytes);
    if (read.length > 0) yield { samples: read, sampleRate, ...(alignment ? { alignment } : {}) };
  }
}

type AudioPiece = { readonly bytes: Uint8Array; readonly alignment?: SpeechChunk["alignment"] };

async function* plainSound(request: SpeechRequest): AsyncGenerator<AudioPiece, void> {
  const { connections, options, signal } = request;
  const speechFetch = new SpeechFetch(connections, "audio", options.idleTimeoutMs);
  const voice = await voiceOf(options);
  const body = await through(speechFetch, () =>
    voice.convertAsStream(options.voiceId, bodyOf(request), limits(options, signal)),
  );
  for await (const bytes of body as AsyncIterable<Uint8Array>) yield { bytes };
}

async function* alignedSound(request: SpeechRequest): AsyncGenerator<AudioPiece, void> {
  const { connections, options, signal, text } = request;
  const speechFetch = new SpeechFetch(connections, "lines", options.idleTimeoutMs);
  const voice = await voiceOf(options);
  const messages = await through(speechFetch, () =>
    voice.streamWithTimestamps(options.voiceId, bodyOf(request), limits(options, signal)),
  );
  const alignments = new AlignmentReader(text);
  const bytesPerMs = (request.sampleRate * 2) / 1_000;
  let sent = 0;
  for await (const message of readable(messages)) {
    const bytes = Buffer.from(message.audio_base64 ?? "", "base64");
    const alignment = message.alignment ? alignments.read(message.alignment, sent / bytesPerMs) : undefined;
    sent += bytes.length;
    yield alignment ? { bytes, alignment } : { bytes };
  }
}

/** One line of a stream with timestamps. */
interface TimedMessage {
  readonly audio_base64?: string | null;
  readonly alignment?: CharacterTiming | null;
  /** The reason of a failure, in a response that began well. */
  readonly detail?: unknown;
}

async function* readable(messages: AsyncIterable<unknown>): AsyncGenerator<TimedMessage, void> {
  try {
    for await (const message of messages as AsyncIterable<TimedMessage | null>) {
      if (message?.detail !== undefined) throw brokenOff(message.detail);
      if (message) yield message;
    }
  } catch (error) {
    throw error instanceof SyntaxError ? badAnswer("sent a line that is not JSON", error) : error;
  }
}

function badAnswer(what: string, cause?: unknown): ElevenlabsError {
  return new ElevenlabsError(`ElevenLabs ${what.slice(0, 300)}`, {
    kind: "server",
    code: "bad_answer",
    cause,
  });
}

async function voiceOf({ apiKey, baseUrl }: FilledElevenlabsOptions) {
  const TextToSpeech = await loadSdk();
  return new TextToSpeech({ apiKey, baseUrl });
}

/**
 * Returns the limits of a call of the SDK. Its own time limit is a fallback for the caller's, which also
 * covers the first sound.
 */
function limits({ firstByteTimeoutMs }: FilledElevenlabsOptions, abortSignal: AbortSignal) {
  return { abortSignal, maxRetries: 0, timeoutInSeconds: firstByteTimeoutMs / 1_000 + 1 };
}

function bodyOf({ options, sampleRate, text, neighbours }: SpeechRequest): StreamTextToSpeechRequest {
  const { modelId, languageCode, voiceSettings, enableLogging, optimizeStreamingLatency } = options;
  // The third generation of models refuses neighbouring texts.
  const { previousText = "", nextText = "" } = modelId.startsWith("eleven_v3") ? {} : neighbours;
  const body = {
    text,
    model_id: modelId,
    output_format: `pcm_${sampleRate}` as const,
    language_code: languageCode,
    voice_settings: voiceSettings && settingsOf(voiceSettings),
    previous_text: cutTextStart(previousText, longestNeighbour) || undefined,
    next_text: cutText(nextText, longestNeighbour) || undefined,
    enable_logging: enableLogging,
    optimize_streaming_latency: optimizeStreamingLatency,
    apply_text_normalization: options.applyTextNormalization,
  };
  // Undefined fields are left out of the JSON.
  return body as StreamTextToSpeechRequest;
}

function settingsOf({
  stability,
  similarityBoost,
  style,
  useSpeakerBoost,
  speed,
}: NonNullable<FilledElevenlabsOptions["voiceSettings"]>) {
  return {
    stability,
    similarity_boost: similarityBoost,
    style,
    use_speaker_boost: useSpeakerBoost,
    speed,
  };
}
