import test from "ava";
import { speak as tonesOf } from "../../emulators/elevenlabs/tone.ts";
import {
  emulate,
  greeting,
  soundOf,
  speak,
  spoken,
  voice,
} from "../../fixtures/providers/elevenlabs-voice.ts";

for (const sampleRate of [16_000, 22_050, 24_000] as const) {
  for (const alignment of [true, false]) {
    test(`the sound is whole: ${sampleRate} Hz, alignment ${alignment}`, async (t) => {
      const emulator = await emulate(t, { script: { pieceMs: 70 } });
      const chunks = await speak(voice(t, emulator, { sampleRate, alignment }), greeting);
      t.true(chunks.every((chunk) => chunk.sampleRate === sampleRate));
      t.true(chunks.length > 1);
      t.deepEqual(soundOf(chunks), tonesOf(greeting, { sampleRate }));
    });
  }
}

test("by default it is Flash, in 24 kHz PCM, with timestamps", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  t.is(tts.provider, "elevenlabs");
  t.is(tts.model, "eleven_flash_v2_5");
  await speak(tts, greeting);
  const [{ path, query, headers, body }] = spoken(emulator) as [ReturnType<typeof spoken>[number]];
  t.is(path, "/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream/with-timestamps");
  t.deepEqual(query, { output_format: "pcm_24000" });
  t.is(headers["xi-api-key"], "a-key");
  t.deepEqual(body, { text: greeting, model_id: "eleven_flash_v2_5" });
});

test("every option becomes a field of the request", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator, {
    voiceId: "other/voice",
    modelId: "eleven_turbo_v2_5",
    languageCode: "de",
    voiceSettings: { stability: 0.4, similarityBoost: 0.7, style: 0, useSpeakerBoost: false, speed: 1.1 },
    sampleRate: 16_000,
    alignment: false,
    enableLogging: false,
    optimizeStreamingLatency: 3,
    applyTextNormalization: "off",
  });
  await speak(tts, greeting, { previousText: "Before.", nextText: "After." });
  const [{ path, query, body }] = spoken(emulator) as [ReturnType<typeof spoken>[number]];
  t.is(path, "/v1/text-to-speech/other%2Fvoice/stream");
  t.deepEqual(query, {
    output_format: "pcm_16000",
    enable_logging: "false",
    optimize_streaming_latency: "3",
  });
  t.deepEqual(body, {
    text: greeting,
    model_id: "eleven_turbo_v2_5",
    language_code: "de",
    voice_settings: { stability: 0.4, similarity_boost: 0.7, style: 0, use_speaker_boost: false, speed: 1.1 },
    previous_text: "Before.",
    next_text: "After.",
    apply_text_normalization: "off",
  });
});

test("neighbours are sent as far as they matter, whole characters, and not to the third generation", async (t) => {
  const emulator = await emulate(t);
  const neighbours = { previousText: `😀${"a".repeat(299)}`, nextText: `${"b".repeat(299)}😀` };
  await speak(voice(t, emulator), greeting, neighbours);
  await speak(voice(t, emulator, { modelId: "eleven_v3" }), greeting, neighbours);
  const [flash, third] = spoken(emulator);
  t.is(flash?.body.previous_text, "a".repeat(299));
  t.is(flash?.body.next_text, "b".repeat(299));
  t.is(third?.body.previous_text, undefined);
  t.is(third?.body.next_text, undefined);
});

test("for a blank text no request is sent", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  for (const text of ["", " ", "\n\t "]) t.deepEqual(await speak(tts, text), []);
  t.is(emulator.connections.made, 0);
});

test("sentences asked for at once do not wait for each other", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  const [first, second] = await Promise.all([speak(tts, "One sentence."), speak(tts, "And another one.")]);
  t.deepEqual(soundOf(first), tonesOf("One sentence.", { sampleRate: 24_000 }));
  t.deepEqual(soundOf(second), tonesOf("And another one.", { sampleRate: 24_000 }));
  t.is(emulator.connections.made, 2);
});
