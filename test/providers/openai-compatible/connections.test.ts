import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Worker } from "node:worker_threads";
import test from "ava";
import { usualModels } from "../../emulators/openai/options.ts";
import { openaiDelays } from "../../emulators/openai.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";
import { endlessText, testModelConnections } from "../model-connections.ts";

testModelConnections({
  lookup: "/v1/models",
  untrusted: { name: "OpenAICompatibleError", kind: "network" },
  async open(t, { endless = false, ...options } = {}) {
    const { emulator, model } = await openaiStage(t, options);
    const says = (text: string) => {
      emulator.script = () => [{ text }];
    };
    if (endless) {
      says(endlessText);
      emulator.delays = { ...openaiDelays.none, tokenMs: 5 };
    }
    return {
      emulator,
      model: (options) => model("emulated", options),
      other: () => model("gpt-5-mini"),
      says,
      holdUp() {
        emulator.script = () => [{ reasoning: "Hm" }, { text: "Hi!" }];
        emulator.faults.add(
          { kind: "hang" },
          { kind: "stall", afterEvents: 1 },
          { kind: "status", status: 503, headers: { "retry-after": "30" } },
        );
      },
      fail: (how) =>
        emulator.faults.add(
          how === "500" ? { kind: "status", status: 500 } : { kind: "cut", afterEvents: 2 },
        ),
    };
  },
});

test("a wrong key, and a model that a service does not list, are known after warm", async (t) => {
  const { emulator, model } = await openaiStage(t, { apiKey: "right-key" });
  const { signal } = new AbortController();
  const wrong = await t.throwsAsync(model("emulated", { apiKey: "other-key" }).warm(signal), {
    message: /^127\.0\.0\.1:\d+ answered 401 invalid_api_key: Incorrect API key provided: \[key\]\.$/,
  });
  t.like(wrong, { kind: "unauthorized" });
  const unknown = await t.throwsAsync(model("emulatd", { service: "openai" }).warm(signal), {
    message: `OpenAI has no model emulatd: it has ${usualModels.slice(0, 5).join(", ")}, …`,
  });
  t.like(unknown, { kind: "model" });
  await model("deepseek-r1", { service: "ollama" }).warm(signal);
  // Nothing is known of other services' lists.
  await model("emulatd").warm(signal);
  emulator.models = [];
  await model("emulatd", { service: "openai" }).warm(signal);
});

test("a service without a list of models is warm all the same, and one that fails is not", async (t) => {
  const { emulator, model } = await openaiStage(t);
  await model("emulated", { baseUrl: `${emulator.origin}/v7` }).warm(new AbortController().signal);
  const llm = model();
  await emulator.close();
  const error = await t.throwsAsync(llm.warm(new AbortController().signal));
  t.like(error, { kind: "network", code: "ECONNREFUSED" });
});

test("an abort ends warm", async (t) => {
  const sockets = new Set<Socket>();
  const { promise: asked, resolve: seen } = Promise.withResolvers<void>();
  const server = createServer(() => seen()).listen(0, "127.0.0.1");
  server.on("connection", (socket) => sockets.add(socket));
  await once(server, "listening");
  t.teardown(() => server.close());
  const { model } = await openaiStage(t);
  const cancel = new AbortController();
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const warming = model("emulated", { baseUrl }).warm(cancel.signal);
  await asked;
  const reason = new Error("the slot is gone");
  cancel.abort(reason);
  t.is(await t.throwsAsync(warming), reason);
  for (const socket of sockets) if (!socket.destroyed) await once(socket, "close");
  t.is(sockets.size, 1);
});

test("after an answer its connection is used again, whether or not the end of the stream is marked", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const llm = model();
  const usual = emulator.style;
  for (const style of [usual, { ...usual, done: false }, { ...usual, whole: true }]) {
    emulator.style = style;
    for (let turn = 0; turn < 3; turn++) t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  }
  t.is(emulator.connections, 1);
});

test("a thread that has spoken with a model ends when that is closed, and loads no SDK and none of Node's fetch", async (t) => {
  const { emulator } = await openaiStage(t);
  const source = `
    const { parentPort } = await import("node:worker_threads");
    const { registerHooks } = await import("node:module");
    const loaded = [];
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
    const { LLM } = await import(${JSON.stringify(import.meta.resolve("greenroom/openai-compatible"))});
    const llm = new LLM("emulated", { baseUrl: ${JSON.stringify(emulator.url)}, apiKey: "k" });
    const signal = new AbortController().signal;
    const messages = [{ role: "participant", participantId: "a", text: "Hi!" }];
    let text = "";
    for await (const event of llm.generate({ instructions: "", messages, functions: [], toolChoice: "auto", signal }))
      if (event.type === "text") text += event.delta;
    await llm.close();
    parentPort.postMessage({ text, packages: loaded.filter((url) => url.includes("node_modules")) });
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  t.teardown(() => worker.terminate());
  const exit = once(worker, "exit");
  const [told] = await once(worker, "message");
  t.regex(told.text, /^Hello!/);
  t.deepEqual(told.packages, []);
  // Nothing holds the thread.
  t.is((await exit)[0], 0);
});
