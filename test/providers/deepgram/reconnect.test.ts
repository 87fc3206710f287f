import test from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import type { StreamedSpeech } from "../../../src/providers/listening/speech-stream.ts";
import { none } from "../../emulators/deepgram.ts";
import { emulate, Listener, sttOn } from "../../fixtures/providers/deepgram-listener.ts";

/** Says 20 ms every 20 ms, so that time passes as in a call. */
function keepTalking(listener: Listener, level: number): Disposable {
  const timer = setInterval(() => listener.frame(level), 20);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

test("a connection that is cut during a turn is replaced, and the turn continues", async (t) => {
  const emulator = await emulate(t, {
    script: { phrases: ({ connection }) => (connection === 0 ? "Book a table" : "for two") },
    delays: { ...none, endOfTurnMs: 1_500 },
  });
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 1_000 });
  await listener.heard("partial");
  const { text } = await lastPartial(listener, "Book a table");
  emulator.connections[0]?.cut();
  const lost = await listener.heard("error");
  t.false(lost.fatal);
  t.is(errorKind(lost.error), "network");
  listener.talk({ speech: 400, silence: 2_000 });
  t.is((await listener.heard("ended")).text, `${text} for two`);
  t.deepEqual(
    listener.story.filter((event) => /^(started|ended|resumed)/.test(event)),
    ["started", "ended(Book a table for two)"],
  );
});

test("a turn whose speaker became silent as the connection was cut ends with the known text", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 480 });
  await emulator.log.seen("audio", 6);
  emulator.emit({ event: "Update", transcript: "Goodbye", audio_window_end: 0.48 });
  await listener.heard("partial");
  emulator.connections[0]?.cut();
  await emulator.log.seen("open", 2);
  emulator.emit({ event: "Update", transcript: "", audio_window_end: 0.8 });
  emulator.emit({ event: "Update", transcript: "", audio_window_end: 1.04 });
  const { text, speechEndedAt } = await listener.heard("ended");
  t.is(text, "Goodbye");
  t.truthy(speechEndedAt);
  t.is(listener.of("started").length, 1);
});

test("a turn index that begins again with a new connection is a new turn", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["One", "Two"] } });
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 400, silence: 200 });
  await listener.heard("ended");
  emulator.connections[0]?.cut();
  await emulator.log.seen("open", 2);
  listener.talk({ speech: 400, silence: 200 });
  await listener.heard("ended", 2);
  t.deepEqual(
    listener.of("ended").map(({ text }) => text),
    ["One", "Two"],
  );
});

test("an eager end is kept over a new connection: it ends, or is withdrawn", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator, { eagerTurnDetection: true }));
  const loseAfterEagerEnd = async (count: number) => {
    emulator.emit({ event: "EagerEndOfTurn", transcript: "That is all" });
    await listener.heard("eager_end", count);
    emulator.connections[0]?.cut();
    await emulator.log.seen("open", count + 1);
  };
  await loseAfterEagerEnd(1);
  emulator.emit({ event: "Update", transcript: "", audio_window_end: 1.2 });
  t.is((await listener.heard("ended")).text, "That is all");
  t.is(listener.of("resumed").length, 0);

  await loseAfterEagerEnd(2);
  emulator.emit({ event: "StartOfTurn", transcript: "or" });
  await listener.heard("resumed");
  emulator.emit({ event: "EndOfTurn", transcript: "or not" });
  t.is((await listener.heard("ended", 2)).text, "That is all or not");
});

test("sound that was not processed when the connection was lost is sent again", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 800 });
  await emulator.log.seen("audio", 10);
  emulator.emit({ event: "Update", transcript: "One", audio_window_end: 0.4 });
  await listener.heard("partial");
  emulator.connections[0]?.cut();
  await emulator.log.seen("open", 2);
  await emulator.log.seen("audio", 15);
  await listener.stream.close();
  const again = emulator.log.of("audio").filter(({ connection, speech }) => connection === 1 && speech);
  t.is(again.length, 5);
});

test("sound without a connection is kept; the oldest is dropped and counted", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator, { maxUnheardMs: 800 }));
  emulator.faults.push({ handshakeDelayMs: 300 });
  emulator.connections[0]?.cut();
  await listener.heard("error");
  emulator.log.clear();
  listener.talk({ silence: 2_000 });
  await emulator.log.seen("audio", 10);
  t.is((listener.stream as StreamedSpeech).droppedMs, 1_200);
  const { error, fatal } = await listener.heard("error", 2);
  t.false(fatal);
  t.is(error.message, "Deepgram could not be reached: 1200 ms of sound were dropped");
});

test("an open connection without answers is replaced, and no word is lost (pitfall 11)", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Nobody hears me"] } });
  emulator.faults.push({ silentAfterMs: 0 });
  const listener = await Listener.on(sttOn(t, emulator, { stallTimeoutMs: 1_000 }));
  await emulator.log.seen("silent");
  // Far more than a second of speech, which nothing answers.
  listener.talk({ speech: 1_600 });
  {
    using _ = keepTalking(listener, 0);
    const { error } = await listener.heard("error");
    t.is(errorKind(error), "timeout");
    t.regex(error.message, /^Deepgram answered nothing to \d+ ms of sound$/);
    t.is((await listener.heard("ended")).text, "Nobody hears me");
  }
  t.true(emulator.log.of("open").length > 1);
});

test("without sound, or with little, a connection is not stalled", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator, { stallTimeoutMs: 50, keepAliveIntervalMs: 100 }));
  listener.talk({ silence: 160 });
  await emulator.log.seen("ping", 3);
  listener.talk({ silence: 160 });
  await emulator.log.seen("ping", 5);
  t.is(emulator.log.of("open").length, 1);
  t.deepEqual(listener.of("error"), []);
});

test("an Error frame of the server's own ends the connection, not the stream", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello"] } });
  emulator.faults.push({ errorAfterMs: 0 });
  const listener = await Listener.on(sttOn(t, emulator));
  const { error, fatal } = await listener.heard("error");
  t.false(fatal);
  t.like(error, {
    code: "INTERNAL_SERVER_ERROR",
    message: "Deepgram gave up: INTERNAL_SERVER_ERROR, An internal server error occurred.",
  });
  listener.talk({ speech: 400, silence: 200 });
  t.is((await listener.heard("ended")).text, "Hello");
});

test("an Error frame of a lasting failure ends the stream", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 400 });
  await listener.heard("partial");
  emulator.connections[0]?.fail("UNPARSABLE_CLIENT_MESSAGE", "The client message could not be parsed.");
  await listener.done;
  t.deepEqual(
    listener.events.slice(-2).map((event) => [event.type, "fatal" in event && event.fatal]),
    [
      ["ended", false],
      ["error", true],
    ],
  );
  t.is(emulator.log.of("handshake").length, 1);
  t.notThrows(() => listener.talk({ speech: 400 }));
});

for (const code of [1_000, 1_011, undefined]) {
  test(`a close with ${code ?? "no code"} that nobody asked for is a loss (pitfall 12)`, async (t) => {
    const emulator = await emulate(t, { script: { phrases: ["Hello"] } });
    const listener = await Listener.on(sttOn(t, emulator));
    emulator.connections[0]?.close(code, code === 1_011 ? "out of order" : undefined);
    const { error, fatal } = await listener.heard("error");
    t.false(fatal);
    t.is(
      error.message,
      `Deepgram closed the connection with ${code ?? 1_005}${code === 1_011 ? ": out of order" : ""}`,
    );
    t.is(errorKind(error), "network");
    await emulator.log.seen("open", 2);
    listener.talk({ speech: 400, silence: 200 });
    t.is((await listener.heard("ended")).text, "Hello");
  });
}

test("connections that open and die, one after another, end the stream: the turn ends, then the fatal error", async (t) => {
  const emulator = await emulate(t, {
    script: { phrases: ["Is anybody there"] },
    delays: { ...none, endOfTurnMs: 4_000 },
  });
  const listener = await Listener.on(sttOn(t, emulator, { connectAttempts: 4 }));
  listener.talk({ speech: 1_200 });
  await lastPartial(listener, "Is anybody there");
  emulator.faults.always = { cutAfterMs: 1 };
  emulator.connections[0]?.cut();
  await listener.done;
  t.deepEqual(
    listener.of("error").map(({ fatal }) => fatal),
    [false, false, false, true],
  );
  t.is(emulator.log.of("open").length, 4);
  const [ended, error] = listener.story.slice(-2);
  t.regex(String(ended), /^ended\(Is anybody there/);
  t.is(error, "error");
});

test("a key that is withdrawn in mid-call ends the stream at once", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator));
  emulator.faults.always = { status: 401 };
  emulator.connections[0]?.cut();
  await listener.done;
  t.deepEqual(
    listener.of("error").map(({ error, fatal }) => [errorKind(error), fatal]),
    [
      ["network", false],
      ["INVALID_AUTH", true],
    ],
  );
});

test.serial(
  "a server that reads nothing: the sound that waits in the process is bounded (pitfall 13)",
  async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ stopsReading: true });
    const listener = await Listener.on(sttOn(t, emulator, { maxUnheardMs: 2_000, stallTimeoutMs: 1_000 }));
    const stream = listener.stream as StreamedSpeech;
    // The system's own buffers take some minutes of it.
    for (let minutes = 0; minutes < 20; minutes++) listener.talk({ silence: 60_000 });
    const givenMs = listener.stream.audioDurationMs;
    listener.talk({ silence: 10_000 });
    t.is(listener.stream.audioDurationMs, givenMs, "nothing more is handed to the network");
    t.true(stream.droppedMs > 0);
    t.is(
      Math.round(stream.droppedMs + givenMs + 2_000),
      20 * 60_000 + 10_000,
      "every millisecond is accounted for",
    );
    using _ = keepTalking(listener, 0);
    t.is(errorKind((await listener.heard("error")).error), "timeout");
    await emulator.log.seen("open", 2);
  },
);

test("a message that is not JSON, or is unexpected, is skipped", async (t) => {
  const emulator = await emulate(t, { script: { automatic: false } });
  const listener = await Listener.on(sttOn(t, emulator));
  emulator.emit({ type: "TurnInfo", event: 7, transcript: 8, words: "none", audio_window_end: "soon" });
  emulator.emit({ type: "Weather", celsius: 20 });
  emulator.emit({ event: "EndOfTurn", transcript: "Yes", words: [null, { end: -1 }, { end: "1" }] });
  t.like(await listener.heard("ended"), { text: "Yes" });
  t.deepEqual(listener.of("error"), []);
});

/** Waits until the text has grown to this. */
async function lastPartial(listener: Listener, text: string): Promise<{ readonly text: string }> {
  for (let count = 1; ; count++) {
    const partial = await listener.heard("partial", count);
    if (partial.text === text) return partial;
  }
}
