import test from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { speak as toneOf } from "../../emulators/elevenlabs/tone.ts";
import {
  anySignal,
  cartesiaStage,
  failure,
  greeting,
  soundOf,
  speak,
} from "../../fixtures/providers/cartesia-stage.ts";

test("a wrong key is refused in the handshake, by warming up and by speaking, and is not repeated", async (t) => {
  const { emulator, voice } = await cartesiaStage(t);
  const tts = voice({ apiKey: "wrong-key-1234" });
  const error = await t.throwsAsync(async () => tts.warm(anySignal()), { name: "CartesiaError" });
  t.like(error, { kind: "unauthorized", status: 401, code: "unauthorized" });
  t.is(error!.message, "Cartesia answered 401 unauthorized: Unauthorized: The API key [key] is not valid.");
  t.is(errorKind(error), "unauthorized");
  t.like(await failure(tts), { kind: "unauthorized" });
  t.is(emulator.log.of("handshake").length, 2);
});

for (const [name, fault, expected] of [
  [
    "an unknown model",
    { status: 400, code: "model_not_found" },
    { kind: "invalid", code: "model_not_found", status: 400 },
  ],
  ["no credits", { status: 402 }, { kind: "quota", status: 402 }],
  ["a plan that does not have it", { status: 403, code: "plan_upgrade_required" }, { kind: "unauthorized" }],
] as const) {
  test(`${name} is an error at once, and the connection stays`, async (t) => {
    const { emulator, voice, requests } = await cartesiaStage(t);
    emulator.faults.contexts.push(fault);
    const tts = voice();
    t.like(await failure(tts), { name: "CartesiaError", ...expected });
    t.is(requests().length, 1);
    await speak(tts, greeting);
    t.is(emulator.log.of("handshake").length, 1);
  });
}

test("an unknown voice is told with the first sentence", async (t) => {
  const { voice } = await cartesiaStage(t, { account: { unknownVoices: new Set(["nobody"]) } });
  t.like(await failure(voice({ voiceId: "nobody" })), {
    kind: "invalid",
    code: "voice_not_found",
    status: 404,
  });
});

test("failures that pass are tried again before the first sound, and never behind it", async (t) => {
  const { emulator, voice, requests } = await cartesiaStage(t);
  emulator.faults.contexts.push({ status: 500 }, { status: 429 });
  t.deepEqual(soundOf(await speak(voice(), greeting)), toneOf(greeting, { sampleRate: 24_000 }));
  t.is(requests().length, 3);
  emulator.faults.contexts.push({ status: 503 }, { status: 503 });
  t.like(await failure(voice({ maxRetries: 1 })), { kind: "server", status: 503 });
  t.is(requests().length, 5);
  emulator.faults.contexts.push({ status: 500, afterPieces: 2 });
  t.like(await failure(voice()), { kind: "server" });
  t.is(requests().length, 6);
});

test("too many texts at once is the plan's limit, and is not repeated", async (t) => {
  const { emulator, voice, requests } = await cartesiaStage(t, {
    account: { maxContexts: 1 },
    script: { speed: 1 },
  });
  const tts = voice();
  const first = tts.speak(greeting, { signal: anySignal() });
  await first.next();
  const error = await failure(tts);
  t.like(error, { kind: "concurrency", status: 429, code: "concurrency_limited" });
  t.is(errorKind(error), "concurrency_limited");
  t.is(requests().length, 2);
  await first.return();
  t.is(emulator.log.of("handshake").length, 1);
});

test("an answer without sound, and a piece without its data, are failures of the service", async (t) => {
  const { emulator, voice, requests } = await cartesiaStage(t);
  emulator.faults.contexts.push({ empty: true });
  await speak(voice(), greeting);
  t.is(requests().length, 2);
  emulator.faults.contexts.push({ withoutData: true });
  t.like(await failure(voice({ maxRetries: 0 })), { kind: "server", code: "bad_answer" });
});

test("the first sound and the pieces behind it have deadlines", async (t) => {
  // Long enough for the connection on a busy machine: the voice then waits for the sound alone.
  const { emulator, voice } = await cartesiaStage(t);
  emulator.faults.contexts.push({ stalls: true }, { stalls: true, afterPieces: 2 });
  t.like(await failure(voice({ firstByteTimeoutMs: 2_000 })), {
    name: "DeadlineError",
    message: "Cartesia's first sound took longer than 2000 ms (firstByteTimeoutMs)",
  });
  await emulator.log.seen("speech_cancel");
  const error = await failure(voice({ idleTimeoutMs: 100 }));
  t.like(error, { name: "DeadlineError" });
  t.regex(error.message, /\(idleTimeoutMs\)$/);
});

test("a handshake that is not answered has a deadline, and one that is refused is tried again", async (t) => {
  const { emulator, voice } = await cartesiaStage(t);
  emulator.faults.connections.push({ hangs: true });
  t.like(await failure(voice({ connectTimeoutMs: 100, maxRetries: 0 })), {
    kind: "network",
    code: "ETIMEDOUT",
  });
  emulator.faults.connections.push({ status: 503, plainText: true });
  await speak(voice(), greeting);
  emulator.faults.connections.push({ status: 429, retryAfterSeconds: 600 });
  const late = await failure(voice());
  t.like(late, { kind: "busy", retryAfterMs: 600_000 });
});

test("a connection that is cut in mid-speech fails what is spoken on it; the next text has a new one", async (t) => {
  const { emulator, voice } = await cartesiaStage(t);
  emulator.faults.contexts.push({ cuts: true, afterPieces: 2 });
  const tts = voice();
  const error = await failure(tts);
  t.like(error, { kind: "network", code: "ECONNRESET", stale: false });
  t.is(errorKind(error), "network");
  await speak(tts, greeting);
  t.is(emulator.log.of("speech_open").length, 2);
});

test("a connection that Cartesia closed as the text was sent is replaced, without a retry", async (t) => {
  const { emulator, voice, requests } = await cartesiaStage(t);
  const tts = voice({ maxRetries: 0 });
  await speak(tts, greeting);
  emulator.faults.contexts.push({ cuts: true });
  t.deepEqual(soundOf(await speak(tts, greeting)), toneOf(greeting, { sampleRate: 24_000 }));
  t.is(requests().length, 3);
});

test("a connection that was idle for too long is followed by one that is opened ahead, in a call", async (t) => {
  const { emulator, voice } = await cartesiaStage(t, { account: { idleMs: 100 } });
  const waiting = voice();
  await waiting.warm(anySignal());
  t.like(await emulator.log.seen("speech_close"), { code: 1_000, reason: "connection idle timeout" });
  t.is(emulator.log.of("speech_open").length, 1, "a thread that waits for its call opens no other");
  emulator.account.idleMs = 500;
  await speak(waiting, greeting);
  emulator.account.idleMs = 60_000;
  await emulator.log.seen("speech_close", 2);
  await emulator.log.seen("speech_open", 3);
  await speak(waiting, greeting);
  t.is(emulator.log.of("speech_open").length, 3);
});

test("a server that is not there is a failure of the network", async (t) => {
  const { emulator, voice } = await cartesiaStage(t);
  const tts = voice({ maxRetries: 0 });
  await emulator.close();
  t.like(await failure(tts), { kind: "network", code: "ECONNREFUSED" });
});
