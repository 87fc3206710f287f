import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setImmediate as nextRound } from "node:timers/promises";
import test from "ava";
import {
  anySignal,
  emulate,
  failure,
  greeting,
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
