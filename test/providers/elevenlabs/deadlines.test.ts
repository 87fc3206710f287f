import { setTimeout as pause } from "node:timers/promises";
import test from "ava";
import { errorKind } from "../../../src/agent/error-kind.ts";
import type { SpeechChunk } from "../../../src/agent/tts.ts";
import {
  anySignal,
  emulate,
  failure,
  greeting,
  soundOf,
  voice,
} from "../../fixtures/providers/elevenlabs-voice.ts";

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
