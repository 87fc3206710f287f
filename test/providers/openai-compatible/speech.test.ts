import { setImmediate as nextTick } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import * as openaiCompatible from "greenroom/openai-compatible";
import { errorKind } from "../../../src/agent/error-kind.ts";
import type { SpeechChunk, TTS } from "../../../src/agent/tts.ts";
import { encodeWav } from "../../../src/audio/wav.ts";
import { SoundReader } from "../../../src/providers/sound/sound-reader.ts";
import { speak as tones } from "../../emulators/elevenlabs/tone.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

const greeting = "Hello there, how are you?";
const anySignal = () => new AbortController().signal;

async function speak(tts: TTS, text = greeting, signal = anySignal()): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  for await (const chunk of tts.speak(text, { signal })) chunks.push(chunk);
  return chunks;
}

const soundOf = (chunks: readonly SpeechChunk[]) =>
  Int16Array.from(chunks.flatMap(({ samples }) => [...samples]));
const expected = tones(greeting, { sampleRate: 24_000, msPerCharacter: 20 });

type Failure = openaiCompatible.OpenAICompatibleError;
const failure = (t: ExecutionContext, speaking: Promise<unknown>) =>
  t.throwsAsync(speaking) as unknown as Promise<Failure>;

test("speech is streamed in raw samples, however the bytes are cut", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  for (const pieceBytes of [1_001, 4_801, 1_000_000]) {
    emulator.speech = { ...emulator.speech, pieceBytes };
    const chunks = await speak(
      voice({ voice: "coral", speed: 1.5, instructions: "Kindly.", body: { seed: 1 } }),
    );
    t.true(chunks.every(({ sampleRate }) => sampleRate === 24_000));
    t.deepEqual(soundOf(chunks), expected);
    if (pieceBytes < 10_000) t.true(chunks.length > 1);
  }
  t.deepEqual((await emulator.log.seen("request")).body, {
    model: "tts-1",
    input: greeting,
    voice: "coral",
    response_format: "pcm",
    speed: 1.5,
    instructions: "Kindly.",
    seed: 1,
  });
  t.deepEqual(await speak(voice(), " "), []);
  t.deepEqual([voice().provider, voice().model], ["openai-compatible", "tts-1"]);
});

test("WAV is read too, whether or not its header knows the length, and tells its rate", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  for (const wavLength of [true, false]) {
    emulator.speech = { ...emulator.speech, wavLength, pieceBytes: 33 };
    const chunks = await speak(voice({ format: "wav", sampleRate: 8_000 }));
    t.true(chunks.every(({ sampleRate }) => sampleRate === 24_000));
    t.deepEqual(soundOf(chunks), expected);
  }
  t.like((await emulator.log.seen("request")).body, { response_format: "wav" });
  // A server that answers with WAV where raw samples were asked for is understood.
  emulator.speech = { ...emulator.speech, form: "wav" };
  t.deepEqual(soundOf(await speak(voice())), expected);
});

test("services that know no raw samples are asked for what they have", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  await speak(voice({ service: "groq", baseUrl: emulator.url }));
  t.like((await emulator.log.seen("request")).body, { response_format: "wav", voice: "autumn" });
  await t.throwsAsync(speak(voice({ service: "together", baseUrl: emulator.url, maxRetries: 0 })));
  t.like((await emulator.log.seen("request", 2)).body, {
    response_format: "wav",
    response_encoding: "pcm_s16le",
    voice: "tara",
  });
});

test("a form that is not read, and text in place of sound, are clear errors, which are not repeated", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  const say = (form: "mp3" | "json" | "html", type: string | null = null) => {
    emulator.speech = { ...emulator.speech, form, type };
    return failure(t, speak(voice({ maxRetries: 0 })));
  };
  for (const type of ["audio/mpeg", "application/octet-stream", "audio/pcm"]) {
    const error = await say("mp3", type);
    t.like(error, { kind: "invalid", code: "wrong_form" });
    t.regex(error.message, /was asked for pcm and answered with MP3, which is not read: try format: "wav"$/);
  }
  const page = await say("html");
  t.regex(page.message, /answered with text\/html in place of sound: is its address right\?$/);
  const told = await say("json");
  t.like(told, { kind: "server" });
  t.regex(told.message, /The voice is on holiday$/);
});

test("a reader of sound takes headers of any kind, and refuses what it would get wrong", (t) => {
  const samples = Int16Array.of(1, -2, 300, -400, 5, 6, 7, 8);
  const wav = Buffer.from(encodeWav({ samples, sampleRate: 22_050 }));
  const extra = Buffer.concat([
    wav.subarray(0, 36),
    Buffer.from("LIST\x03\x00\x00\x00abc\x00", "latin1"),
    wav.subarray(36),
  ]);
  const trailing = Buffer.concat([wav, Buffer.from("LIST\x04\x00\x00\x00abcd", "latin1")]);
  for (const bytes of [wav, extra, trailing]) {
    for (const size of [1, 7, 1_000]) {
      const reader = new SoundReader(24_000);
      const read: number[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        const chunk = reader.read(bytes.subarray(at, at + size));
        if (chunk === null) continue;
        t.is(chunk.sampleRate, 22_050);
        read.push(...chunk.samples);
      }
      t.is(reader.end(), null);
      t.deepEqual(read, [...samples]);
    }
  }
  t.deepEqual([...new SoundReader(8_000).read(Buffer.from(samples.buffer))!.samples], [...samples]);
  const short = new SoundReader(8_000);
  t.is(short.read(Uint8Array.of(1, 0)), null);
  t.deepEqual([...short.end()!.samples], [1]);
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(wav);
    change(bytes);
    return () => new SoundReader(24_000).read(bytes);
  };
  t.throws(
    changed((bytes) => bytes.writeUInt16LE(2, 22)),
    { message: "WAV of 2 channels" },
  );
  t.throws(
    changed((bytes) => bytes.writeUInt16LE(3, 20)),
    { message: "WAV of 16-bit kind 3" },
  );
  t.throws(
    changed((bytes) => bytes.writeUInt16LE(8, 34)),
    { message: "WAV of 8-bit PCM" },
  );
  for (const [beginning, name] of [
    ["OggS", "Ogg"],
    ["fLaC", "FLAC"],
    ["ID3\x04", "MP3"],
  ] as const) {
    t.throws(() => new SoundReader(24_000).read(Buffer.from(beginning.padEnd(20, "\0"), "latin1")), {
      message: name,
    });
  }
});

test("a passing failure before the first sound is retried; none behind it", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  for (const status of [429, 500, 503]) {
    emulator.faults.add({ kind: "status", status, times: 2 });
    t.deepEqual(soundOf(await speak(voice())), expected);
  }
  emulator.faults.add({ kind: "reset" });
  t.deepEqual(soundOf(await speak(voice())), expected);
  const asked = () => emulator.log.of("request").length;
  const before = asked();
  emulator.speech = { ...emulator.speech, cutAfter: 1 };
  t.is(errorKind(await failure(t, speak(voice()))), "network");
  t.is(asked() - before, 1);
  emulator.speech = { ...emulator.speech, cutAfter: null, empty: true };
  t.like(await failure(t, speak(voice({ maxRetries: 1 }))), { code: "empty_answer" });
  t.is(asked() - before, 3);
});

test("a lasting failure is known by its kind, and not retried", async (t) => {
  const { emulator, voice } = await openaiStage(t, { apiKey: "right-key" });
  t.like(await failure(t, speak(voice({ apiKey: "other-key" }))), { kind: "unauthorized" });
  t.like(await failure(t, speak(voice({ voice: "nobody" }))), { kind: "invalid", status: 400 });
  t.like(await failure(t, speak(voice(), "a".repeat(5_000))), { kind: "invalid", status: 400 });
  emulator.faults.add({ kind: "status", status: 429, code: "insufficient_quota" });
  t.like(await failure(t, speak(voice())), { kind: "quota" });
  t.is(emulator.log.of("request").length, 4);
});

test("deadlines: no first sound, and no next piece", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  emulator.faults.add({ kind: "hang" });
  const late = await failure(t, speak(voice({ firstByteTimeoutMs: 1_000 })));
  t.regex(late.message, /first sound took longer than 1000 ms \(firstByteTimeoutMs\)$/);
  await emulator.log.seen("aborted");
  emulator.speech = { ...emulator.speech, stallAfter: 1 };
  const still = await failure(t, speak(voice({ idleTimeoutMs: 50 })));
  t.regex(still.message, /took longer than 50 ms \(idleTimeoutMs\)$/);
  await emulator.log.seen("aborted", 2);
});

test("an abort, a reader that stops, and a close end the request", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  emulator.speech = { ...emulator.speech, stallAfter: 2 };
  const cancel = new AbortController();
  const reason = new Error("the user speaks");
  const aborted = speak(voice(), greeting, cancel.signal);
  await emulator.log.seen("first_byte");
  cancel.abort(reason);
  t.is(await t.throwsAsync(aborted), reason);
  await emulator.log.seen("aborted");
  for await (const _ of voice().speak(greeting, { signal: anySignal() })) break;
  await emulator.log.seen("aborted", 2);
  const tts = voice();
  const closing = speak(tts);
  await emulator.log.seen("first_byte", 3);
  await tts.close();
  t.is((await t.throwsAsync(closing))?.name, "AbortError");
  await emulator.log.seen("aborted", 3);
  t.like(await failure(t, speak(tts)), { code: "CLOSED" });
  const never = AbortSignal.abort(reason);
  t.is(await t.throwsAsync(speak(voice(), greeting, never)), reason);
});

test.serial("100 sentences, of which many are interrupted or fail, leave nothing behind", async (t) => {
  const { emulator, voice } = await openaiStage(t);
  const left = () => process.getActiveResourcesInfo().filter((name) => /Socket|Connect|Timeout/.test(name));
  const tts = voice({ maxRetries: 0 });
  for (let sentence = 0; sentence < 100; sentence++) {
    if (sentence % 3 === 0) emulator.faults.add({ kind: "status", status: 500 });
    if (sentence % 3 === 1) for await (const _ of tts.speak(greeting, { signal: anySignal() })) break;
    else await speak(tts, "Hi.").catch(() => undefined);
  }
  await tts.close();
  await emulator.log.seen("connection_closed", emulator.connections);
  for (let turn = 0; turn < 100 && left().length > 0; turn++) await nextTick();
  t.deepEqual(left(), []);
});

test("a wrong option of a voice is one clear line", (t) => {
  const at = { baseUrl: "http://127.0.0.1:9/v1" };
  for (const [options, message] of [
    [{ voise: "coral" } as object, /no option voise: did you mean voice\?$/],
    [{ speed: 9 }, /speed must be a number from 0.25 to 4, not 9$/],
    [{ format: "mp3" as "wav" }, /format must be one of pcm, wav, not "mp3"$/],
    [{ body: { input: "x" } }, /body must be an object of fields other than model, input/],
  ] as const) {
    t.throws(() => new openaiCompatible.TTS("tts-1", { ...at, ...options }), {
      instanceOf: TypeError,
      message,
    });
  }
});
