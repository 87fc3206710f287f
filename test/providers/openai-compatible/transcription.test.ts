import test, { type ExecutionContext } from "ava";
import type { SpeechEvent } from "greenroom";
import * as openaiCompatible from "greenroom/openai-compatible";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { level, silence } from "../../../src/audio/pcm.ts";
import type { Heard } from "../../emulators/openai.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";
import { said, turnOf, write } from "../../fixtures/recogniser/open-recogniser.ts";

/** Listens by a recogniser of the emulator. */
async function stage(t: ExecutionContext, options: openaiCompatible.STTOptions = {}) {
  const { emulator, recogniser } = await openaiStage(t);
  const heard: Heard[] = [];
  emulator.transcribe = (one) => {
    heard.push(one);
    return "What is the weather in Paris?";
  };
  const stt = recogniser(options);
  const cancel = new AbortController();
  const stream = await stt.listen({ participantId: "anna", signal: cancel.signal });
  t.teardown(() => stream.close());
  const events = stream[Symbol.asyncIterator]();
  const until = async (type: SpeechEvent["type"]) => {
    const seen: SpeechEvent[] = [];
    while (seen.at(-1)?.type !== type) {
      const { value, done } = await events.next();
      if (done) return seen;
      seen.push(value);
    }
    return seen;
  };
  return { emulator, stt, stream, events, heard, cancel, until };
}

const question = "What is the weather in Paris?";
const types = (events: readonly SpeechEvent[]) => events.map(({ type }) => type);

test("a turn is one request, with its sound as WAV", async (t) => {
  const { emulator, stt, stream, events, heard } = await stage(t, {
    language: "en",
    prompt: "Paris, Rome",
    body: { temperature: 0, "timestamp_granularities[]": ["segment", "word"] },
  });
  t.deepEqual(
    [stt.provider, stt.model, stt.language, stt.words],
    ["openai-compatible", "whisper-1", "en", undefined],
  );
  write(stream, await said(question));
  const turn = await turnOf(events);
  t.deepEqual(types(turn), ["started", "ended"]);
  t.like(turn[1], { text: question });
  t.is(typeof (turn[1] as { speechEndedAt: unknown }).speechEndedAt, "number");
  t.is(heard.length, 1);
  const [{ samples, sampleRate, fields }] = heard as [Heard];
  t.is(sampleRate, 16_000);
  // Two seconds of speech without the silence behind it.
  const seconds = samples.length / sampleRate;
  t.true(seconds > 1 && seconds < 3, String(seconds));
  t.true(level(samples) > 500);
  t.deepEqual(fields, {
    model: "whisper-1",
    response_format: "json",
    language: "en",
    prompt: "Paris, Rome",
    temperature: "0",
    "timestamp_granularities[]": "word",
  });
  t.true(stream.audioDurationMs > 2_000);
  // The next turn is another request.
  emulator.transcribe = () => " And in Rome? \n";
  write(stream, await said("And in Rome?"));
  t.like((await turnOf(events)).at(-1), { type: "ended", text: "And in Rome?" });
  t.is(emulator.log.of("heard").length, 2);
});

test("sound of any rate is taken, and silence asks for nothing", async (t) => {
  const { emulator, stream, events, heard } = await stage(t);
  const speech = await said(question);
  stream.write(silence(3_000, 48_000));
  const doubled = Int16Array.from(
    { length: speech.length * 3 },
    (_, index) => speech[Math.floor(index / 3)]!,
  );
  for (let at = 0; at < doubled.length; at += 960) {
    stream.write({ samples: doubled.slice(at, at + 960), sampleRate: 48_000 });
  }
  t.deepEqual(types(await turnOf(events)), ["started", "ended"]);
  t.is(heard[0]?.sampleRate, 16_000);
  t.is(emulator.log.of("request").length, 1);
});

test("turns are told in their order, whichever words come first", async (t) => {
  const { emulator, stream, events } = await stage(t);
  const first = Promise.withResolvers<string>();
  let asked = 0;
  emulator.transcribe = () => (++asked === 1 ? first.promise : "Two.");
  write(stream, await said("Hello there."));
  await emulator.log.seen("heard");
  write(stream, await said("What time is it?"));
  await emulator.log.seen("end");
  first.resolve("One.");
  const turns = [...(await turnOf(events)), ...(await turnOf(events))];
  t.deepEqual(
    turns.map((event) => ("text" in event ? event.text : event.type)),
    ["started", "One.", "started", "Two."],
  );
});

test("an eager recogniser asks in a pause: the words are there when the turn ends, and taken back where it goes on", async (t) => {
  const { emulator, stream, until } = await stage(t, { eagerMs: 200, endMs: 900 });
  const whole = await said(question);
  // The last 600 ms are silence.
  write(stream, whole.subarray(0, -9_600));
  t.deepEqual(types(await until("eager_end")), ["started", "eager_end"]);
  write(stream, whole.subarray(-9_600));
  t.deepEqual(types(await until("ended")), ["ended"]);
  t.is(emulator.log.of("heard").length, 1);
  // A pause of a speaker who goes on.
  const [before, behind] = [await said("Hello there."), await said("What time is it?")];
  write(stream, before.subarray(0, -9_600));
  t.deepEqual(types(await until("eager_end")), ["started", "eager_end"]);
  write(stream, behind);
  t.deepEqual(
    types(await until("ended")).filter((type) => type !== "eager_end"),
    ["resumed", "ended"],
  );
  t.is(emulator.log.of("heard").length, 3);
});

test("a pause whose words are not there yet is forgotten where the speaker goes on", async (t) => {
  const { emulator, stream, until } = await stage(t, { eagerMs: 200, endMs: 900 });
  let asked = 0;
  const never = new Promise<string>(() => {});
  emulator.transcribe = () => (++asked === 1 ? never : "All of it.");
  const [before, behind] = [await said("Hello there."), await said("What time is it?")];
  write(stream, before.subarray(0, -9_600));
  await emulator.log.seen("heard");
  write(stream, behind);
  await emulator.log.seen("aborted");
  const seen = await until("ended");
  t.like(seen.at(-1), { text: "All of it." });
  t.false(types(seen).includes("resumed"));
});

test("a passing failure is tried again; a lasting one is told, and the turn ends without words", async (t) => {
  const { emulator, stream, events, until } = await stage(t);
  emulator.faults.add({ kind: "status", status: 503 }, { kind: "reset" });
  write(stream, await said(question));
  t.like((await turnOf(events)).at(-1), { text: question });
  emulator.faults.add({ kind: "status", status: 400, message: "No" });
  write(stream, await said(question));
  const turn = await until("ended");
  t.deepEqual(types(turn), ["started", "error", "ended"]);
  const [, failed, ended] = turn as [
    SpeechEvent,
    Extract<SpeechEvent, { type: "error" }>,
    Extract<SpeechEvent, { type: "ended" }>,
  ];
  t.false(failed.fatal);
  t.like(failed.error, { name: "OpenAICompatibleError", kind: "invalid", status: 400 });
  t.is(ended.text, "");
  t.true((ended.speechMs ?? 0) > 500);
  // It goes on listening.
  write(stream, await said(question));
  t.like((await turnOf(events)).at(-1), { text: question });
  // A noise has no words, and is no failure.
  emulator.transcribe = () => "";
  write(stream, await said(question));
  const noise = (await turnOf(events)).at(-1);
  t.like(noise, { type: "ended", text: "" });
  t.false("speechMs" in noise!);
});

test("words that do not come in time are a timeout, and close the request", async (t) => {
  const { emulator, stream, until } = await stage(t, { timeoutMs: 1_000 });
  emulator.faults.add({ kind: "hang" });
  write(stream, await said(question));
  const [, failed] = (await until("ended")) as [SpeechEvent, Extract<SpeechEvent, { type: "error" }>];
  t.is(errorKind(failed.error), "timeout");
  await emulator.log.seen("aborted");
});

test("closing the stream, its signal and the recogniser end requests and the iteration", async (t) => {
  for (const how of ["stream", "signal", "recogniser"] as const) {
    const { emulator, stt, stream, events, cancel } = await stage(t);
    emulator.transcribe = () => new Promise<string>(() => {});
    write(stream, await said(question));
    await emulator.log.seen("heard");
    if (how === "stream") await stream.close();
    else if (how === "signal") cancel.abort();
    else await stt.close();
    await emulator.log.seen("aborted");
    t.deepEqual(types(await turnOf(events)), ["started"]);
    stream.write(silence(100, 16_000));
    if (how === "recogniser")
      await t.throwsAsync(stt.listen({ participantId: "a", signal: new AbortController().signal }), {
        message: /is closed/,
      });
  }
});

test("a wrong key is known after warm, and a wrong option is one clear line", async (t) => {
  const { recogniser } = await openaiStage(t, { apiKey: "right-key" });
  await recogniser().warm(new AbortController().signal);
  await t.throwsAsync(recogniser({ apiKey: "other-key" }).warm(new AbortController().signal), {
    message: /answered 401/,
  });
  const at = { baseUrl: "http://127.0.0.1:9/v1" };
  for (const [options, message] of [
    [{ eager: 1 } as object, /no option eager: did you mean eagerMs\?$/],
    [{ language: "English" }, /language must be a code such as de, not "English"$/],
    [{ eagerMs: 1 }, /eagerMs must be a number from 60 to 10000, or null, not 1$/],
    [{ body: { file: "x" } }, /body must be an object of fields other than model, file/],
  ] as const) {
    t.throws(() => new openaiCompatible.STT("whisper-1", { ...at, ...options }), {
      instanceOf: TypeError,
      message,
    });
  }
});
