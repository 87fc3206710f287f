import test, { type ExecutionContext } from "ava";
import * as cartesia from "greenroom/cartesia";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { type CartesiaEmulatorOptions, Refusal } from "../../emulators/cartesia.ts";
import { anySignal, cartesiaStage } from "../../fixtures/providers/cartesia-stage.ts";
import { Listener } from "../../fixtures/providers/listener.ts";

/** Listens by a recogniser of the emulator. */
async function stage(
  t: ExecutionContext,
  options: cartesia.STTOptions = {},
  emulated: CartesiaEmulatorOptions = {},
  sampleRate?: number,
) {
  const { emulator, recogniser } = await cartesiaStage(t, emulated);
  const stt = recogniser(options);
  return { emulator, stt, listener: await Listener.on(stt, sampleRate) };
}

/** The events that are no captions. */
const turnsOf = ({ story }: Listener) => story.filter((event) => !event.startsWith("partial"));

test("turns are told with captions, and the sound is brought to 16 kHz", async (t) => {
  const options = { keyterms: ["Oslo", "Rome"], startThreshold: 0.7, endTimeoutMs: 3_000 };
  const { emulator, stt, listener } = await stage(t, options, {}, 48_000);
  t.deepEqual([stt.provider, stt.model, stt.language], ["cartesia", "ink-2", "en"]);
  const { path, query } = emulator.log.of("handshake")[0] as unknown as {
    readonly path: string;
    readonly query: Record<string, string>;
  };
  t.is(path, "/stt/turns/websocket");
  t.deepEqual(query, {
    model: "ink-2",
    encoding: "pcm_s16le",
    sample_rate: "16000",
    keyterm: "Rome",
    turn_start_threshold: "0.7",
    turn_end_timeout_ms: "3000",
  });
  listener.talk({ speech: 700 });
  await listener.heard("partial");
  listener.talk({ silence: 700 });
  t.is((await listener.heard("ended")).text, "Hello there, how are you?");
  t.deepEqual(turnsOf(listener), ["started", "ended(Hello there, how are you?)"]);
  const bytes = emulator.log.of("turns_audio").reduce((sum, entry) => sum + (entry.bytes as number), 0);
  t.true(bytes / 32 > 1_200 && bytes / 32 < 2_500, String(bytes));
  listener.talk({ speech: 400, silence: 700 });
  t.is((await listener.heard("ended", 2)).text, "What is the weather like in Amsterdam today?");
});

test("an early end is told where it is asked for, and withdrawn", async (t) => {
  const { listener } = await stage(t, { eagerTurnDetection: true });
  listener.talk({ speech: 400, silence: 200 });
  await listener.heard("eager_end");
  listener.talk({ speech: 400, silence: 600 });
  await listener.heard("ended");
  t.deepEqual(
    turnsOf(listener).map((event) => event.replace(/\(.*/, "")),
    ["started", "eager_end", "resumed", "eager_end", "ended"],
  );
  const plain = await stage(t);
  plain.listener.talk({ speech: 400, silence: 200 }).talk({ speech: 400, silence: 600 });
  await plain.listener.heard("ended");
  t.deepEqual(plain.listener.of("eager_end"), []);
});

test("a connection that is cut in mid-turn is replaced, and hears the whole turn again", async (t) => {
  const { emulator, listener } = await stage(t);
  emulator.script.phrases = ({ connection }) => (connection === 0 ? "Book a" : "Book a table for two.");
  listener.talk({ speech: 700 });
  await listener.heard("partial");
  emulator.turns[0]!.cut();
  const { error, fatal } = await listener.heard("error");
  t.false(fatal);
  t.is(errorKind(error), "network");
  await emulator.log.seen("turns_open", 2);
  listener.talk({ speech: 400, silence: 700 });
  await listener.heard("ended");
  t.deepEqual(turnsOf(listener), ["started", "error", "ended(Book a table for two.)"]);
});

test("a turn that the next connection does not hear again ends all the same", async (t) => {
  const { emulator, listener } = await stage(t);
  listener.talk({ speech: 400 });
  await listener.heard("partial");
  emulator.script.automatic = false;
  emulator.turns[0]!.cut();
  await emulator.log.seen("turns_open", 2);
  listener.talk({ silence: 4_000 });
  t.is((await listener.heard("ended")).text, "Hello", "the words that are known are kept");
});

test("a microphone that is muted in mid-turn ends the turn", async (t) => {
  const { listener } = await stage(t);
  listener.talk({ speech: 400 });
  t.is((await listener.heard("ended")).text, "Hello there, how are you?");
});

test("without sound the connection is kept open by a little silence", async (t) => {
  const { emulator, listener } = await stage(t, { keepAliveIntervalMs: 1_000 });
  await emulator.log.seen("turns_audio", 2);
  t.true(emulator.log.of("turns_audio").every(({ bytes }) => bytes === 3_200));
  listener.talk({ speech: 400, silence: 700 });
  await listener.heard("ended");
  t.is(emulator.log.of("turns_open").length, 1);
});

test("closing asks for the last words", async (t) => {
  const { emulator, listener } = await stage(t);
  listener.talk({ speech: 400 });
  await listener.heard("started");
  await listener.stream.close();
  await listener.done;
  t.deepEqual(
    emulator.log.of("turns_message").map(({ text }) => text),
    ['{"type":"close"}'],
  );
  t.deepEqual(turnsOf(listener), ["started", "ended(Hello there, how are you?)"]);
});

test("a refusal of no use to repeat ends at once, others after their attempts", async (t) => {
  const { emulator, recogniser } = await cartesiaStage(t, { account: { maxStreams: 0 } });
  const failure = (options: cartesia.STTOptions) =>
    t.throwsAsync(() => Listener.on(recogniser(options)), { name: "CartesiaError" });
  t.like(await failure({ apiKey: "wrong-key" }), { kind: "unauthorized", status: 401 });
  t.is(emulator.log.of("handshake").length, 1);
  // All streams of the plan are in use; one of them may end a moment later.
  t.like(await failure({ connectAttempts: 3 }), { kind: "concurrency", status: 429 });
  t.is(emulator.log.of("handshake").length, 4);
  emulator.account.maxStreams = 9;
  t.like(await failure({ model: "ink-9" }), { kind: "invalid", code: "model_not_found" });
  emulator.faults.always = { mute: true };
  t.like(await failure({ connectTimeoutMs: 100, connectAttempts: 1 }), {
    kind: "network",
    code: "ETIMEDOUT",
  });
});

test("an error in mid-call ends the stream where it lasts, and the connection where it passes", async (t) => {
  const { emulator, listener } = await stage(t);
  emulator.turns[0]!.fail(new Refusal(500, null, "Internal server error", "Odd."));
  t.like(await listener.heard("error"), { fatal: false });
  await emulator.log.seen("turns_open", 2);
  listener.talk({ speech: 400 });
  await listener.heard("partial");
  emulator.turns[0]!.fail(new Refusal(402, "quota_exceeded", "Credit limit reached", "Nothing left."));
  await listener.done;
  t.deepEqual(turnsOf(listener), ["error", "started", "ended(Hello)", "error"]);
  t.like(listener.of("error")[1], { fatal: true, error: { kind: "quota" } });
});

test("warming up checks the key and the model, and leaves no connection", async (t) => {
  const { emulator, recogniser } = await cartesiaStage(t);
  await recogniser().warm(anySignal());
  await emulator.log.seen("turns_close");
  await t.throwsAsync(async () => recogniser({ apiKey: "wrong-key" }).warm(anySignal()), { message: /401/ });
  emulator.faults.always = { hangs: true };
  const cancel = new AbortController();
  const warming = recogniser().warm(cancel.signal);
  await emulator.log.seen("handshake", 3);
  cancel.abort(new Error("not wanted"));
  await t.throwsAsync(warming, { message: "not wanted" });
  t.is(emulator.turns.length, 0);
});

test("options that do not go together are refused, and the key is asked for", (t) => {
  const message = (options: cartesia.STTOptions) =>
    t.throws(() => new cartesia.STT({ apiKey: "key", ...options }), { instanceOf: TypeError })!.message;
  t.is(message({ eagerEndThreshold: 0.5 }), "cartesia.STT: eagerEndThreshold needs eagerTurnDetection: true");
  t.regex(
    message({ endThreshold: 0.45 }),
    /^cartesia.STT: startThreshold, 0.8, must be above eagerEndThreshold, 0.4/,
  );
  t.regex(message({ keyterms: Array.from({ length: 101 }, () => "a") }), /at most 100/);
  const kept = process.env.CARTESIA_API_KEY;
  delete process.env.CARTESIA_API_KEY;
  t.throws(() => new cartesia.STT(), {
    message: "CARTESIA_API_KEY is not set: set it, or give cartesia.STT an apiKey",
  });
  if (kept !== undefined) process.env.CARTESIA_API_KEY = kept;
});
