import { getEventListeners } from "node:events";
import { setImmediate as nextTick } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import test, { type ExecutionContext } from "ava";
import type { LLM } from "greenroom";
import { Connections } from "../../src/providers/http/connections.ts";
import { selfSigned } from "../emulators/certificate.ts";
import type { Emulator } from "../emulators/emulator.ts";
import type { Certificate, HttpServer } from "../emulators/http-server.ts";
import { ask, request } from "../fixtures/providers/one-answer.ts";

/** A model of a provider that makes its own requests, and its emulator. */
export interface ModelStage {
  readonly emulator: HttpServer & Emulator;
  /** A model that talks to it. It is closed with the test. */
  model(options?: { readonly maxRetries?: number; readonly maxRetryDelayMs?: number }): LLM;
  /** Another model of the same service. */
  readonly other: () => LLM;
  /** Has the emulator say this. */
  readonly says: (text: string) => void;
  /** Has the next requests hang, stand still after something that is no word, and be refused with a pause of 30 s. */
  readonly holdUp: () => void;
  /** Has the next request be answered 500, or cut off after two pieces. */
  readonly fail: (how: "500" | "cut") => void;
}

export interface ModelStageOptions {
  readonly tls?: Certificate;
  /** True where each answer is so long that it is under way until it is stopped. */
  readonly endless?: boolean;
}

export interface ModelConnections {
  readonly open: (t: ExecutionContext, options?: ModelStageOptions) => Promise<ModelStage>;
  /** The path that is asked for to get warm. */
  readonly lookup: string;
  /** The fields of the error where a server's certificate is wrong. */
  readonly untrusted: Readonly<Record<string, unknown>>;
}

/** The text of an answer that does not end. */
export const endlessText = "word ".repeat(10_000);

/** Reads an answer up to its first piece, and leaves it there. */
async function begin(llm: LLM, cancel = new AbortController()) {
  const stream = llm.generate(request("Hi!", { signal: cancel.signal }))[Symbol.asyncIterator]();
  await stream.next();
  return { stream, cancel };
}

async function drain(stream: AsyncIterator<unknown>): Promise<void> {
  while (!(await stream.next()).done);
}

/** Declares the tests of what every model with requests of its own does with its connections. */
export function testModelConnections({ open, lookup, untrusted }: ModelConnections): void {
  test("a warm model's first request pays no handshake", async (t) => {
    const { emulator, model } = await open(t);
    const llm = model();
    await llm.warm?.(new AbortController().signal);
    t.is(emulator.connections, 1);
    t.is((await emulator.log.seen("lookup")).path, lookup);
    for (let turn = 0; turn < 3; turn++) await ask(llm, "Hi!");
    t.is(emulator.connections, 1);
  });

  test.serial("a TLS connection is made once, and used by all that follows", async (t) => {
    const tls = selfSigned();
    setDefaultCACertificates([...getCACertificates("default"), tls.cert]);
    const { emulator, model } = await open(t, { tls });
    const llm = model();
    await llm.warm(new AbortController().signal);
    for (let turn = 0; turn < 3; turn++) t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
    t.regex(emulator.url, /^https:/);
    t.is(emulator.connections, 1);
  });

  test.serial("a server with a wrong certificate is not trusted, and the request not repeated", async (t) => {
    const tls = selfSigned();
    const { emulator, model } = await open(t, { tls });
    t.like(await t.throwsAsync(ask(model(), "Hi!")), { ...untrusted, code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    t.is(emulator.log.of("request").length, 0);
  });

  test("models of a thread share their connections, and the last one closes them", async (t) => {
    const { emulator, model, other } = await open(t);
    const [first, second] = [model(), other()];
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
    const { emulator, model } = await open(t, { endless: true });
    const { stream, cancel } = await begin(model());
    const reason = new Error("the user speaks");
    cancel.abort(reason);
    t.is(await t.throwsAsync(drain(stream)), reason);
    await emulator.log.seen("aborted");
  });

  test("an abort ends the wait for the first token, for the headers, and for a retry", async (t) => {
    const { emulator, model, holdUp } = await open(t);
    holdUp();
    const llm = model({ maxRetryDelayMs: 60_000 });
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
    const { emulator, model } = await open(t);
    const reason = new Error("never mind");
    t.is(await t.throwsAsync(ask(model(), "Hi!", { signal: AbortSignal.abort(reason) })), reason);
    t.is(emulator.connections, 0);
  });

  test("a reader that stops closes the response too", async (t) => {
    const { emulator, model } = await open(t, { endless: true });
    for await (const event of model().generate(request("Hi!"))) {
      t.is(event.type, "text");
      break;
    }
    await emulator.log.seen("aborted");
  });

  test("after an interruption the next answer finds a connection open", async (t) => {
    const { emulator, model, says } = await open(t, { endless: true });
    const llm = model();
    const { stream, cancel } = await begin(llm);
    cancel.abort();
    await t.throwsAsync(drain(stream));
    // The question that opens it is for no model.
    const prepared = await emulator.log.seen("lookup");
    t.is(prepared.path, "/");
    await Connections.to(emulator.url).prepare();
    says("Yes?");
    await ask(llm, "Wait!");
    t.is((await emulator.log.seen("request", 2)).connection, prepared.connection);
    t.is(emulator.connections, 2);
  });

  test("a connection that the server closed meanwhile is replaced without an error", async (t) => {
    const { emulator, model } = await open(t);
    const llm = model({ maxRetries: 0 });
    for (let turn = 0; turn < 5; turn++) {
      await ask(llm, "Hi!");
      // The client may learn of it only from its next request.
      emulator.closeIdleConnections();
    }
    t.pass();
  });

  test("no listener remains on the signal of a request", async (t) => {
    const { model } = await open(t);
    const { signal } = new AbortController();
    const llm = model();
    for (let turn = 0; turn < 15; turn++) await ask(llm, "Hi!", { signal });
    t.deepEqual(getEventListeners(signal, "abort"), []);
  });

  test("closing a model aborts its requests", async (t) => {
    const { emulator, model } = await open(t, { endless: true });
    const llm = model();
    const { stream } = await begin(llm);
    await llm.close();
    t.like(await t.throwsAsync(drain(stream)), { code: "CLOSED" });
    await emulator.log.seen("aborted");
    t.is(emulator.openConnections, 0);
  });

  test.serial("100 answers, of which many are interrupted or fail, leave nothing behind", async (t) => {
    const { emulator, model, fail } = await open(t);
    const left = () => process.getActiveResourcesInfo().filter((name) => /Socket|Connect|Timeout/.test(name));
    const llm = model({ maxRetries: 0 });
    for (let call = 0; call < 100; call++) {
      if (call % 4 === 0) fail("500");
      if (call % 4 === 1) fail("cut");
      if (call % 4 === 2) await (await begin(llm)).stream.return?.();
      else await ask(llm, "Hi!").catch(() => undefined);
    }
    await llm.close();
    await emulator.log.seen("connection_closed", emulator.connections);
    // A closed socket is gone after some turns of the loop.
    for (let turn = 0; turn < 100 && left().length > 0; turn++) await nextTick();
    t.deepEqual(left(), []);
  });
}
