import test from "ava";
import { AllFailedError, fallback, type ServiceWatch } from "greenroom";
import * as deepgram from "greenroom/deepgram";
import * as elevenlabs from "greenroom/elevenlabs";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { none as deepgramNone, startDeepgram } from "../../emulators/deepgram.ts";
import { speak as toneOf } from "../../emulators/elevenlabs/tone.ts";
import { none, startElevenlabs } from "../../emulators/elevenlabs.ts";
import { anySignal, cartesiaStage, soundOf } from "../../fixtures/providers/cartesia-stage.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { Listener } from "../../fixtures/providers/listener.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";
import { vendorStage } from "../../fixtures/providers/vendor-stage.ts";
import { said, write } from "../../fixtures/recogniser/open-recogniser.ts";

/** A member that failed rests for as long as a test takes. */
const options = { timeoutMs: 40_000, retryAfterMs: 60_000 };

/** Notes which service is asked, and which has failed of what. */
function watched() {
  const told: string[] = [];
  const watch: ServiceWatch = {
    onAsked: ({ provider }) => void told.push(provider),
    onFailed: ({ provider }, error) => void told.push(`${provider}: ${errorKind(error)}`),
  };
  return { told, watch };
}

test("a sentence that ElevenLabs does not begin is spoken by Cartesia, and one that breaks off by nobody", async (t) => {
  const emulator = await startElevenlabs({ delays: none });
  t.teardown(() => emulator.close());
  const { emulator: other, voice } = await cartesiaStage(t);
  const limits = { firstByteTimeoutMs: 40_000, idleTimeoutMs: 40_000, maxRetries: 0 };
  const first = new elevenlabs.TTS({ apiKey: "a-key", baseUrl: emulator.url, ...limits });
  const tts = fallback([first, voice({ maxRetries: 0 })], options);
  t.teardown(() => tts.close());
  const { told, watch } = watched();
  const speak = async (text: string) => {
    const chunks = [];
    for await (const chunk of tts.speak(text, { signal: anySignal(), watch })) chunks.push(chunk);
    return chunks;
  };
  emulator.faults.push({ status: 500 });
  const sentence = "It is fine in Oslo.";
  const chunks = await speak(sentence);
  t.deepEqual(soundOf(chunks), toneOf(sentence, { sampleRate: 24_000 }));
  t.is(chunks.flatMap(({ alignment }) => alignment?.characters ?? []).join(""), sentence);
  t.deepEqual(told.splice(0), ["elevenlabs", "elevenlabs: internal_error", "cartesia"]);
  // Both refuse: the limits of both plans are reached.
  emulator.account.maxConcurrentRequests = 0;
  other.account.maxContexts = 0;
  const error = await t.throwsAsync(speak(sentence), { instanceOf: AllFailedError });
  t.deepEqual((error as AllFailedError).errors.map(errorKind).toSorted(), [
    "concurrency_limited",
    "too_many_concurrent_requests",
  ]);
});

test("where Cartesia breaks off in mid-sentence, the next sentence is ElevenLabs'", async (t) => {
  const emulator = await startElevenlabs({ delays: none });
  t.teardown(() => emulator.close());
  const { emulator: other, voice } = await cartesiaStage(t);
  const second = new elevenlabs.TTS({ apiKey: "a-key", baseUrl: emulator.url, firstByteTimeoutMs: 40_000 });
  const tts = fallback([voice({ maxRetries: 0 }), second], options);
  t.teardown(() => tts.close());
  const { told, watch } = watched();
  const heard: number[] = [];
  const speak = async (text: string) => {
    for await (const { samples } of tts.speak(text, { signal: anySignal(), watch }))
      heard.push(samples.length);
  };
  other.faults.contexts.push({ cuts: true, afterPieces: 3 });
  await t.throwsAsync(speak("It is fine in Oslo."), { name: "CartesiaError" });
  t.is(heard.length, 3, "what was heard is not said again by another voice");
  await speak("And in Rome.");
  t.deepEqual(told, ["cartesia", "elevenlabs"]);
});

test("recognisers of three vendors take over from each other in mid-turn, and no word that was known is lost", async (t) => {
  const emulator = await startDeepgram({
    delays: deepgramNone,
    script: { phrases: ["Book a table"], automatic: false },
  });
  t.teardown(() => emulator.close());
  const { emulator: openai, realtime, recogniser } = await openaiStage(t);
  openai.realtime.script.phrases = ["for two people", "in the old town"];
  openai.transcribe = () => "at eight.";
  const limits = { connectAttempts: 1, connectTimeoutMs: 40_000, stallTimeoutMs: 40_000 };
  const first = new deepgram.STT({ apiKey: "a-key", baseUrl: emulator.url, ...limits });
  const stt = fallback(
    [first, realtime("gpt-live-transcribe", { connectAttempts: 1 }), recogniser()],
    options,
  );
  t.teardown(() => stt.close());
  const { told, watch } = watched();
  const listener = new Listener(await stt.listen({ participantId: "anna", signal: anySignal(), watch }));
  const speech = await said("A table for two people in the old town, please.");

  write(listener.stream, speech.subarray(0, 16_000));
  await emulator.log.seen("audio", 5);
  emulator.emit({ event: "StartOfTurn", transcript: "Book" });
  emulator.emit({ event: "Update", transcript: "Book a table" });
  await listener.heard("partial");
  emulator.connections[0]!.fail("INVALID_AUTH", "The key was withdrawn.");
  await openai.log.seen("realtime_open");
  write(listener.stream, speech.subarray(16_000));
  await listener.heard("ended", 2);

  openai.realtime.sessions[0]!.sendError({
    type: "insufficient_quota",
    code: "insufficient_quota",
    message: "No credit.",
  });
  await openai.log.seen("realtime_close");
  write(listener.stream, await said("At eight, please."));
  await listener.heard("ended", 3);
  t.deepEqual(
    listener.of("ended").map(({ text }) => text),
    ["Book a table", "for two people", "at eight."],
  );
  t.deepEqual(
    told.filter((one) => !one.includes(":")),
    ["deepgram", "openai-compatible", "openai-compatible"],
  );
  t.deepEqual(told.filter((one) => one.includes(":")).length, 2);
  t.deepEqual(listener.of("error"), []);
});

test("models of three vendors: the third answers where two are down, and nobody repeats half an answer", async (t) => {
  const google = await geminiStage(t);
  const openai = await openaiStage(t);
  const vendor = await vendorStage(t, "anthropic");
  const down = { kind: "status", status: 503 } as const;
  const llm = fallback(
    [
      google.model(undefined, { maxRetries: 0 }),
      openai.model("emulated", { maxRetries: 0 }),
      vendor.model({ maxRetries: 0 }),
    ],
    options,
  );
  vendor.script = () => [{ text: "It is fine." }];
  google.emulator.faults.add(down);
  openai.emulator.faults.add(down);
  const { told, watch } = watched();
  t.is((await ask(llm, "How is the weather?", { watch })).text, "It is fine.");
  t.deepEqual(
    told.splice(0).map((one) => one.replace(/: .*/, " failed")),
    ["gemini", "gemini failed", "openai-compatible", "openai-compatible failed", "anthropic"],
  );
  // One that breaks off behind its first words fails the turn.
  const two = fallback([openai.model("emulated", { maxRetries: 0 }), google.model()], options);
  openai.emulator.script = () => [{ text: "It will be fine in the whole of the country." }];
  openai.emulator.faults.add({ kind: "cut", afterEvents: 4 });
  const asked = google.bodies().length;
  const error = await t.throwsAsync(() => ask(two, "And tomorrow?", { watch }));
  t.true((error as Error & { readonly pieces: number }).pieces > 0);
  t.deepEqual(told, ["openai-compatible"]);
  t.is(google.bodies().length, asked);
});
