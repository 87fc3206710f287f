import { type FilledRealtimeOptions, takesKeywords } from "./options.ts";

/** The rate of the sound, in hertz: the only one that OpenAI takes as samples. */
export const realtimeRate = 24_000;

/** Returns the session by which a transcription is configured: platform.openai.com/docs/guides/realtime-transcription. */
export function sessionOf(model: string, options: FilledRealtimeOptions): object {
  const { noiseReduction } = options;
  return {
    type: "transcription",
    audio: {
      input: {
        format: { type: "audio/pcm", rate: realtimeRate },
        ...(noiseReduction === undefined ? {} : { noise_reduction: { type: noiseReduction } }),
        transcription: transcriptionOf(model, options),
        turn_detection: turnDetectionOf(options),
      },
    },
  };
}

function transcriptionOf(
  model: string,
  { language, prompt, keyterms, delay }: FilledRealtimeOptions,
): object {
  const keywords = keyterms !== undefined && takesKeywords(model) ? { keywords: keyterms } : {};
  const expected = keyterms === undefined || takesKeywords(model) ? [] : [keyterms.join(", ")];
  const led = [prompt, ...expected].filter((one) => one !== undefined).join("\n");
  return {
    model,
    ...(language === undefined ? {} : { language }),
    ...(led === "" ? {} : { prompt: led }),
    ...keywords,
    ...(delay === undefined ? {} : { delay }),
  };
}

function turnDetectionOf(options: FilledRealtimeOptions): object | null {
  const { turnDetection, threshold, prefixPaddingMs, silenceMs, eagerness } = options;
  switch (turnDetection) {
    case "server":
      return {
        type: "server_vad",
        silence_duration_ms: silenceMs,
        ...(threshold === undefined ? {} : { threshold }),
        ...(prefixPaddingMs === undefined ? {} : { prefix_padding_ms: prefixPaddingMs }),
      };
    case "semantic":
      return { type: "semantic_vad", ...(eagerness === undefined ? {} : { eagerness }) };
    case "local":
      return null;
    default:
      return turnDetection satisfies never;
  }
}
