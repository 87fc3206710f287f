import { on, once } from "node:events";
import { Worker } from "node:worker_threads";
import test from "ava";
import { geminiDelays } from "../../emulators/gemini.ts";
import { geminiStage } from "../../fixtures/providers/gemini-stage.ts";
import { endlessText, testModelConnections } from "../model-connections.ts";

testModelConnections({
  lookup: "/v1beta/models/gemini-2.5-flash-lite",
  untrusted: { name: "GeminiError" },
  async open(t, { endless = false, ...options } = {}) {
    const { emulator, model } = await geminiStage(t, options);
    const says = (text: string) => {
      emulator.script = () => [{ text }];
    };
    if (endless) {
      says(endlessText);
      emulator.delays = { ...geminiDelays.none, tokenMs: 5 };
    }
    return {
      emulator,
      model: (options) => model("gemini-2.5-flash-lite", options),
      other: () => model("gemini-2.5-flash"),
      says,
      holdUp() {
        emulator.script = () => [{ thought: "Hm" }, { text: "Hi!" }];
        emulator.faults.add(
          { kind: "hang" },
          { kind: "stall", afterChunks: 1 },
          { kind: "status", status: 503, retryDelay: "30s" },
        );
      },
      fail: (how) =>
        emulator.faults.add(
          how === "500" ? { kind: "status", status: 500 } : { kind: "cut", afterChunks: 2 },
        ),
    };
  },
});

test("a wrong key and an unknown model are known after warm", async (t) => {
  const { model } = await geminiStage(t, { apiKey: "right-key" });
  const { signal } = new AbortController();
  await t.throwsAsync(model("gemini-2.5-flash", { apiKey: "wrong" }).warm(signal), {
    message: /API key not valid/,
  });
  t.like(await t.throwsAsync(model("gemma-3").warm(signal)), { status: 404 });
});

test("an abort ends warm", async (t) => {
  const { emulator, model } = await geminiStage(t, { delays: { ...geminiDelays.none, handshakeMs: 60_000 } });
  const cancel = new AbortController();
  const warming = model().warm(cancel.signal);
  await emulator.log.seen("lookup");
  const reason = new Error("the slot is gone");
  cancel.abort(reason);
  t.is(await t.throwsAsync(warming), reason);
  await emulator.log.seen("connection_closed");
});

test.serial(
  "a thread that waits for its call loads the SDK and opens a connection; others load nothing",
  async (t) => {
    const { emulator } = await geminiStage(t);
    const source = `
    const { parentPort } = await import("node:worker_threads");
    const { registerHooks } = await import("node:module");
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    const gemini = await import(${JSON.stringify(import.meta.resolve("greenroom/gemini"))});
    const { preloadAll } = await import(${JSON.stringify(import.meta.resolve("../../../src/agent/thread/preload.ts"))});
    const sdk = () => loaded.some((url) => url.includes("@google/genai"));
    parentPort.postMessage(sdk());
    await preloadAll();
    parentPort.postMessage(sdk());
    const { Connections } = await import(${JSON.stringify(import.meta.resolve("../../../src/providers/http/connections.ts"))});
    // The one that is being opened.
    await Connections.to(process.env.GOOGLE_GEMINI_BASE_URL).prepare();
    parentPort.once("message", async () => {
      const llm = new gemini.LLM();
      const signal = new AbortController().signal;
      const messages = [{ role: "participant", participantId: "a", text: "Hi!" }];
      let text = "";
      for await (const event of llm.generate({ instructions: "", messages, functions: [], toolChoice: "auto", signal }))
        if (event.type === "text") text += event.delta;
      await llm.close();
      parentPort.postMessage(text);
    });
  `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      env: { ...process.env, ...emulator.environment },
    });
    t.teardown(() => worker.terminate());
    const exit = once(worker, "exit");
    const told = on(worker, "message");
    t.deepEqual((await told.next()).value, [false]);
    t.deepEqual((await told.next()).value, [true]);
    worker.postMessage("go");
    t.regex((await told.next()).value?.[0], /^Hello!/);
    t.is(emulator.connections, 1);
    // Nothing holds the thread.
    t.is((await exit)[0], 0);
  },
);
