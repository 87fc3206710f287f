import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAI as createOpenAIv2 } from "ai-sdk-openai-2";
import { createOpenAI as createOpenAIv3 } from "ai-sdk-openai-3";
import test, { type ExecutionContext } from "ava";
import type { SpeechChunk, SpeechEvent, TTS } from "greenroom";
import * as aiSdk from "greenroom/ai-sdk";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { DeadlineError } from "../../../src/shared/deadline.ts";
import { speak as tones } from "../../emulators/elevenlabs/tone.ts";
import { type Heard, openaiDelays, startOpenai } from "../../emulators/openai.ts";
import { said, turnOf, write } from "../../fixtures/recogniser/open-recogniser.ts";

const versions = { v2: createOpenAIv2, v3: createOpenAIv3, v4: createOpenAI };
type Version = keyof typeof versions;
const question = "What is the weather in Paris?";
const greeting = "Hello there, how are you?";
const anySignal = () => new AbortController().signal;
const types = (events: readonly SpeechEvent[]) => events.map(({ type }) => type);

/** OpenAI's own package, which talks to the emulator. */
async function stage(t: ExecutionContext, version: Version, apiKey = "right-key") {
  const emulator = await startOpenai({ delays: openaiDelays.none, apiKey: "right-key" });
  t.teardown(() => emulator.close());
  const heard: Heard[] = [];
  emulator.transcribe = (one) => {
    heard.push(one);
    return question;
  };
  const openai = versions[version]({ baseURL: emulator.url, apiKey });
  const listen = async (options: aiSdk.STTOptions = {}) => {
    const stt = new aiSdk.STT(openai.transcription("whisper-1"), options);
    t.teardown(() => stt.close());
    const cancel = new AbortController();
    const stream = await stt.listen({ participantId: "anna", signal: cancel.signal });
    t.teardown(() => stream.close());
    return { stt, stream, cancel, events: stream[Symbol.asyncIterator]() };
  };
  const voice = (options: aiSdk.TTSOptions = {}) => {
    const tts = new aiSdk.TTS(openai.speech("tts-1"), options);
    t.teardown(() => tts.close());
    return tts;
  };
  return { emulator, heard, listen, voice };
}

async function speak(tts: TTS, text = greeting, signal = anySignal()): Promise<SpeechChunk[]> {
  const chunks: SpeechChunk[] = [];
  for await (const chunk of tts.speak(text, { signal })) chunks.push(chunk);
  return chunks;
}

const samplesOf = (chunks: readonly SpeechChunk[]) =>
  Int16Array.from(chunks.flatMap(({ samples }) => [...samples]));
const expected = tones(greeting, { sampleRate: 24_000, msPerCharacter: 20 });

for (const version of ["v2", "v3", "v4"] as const) {
  test(`${version}: a turn is one request, with its sound as WAV`, async (t) => {
    const { heard, listen } = await stage(t, version);
    const { stt, stream, events } = await listen({
      language: "en",
      providerOptions: { openai: { language: "en", prompt: "Paris, Rome" } },
    });
    t.deepEqual([stt.provider, stt.model, stt.language], ["openai", "whisper-1", "en"]);
    write(stream, await said(question));
    const turn = await turnOf(events);
    t.deepEqual(types(turn), ["started", "ended"]);
    t.like(turn[1], { text: question });
    t.is(heard.length, 1);
    t.is(heard[0]!.sampleRate, 16_000);
    t.like(heard[0]!.fields, { model: "whisper-1", language: "en", prompt: "Paris, Rome" });
  });

  test(`${version}: a sentence is spoken, from WAV and from raw samples`, async (t) => {
    const { emulator, voice } = await stage(t, version);
    t.deepEqual(samplesOf(await speak(voice({ voice: "coral", speed: 1.5 }))), expected);
    t.like((await emulator.log.seen("request")).body, {
      model: "tts-1",
      input: greeting,
      voice: "coral",
      speed: 1.5,
      response_format: "wav",
    });
    const chunks = await speak(voice({ outputFormat: "pcm" }));
    t.deepEqual(samplesOf(chunks), expected);
    t.true(chunks.every(({ sampleRate }) => sampleRate === 24_000));
    t.deepEqual(await speak(voice(), " "), []);
  });

  test(`${version}: failures pass before they are told, with their kind and without the key`, async (t) => {
    const { emulator, listen, voice } = await stage(t, version);
    emulator.faults.add({ kind: "status", status: 503 });
    t.deepEqual(samplesOf(await speak(voice())), expected);
    emulator.faults.add({ kind: "status", status: 503, times: 3 });
    const failed = await t.throwsAsync(speak(voice()));
    t.like(failed, { name: "AiSdkError", status: 503 });
    emulator.faults.add({ kind: "status", status: 503, times: 3 });
    const { stream, events } = await listen();
    write(stream, await said(question));
    const turn = await turnOf(events);
    t.deepEqual(types(turn), ["started", "error", "ended"]);
    t.like(turn[1], { fatal: false });
    // It is told for how long somebody spoke, since nobody knows the words.
    t.like(turn[2], { text: "" });
    t.true((turn[2] as { speechMs: number }).speechMs > 500);
    const wrong = await stage(t, version, "wrong-key-0123456789");
    const refused = await t.throwsAsync(speak(wrong.voice()));
    t.like(refused, { name: "AiSdkError", status: 401 });
    t.false(refused!.message.includes("0123456789"));
  });

  test(`${version}: an abort, a close and a deadline end the request`, async (t) => {
    const { emulator, voice, listen } = await stage(t, version);
    emulator.faults.add({ kind: "hang", times: 4 });
    const cancel = new AbortController();
    const speaking = speak(voice(), greeting, cancel.signal);
    await emulator.log.seen("request");
    const reason = new Error("the user speaks");
    cancel.abort(reason);
    t.is(await t.throwsAsync(speaking), reason);
    await emulator.log.seen("aborted");
    const tts = voice();
    const closing = t.throwsAsync(speak(tts), { name: "AbortError" });
    await emulator.log.seen("request", 2);
    await tts.close();
    await closing;
    await emulator.log.seen("aborted", 2);
    t.like(await t.throwsAsync(speak(tts)), { code: "CLOSED" });
    const late = await t.throwsAsync(speak(voice({ timeoutMs: 1_000 })));
    t.true(late instanceof DeadlineError);
    t.is(errorKind(late), "timeout");
    const { stream, events, stt } = await listen();
    write(stream, await said(question));
    await emulator.log.seen("request", 4);
    await stt.close();
    await emulator.log.seen("aborted", 4);
    t.deepEqual(types(await turnOf(events)), ["started"]);
    t.like(await t.throwsAsync(stt.listen({ participantId: "anna", signal: anySignal() })), {
      code: "CLOSED",
    });
  });
}

test("with eagerMs the words are there before the turn has ended", async (t) => {
  const { heard, listen } = await stage(t, "v4");
  const { stream, events } = await listen({ eagerMs: 200 });
  write(stream, await said(question));
  const turn = await turnOf(events);
  t.like(turn.at(-1), { type: "ended", text: question });
  t.true(heard.length >= 1);
});

test("sound of a form that is not read is an error that says what to do", async (t) => {
  const model = {
    specificationVersion: "v3",
    provider: "vendor.speech",
    modelId: "x",
    doGenerate: async () => ({ audio: Buffer.from("ID3 some MP3, as a text of base64").toString("base64") }),
  };
  const tts = new aiSdk.TTS(model);
  const error = await t.throwsAsync(speak(tts));
  t.is(errorKind(error), "bad_answer");
  t.regex(error!.message, /^The sound of vendor is MP3, which is not read: set outputFormat/);
  const silent = new aiSdk.TTS({ ...model, doGenerate: async () => ({ audio: new Uint8Array(0) }) });
  t.like(await t.throwsAsync(speak(silent)), { code: "empty_answer" });
});

test("a wrong model or option is refused with one clear line", (t) => {
  const refused = (make: () => unknown) => t.throws(make, { instanceOf: TypeError })!.message;
  t.regex(
    refused(() => new aiSdk.STT({} as never)),
    /^aiSdk\.STT: the first argument must be a model of the AI SDK/,
  );
  const { speech } = versions.v4({ apiKey: "x" });
  t.regex(
    refused(() => new aiSdk.TTS(speech("tts-1"), { speed: 9 })),
    /^aiSdk\.TTS: speed must be a number from 0\.25 to 4, not 9$/,
  );
  t.is(
    refused(() => new aiSdk.TTS(speech("tts-1"), { voise: "coral" } as never)),
    "aiSdk.TTS: there is no option voise: did you mean voice?",
  );
});
