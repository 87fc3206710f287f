import { getEventListeners, once } from "node:events";
import { Worker } from "node:worker_threads";
import test from "ava";
import { emulate, Listener, sttOn } from "../../fixtures/providers/deepgram-listener.ts";

test("closing asks for the last results, and Flux's 1005 after it is normal (pitfall 12)", async (t) => {
  const emulator = await emulate(t);
  const listener = await Listener.on(sttOn(t, emulator));
  listener.talk({ speech: 100 });
  await listener.stream.close();
  await listener.done;
  t.deepEqual(
    emulator.log.of("message").map(({ message }) => message),
    [{ type: "CloseStream" }],
  );
  t.is((await emulator.log.seen("close")).code, 1_005);
  t.is(listener.story[0], "started", "what was said just before the close is heard");
  t.deepEqual(listener.of("error"), []);
  t.is(emulator.log.of("handshake").length, 1);
});

test("closing twice, or several at once, is one close", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator);
  const listener = await Listener.on(stt);
  await Promise.all([listener.stream.close(), listener.stream.close(), stt.close(), stt.close()]);
  await listener.done;
  t.is(emulator.log.of("message").length, 1);
  await t.throwsAsync(Listener.on(stt), { message: "deepgram.STT is closed" });
});

test("closing the STT ends all its streams", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator);
  const listeners = await Promise.all([Listener.on(stt), Listener.on(stt), Listener.on(stt)]);
  await stt.close();
  await Promise.all(listeners.map(({ done }) => done));
  await emulator.log.seen("close", 3);
  t.is(emulator.connections.length, 0);
});

test("closing during a connection attempt, or the wait before one, ends it", async (t) => {
  const emulator = await emulate(t);
  const stt = sttOn(t, emulator, { retryDelayMs: 60_000 });
  const listener = await Listener.on(stt);
  emulator.faults.push({ hangs: true });
  listener.stream.write({ samples: new Int16Array(480), sampleRate: 24_000 });
  await emulator.log.seen("handshake", 2);
  await listener.stream.close();
  await listener.done;

  const waiting = await Listener.on(stt);
  emulator.connections.at(-1)?.cut();
  await waiting.heard("error");
  await waiting.stream.close();
  await waiting.done;
  t.deepEqual(waiting.story, ["error"]);
  t.is(emulator.log.of("handshake").length, 3);
});

test("closing an STT that is connecting ends that too", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.push({ hangs: true });
  const stt = sttOn(t, emulator);
  const listening = Listener.on(stt);
  await emulator.log.seen("handshake");
  await stt.close();
  await t.throwsAsync(listening, { name: "AbortError" });
});

test("an abort ends the stream at once, without asking the server", async (t) => {
  const emulator = await emulate(t);
  const cancel = new AbortController();
  const stream = await sttOn(t, emulator).listen({ participantId: "anna", signal: cancel.signal });
  const listener = new Listener(stream);
  listener.talk({ speech: 400 });
  await listener.heard("started");
  cancel.abort();
  await listener.done;
  t.is((await emulator.log.seen("close")).code, 1_006);
  t.deepEqual([...emulator.log.of("message"), ...listener.of("ended")], []);
  t.is(getEventListeners(cancel.signal, "abort").length, 0);
});

test("a thread whose server never answers the close ends by itself, without a wait of 30 s (pitfall 21)", async (t) => {
  const emulator = await emulate(t);
  emulator.faults.always = { ignoresClose: true };
  const worker = new Worker(new URL("../../fixtures/providers/deepgram-worker.ts", import.meta.url), {
    workerData: emulator.url,
  });
  const message = once(worker, "message");
  // Well below the 30 s of the close timer.
  const [code] = await once(worker, "exit", { signal: AbortSignal.timeout(15_000) });
  t.is(code, 0);
  const [{ byImport, byPreload, events }] = await message;
  t.deepEqual(byImport, [], "importing the provider loads no package");
  t.deepEqual(byPreload.toSorted(), ["@deepgram/sdk", "ws"]);
  t.deepEqual(
    events.filter((type: string) => type === "error"),
    [],
  );
});

test.serial("100 uses leave no socket, timer, listener or stream behind", async (t) => {
  const emulator = await emulate(t, { script: { phrases: ["Hello"] } });
  const stt = sttOn(t, emulator, { closeTimeoutMs: 500 });
  const { signal } = new AbortController();
  const use = async (count: number) => {
    // Every way to end: asked for, by the server, by an abort, by a refusal, and before it began.
    const way = count % 5;
    if (way === 1) emulator.faults.push({ ignoresClose: true });
    if (way === 3) emulator.faults.push({ status: 401 });
    if (way === 4) emulator.faults.push({ hangs: true });
    const cancel = new AbortController();
    const listening = stt.listen({
      participantId: "anna",
      signal: way === 2 || way === 4 ? cancel.signal : signal,
    });
    if (way === 4) {
      await emulator.log.seen("handshake", count + 1);
      cancel.abort();
    }
    if (way > 2) {
      await t.throwsAsync(listening);
      return;
    }
    const listener = new Listener(await listening);
    listener.talk({ speech: 200, silence: 100 });
    await listener.heard("ended");
    if (way === 2) cancel.abort();
    await listener.stream.close();
    await listener.done;
  };
  const resources = () =>
    process.getActiveResourcesInfo().filter((name) => /TCPSocketWrap|Timeout/.test(name));
  for (let count = 0; count < 5; count++) await use(count);
  await closed(5);
  const before = resources();
  for (let count = 5; count < 105; count++) await use(count);
  await closed(105);
  t.deepEqual(resources(), before);
  t.is(getEventListeners(signal, "abort").length, 0);
  t.is(emulator.connections.length, 0);

  /**
   * Resolves when the connections of so many uses are closed. Of five uses three open one, and its end reaches the server a
   * little later.
   */
  async function closed(uses: number): Promise<void> {
    await emulator.log.seen("close", (uses / 5) * 3);
    await new Promise((resolve) => setImmediate(resolve));
  }
});
