import test from "ava";
import { speak as tonesOf } from "../../emulators/elevenlabs/tone.ts";
import type { ElevenlabsFault } from "../../emulators/elevenlabs.ts";
import {
  anySignal,
  emulate,
  failure,
  greeting,
  soundOf,
  speak,
  spoken,
  voice,
} from "../../fixtures/providers/elevenlabs-voice.ts";

for (const [name, fault] of Object.entries<ElevenlabsFault>({
  "a busy service": { status: 429, code: "system_busy" },
  "a fault of the service": { status: 503 },
  "a connection that breaks": { resets: true },
  "an answer without sound": { empty: true },
})) {
  test(`before the first byte a request is retried: ${name}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push(fault, fault);
    const chunks = await speak(voice(t, emulator), greeting);
    t.deepEqual(soundOf(chunks), tonesOf(greeting, { sampleRate: 24_000 }));
    t.is(spoken(emulator).length, 3);
  });
}

test("retries are bounded", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.always = { status: 503 };
  t.is((await failure(voice(t, emulator))).status, 503);
  t.is(spoken(emulator).length, 3);
});

test("a lasting failure is not retried", async (t) => {
  const emulator = await emulate(t);
  for (const status of [400, 401, 403, 404, 422]) {
    emulator.faults.push({ status });
    t.is((await failure(voice(t, emulator))).status, status);
  }
  t.is(spoken(emulator).length, 5);
});

test("Retry-After is kept where there is time for it, otherwise the request fails at once", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ status: 503, retryAfterSeconds: 60 });
  const error = await failure(voice(t, emulator));
  t.is(error.retryAfterMs, 60_000);
  t.is(spoken(emulator).length, 1);
  emulator.faults.push({ status: 503, retryAfterSeconds: 1 });
  t.true((await speak(voice(t, emulator), greeting)).length > 0);
  t.is(spoken(emulator).length, 3);
});

test("a kept connection that the server closed is replaced without a pause, and does not count as a retry", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator, { maxRetries: 0 });
  await speak(tts, greeting);
  emulator.faults.push({ resets: true });
  t.true((await speak(tts, greeting)).length > 0);
  t.is(emulator.connections.made, 2);
});

test("warm opens the connection of the first sentences", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  await tts.warm(anySignal());
  t.is(emulator.connections.made, 1);
  await speak(tts, "One sentence.");
  await speak(tts, "And another one.");
  t.is(emulator.connections.made, 1);
  t.deepEqual(
    spoken(emulator).map(({ connection }) => connection),
    [0, 0],
  );
});

test("warm rejects for a wrong key and an unknown voice, and accepts a key that may only speak", async (t) => {
  const emulator = await emulate(t, { account: { apiKey: "the-key", unknownVoices: new Set(["nobody"]) } });
  await t.throwsAsync(voice(t, emulator).warm(anySignal()), {
    code: "invalid_api_key",
    message: /401.*Invalid API key/,
  });
  await t.throwsAsync(voice(t, emulator, { apiKey: "the-key", voiceId: "nobody" }).warm(anySignal()), {
    code: "voice_not_found",
  });
  emulator.account.restrictedKey = true;
  const tts = voice(t, emulator, { apiKey: "the-key" });
  await t.notThrowsAsync(tts.warm(anySignal()));
  await speak(tts, greeting);
});

test("warm can be aborted", async (t) => {
  const emulator = await emulate(t);
  await t.throwsAsync(voice(t, emulator).warm(AbortSignal.abort(new Error("late"))), { message: "late" });
});

test("the SDK and fetch are unchanged for other code", async (t) => {
  const emulator = await emulate(t);
  const { fetch } = globalThis;
  await speak(voice(t, emulator), greeting);
  t.is(globalThis.fetch, fetch);
  const { TextToSpeech } = await import("elevenlabs/api/resources/textToSpeech/client/Client.js");
  const other = new TextToSpeech({ apiKey: "another", baseUrl: emulator.url });
  const body = await other.convertAsStream("someone", { text: greeting, output_format: "pcm_16000" });
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) bytes += piece.length;
  t.is(bytes, greeting.length * 60 * 16 * 2);
});
