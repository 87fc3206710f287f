import { once } from "node:events";
import { Worker } from "node:worker_threads";
import test from "ava";
import type { SpeechEvent } from "greenroom";
import * as local from "greenroom/local";
import * as testing from "greenroom/testing";
import { wordlessSpeech } from "../../../src/agent/hearing/recognised-hearing.ts";
import { concatenate, durationMs, level, silence } from "../../../src/audio/pcm.ts";
import { fliteVoices } from "../../../src/providers/local/flite.ts";
import { fliteText } from "../../../src/providers/local/flite-text.ts";
import { agentUrl } from "../../fixtures/agent-url.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { AgentThread } from "../../fixtures/thread/agent-thread.ts";
import { namedThreads, threadsAreNamed } from "../../fixtures/thread/named-threads.ts";
import { spoken } from "../../fixtures/voice/spoken.ts";

const never = () => new AbortController().signal;

/** Resolves with all that a voice makes of a text. */
async function speak(tts: local.TTS, text: string, signal = never()) {
  const chunks = [];
  for await (const chunk of tts.speak(text, { signal })) chunks.push(chunk);
  return chunks;
}

function voice(t: { teardown(free: () => Promise<void>): void }, options?: local.LocalTTSOptions): local.TTS {
  const tts = new local.TTS(options);
  t.teardown(() => tts.close());
  return tts;
}

test("the voice speaks, without silence before it", async (t) => {
  const [sound, ...more] = await speak(voice(t), "Hello, how can I help you today?");
  t.is(more.length, 0);
  t.is(sound?.sampleRate, 16_000);
  const ms = durationMs(sound!);
  t.true(ms > 1_500 && ms < 3_500, `${ms} ms`);
  t.true(level(sound!.samples) > 500);
  const first = sound!.samples.findIndex((sample) => Math.abs(sample) > 150);
  t.is(first, 320, "20 ms before the first sound");
});

test("every voice speaks; those that are slower take longer", async (t) => {
  for (const name of fliteVoices) {
    const [sound] = await speak(voice(t, { voice: name }), "Good morning.");
    t.is(sound?.sampleRate, name === "kal" ? 8_000 : 16_000, name);
    t.true(level(sound!.samples) > 300, name);
  }
  const [slow] = await speak(voice(t, { pace: 0.5 }), "Good morning.");
  const [fast] = await speak(voice(t, { pace: 2 }), "Good morning.");
  t.true(durationMs(slow!) > 3 * durationMs(fast!));
});

test("sentence by sentence, so that the first is heard while the next is made", async (t) => {
  const chunks = await speak(voice(t), "One is here. Two is there. Is three anywhere?");
  t.is(chunks.length, 3);
});

test("several texts at once are synthesised separately", async (t) => {
  const tts = voice(t);
  const texts = ["One.", "Two is a longer text.", "Three."];
  const alone = [];
  for (const text of texts) alone.push(await speak(tts, text));
  t.deepEqual(await Promise.all(texts.map((text) => speak(tts, text))), alone);
});

test("an abort stops it at once, before and during a speech", async (t) => {
  const tts = voice(t);
  const early = new AbortController();
  early.abort(new Error("not wanted"));
  await t.throwsAsync(speak(tts, "Hello.", early.signal), { message: "not wanted" });

  const late = new AbortController();
  const heard: number[] = [];
  const speaking = (async () => {
    for await (const { samples } of tts.speak("One is here. Two is there. Three is anywhere.", {
      signal: late.signal,
    })) {
      heard.push(samples.length);
      late.abort(new Error("enough"));
    }
  })();
  await t.throwsAsync(speaking, { message: "enough" });
  t.is(heard.length, 1);

  const waiting = new AbortController();
  const asked = speak(tts, "A text that is being made.", waiting.signal);
  waiting.abort(new Error("changed my mind"));
  await t.throwsAsync(asked, { message: "changed my mind" });
  t.is((await speak(tts, "It goes on.")).length, 1);
});

test("when the reader stops, it synthesises no more", async (t) => {
  const tts = voice(t);
  for await (const _ of tts.speak("One is here. Two is there. Three is anywhere.", { signal: never() }))
    break;
  t.is((await speak(tts, "It goes on.")).length, 1);
});

test.serial(
  "text that is not in Latin letters is a short silence, which is logged once, without the words",
  async (t) => {
    const warnings: string[] = [];
    const { warn } = console;
    console.warn = (message: string) => warnings.push(message);
    t.teardown(() => {
      console.warn = warn;
    });
    const tts = voice(t);
    for (const text of ["Привет, мир", "日本語", "مرحبا"]) {
      const [sound, ...more] = await speak(tts, text);
      t.is(more.length, 0);
      t.is(durationMs(sound!), 200, text);
      t.is(level(sound!.samples), 0);
    }
    t.deepEqual(warnings, ["local.TTS speaks English: text in other letters is not spoken"]);
    for (const text of ["🙂", "…", "", "   "]) t.is(durationMs((await speak(tts, text))[0]!), 200, text);
    t.is(warnings.length, 1, "what has no letters is no other language");
  },
);

test("a text becomes what the voice can speak", (t) => {
  const pieces = (text: string) => fliteText(text).pieces;
  t.deepEqual(pieces("Dr. Smith is here, e.g. at 3.5 km! “Really?” Yes."), [
    "Dr. Smith is here, e.g. at 3.5 km!",
    '"Really?"',
    "Yes.",
  ]);
  t.deepEqual(pieces("Café naïve – Straße, Łódź… ½ €"), ["Cafe naive , Strasse, Lodz...", "1/2 euros"]);
  t.deepEqual(pieces("Привет, John!"), ["John!"]);
  t.true(fliteText("Привет, John!").unknown);
  t.false(fliteText("🙂 Hi! ½").unknown);
  t.deepEqual(pieces("a\u0000b\nc"), ["a b c"], "nothing that would end the text early");
  const long = pieces(`${"word ".repeat(30)}, and ${"word ".repeat(30)}`);
  t.true(long.every((piece) => piece.length <= 160));
  t.is(long.join(" ").match(/word/g)?.length, 60);
  t.true(pieces("x".repeat(1_000)).every((piece) => piece.length <= 160));
});

test("text that looks like an option of the program is spoken", async (t) => {
  for (const text of ["-voice none", "--help", "-lv"]) {
    t.true(level((await speak(voice(t), text))[0]!.samples) > 300, text);
  }
});

test("a closed voice speaks no more; one that is created after it does", async (t) => {
  const tts = new local.TTS();
  await tts.warm();
  await tts.close();
  await tts.close();
  await t.throwsAsync(speak(tts, "Hello."), { message: "local.TTS is closed" });
  t.is((await speak(voice(t), "Hello.")).length, 1);
});

test("a voice that is closed while it speaks ends its speech", async (t) => {
  const tts = new local.TTS();
  const stays = voice(t);
  await speak(stays, "Ready.");
  const speaking = speak(tts, "One is here. Two is there. Three is anywhere.");
  await tts.close();
  // Another voice still holds the thread, so what was asked for may be finished.
  await Promise.allSettled([speaking]);
  t.is((await speak(stays, "Still here.")).length, 1);
});

/** Returns the number of threads of this process that speak. */
const fliteThreads = (): number => namedThreads("flite");

/** Resolves when no thread speaks: that of the test before may be about to end. */
const allQuiet = () => eventually("no thread speaks", () => fliteThreads() === 0);

const onLinux = threadsAreNamed ? test.serial : test.skip;

onLinux("the voice's thread ends with its parent thread, in the middle of a word", async (t) => {
  await allQuiet();
  const worker = new Worker(new URL("../../fixtures/thread/flite-thread.ts", import.meta.url));
  t.teardown(() => worker.terminate());
  for (let count = 0; count < 3; count += 1) await once(worker, "message");
  t.is(fliteThreads(), 1);
  await worker.terminate();
  await allQuiet();
  t.pass();
});

onLinux("the thread of the voice ends when the last voice is closed", async (t) => {
  await allQuiet();
  const [one, two] = [new local.TTS(), new local.TTS()];
  await speak(one, "Hello.");
  await speak(two, "Hello.");
  t.is(fliteThreads(), 1, "they share it");
  await one.close();
  t.is(fliteThreads(), 1);
  await two.close();
  await allQuiet();
  t.pass();
});

for (const [options, says] of [
  [{ voice: "alto" }, /voice must be one of slt, rms/],
  [{ pace: 3 }, /pace must be a number from 0.5 to 2/],
  [{ pace: "1" }, /pace/],
  [{ speed: 1 }, /no option speed/],
] as const) {
  test(`local.TTS refuses ${JSON.stringify(options)}`, (t) => {
    t.throws(() => new local.TTS(options as never), { instanceOf: TypeError, message: says });
  });
}

for (const [options, says] of [
  [{ endMs: 1 }, /endMs must be a number from 100 to 10000/],
  [{ startMs: Number.NaN }, /startMs/],
  [{ end: 1 }, /no option end/],
] as const) {
  test(`local.STT refuses ${JSON.stringify(options)}`, (t) => {
    t.throws(() => new local.STT(options as never), { instanceOf: TypeError, message: says });
  });
}

/** Resolves with what the recogniser tells of this sound, given frame by frame. */
async function hear(stt: local.STT, samples: Int16Array, sampleRate = 16_000) {
  const events: SpeechEvent[] = [];
  const stream = await stt.listen({ signal: never() });
  const length = sampleRate / 50;
  for (let at = 0; at < samples.length; at += length) {
    stream.write({ samples: samples.subarray(at, at + length), sampleRate });
  }
  const { audioDurationMs } = stream;
  await stream.close();
  for await (const event of stream) events.push(event);
  return { events, audioDurationMs };
}

test("local.STT reports that somebody spoke, for how long and until when, but no words", async (t) => {
  const speech = await spoken("What is the weather like in Paris today?");
  const quiet = silence(800, 16_000).samples;
  const before = performance.timeOrigin + performance.now();
  const { events, audioDurationMs } = await hear(
    new local.STT(),
    concatenate([quiet, speech.samples, quiet]),
  );
  t.deepEqual(
    events.map(({ type }) => type),
    ["started", "ended"],
  );
  const ended = events[1] as Extract<SpeechEvent, { type: "ended" }>;
  t.is(ended.text, "");
  t.true(
    Math.abs((ended.speechMs ?? 0) - durationMs(speech)) < 500,
    `${ended.speechMs}, ${durationMs(speech)}`,
  );
  t.true((ended.speechEndedAt ?? 0) >= before);
  t.true(Math.abs(audioDurationMs - 1_600 - durationMs(speech)) <= 20);
});

test("the end of speech is when its last sound was written, not when the quiet after it was long enough", async (t) => {
  const speech = await spoken("What is the weather like?");
  const stream = await new local.STT({ endMs: 200 }).listen({ signal: never() });
  const clock = () => performance.timeOrigin + performance.now();
  const write = (samples: Int16Array) => {
    for (let at = 0; at < samples.length; at += 320) {
      stream.write({ samples: samples.subarray(at, at + 320), sampleRate: 16_000 });
    }
  };
  write(speech.samples);
  const spokenUntil = clock();
  await new Promise((resolve) => setTimeout(resolve, 60));
  write(silence(400, 16_000).samples);
  for await (const event of stream) {
    if (event.type !== "ended") continue;
    t.true((event.speechEndedAt ?? Infinity) <= spokenUntil);
    break;
  }
  await stream.close();
});

test("streams that are closed or aborted end", async (t) => {
  const stt = new local.STT();
  const cancel = new AbortController();
  const stream = await stt.listen({ signal: cancel.signal });
  cancel.abort();
  stream.write(testing.tone(440, 20));
  t.is(stream.audioDurationMs, 0);
  for await (const _ of stream) t.fail();
  await stream.close();
  await t.throwsAsync(stt.listen({ signal: AbortSignal.abort(new Error("gone")) }), { message: "gone" });
  await stt.close();
});

test("speech without words is answered with its length, and advice", async (t) => {
  const answer = async (text: string) => {
    let said = "";
    const llm = new local.LLM({ wordDelayMs: 0 });
    const request = { instructions: "", functions: [], toolChoice: "auto" as const, signal: never() };
    const message = { role: "participant" as const, participantId: "alice", text };
    for await (const event of llm.generate({ ...request, messages: [message] })) {
      if (event.type === "text") said += event.delta;
    }
    return said;
  };
  t.is(
    await answer(wordlessSpeech(2_640)),
    "I heard you speak for 2.6 seconds, but I cannot tell words without speech to text. " +
      "Please type your message, or set a key for Deepgram.",
  );
  t.regex(await answer("I spoke for 2 seconds"), /^You said/);
});

test("a whole call with no key: the agent greets, hears, and answers aloud", async (t) => {
  const edge = `offline-${Math.random()}`;
  const thread = new AgentThread(t, agentUrl("providers/offline-voice"));
  thread.assign({ config: { edge, speed: 4, greeting: "Welcome." } });
  using call = await testing.dial(edge);
  await call.joined;
  const alice = call.addParticipant("alice");
  await thread.event("turn", ({ origin }) => origin === "say");
  await eventually("the greeting", () => call.recording.durationMs > 300);
  const greeted = call.recording.durationMs;

  t.true((await alice.play(await spoken("What is the weather like in Paris today?"))).complete);
  const { outcome, latency } = await thread.event("turn", ({ origin }) => origin === "participant");
  t.is(outcome, "done");
  t.not(latency, null, "it was measured");
  await eventually("the answer", () => call.recording.durationMs - greeted > 4_000);
  const said = thread.events.flatMap((event) =>
    event.type === "transcript" && event.final ? [`${event.role}: ${event.text}`] : [],
  );
  t.is(said[0], "agent: Welcome.");
  t.regex(said[1] ?? "", /^user: \(spoke for [\d.]+ seconds/);
  t.regex(said[2] ?? "", /^agent: I heard you speak for [\d.]+ seconds.*set a key for Deepgram\.$/);

  call.hangUp();
  await thread.next("ended");
  await call.left;
});
