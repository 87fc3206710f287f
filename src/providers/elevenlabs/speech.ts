import type { StreamTextToSpeechRequest } from "elevenlabs/api/resources/textToSpeech/client/requests/StreamTextToSpeechRequest.js";
import type { SpeakOptions, SpeechChunk } from "../../agent/tts.ts";
import { cutText, cutTextStart } from "../../shared/text.ts";
import type { Connections } from "../connections.ts";
import { AlignmentReader, type Timing } from "./alignment.ts";
import { brokenOff, ElevenlabsError } from "./error.ts";
import { Exchange } from "./exchange.ts";
import type { FilledOptions } from "./options.ts";
import { SampleReader } from "./samples.ts";
import { loadSdk, through } from "./sdk.ts";

export interface SpeechRequest {
  readonly connections: Connections;
  readonly options: FilledOptions;
  readonly text: string;
  readonly neighbours: Pick<SpeakOptions, "previousText" | "nextText">;
  /** Closes the connection. */
  readonly signal: AbortSignal;
}

/**
 * The length of the neighbouring text that is sent, in characters: more than a sentence on either side does not change the
 * melody.
 */
const longestNeighbour = 300;

/** One request, streamed as its sound comes. Ending the iteration closes its connection. */
export async function* requestSpeech(request: SpeechRequest): AsyncGenerator<SpeechChunk, void> {
  const { options } = request;
  const samples = new SampleReader();
  const { sampleRate } = options;
  for await (const { bytes, alignment } of options.alignment ? alignedSound(request) : plainSound(request)) {
    const read = samples.read(bytes);
    if (read.length > 0) yield { samples: read, sampleRate, ...(alignment ? { alignment } : {}) };
  }
}

type Sound = { readonly bytes: Uint8Array; readonly alignment?: SpeechChunk["alignment"] };

async function* plainSound(request: SpeechRequest): AsyncGenerator<Sound, void> {
  const { connections, options, signal } = request;
  const exchange = new Exchange(connections, "audio", options.idleTimeoutMs);
  const voice = await voiceOf(options);
  const body = await through(exchange, () =>
    voice.convertAsStream(options.voiceId, bodyOf(request), limits(options, signal)),
  );
  for await (const bytes of body as AsyncIterable<Uint8Array>) yield { bytes };
}

async function* alignedSound(request: SpeechRequest): AsyncGenerator<Sound, void> {
  const { connections, options, signal, text } = request;
  const exchange = new Exchange(connections, "lines", options.idleTimeoutMs);
  const voice = await voiceOf(options);
  const messages = await through(exchange, () =>
    voice.streamWithTimestamps(options.voiceId, bodyOf(request), limits(options, signal)),
  );
  const alignments = new AlignmentReader(text);
  const bytesPerMs = (options.sampleRate * 2) / 1_000;
  let sent = 0;
  for await (const message of readable(messages)) {
    const bytes = Buffer.from(message.audio_base64 ?? "", "base64");
    const alignment = message.alignment ? alignments.read(message.alignment, sent / bytesPerMs) : undefined;
    sent += bytes.length;
    yield alignment ? { bytes, alignment } : { bytes };
  }
}

/** One line of a stream with timestamps, as it can be. */
interface TimedMessage {
  readonly audio_base64?: string | null;
  readonly alignment?: Timing | null;
  /** Here an answer that began well says that it went wrong. */
  readonly detail?: unknown;
}

async function* readable(messages: AsyncIterable<unknown>): AsyncGenerator<TimedMessage, void> {
  try {
    for await (const message of messages as AsyncIterable<TimedMessage | null>) {
      if (message?.detail !== undefined) throw brokenOff(message.detail);
      if (message) yield message;
    }
  } catch (error) {
    throw error instanceof SyntaxError ? badAnswer("sent something that is no JSON", error) : error;
  }
}

function badAnswer(what: string, cause?: unknown): ElevenlabsError {
  return new ElevenlabsError(`ElevenLabs ${what.slice(0, 300)}`, {
    kind: "server",
    code: "bad_answer",
    cause,
  });
}

async function voiceOf({ apiKey, baseUrl }: FilledOptions) {
  const TextToSpeech = await loadSdk();
  return new TextToSpeech({ apiKey, baseUrl });
}

/** The SDK's own limit is only a backstop for ours, which also covers the first sound. */
function limits({ firstByteTimeoutMs }: FilledOptions, abortSignal: AbortSignal) {
  return { abortSignal, maxRetries: 0, timeoutInSeconds: firstByteTimeoutMs / 1_000 + 1 };
}

function bodyOf({ options, text, neighbours }: SpeechRequest): StreamTextToSpeechRequest {
  const { modelId, languageCode, voiceSettings, enableLogging, optimizeStreamingLatency } = options;
  // The third generation refuses neighbours.
  const { previousText = "", nextText = "" } = modelId.startsWith("eleven_v3") ? {} : neighbours;
  const body = {
    text,
    model_id: modelId,
    output_format: `pcm_${options.sampleRate}` as const,
    language_code: languageCode,
    voice_settings: voiceSettings && settingsOf(voiceSettings),
    previous_text: cutTextStart(previousText, longestNeighbour) || undefined,
    next_text: cutText(nextText, longestNeighbour) || undefined,
    enable_logging: enableLogging,
    optimize_streaming_latency: optimizeStreamingLatency,
    apply_text_normalization: options.applyTextNormalization,
  };
  // What is undefined is left out of the JSON.
  return body as StreamTextToSpeechRequest;
}

function settingsOf({
  stability,
  similarityBoost,
  style,
  useSpeakerBoost,
  speed,
}: NonNullable<FilledOptions["voiceSettings"]>) {
  return {
    stability,
    similarity_boost: similarityBoost,
    style,
    use_speaker_boost: useSpeakerBoost,
    speed,
  };
}
