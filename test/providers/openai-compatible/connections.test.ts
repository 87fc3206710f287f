import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setImmediate as nextTick } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Worker } from "node:worker_threads";
import test from "ava";
import type { LLM } from "greenroom";
import { Connections } from "../../../src/providers/http/connections.ts";
import { selfSigned } from "../../emulators/certificate.ts";
import { openaiDelays } from "../../emulators/openai.ts";
import { ask, request } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

/** Reads an answer up to its first piece, and leaves it there. */
async function begin(llm: LLM, cancel = new AbortController()) {
  const stream = llm.generate(request("Hi!", { signal: cancel.signal }))[Symbol.asyncIterator]();
  await stream.next();
  return { stream, cancel };
}

async function drain(stream: AsyncIterator<unknown>): Promise<void> {
  while (!(await stream.next()).done);
}

/** A script that is long enough to be still under way when it is stopped. */
const endless = {
  delays: { ...openaiDelays.none, tokenMs: 5 },
  script: () => [{ text: "word ".repeat(10_000) }],
};

test("a warm model's first request pays no handshake", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const llm = model();
  await llm.warm(new AbortController().signal);
  t.is(emulator.connections, 1);
  t.is((await emulator.log.seen("lookup")).path, "/v1/models");
  for (let turn = 0; turn < 3; turn++) await ask(llm, "Hi!");
  t.is(emulator.connections, 1);
});

test("a wrong key, and a model that a service does not list, are known after warm", async (t) => {
  const { emulator, model } = await openaiStage(t, { apiKey: "right-key" });
  const { signal } = new AbortController();
  const wrong = await t.throwsAsync(model("emulated", { apiKey: "other-key" }).warm(signal), {
    message: /^127\.0\.0\.1:\d+ answered 401 invalid_api_key: Incorrect API key provided: \[key\]\.$/,
  });
  t.like(wrong, { kind: "unauthorized" });
  const unknown = await t.throwsAsync(model("emulatd", { service: "openai" }).warm(signal), {
    message: "OpenAI has no model emulatd: it has emulated, gpt-5-mini, whisper-1, tts-1, deepseek-r1:latest",
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

test.serial("a TLS connection is made once, and used by all that follows", async (t) => {
  const tls = selfSigned();
  setDefaultCACertificates([...getCACertificates("default"), tls.cert]);
  const { emulator, model } = await openaiStage(t, { tls });
  const llm = model();
  await llm.warm(new AbortController().signal);
  for (let turn = 0; turn < 3; turn++) t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  t.regex(emulator.url, /^https:/);
  t.is(emulator.connections, 1);
});

test.serial("a server with a wrong certificate is not trusted, and the request not repeated", async (t) => {
  const tls = selfSigned();
  const { emulator, model } = await openaiStage(t, { tls });
  t.like(await t.throwsAsync(ask(model(), "Hi!")), {
    name: "OpenAICompatibleError",
    kind: "network",
    code: "DEPTH_ZERO_SELF_SIGNED_CERT",
  });
  t.is(emulator.log.of("request").length, 0);
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

test("models of a thread share their connections, and the last one closes them", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const [first, second] = [model(), model("gpt-5-mini")];
  await first.warm(new AbortController().signal);
  await ask(second, "Hi!");
  await first.close();
  await first.close();
  await ask(second, "Hi!");
  t.is(emulator.connections, 1);
  await second.close();
  await emulator.log.seen("connection_closed");
  t.is(emulator.openConnections, 0);
  t.like(await t.throwsAsync(ask(second, "Hi!")), { code: "CLOSED" });
});

test("an abort closes the response at once, and throws the reason of its signal", async (t) => {
  const { emulator, model } = await openaiStage(t, endless);
  const { stream, cancel } = await begin(model());
  const reason = new Error("the user speaks");
  cancel.abort(reason);
  t.is(await t.throwsAsync(drain(stream)), reason);
  await emulator.log.seen("aborted");
});

test("an abort ends the wait for the first token, for the headers, and for a retry", async (t) => {
  const { emulator, model } = await openaiStage(t);
  emulator.faults.add(
    { kind: "hang" },
    { kind: "stall", afterEvents: 1 },
    { kind: "status", status: 503, headers: { "retry-after": "30" } },
  );
  emulator.script = () => [{ reasoning: "Hm" }, { text: "Hi!" }];
  const llm = model("emulated", { maxRetryDelayMs: 60_000 });
  for (const [index, kind] of (["request", "first_byte", "end"] as const).entries()) {
    const cancel = new AbortController();
    const asking = ask(llm, "Hi!", { signal: cancel.signal });
    await emulator.log.seen(kind);
    const reason = new Error(`stop ${index}`);
    cancel.abort(reason);
    t.is(await t.throwsAsync(asking), reason);
    if (kind !== "end") await emulator.log.seen("aborted", index + 1);
  }
});

test("a request that is aborted before it is sent is not sent", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const reason = new Error("never mind");
  t.is(await t.throwsAsync(ask(model(), "Hi!", { signal: AbortSignal.abort(reason) })), reason);
  t.is(emulator.connections, 0);
});

test("a reader that stops closes the response too", async (t) => {
  const { emulator, model } = await openaiStage(t, endless);
  for await (const event of model().generate(request("Hi!"))) {
    t.is(event.type, "text");
    break;
  }
  await emulator.log.seen("aborted");
});

test("after an interruption the next answer finds a connection open", async (t) => {
  const { emulator, model } = await openaiStage(t, endless);
  const llm = model();
  const { stream, cancel } = await begin(llm);
  cancel.abort();
  await t.throwsAsync(drain(stream));
  // The question that opens it is for no model.
  const prepared = await emulator.log.seen("lookup");
  t.is(prepared.path, "/");
  await Connections.to(emulator.url).prepare();
  emulator.script = () => [{ text: "Yes?" }];
  await ask(llm, "Wait!");
  t.is((await emulator.log.seen("request", 2)).connection, prepared.connection);
  t.is(emulator.connections, 2);
});

test("a connection that the server closed meanwhile is replaced without an error", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const llm = model("emulated", { maxRetries: 0 });
  for (let turn = 0; turn < 5; turn++) {
    await ask(llm, "Hi!");
    // The client may learn of it only from its next request.
    emulator.closeIdleConnections();
  }
  t.pass();
});

test("no listener remains on the signal of a request", async (t) => {
  const { model } = await openaiStage(t);
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  const llm = model();
  for (let turn = 0; turn < 15; turn++) await ask(llm, "Hi!", { signal });
  t.is(listeners, 0);
});

test("closing a model aborts its requests", async (t) => {
  const { emulator, model } = await openaiStage(t, endless);
  const llm = model();
  const { stream } = await begin(llm);
  await llm.close();
  t.like(await t.throwsAsync(drain(stream)), { code: "CLOSED" });
  await emulator.log.seen("aborted");
  t.is(emulator.openConnections, 0);
});

test.serial("100 answers, of which many are interrupted or fail, leave nothing behind", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const left = () => process.getActiveResourcesInfo().filter((name) => /Socket|Connect|Timeout/.test(name));
  const llm = model("emulated", { maxRetries: 0 });
  for (let call = 0; call < 100; call++) {
    if (call % 4 === 0) emulator.faults.add({ kind: "status", status: 500 });
    if (call % 4 === 1) emulator.faults.add({ kind: "cut", afterEvents: 2 });
    if (call % 4 === 2) await (await begin(llm)).stream.return?.();
    else await ask(llm, "Hi!").catch(() => undefined);
  }
  await llm.close();
  await emulator.log.seen("connection_closed", emulator.connections);
  // A closed socket is gone after some turns of the loop.
  for (let turn = 0; turn < 100 && left().length > 0; turn++) await nextTick();
  t.deepEqual(left(), []);
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
