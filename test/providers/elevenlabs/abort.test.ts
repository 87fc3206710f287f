import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { getEventListeners, once } from "node:events";
import { setImmediate as nextRound, setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import test from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import type { SpeechChunk } from "../../../src/agent/tts.ts";
import * as elevenlabs from "../../../src/providers/elevenlabs/index.ts";
import type { ElevenlabsFault } from "../../emulators/elevenlabs.ts";
import {
  anySignal,
  emulate,
  failure,
  greeting,
  patience,
  soundOf,
  speak,
  spoken,
  voice,
} from "../../fixtures/providers/elevenlabs-voice.ts";

for (const alignment of [true, false]) {
  test(`an abort in mid-speech closes the connection at once, alignment ${alignment}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ stallAfterMs: 400 });
    const cancel = new AbortController();
    const speech = voice(t, emulator, { alignment }).speak(greeting, { signal: cancel.signal });
    await speech.next();
    await emulator.log.seen("first_byte");
    const reason = new Error("barge-in");
    const rest = (async () => {
      for await (const _ of speech);
    })();
    cancel.abort(reason);
    t.is(await t.throwsAsync(rest), reason);
    await emulator.log.seen("gone");
    await emulator.log.seen("disconnection");
  });
}

test("after an abort no chunk is yielded, not even one that has arrived", async (t) => {
  const emulator = await emulate(t);
  const cancel = new AbortController();
  const speech = voice(t, emulator).speak(greeting, { signal: cancel.signal });
  await speech.next();
  await emulator.log.seen("end");
  cancel.abort(new Error("barge-in"));
  await t.throwsAsync(speech.next(), { message: "barge-in" });
  t.true((await speech.next()).done);
});

test("with an aborted signal no request is sent", async (t) => {
  const emulator = await emulate(t);
  await t.throwsAsync(speak(voice(t, emulator), greeting, { signal: AbortSignal.abort(new Error("late")) }), {
    message: "late",
  });
  t.is(emulator.connections.made, 0);
});

test("leaving the loop closes the response", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ stallAfterMs: 400 });
  for await (const _ of voice(t, emulator).speak(greeting, { signal: anySignal() })) break;
  t.truthy(await emulator.log.seen("gone"));
});

test("an abort ends the pause before a retry", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.always = { status: 429, code: "system_busy", retryAfterSeconds: 60 };
  const tts = voice(t, emulator, { firstByteTimeoutMs: 3_600_000 });
  const cancel = new AbortController();
  const received = Promise.withResolvers<void>();
  const channel = "http.client.response.finish";
  const seen = (message: unknown) => {
    const { request } = message as { request: { getHeader(name: string): unknown } };
    if (request.getHeader("host") === new URL(emulator.url).host) received.resolve();
  };
  subscribe(channel, seen);
  t.teardown(() => unsubscribe(channel, seen));
  const outcome = failure(tts, greeting, cancel.signal);
  await received.promise;
  // The rest of the refusal came with its head; these rounds take it to the voice.
  for (let round = 0; round < 10; round++) await nextRound();
  cancel.abort(new Error("barge-in"));
  t.is((await outcome).message, "barge-in");
  t.is(spoken(emulator).length, 1);
});

test("closing ends all speeches, and refuses later ones", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ stallAfterMs: 400 });
  const tts = voice(t, emulator);
  const speech = tts.speak(greeting, { signal: anySignal() });
  await speech.next();
  await tts.close();
  await t.throwsAsync(
    async () => {
      for await (const _ of speech);
    },
    { name: "AbortError" },
  );
  await emulator.log.seen("disconnection");
  await t.throwsAsync(speak(tts, greeting), { name: "AbortError" });
  t.is(emulator.connections.open, 0);
});

// Deadlines: one after the other, since a busy thread would let one pass too early.

test.serial(
  "a head without sound ends at the deadline of the first byte: the SDK's own limit ends with the head",
  async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ stallAfterMs: 0 });
    const error = await failure(voice(t, emulator, { firstByteTimeoutMs: 2_000 }));
    t.is(error.name, "DeadlineError");
    t.is(errorKind(error), "timeout");
    await emulator.log.seen("gone");
  },
);

test.serial('no answer at all is a timeout, not an error that says "timeout"', async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ hangs: true });
  const error = await failure(voice(t, emulator, { firstByteTimeoutMs: 2_000 }));
  t.is(error.name, "DeadlineError");
  t.is(errorKind(error), "timeout");
  await emulator.log.seen("gone");
});

for (const alignment of [true, false]) {
  test.serial(`a body that stalls ends by the idle timeout, alignment ${alignment}`, async (t) => {
    const emulator = await emulate(t);
    emulator.faults.push({ stallAfterMs: 600 });
    const tts = voice(t, emulator, { alignment, idleTimeoutMs: 2_000 });
    const chunks: SpeechChunk[] = [];
    const error = await t.throwsAsync(async () => {
      for await (const chunk of tts.speak(greeting, { signal: anySignal() })) chunks.push(chunk);
    });
    t.is(error?.name, "DeadlineError");
    t.true(soundOf(chunks).length >= 600 * 24);
    await emulator.log.seen("gone");
  });
}

test.serial("a slow reader is not a stall", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator, { idleTimeoutMs: 2_000 });
  const text = greeting.repeat(40);
  let length = 0;
  for await (const { samples } of tts.speak(text, { signal: anySignal() })) {
    if (length === 0) await pause(2_500);
    length += samples.length;
  }
  t.is(length, text.length * 60 * 24);
});

test.serial("a refusal whose body never ends is thrown all the same", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ status: 503, endlessBody: true });
  const tts = voice(t, emulator, { maxRetries: 0, firstByteTimeoutMs: 2_000 });
  t.like(await failure(tts), { status: 503, code: "service_unavailable", kind: "server" });
  await emulator.log.seen("gone");
});

const openTimers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

test.serial("aborts before the first byte leave none of the SDK's timers behind", async (t) => {
  const emulator = await emulate(t);
  const tts = voice(t, emulator);
  await elevenlabs.preload();
  const before = openTimers();
  emulator.faults.always = { hangs: true };
  for (let round = 1; round <= 20; round++) {
    const cancel = new AbortController();
    const outcome = failure(tts, greeting, cancel.signal);
    await emulator.log.seen("request", round);
    cancel.abort(new Error("enough"));
    t.is((await outcome).message, "enough");
  }
  t.is(openTimers(), before);
  await emulator.log.seen("disconnection", 20);
  t.is(emulator.connections.open, 0);
});

test.serial("a hundred uses, however they end, leave no socket, timer or listener behind", async (t) => {
  const emulator = await emulate(t);
  const tts = new elevenlabs.TTS({ apiKey: "a-key", baseUrl: emulator.url, maxRetries: 0, ...patience });
  const before = openTimers();
  const shared = new AbortController();
  const faults: ElevenlabsFault[] = [{}, { status: 503 }, { cutAfterMs: 400 }, { resets: true }, {}];
  for (let round = 0; round < 100; round++) {
    emulator.faults.push(faults[round % faults.length]!);
    const cancel = round % 10 === 9 ? new AbortController() : shared;
    try {
      let chunks = 0;
      for await (const _ of tts.speak(greeting, { signal: cancel.signal })) {
        if (++chunks === 2 && round % 10 === 4) break;
        if (chunks === 2 && round % 10 === 9) cancel.abort(new Error("enough"));
      }
    } catch {
      // Half of them fail, as they are meant to.
    }
  }
  await tts.close();
  while (emulator.connections.open > 0) {
    await emulator.log.seen("disconnection", emulator.log.of("disconnection").length + 1);
  }
  t.is(openTimers(), before);
  t.is(getEventListeners(shared.signal, "abort").length, 0);
  t.is(emulator.speaking, 0);
});

test.serial(
  "a thread ends by itself once its voice is closed, also after an abort before the first byte",
  async (t) => {
    const emulator = await emulate(t);
    emulator.faults.always = { hangs: true };
    const worker = new Worker(new URL("../../fixtures/providers/speak-and-abort.ts", import.meta.url), {
      workerData: { baseUrl: emulator.url },
    });
    const abort = emulator.log.seen("request").then(() => worker.postMessage("abort"));
    const [code] = await once(worker, "exit");
    await abort;
    t.is(code, 0);
  },
);
