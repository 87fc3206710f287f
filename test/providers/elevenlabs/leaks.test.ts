import { getEventListeners, once } from "node:events";
import { Worker } from "node:worker_threads";
import test from "ava";
import * as elevenlabs from "../../../src/providers/elevenlabs/index.ts";
import type { ElevenlabsFault } from "../../emulators/elevenlabs.ts";
import { emulate, failure, greeting, patience, voice } from "../../fixtures/providers/elevenlabs-voice.ts";

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
