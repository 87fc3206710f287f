import { getEventListeners } from "node:events";
import test from "ava";
import * as cartesia from "greenroom/cartesia";
import { heardOf, speak as toneOf } from "../../emulators/elevenlabs/tone.ts";
import {
  anySignal,
  cartesiaStage,
  greeting,
  soundOf,
  speak,
} from "../../fixtures/providers/cartesia-stage.ts";

test("a text is a context of its own, whose sound is yielded as it comes", async (t) => {
  const { emulator, voice, requests } = await cartesiaStage(t, { script: { oddPieces: true } });
  const tts = voice({
    voiceId: "a-voice",
    language: "en",
    speed: 1.2,
    emotion: "calm",
    pronunciationDictId: "pdict_1",
  });
  t.deepEqual([tts.provider, tts.model], ["cartesia", "sonic-3.5"]);
  const chunks = await speak(tts, greeting);
  t.true(chunks.length > 5);
  t.true(chunks.every(({ sampleRate }) => sampleRate === 24_000));
  t.deepEqual(soundOf(chunks), toneOf(greeting, { sampleRate: 24_000 }));
  const [{ context_id, ...request }] = requests() as [Record<string, unknown>];
  t.is(typeof context_id, "string");
  t.deepEqual(request, {
    model_id: "sonic-3.5",
    transcript: greeting,
    voice: { mode: "id", id: "a-voice" },
    language: "en",
    output_format: { container: "raw", encoding: "pcm_s16le", sample_rate: 24_000 },
    continue: false,
    max_buffer_delay_ms: 0,
    generation_config: { speed: 1.2, emotion: "calm" },
    pronunciation_dict_id: "pdict_1",
    add_timestamps: true,
    use_normalized_timestamps: false,
  });
  const { headers, path } = emulator.log.of("handshake")[0] as unknown as {
    readonly path: string;
    readonly headers: Record<string, string>;
  };
  t.is(path, "/tts/websocket");
  t.is(headers.authorization, "Bearer a-key");
  t.regex(headers["cartesia-version"]!, /^2026-/);
});

for (const timestamps of ["before", "after"] as const) {
  test(`the times of words, ${timestamps} their sound, tell which characters sound when`, async (t) => {
    const text = 'Well: "yes", <break time="0.2s"/> twenty-one, at 5 €.';
    const { voice } = await cartesiaStage(t, { script: { timestamps } });
    const chunks = await speak(voice(), text);
    const alignments = chunks.flatMap(({ alignment }) => alignment ?? []);
    const characters = alignments.flatMap((one) => one.characters);
    const starts = alignments.flatMap(({ startMs }) => startMs);
    t.is(characters.join(""), text);
    t.deepEqual(
      starts,
      starts.toSorted((one, other) => one - other),
    );
    // "twenty-one," begins where its tone does.
    const at = text.indexOf("twenty");
    const place = characters.findIndex((_, index) => characters.slice(0, index + 1).join("").length > at);
    t.is(Math.round(starts[place]!), at * 60);
  });
}

test("words that are not those of the text are left out, and so is all behind them", async (t) => {
  const { voice } = await cartesiaStage(t, { script: { timestamps: "none" } });
  const chunks = await speak(voice(), greeting);
  t.true(chunks.every(({ alignment }) => alignment === undefined));
  const { voice: plain, requests } = await cartesiaStage(t);
  await speak(plain({ alignment: false, sampleRate: 16_000 }), greeting);
  t.false("add_timestamps" in requests()[0]!);
});

test("several texts are spoken at once over one connection, each with its own sound", async (t) => {
  const { emulator, voice } = await cartesiaStage(t, { script: { speed: 200 } });
  const tts = voice();
  const texts = ["One sentence.", "Another one, longer.", "And a third one, the longest of all."];
  const spoken = await Promise.all(texts.map((text) => speak(tts, text)));
  for (const [index, text] of texts.entries()) {
    t.deepEqual(soundOf(spoken[index]!), toneOf(text, { sampleRate: 24_000 }));
  }
  t.is(emulator.log.of("handshake").length, 1);
  t.is(
    new Set(emulator.log.of("speech_request").map(({ body }) => (body as { context_id: string }).context_id))
      .size,
    3,
  );
});

test("warming up opens the connection of the first sentence", async (t) => {
  const { emulator, voice } = await cartesiaStage(t);
  const tts = voice();
  await tts.warm(anySignal());
  await tts.warm(anySignal());
  t.is(emulator.log.of("speech_open").length, 1);
  await speak(tts, greeting);
  t.is(emulator.log.of("speech_open").length, 1);
});

test("a barge-in cancels the context, keeps the connection, and yields nothing more", async (t) => {
  const { emulator, voice } = await cartesiaStage(t, { script: { speed: 4 } });
  const tts = voice();
  const cancel = new AbortController();
  const speech = tts.speak(greeting, { signal: cancel.signal });
  const heard: Int16Array[] = [];
  for (let pieces = 0; pieces < 4; pieces += 1) heard.push((await speech.next()).value!.samples);
  const reason = new Error("barge-in");
  cancel.abort(reason);
  t.is(await t.throwsAsync(async () => speech.next()), reason);
  t.true((await speech.next()).done);
  await emulator.log.seen("speech_cancel");
  // The service goes on with a text that it has begun; its sound is nobody's.
  const next = "Yes, of course.";
  t.deepEqual(soundOf(await speak(tts, next)), toneOf(next, { sampleRate: 24_000 }));
  t.is(emulator.log.of("handshake").length, 1);
  const sound = Int16Array.from(heard.flatMap((samples) => [...samples]));
  t.is(heardOf(greeting, sound, { sampleRate: 24_000 }), greeting.indexOf("there") + 2);
});

test("leaving the loop cancels the context, and a text that is over is not cancelled", async (t) => {
  const { emulator, voice } = await cartesiaStage(t, { script: { speed: 4 } });
  const tts = voice();
  for await (const _ of tts.speak(greeting, { signal: anySignal() })) break;
  await emulator.log.seen("speech_cancel");
  await speak(tts, "Yes.");
  await emulator.speech[0]!.read();
  t.is(emulator.log.of("speech_cancel").length, 1);
});

test("nothing stays with a signal that lives longer than the speech, or with a listener's", async (t) => {
  const { voice, recogniser } = await cartesiaStage(t);
  const { signal } = new AbortController();
  const tts = voice();
  await speak(tts, greeting, { signal });
  for await (const _ of tts.speak(greeting, { signal })) break;
  const stt = recogniser();
  await stt.warm(signal);
  const stream = await stt.listen({ participantId: "anna", signal });
  await stream.close();
  t.deepEqual(getEventListeners(signal, "abort"), []);
});

test("no request is sent for nothing, with a signal that has fired, or by a voice that is closed", async (t) => {
  const { emulator, voice } = await cartesiaStage(t);
  const tts = voice();
  t.deepEqual(await speak(tts, "  \n"), []);
  await t.throwsAsync(speak(tts, greeting, { signal: AbortSignal.abort(new Error("late")) }), {
    message: "late",
  });
  await tts.close();
  await t.throwsAsync(speak(tts, greeting), { message: "cartesia.TTS is closed" });
  await t.throwsAsync(async () => tts.warm(anySignal()), { message: "cartesia.TTS is closed" });
  t.is(emulator.log.of("handshake").length, 0);
});

test("closing ends all speech, and the connection", async (t) => {
  const { emulator, voice } = await cartesiaStage(t, { script: { speed: 1 } });
  const tts = voice();
  const speaking = [speak(tts, greeting), speak(tts, greeting)];
  const ended = Promise.allSettled(speaking);
  await emulator.log.seen("speech_first_piece", 2);
  await tts.close();
  for (const one of await ended) {
    t.is(one.status, "rejected");
    t.is((one as PromiseRejectedResult).reason.name, "AbortError");
  }
  await emulator.log.seen("speech_close");
  t.is(emulator.speaking, 0);
});

test("the tags that a model performs are its own", async (t) => {
  const { voice } = await cartesiaStage(t);
  t.deepEqual(voice().markup, { tags: ["break", "spell", "emotion"] });
  t.deepEqual(voice({ modelId: "sonic-3-2026-01-12" }).markup.tags?.slice(-2), ["speed", "volume"]);
});

test("wrong options are named, and the key is asked for", (t) => {
  const message = (options: object) =>
    t.throws(() => new cartesia.TTS({ apiKey: "key", ...options }), { instanceOf: TypeError })!.message;
  t.is(message({ speed: 2 }), "cartesia.TTS: speed must be a number from 0.6 to 1.5, not 2");
  t.regex(message({ sampleRate: 11_025 }), /^cartesia.TTS: sampleRate must be one of 8000, /);
  t.regex(message({ voice: "x" }), /^cartesia.TTS: there is no option voice/);
  const kept = process.env.CARTESIA_API_KEY;
  delete process.env.CARTESIA_API_KEY;
  t.throws(() => new cartesia.TTS(), {
    message: "CARTESIA_API_KEY is not set: set it, or give cartesia.TTS an apiKey",
  });
  if (kept !== undefined) process.env.CARTESIA_API_KEY = kept;
});
