import test from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import type { DeepgramOptions } from "../../../src/providers/deepgram/index.ts";
import { now } from "../../../src/shared/protocol.ts";
import { emulate, Listener, sttOn } from "../../fixtures/providers/deepgram-listener.ts";

const nova: DeepgramOptions = { model: "nova-3" };

/** A final or interim piece, as `emit` wants it. */
const piece = (transcript: string, start: number, end: number, flags: object = {}) => ({
  transcript,
  start,
  duration: end - start,
  ...flags,
});
const final = { is_final: true };
const speechFinal = { is_final: true, speech_final: true };

test("the options for Nova become the query", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator, {
    model: "nova-3-medical",
    language: "en-GB",
    endpointingMs: 500,
    utteranceEndMs: 1_500,
    keyterms: ["ibuprofen", "Greenroom"],
    mipOptOut: true,
    tag: "ward",
  });
  t.is(stt.model, "nova-3-medical");
  await Listener.on(stt);
  const [handshake] = emulator.log.of("handshake");
  t.is(handshake?.path, "/v1/listen");
  t.deepEqual([...new URLSearchParams(String(handshake?.search))].map((pair) => pair.join("=")).toSorted(), [
    "channels=1",
    "encoding=linear16",
    "endpointing=500",
    "interim_results=true",
    "keyterm=Greenroom",
    "keyterm=ibuprofen",
    "language=en-GB",
    "mip_opt_out=true",
    "model=nova-3-medical",
    "punctuate=true",
    "sample_rate=16000",
    "tag=ward",
    "utterance_end_ms=1500",
    "vad_events=true",
  ]);
});

test("a turn is what is said up to a pause", async (t) => {
  const emulator = await emulate(t, {
    script: { phrases: ["Book a table for two", "Thank you"], noise: false },
  });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  listener.talk({ speech: 1_200 });
  await listener.heard("partial");
  listener.talk({ silence: 400 });
  t.is((await listener.heard("ended")).text, "Book a table for two");
  t.is(listener.story[0], "started");
  listener.talk({ speech: 400, silence: 400 });
  t.is((await listener.heard("ended", 2)).text, "Thank you");
  t.is(listener.of("started").length, 2);
});

test("final pieces are joined until one ends with the speech", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit({ type: "SpeechStarted", channel: [0], timestamp: 0.1 });
  await listener.heard("started");
  const pieces = [
    piece("My name", 0, 0.5),
    piece("My name is Anna", 0, 1, final),
    piece("and I", 1, 1.5),
    piece("and I live in Utrecht.", 1, 2, final),
    piece("", 2, 2.4, speechFinal),
  ];
  for (const [index, one] of pieces.entries()) {
    emulator.emit(one);
    if (index < 4) await listener.heard("partial", index + 1);
  }
  await listener.heard("ended");
  t.deepEqual(listener.story, [
    "started",
    "partial(My name)",
    "partial(My name is Anna)",
    "partial(My name is Anna and I)",
    "partial(My name is Anna and I live in Utrecht.)",
    "ended(My name is Anna and I live in Utrecht.)",
  ]);
});

test("words without a SpeechStarted start a turn; results without words do not", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit(piece("", 0, 1));
  emulator.emit(piece("", 0, 3, speechFinal));
  emulator.emit(piece("Hello", 3, 4, speechFinal));
  await listener.heard("ended");
  t.deepEqual(listener.story, ["started", "partial(Hello)", "ended(Hello)"]);
});

test("where noise hides the pause, UtteranceEnd ends the turn", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Can you hear me"], speechFinal: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  listener.talk({ speech: 800, silence: 2_000 });
  t.is((await listener.heard("ended")).text, "Can you hear me");
  t.true(
    emulator.log.of("sent").some(({ message }) => (message as { type: string }).type === "UtteranceEnd"),
  );
});

test("an UtteranceEnd before the words are final ends the turn with them", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit(piece("Can you", 0, 1));
  emulator.emit({ type: "UtteranceEnd", channel: [0, 1], last_word_end: 0.9 });
  emulator.emit(piece("Can you hear me", 0, 2, final));
  t.is((await listener.heard("ended")).text, "Can you hear me");
});

test("an UtteranceEnd that comes late ends no other turn", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit(piece("First", 0, 1.3, speechFinal));
  await listener.heard("ended");
  emulator.emit({ type: "SpeechStarted", channel: [0], timestamp: 1.8 });
  emulator.emit(piece("Second", 1.3, 2, final));
  emulator.emit({ type: "UtteranceEnd", channel: [0, 1], last_word_end: 0.9 });
  emulator.emit(piece("thing", 2, 3, speechFinal));
  t.is((await listener.heard("ended", 2)).text, "Second thing");
  emulator.emit({ type: "UtteranceEnd", channel: [0, 1], last_word_end: 2.9 });
  emulator.emit(piece("Third", 3, 5, speechFinal));
  await listener.heard("ended", 3);
  t.is(listener.of("started").length, 3);
});

test("an UtteranceEnd without words ends nothing, since the final words may continue", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit(piece("My dog is called", 0, 2, final));
  emulator.emit({ type: "UtteranceEnd", channel: [0, 1], last_word_end: -1 });
  emulator.emit(piece("Bello", 2, 3));
  emulator.emit(piece("Bello.", 2, 3.4, speechFinal));
  await listener.heard("ended");
  t.deepEqual(
    listener.story.filter((event) => event.startsWith("ended")),
    ["ended(My dog is called Bello.)"],
  );
});

test("a turn whose end is not reported is over after twice the gap without words", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, { ...nova, utteranceEndMs: 1_500 }));
  emulator.emit(piece("That is all", 0, 1, { ...final, channel: undefined }));
  emulator.emit({ type: "UtteranceEnd", channel: [0, 1], last_word_end: -1 });
  const heard = (end: number) => ({
    type: "Results",
    start: 1,
    duration: end - 1,
    is_final: false,
    channel: { alternatives: [{ transcript: "", words: [] }] },
  });
  emulator.emit({
    type: "Results",
    start: 0,
    duration: 1,
    is_final: true,
    channel: { alternatives: [{ transcript: "That is all", words: [{ word: "all", start: 0.5, end: 1 }] }] },
  });
  emulator.emit(heard(3.9));
  emulator.emit(heard(4));
  t.is((await listener.heard("ended")).text, "That is all");
});

test("withdrawn words end their turn, also where no speech was detected", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit(piece("Huh", 0, 1));
  await listener.heard("partial");
  emulator.emit(piece("", 0, 2));
  emulator.emit(piece("", 0, 2.2, speechFinal));
  t.is((await listener.heard("ended")).text, "");
  emulator.emit(piece("Er", 2.2, 3));
  await listener.heard("partial", 2);
  emulator.emit(piece("", 2.2, 6));
  t.is((await listener.heard("ended", 2)).text, "");
});

for (const [frame, code, retryable] of [
  [{ variant: "DATA-0000", message: "DATA-0000", description: "No audio." }, "DATA-0000", false],
  [{ variant: "NET-0000", message: "NET-0000", description: "Slow." }, "NET-0000", true],
  [{ code: "INSUFFICIENT_CREDITS", description: "None left." }, "INSUFFICIENT_CREDITS", false],
  [{ code: "INTERNAL_SERVER_ERROR", description: "Sorry." }, "INTERNAL_SERVER_ERROR", true],
] as const) {
  test(`an Error frame with ${code} is ${retryable ? "a reason to connect again" : "final"}`, async (t) => {
    const emulator = await emulate(t, { script: { automatic: false } });
    const listener = await Listener.on(sttOn(t, emulator, nova));
    emulator.emit({ type: "Error", ...frame });
    const event = await listener.heard("error");
    t.like(event.error, { code, retryable });
    t.is(event.fatal, !retryable);
    t.is(errorKind(event.error), code);
    if (retryable) await emulator.log.seen("open", 2);
    else await listener.done;
    t.is(emulator.log.of("handshake").length, retryable ? 2 : 1);
  });
}

for (const [code, reason, expected] of [
  [1008, "DATA-0000", { code: "DATA-0000", retryable: false }],
  [1002, "", { code: "ECONNRESET", retryable: false }],
  [1011, "NET-0000", { code: "NET-0000", retryable: true }],
  [1011, "", { code: "ECONNRESET", retryable: true }],
  [1000, "", { code: "ECONNRESET", retryable: true }],
] as const) {
  test(`a close with ${code} ${reason} is ${expected.retryable ? "a reason to connect again" : "final"}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ closeAfterMs: 0, closeCode: code, closeReason: reason });
    const listener = await Listener.on(sttOn(t, emulator, nova));
    const event = await listener.heard("error");
    t.like(event.error, expected);
    t.is(event.fatal, !expected.retryable);
    if (expected.retryable) await emulator.log.seen("open", 2);
  });
}

test("speech without words ends too", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit({ type: "SpeechStarted", channel: [0], timestamp: 1 });
  emulator.emit(piece("", 0, 2));
  emulator.emit(piece("", 0, 3));
  await listener.heard("ended");
  emulator.emit({ type: "SpeechStarted", channel: [0], timestamp: 4 });
  emulator.emit(piece("", 3, 4.5, speechFinal));
  await listener.heard("ended", 2);
  t.deepEqual(listener.story, ["started", "ended()", "started", "ended()"]);
  t.is((await listener.heard("ended")).speechEndedAt, null);
});

test("withdrawn words are not in the turn", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  emulator.emit(piece("Huh", 0, 1));
  await listener.heard("partial");
  emulator.emit({ type: "SpeechStarted", channel: [0], timestamp: 0.1 });
  emulator.emit(piece("", 0, 2, speechFinal));
  t.is((await listener.heard("ended")).text, "");
});

test("speechEndedAt is when the last word was written", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello there"] } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  listener.talk({ speech: 380 });
  const before = now();
  listener.talk({ speech: 20 });
  const after = now();
  await emulator.log.seen("audio", 4);
  listener.talk({ silence: 400 });
  const { speechEndedAt } = await listener.heard("ended");
  t.true(speechEndedAt !== null && speechEndedAt >= before && speechEndedAt <= after);
});

test("Nova without sound is kept alive by its JSON KeepAlive", async (t) => {
  const emulator = await emulate(t, { timeouts: { novaIdleMs: 2_000 }, script: { phrases: ["Hello"] } });
  const listener = await Listener.on(sttOn(t, emulator, { ...nova, keepAliveIntervalMs: 100 }));
  await emulator.log.seen("message", 25);
  t.true(
    emulator.log.of("message").every(({ message }) => (message as { type: string }).type === "KeepAlive"),
  );
  listener.talk({ speech: 400, silence: 400 });
  t.is((await listener.heard("ended")).text, "Hello");
  t.deepEqual([...emulator.log.of("idle"), ...listener.of("error")], []);
});

test("a Nova connection that was closed as idle is replaced", async (t) => {
  const emulator = await emulate(t, { timeouts: { novaIdleMs: 50 }, script: { phrases: ["Hello"] } });
  const listener = await Listener.on(sttOn(t, emulator, { ...nova, connectAttempts: 100 }));
  const { error } = await listener.heard("error");
  t.like(error, { code: "ETIMEDOUT" });
  t.regex(error.message, /closed the connection with 1011: Deepgram did not receive audio/);
  emulator.timeouts.novaIdleMs = 10_000;
  await emulator.log.seen("open", 2);
  listener.talk({ speech: 400, silence: 400 });
  t.is((await listener.heard("ended")).text, "Hello");
});

test("closing brings the last words", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["And one more thing"] } });
  const listener = await Listener.on(sttOn(t, emulator, nova));
  listener.talk({ speech: 400 });
  await listener.heard("started");
  await listener.stream.close();
  await listener.done;
  t.is(listener.story.at(-1), "ended(And one more thing)");
  t.deepEqual(listener.of("error"), []);
  t.is((await emulator.log.seen("close")).code, 1_000);
});
