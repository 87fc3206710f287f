import test, { type ExecutionContext } from "ava";
import * as openaiCompatible from "greenroom/openai-compatible";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { Listener } from "../../fixtures/providers/listener.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";
import { said, write } from "../../fixtures/recogniser/open-recogniser.ts";

/** Listens by a realtime transcription of the emulator. */
async function stage(
  t: ExecutionContext,
  { model, ...options }: openaiCompatible.RealtimeSTTOptions & { readonly model?: string } = {},
) {
  const { emulator, realtime } = await openaiStage(t);
  const stt = realtime(model, options);
  return { emulator, stt, listener: await Listener.on(stt) };
}

type Stage = Awaited<ReturnType<typeof stage>>;

/** The messages of the client that are no sound, in order. */
const messages = ({ emulator }: Stage) =>
  emulator.log.of("realtime_message").map(({ message }) => message as Record<string, unknown>);

/** The sound that the emulator has heard so far, in milliseconds. */
const heardMs = ({ emulator }: Stage) =>
  emulator.log.of("realtime_audio").reduce((sum, { bytes }) => sum + ((bytes as number) * 3) / 4 / 48, 0);

test("a turn is found by the service: its beginning at once, its words when it is over", async (t) => {
  const set = await stage(t, { language: "en", keyterms: ["Greenroom", "Oslo"], prompt: "A call." });
  const { emulator, listener, stt } = set;
  t.deepEqual([stt.provider, stt.model, stt.language], ["openai-compatible", "gpt-4o-transcribe", "en"]);
  t.like(emulator.log.of("realtime_handshake")[0], {
    path: "/v1/realtime",
    query: { intent: "transcription" },
  });
  t.deepEqual(messages(set), [
    {
      type: "session.update",
      event_id: "session",
      session: {
        type: "transcription",
        audio: {
          input: {
            format: { type: "audio/pcm", rate: 24_000 },
            transcription: { model: "gpt-4o-transcribe", language: "en", prompt: "A call.\nGreenroom, Oslo" },
            turn_detection: { type: "server_vad", silence_duration_ms: 500 },
          },
        },
      },
    },
  ]);
  listener.talk({ speech: 400 });
  await listener.heard("started");
  listener.talk({ silence: 1_000 });
  const { speechEndedAt } = await listener.heard("ended");
  t.is(typeof speechEndedAt, "number");
  t.is(listener.story[0], "started");
  t.is(listener.story.at(-1), "ended(Hello there, how are you?)");
  // All sound is sent, at 24 kHz.
  t.true(heardMs(set) > 1_200 && heardMs(set) < 1_600, String(heardMs(set)));
  t.true(listener.stream.audioDurationMs > 1_200);
  listener.talk({ speech: 400, silence: 1_000 });
  t.is((await listener.heard("ended", 2)).text, "What is the weather like in Amsterdam today?");
});

test("the settings of the service's turns are passed on, and semantic turns have no time of their end", async (t) => {
  const server = await stage(t, {
    threshold: 0.7,
    prefixPaddingMs: 100,
    silenceMs: 200,
    noiseReduction: "far_field",
  });
  t.like(messages(server)[0]!.session, {
    audio: {
      input: {
        noise_reduction: { type: "far_field" },
        turn_detection: {
          type: "server_vad",
          threshold: 0.7,
          prefix_padding_ms: 100,
          silence_duration_ms: 200,
        },
      },
    },
  });
  const semantic = await stage(t, { turnDetection: "semantic", eagerness: "high" });
  t.like(messages(semantic)[0]!.session, {
    audio: { input: { turn_detection: { type: "semantic_vad", eagerness: "high" } } },
  });
  semantic.listener.talk({ speech: 400, silence: 1_000 });
  t.is((await semantic.listener.heard("ended")).speechEndedAt, null);
});

test("words that come in another order than the turns are told in the order of the turns", async (t) => {
  const { emulator, listener } = await stage(t);
  // The words of the first turn come after those of the second.
  emulator.realtime.script.automatic = false;
  const [session] = emulator.realtime.sessions;
  const say = (type: string, more: object) => session!.send({ type, ...more });
  const words = "conversation.item.input_audio_transcription.completed";
  say("input_audio_buffer.speech_started", { item_id: "a", audio_start_ms: 0 });
  say("input_audio_buffer.speech_stopped", { item_id: "a", audio_end_ms: 600 });
  say("input_audio_buffer.committed", { item_id: "a", previous_item_id: null });
  say("input_audio_buffer.speech_started", { item_id: "b", audio_start_ms: 800 });
  say("input_audio_buffer.speech_stopped", { item_id: "b", audio_end_ms: 1_500 });
  say(words, { item_id: "b", content_index: 0, transcript: "Second." });
  await session!.read();
  t.deepEqual(listener.story, ["started"]);
  say(words, { item_id: "a", content_index: 0, transcript: "First." });
  await listener.heard("ended", 2);
  t.deepEqual(
    listener.story.filter((event) => !event.startsWith("partial")),
    ["started", "ended(First.)", "started", "ended(Second.)"],
  );
});

test("a model that finds no turns is given the speech alone, writes meanwhile, and is told the end", async (t) => {
  const set = await stage(t, { model: "gpt-live-transcribe", keyterms: ["Paris"] });
  const { emulator, listener } = set;
  const question = "What is the weather like in the old town of Paris?";
  emulator.realtime.script.phrases = [question, "And in Rome?"];
  t.like(messages(set)[0]!.session, {
    audio: {
      input: { transcription: { model: "gpt-live-transcribe", keywords: ["Paris"] }, turn_detection: null },
    },
  });
  const speech = await said(question);
  write(listener.stream, new Int16Array(16_000 * 3));
  await emulator.realtime.sessions[0]!.read();
  t.is(heardMs(set), 0, "silence is not sent");
  write(listener.stream, speech);
  const ended = await listener.heard("ended");
  t.is(ended.text, question);
  t.is(typeof ended.speechEndedAt, "number");
  t.is(listener.story[0], "started");
  t.true(listener.of("partial").length > 0);
  const kinds = emulator.log.entries.map(
    ({ message }) => (message as { type?: string } | undefined)?.type ?? "",
  );
  t.true(
    kinds.findIndex((type) => type.endsWith(".delta")) < kinds.indexOf("input_audio_buffer.commit"),
    "words came while somebody spoke",
  );
  t.like(messages(set)[1], { type: "input_audio_buffer.commit" });
  // What is sent is the turn, with what was before it was noticed, and the quiet that ended it.
  const seconds = heardMs(set) / 1_000;
  t.true(seconds > 2 && seconds < speech.length / 16_000 + 0.5, String(seconds));
  write(listener.stream, await said("And in Rome?"));
  t.is((await listener.heard("ended", 2)).text, "And in Rome?");
});

test("a microphone that is muted in mid-turn ends the turn, wherever turns are found", async (t) => {
  const server = await stage(t);
  server.listener.talk({ speech: 400 });
  t.is((await server.listener.heard("ended")).text, "Hello there, how are you?");
  const local = await stage(t, { model: "gpt-live-transcribe" });
  const speech = await said("What is the weather like in Paris?");
  write(local.listener.stream, speech.subarray(0, 24_000));
  await local.listener.heard("ended");
});

test("a transcription that fails ends its turn with an error, and the length of the speech", async (t) => {
  const { emulator, listener } = await stage(t);
  emulator.realtime.script.failures.push({
    code: "audio_unintelligible",
    message: "The audio could not be transcribed.",
  });
  listener.talk({ speech: 600, silence: 1_000 });
  const { text, speechMs } = await listener.heard("ended");
  t.is(text, "");
  t.true(speechMs! > 400);
  const { error, fatal } = await listener.heard("error");
  t.false(fatal);
  t.is(
    error.message,
    "127.0.0.1:PORT refused audio_unintelligible: The audio could not be transcribed.".replace(
      "PORT",
      new URL(emulator.url).port,
    ),
  );
  listener.talk({ speech: 400, silence: 1_000 });
  t.is((await listener.heard("ended", 2)).text, "What is the weather like in Amsterdam today?");
});

test("a turn that is too short to be committed ends without words", async (t) => {
  const set = await stage(t, { model: "gpt-realtime-whisper", delay: "low" });
  const [session] = set.emulator.realtime.sessions;
  set.emulator.realtime.script.automatic = false;
  write(set.listener.stream, await said("Yes."));
  await set.emulator.log.find("realtime_message", ({ message }) => /commit/.test(JSON.stringify(message)));
  session!.sendError({
    code: "input_audio_buffer_commit_empty",
    message: "Error committing input audio buffer: buffer too small.",
    event_id: "commit",
  });
  t.is((await set.listener.heard("ended")).text, "");
  t.deepEqual(set.listener.of("error"), []);
});

test("an error that concerns one event alone is told, and the session goes on", async (t) => {
  const { emulator, listener } = await stage(t);
  emulator.realtime.sessions[0]!.sendError({ code: "invalid_value", message: "Odd." });
  const { error, fatal } = await listener.heard("error");
  t.false(fatal);
  t.like(error, { name: "OpenAICompatibleError", kind: "invalid", code: "invalid_value" });
  listener.talk({ speech: 400, silence: 1_000 });
  await listener.heard("ended");
  t.is(emulator.log.of("realtime_open").length, 1);
});

test("closing waits for the words of the turn that is under way", async (t) => {
  const { emulator, listener } = await stage(t);
  listener.talk({ speech: 400 });
  await listener.heard("started");
  await listener.stream.close();
  await listener.done;
  t.is(listener.story.at(-1), "ended(Hello there, how are you?)");
  t.is((await emulator.log.seen("realtime_close")).code, 1_006);
  t.deepEqual(listener.of("error"), []);
});

test("options that do not go together are refused, and the key is asked for", (t) => {
  const make = (model: string, options: openaiCompatible.RealtimeSTTOptions = {}) =>
    t
      .throws(
        () => new openaiCompatible.RealtimeSTT(model, { service: "openai", apiKey: "key", ...options }),
        {
          instanceOf: TypeError,
        },
      )!
      .message.replace("openaiCompatible.RealtimeSTT: ", "");
  t.deepEqual(
    [
      make("gpt-live-transcribe", { turnDetection: "server" }),
      make("gpt-4o-transcribe", { endMs: 300 }),
      make("gpt-4o-transcribe", { turnDetection: "semantic", silenceMs: 300 }),
      make("gpt-realtime-whisper", { keyterms: ["Oslo"] }),
      make("gpt-transcribe", { delay: "low" }),
      make("gpt-transcribe", { silenceMs: 1 }),
      make("", {}),
    ],
    [
      "gpt-live-transcribe finds no turns: turnDetection must be local",
      "endMs is for turnDetection local, not for server",
      "silenceMs is for turnDetection server, not for semantic",
      "gpt-realtime-whisper takes no keyterms",
      "delay is for gpt-realtime-whisper, not for gpt-transcribe",
      "silenceMs must be a whole number from 100 to 10000, not 1",
      'the first argument must be the name of a model, not ""',
    ],
  );
  const kept = process.env.OPENAI_API_KEY;
  delete process.env.OPENAI_API_KEY;
  t.throws(() => new openaiCompatible.RealtimeSTT("gpt-transcribe", { service: "openai" }), {
    message: "OPENAI_API_KEY is not set: set it, or give openaiCompatible.RealtimeSTT an apiKey",
  });
  if (kept !== undefined) process.env.OPENAI_API_KEY = kept;
});

test("warming up checks the key and the model, and opens no session", async (t) => {
  const { emulator, realtime } = await openaiStage(t);
  const signal = new AbortController().signal;
  await realtime().warm!(signal);
  t.is(emulator.log.of("realtime_handshake").length, 0);
  const error = await t.throwsAsync(() =>
    realtime("gpt-4o-transcribe", { apiKey: "wrong-key" }).warm!(signal),
  );
  t.is(errorKind(error), "invalid_api_key");
});
