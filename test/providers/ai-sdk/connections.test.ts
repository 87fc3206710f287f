import { getEventListeners } from "node:events";
import { setImmediate as nextTick } from "node:timers/promises";
import test from "ava";
import type { LLM } from "greenroom";
import { ask, request } from "../../fixtures/providers/one-answer.ts";
import { vendorNames, vendorStage } from "../../fixtures/providers/vendor-stage.ts";

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
const endless = () => [{ text: "word ".repeat(10_000) }];

for (const vendor of vendorNames) {
  test(`${vendor}: an abort closes the response at once, and throws the reason of its signal`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = endless;
    stage.slow();
    const { stream, cancel } = await begin(stage.model());
    const reason = new Error("the user speaks");
    cancel.abort(reason);
    t.is(await t.throwsAsync(drain(stream)), reason);
    await stage.seen("aborted");
  });

  test(`${vendor}: an abort ends the wait for the headers, for the first token, and for a retry`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [{ reasoning: "Hm" }, { text: "Hi!" }];
    stage.fault(
      { kind: "hang" },
      { kind: "stall", after: 1 },
      { kind: "status", status: 503, headers: { "retry-after": "30" } },
    );
    const llm = stage.model({ maxRetryDelayMs: 60_000 });
    for (const [index, kind] of (["request", "first_byte", "end"] as const).entries()) {
      const cancel = new AbortController();
      const asking = ask(llm, "Hi!", { signal: cancel.signal });
      await stage.seen(kind, kind === "end" ? 1 : index + (kind === "request" ? 1 : 0));
      const reason = new Error(`stop ${index}`);
      cancel.abort(reason);
      t.is(await t.throwsAsync(asking), reason);
      if (kind !== "end") await stage.seen("aborted", index + 1);
    }
  });

  test(`${vendor}: a reader that stops closes the response too`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = endless;
    stage.slow();
    for await (const event of stage.model().generate(request("Hi!"))) {
      t.is(event.type, "text");
      break;
    }
    await stage.seen("aborted");
  });

  test(`${vendor}: closing a model aborts its requests`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = endless;
    stage.slow();
    const llm = stage.model();
    const { stream } = await begin(llm);
    await llm.close();
    t.like(await t.throwsAsync(drain(stream)), { code: "CLOSED" });
    await stage.seen("aborted");
    t.like(await t.throwsAsync(ask(llm, "Hi!")), { code: "CLOSED" });
  });
}

test("a request that is aborted before it is sent is not sent", async (t) => {
  const stage = await vendorStage(t, "openai");
  const reason = new Error("never mind");
  t.is(await t.throwsAsync(ask(stage.model(), "Hi!", { signal: AbortSignal.abort(reason) })), reason);
  t.is(stage.bodies().length, 0);
});

test("no listener remains on the signal of a request", async (t) => {
  const stage = await vendorStage(t, "anthropic");
  const { signal } = new AbortController();
  for (let turn = 0; turn < 5; turn++) await ask(stage.model(), "Hi!", { signal });
  t.deepEqual(getEventListeners(signal, "abort"), []);
});

test.serial(
  "60 answers, of which many are interrupted or fail, reject nothing that nobody handles",
  async (t) => {
    const rejected: unknown[] = [];
    const note = (reason: unknown) => rejected.push(reason);
    process.on("unhandledRejection", note);
    t.teardown(() => process.off("unhandledRejection", note));
    for (const vendor of ["openai", "anthropic", "mistral"] as const) {
      const stage = await vendorStage(t, vendor);
      stage.script = () => [{ text: "word ".repeat(200) }];
      const llm = stage.model({ maxRetries: 0 });
      for (let call = 0; call < 20; call++) {
        if (call % 4 === 0) stage.fault({ kind: "status", status: 500 });
        if (call % 4 === 1) stage.fault({ kind: "cut", after: 6 });
        if (call % 4 === 2) await (await begin(llm)).stream.return?.();
        else await ask(llm, "Hi!").catch(() => undefined);
      }
      await llm.close();
    }
    for (let turn = 0; turn < 20; turn++) await nextTick();
    t.deepEqual(rejected, []);
  },
);
