import test from "ava";
import { STT } from "../../../src/providers/deepgram/index.ts";
import { now } from "../../../src/shared/protocol.ts";
import { emulate, Listener, sttOn } from "../../fixtures/providers/deepgram-listener.ts";

const searchOf = (emulator: Awaited<ReturnType<typeof emulate>>, handshake = 1) =>
  [...new URLSearchParams(String(emulator.log.of("handshake")[handshake - 1]?.search))].map((pair) =>
    pair.join("="),
  );

test("a turn starts, grows and ends", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Book a table for two", "Thank you"] } });
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 1_000 });
  await emulator.log.seen("sent", 4);
  listener.talk({ silence: 200 });
  await listener.heard("ended");
  t.is(listener.story[0], "started");
  t.is(listener.story.at(-1), "ended(Book a table for two)");
  const texts = listener.of("partial").map(({ text }) => text);
  for (const text of texts) t.true("Book a table for two".startsWith(text));
  t.deepEqual(
    texts,
    [...texts].sort((one, other) => one.length - other.length),
    "each text is the whole turn so far",
  );
  t.deepEqual([...listener.of("eager_end"), ...listener.of("error")], []);

  listener.talk({ speech: 400, silence: 200 });
  t.is((await listener.heard("ended", 2)).text, "Thank you");
});

test("by default Flux is asked for English at 16 kHz", async (t) => {
  const emulator = await emulate(t, { apiKey: "key" });
  const stt = sttOn(t, emulator);
  t.is(stt.provider, "deepgram");
  t.is(stt.model, "flux-general-en");
  await Listener.on(stt);
  t.like(emulator.log.of("handshake")[0], { path: "/v2/listen" });
  t.deepEqual(searchOf(emulator), ["model=flux-general-en", "encoding=linear16", "sample_rate=16000"]);
  t.like(emulator.log.of("handshake")[0]?.headers, { authorization: "Token key" });
});

test("the options for Flux become the query", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator, {
    model: "flux-general-multi",
    eagerTurnDetection: true,
    eotThreshold: 0.8,
    eagerEotThreshold: 0.4,
    eotTimeoutMs: 3_000,
    keyterms: ["Greenroom", "Dam Square & more"],
    languageHints: ["en", "es"],
    mipOptOut: true,
    tag: ["support", "eu"],
  });
  await Listener.on(stt);
  t.deepEqual(searchOf(emulator).toSorted(), [
    "eager_eot_threshold=0.4",
    "encoding=linear16",
    "eot_threshold=0.8",
    "eot_timeout_ms=3000",
    "keyterm=Dam Square & more",
    "keyterm=Greenroom",
    "language_hint=en",
    "language_hint=es",
    "mip_opt_out=true",
    "model=flux-general-multi",
    "sample_rate=16000",
    "tag=eu",
    "tag=support",
  ]);
});

test("eager turn detection: an eager end before the end, with the same text", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello"] } });
  const listener = await Listener.on(sttOn(t, emulator, { eagerTurnDetection: true }));
  t.true(searchOf(emulator).includes("eager_eot_threshold=0.5"));
  listener.talk({ speech: 400, silence: 200 });
  await listener.heard("ended");
  t.deepEqual(listener.story.slice(-2), ["eager_end(Hello)", "ended(Hello)"]);
});

test("eager turn detection: a speaker who goes on resumes the turn", async (t) => {
  const emulator = await emulate(t, {
    script: { phrases: [["Book a table", "Book a table for two"]] },
    delays: { startOfTurnMs: 0, eagerEndOfTurnMs: 100, endOfTurnMs: 400 },
  });
  const listener = await Listener.on(sttOn(t, emulator, { eagerTurnDetection: true }));
  listener.talk({ speech: 400, silence: 240 });
  t.is((await listener.heard("eager_end")).text, "Book a table");
  listener.talk({ speech: 400, silence: 800 });
  await listener.heard("ended");
  const [, , ...rest] = listener.story.slice(listener.story.indexOf("eager_end(Book a table)") - 1);
  t.is(rest[0], "resumed");
  t.deepEqual(rest.slice(-2), ["eager_end(Book a table for two)", "ended(Book a table for two)"]);
});

test("an empty StartOfTurn starts a turn, which interrupts the agent", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator));
  emulator.emit({ event: "StartOfTurn", transcript: "" });
  await listener.heard("started");
  emulator.emit({ event: "EndOfTurn", transcript: "Yes" });
  await listener.heard("ended");
  t.deepEqual(listener.story, ["started", "partial(Yes)", "ended(Yes)"]);
});

test("words before a StartOfTurn that are withdrawn end the turn that they began", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator));
  emulator.emit({ event: "Update", transcript: "The" });
  await listener.heard("partial");
  emulator.emit({ event: "Update", transcript: "" });
  await listener.heard("ended");
  emulator.emit({ event: "StartOfTurn", transcript: "This" });
  await listener.heard("partial", 2);
  emulator.emit({ event: "Update", transcript: "" });
  emulator.emit({ event: "Update", transcript: "That" });
  await listener.heard("partial", 3);
  emulator.emit({ event: "EndOfTurn", transcript: "That" });
  await listener.heard("ended", 2);
  t.deepEqual(listener.story, [
    "started",
    "partial(The)",
    "ended()",
    "started",
    "partial(This)",
    "partial(That)",
    "ended(That)",
  ]);
});

test("a turn that begins with an Update, without a StartOfTurn, begins and ends", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator));
  emulator.emit({ event: "Update", transcript: "" });
  emulator.emit({ event: "Update", transcript: "Good" });
  await listener.heard("partial");
  emulator.emit({ event: "SomethingNew", transcript: "Good" });
  emulator.emit({ event: "EndOfTurn", transcript: "Good morning", trigger: "something new" });
  await listener.heard("ended");
  t.deepEqual(listener.story, ["started", "partial(Good)", "partial(Good morning)", "ended(Good morning)"]);
});

test("a slow reader finds the last text, not all of them", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const { signal } = new AbortController();
  const stream = await sttOn(t, emulator).listen({ participantId: "anna", signal });
  emulator.emit({ event: "StartOfTurn", transcript: "a" });
  for (let count = 2; count <= 100; count++)
    emulator.emit({ event: "Update", transcript: "a ".repeat(count) });
  emulator.emit({ event: "EndOfTurn", transcript: "a ".repeat(100) });
  // All of it has arrived when the connection has answered to something later.
  await stream.close();
  const listener = new Listener(stream);
  await listener.done;
  t.deepEqual(
    listener.events.map(({ type }) => type),
    ["started", "partial", "ended"],
  );
});

test("sound and silence are sent 80 ms at a time, whatever the frames are", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator));
  for (const length of [160, 160, 441, 1, 3_000, 78]) {
    listener.stream.write({ samples: new Int16Array(length), sampleRate: 16_000 });
  }
  await emulator.log.seen("audio", 3);
  t.is(listener.stream.audioDurationMs, 240);
  await listener.stream.close();
  t.deepEqual(
    emulator.log.of("audio").map(({ bytes }) => bytes),
    [2_560, 2_560, 2_560],
  );
});

test("sound that does not fill 80 ms is sent when the stream closes", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 100 });
  await listener.stream.close();
  t.deepEqual(
    emulator.log.of("audio").map(({ bytes }) => bytes),
    [2_560, 640],
  );
  t.is(listener.stream.audioDurationMs, 100);
  listener.talk({ speech: 100 });
  t.is(listener.stream.audioDurationMs, 100, "nothing is heard after the close");
});

test("a frame may be reused once it is written", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello"] } });
  const listener = await Listener.on(sttOn(t, emulator));
  const samples = new Int16Array(320);
  for (let count = 0; count < 20; count++) {
    samples.fill(8_000);
    listener.stream.write({ samples, sampleRate: 16_000 });
    samples.fill(0);
  }
  listener.talk({ silence: 200 });
  t.is((await listener.heard("ended")).text, "Hello");
});

test("the first frame's sample rate is used, and its sound not lost", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello"] } });
  const listener = await Listener.on(sttOn(t, emulator), 48_000);
  listener.talk({ speech: 400, silence: 200 });
  t.is((await listener.heard("ended")).text, "Hello");
  t.true(searchOf(emulator, 2).includes("sample_rate=48000"));
  t.is(emulator.log.of("audio")[0]?.bytes, 48_000 * 0.08 * 2);
  t.deepEqual(listener.of("error"), []);
  t.is(emulator.log.of("handshake").length, 2);
});

test("a sample rate given as an option needs no second connection", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator, { sampleRate: 8_000 }), 8_000);
  listener.talk({ speech: 400, silence: 200 });
  await listener.heard("ended");
  t.is(emulator.log.of("handshake").length, 1);
});

test("a sample rate that Flux does not accept, or that changes, ends the stream with an error", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator);
  const odd = await Listener.on(stt, 32_000);
  odd.talk({ silence: 20 });
  await odd.done;
  t.like(odd.events.at(-1), { type: "error", fatal: true });
  t.like(odd.of("error")[0]?.error, { code: "ERR_SAMPLE_RATE" });

  const changing = await Listener.on(stt);
  changing.talk({ speech: 400 });
  await changing.heard("started");
  changing.stream.write({ samples: new Int16Array(480), sampleRate: 24_000 });
  await changing.done;
  t.deepEqual(
    changing.events.slice(-2).map(({ type }) => type),
    ["ended", "error"],
  );
});

test("speechEndedAt is when the last sound of speech was written: by the words' times", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello there"] } });
  const listener = await Listener.on(sttOn(t, emulator, { eagerTurnDetection: true }));
  listener.talk({ speech: 380 });
  const before = now();
  listener.talk({ speech: 20 });
  const after = now();
  await emulator.log.seen("audio", 4);
  listener.talk({ silence: 200 });
  const { speechEndedAt } = await listener.heard("ended");
  t.true(speechEndedAt !== null && speechEndedAt >= before && speechEndedAt <= after);
  t.is((await listener.heard("eager_end")).speechEndedAt, speechEndedAt);
});

test("speechEndedAt without the words' times: when the text last changed", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator));
  const written: number[] = [];
  for (let count = 0; count < 10; count++) {
    listener.talk({ speech: 80 });
    written.push(now());
    await emulator.log.seen("audio", count + 1);
  }
  const words = [{ word: "Yes", confidence: 0.9 }];
  emulator.emit({ event: "StartOfTurn", transcript: "Yes", words, audio_window_end: 0.24 });
  emulator.emit({ event: "Update", transcript: "Yes please", words, audio_window_end: 0.4 });
  emulator.emit({ event: "Update", transcript: "Yes please", words, audio_window_end: 0.64 });
  emulator.emit({ event: "EndOfTurn", transcript: "Yes please", words, audio_window_end: 0.8 });
  const { speechEndedAt } = await listener.heard("ended");
  // The fifth piece ends at 0.4 s.
  t.true(speechEndedAt !== null && speechEndedAt > written[3]! && speechEndedAt <= written[4]!);

  emulator.emit({ event: "StartOfTurn", transcript: "" });
  emulator.emit({ event: "EndOfTurn", transcript: "" });
  t.is((await listener.heard("ended", 2)).speechEndedAt, null);
});

test("Flux without sound is kept alive by pings, never by a JSON KeepAlive (pitfall 10)", async (t) => {
  const emulator = await emulate(t, { timeouts: { fluxIdleMs: 2_000 }, script: { phrases: ["Hello"] } });
  const listener = await Listener.on(sttOn(t, emulator, { keepAliveIntervalMs: 100 }));
  await emulator.log.seen("ping", 25);
  listener.talk({ speech: 400, silence: 200 });
  t.is((await listener.heard("ended")).text, "Hello");
  t.deepEqual([...emulator.log.of("message"), ...emulator.log.of("idle"), ...listener.of("error")], []);
  t.is(emulator.log.of("handshake").length, 1);
});

test("while sound is sent, no keep-alive is", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator, { keepAliveIntervalMs: 1_000 }));
  const talking = setInterval(() => listener.talk({ silence: 20 }), 20);
  await emulator.log.seen("audio", 20);
  clearInterval(talking);
  const soonAfterSound = emulator.log.of("ping").filter(({ at }) => {
    const last = emulator.log.of("audio").findLast((audio) => audio.at <= at);
    return at - (last?.at ?? 0) < 900;
  });
  t.deepEqual(soonAfterSound, []);
});

test("a speaker who is muted during a turn becomes silence, so that the turn ends", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Goodbye"] }, delays: { endOfTurnMs: 1_500 } });
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 400 });
  t.is((await listener.heard("ended")).text, "Goodbye");
});

test("a short word before a mute is recognised, and then sending stops", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Yes"] } });
  const listener = await Listener.on(sttOn(t, emulator, { keepAliveIntervalMs: 200 }));
  listener.talk({ speech: 60 });
  t.is((await listener.heard("ended")).text, "Yes");
  // A ping goes out where no sound did for a while.
  await emulator.log.seen("ping", 2);
  t.true(listener.stream.audioDurationMs <= 60 + 1_200 + 240);
});

test("a wrong option is refused by name", (t) => {
  const refuse = (options: object, message: RegExp) =>
    t.throws(() => new STT({ apiKey: "key", ...options }), { instanceOf: TypeError, message });
  refuse({ modle: "nova-3" }, /^deepgram.STT: there is no option modle: did you mean model\?$/);
  refuse({ model: "whisper" }, /model must be a Flux or Nova-3 model/);
  refuse({ eotThreshold: 0.4 }, /eotThreshold must be a number from 0.5 to 1/);
  refuse({ eotThreshold: "0.7" }, /eotThreshold must be a number/);
  refuse({ eagerEotThreshold: 0.95 }, /eagerEotThreshold must be a number from 0.3 to 0.9/);
  refuse(
    { eagerTurnDetection: true, eagerEotThreshold: 0.8 },
    /eagerEotThreshold must be at most eotThreshold, 0.7/,
  );
  refuse({ eagerTurnDetection: false, eagerEotThreshold: 0.4 }, /eagerEotThreshold needs eagerTurnDetection/);
  refuse({ eagerEotThreshold: 0.4 }, /eagerEotThreshold needs eagerTurnDetection: true$/);
  refuse({ eotTimeoutMs: 100 }, /eotTimeoutMs must be a whole number from 500 to 60000/);
  refuse({ languageHints: ["en"] }, /languageHints is for flux-general-multi, not for flux-general-en/);
  refuse({ keyterms: "Greenroom" }, /keyterms must be a list of texts/);
  refuse({ keyterms: [""] }, /keyterms must be a list of texts that are not empty/);
  refuse({ mipOptOut: 1 }, /mipOptOut must be true or false/);
  refuse({ endpointingMs: 300 }, /endpointingMs is for Nova, not for flux-general-en/);
  refuse({ model: "nova-3", eagerTurnDetection: true }, /eagerTurnDetection is for Flux, not for nova-3/);
  refuse({ model: "nova-3", utteranceEndMs: 500 }, /utteranceEndMs must be a whole number from 1000/);
  refuse({ baseUrl: "deepgram.com" }, /baseUrl must be a ws, wss, http or https URL/);
  refuse({ keepAliveIntervalMs: 20_000 }, /keepAliveIntervalMs must be a whole number from 100 to 8000/);
  refuse({ apiKey: "two words" }, /apiKey must be a key/);
  t.throws(() => new STT("nova-3" as never), {
    message: 'deepgram.STT: the options must be an object, not "nova-3"',
  });
  t.notThrows(() => new STT({ apiKey: "key", eotThreshold: 0.5, eagerTurnDetection: true }));
});

test.serial("key and address default to the environment; a missing key is one clear line", async (t) => {
  const { DEEPGRAM_API_KEY, DEEPGRAM_BASE_URL } = process.env;
  t.teardown(() => {
    for (const [name, value] of Object.entries({ DEEPGRAM_API_KEY, DEEPGRAM_BASE_URL })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  delete process.env.DEEPGRAM_API_KEY;
  t.throws(() => new STT(), { instanceOf: TypeError, message: /^DEEPGRAM_API_KEY is not set: / });
  process.env.DEEPGRAM_API_KEY = "  ";
  t.throws(() => new STT(), { message: /^DEEPGRAM_API_KEY is not set: / });

  const emulator = await emulate(t, { apiKey: "from-the-environment" });
  Object.assign(process.env, emulator.environment);
  const stt = new STT();
  await Listener.on(stt);
  await stt.close();
  t.is(emulator.log.of("open").length, 1);
  process.env.DEEPGRAM_BASE_URL = "nowhere";
  t.throws(() => new STT(), {
    message: /^DEEPGRAM_BASE_URL must be a ws, wss, http or https URL, not "nowhere"$/,
  });
});
