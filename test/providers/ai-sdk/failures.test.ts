import { inspect } from "node:util";
import { createOpenAI } from "@ai-sdk/openai";
import test, { type ExecutionContext } from "ava";
import type { LLM } from "greenroom";
import * as aiSdk from "greenroom/ai-sdk";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { plainError } from "../../../src/shared/plain-error.ts";
import { afterTools, ask, type OneAnswer, said } from "../../fixtures/providers/one-answer.ts";
import { modelAt, type VendorName, vendorNames, vendorStage } from "../../fixtures/providers/vendor-stage.ts";

async function failure(t: ExecutionContext, asked: Promise<OneAnswer>) {
  return (await t.throwsAsync(asked)) as Error & { status?: number; code?: string; pieces?: number };
}

const hello = () => [{ text: "Hello! How can I help you?" }];
/** The code with which each vendor says that it has too much to do. */
const busy: Readonly<Record<VendorName, string>> = {
  openai: "server_error",
  "openai-v3": "server_error",
  "openai-v2": "server_error",
  "openai-chat": "server_error",
  "openai-chat-v2": "server_error",
  anthropic: "overloaded_error",
  google: "UNAVAILABLE",
  mistral: "service_unavailable",
};
/** The number of events of an answer that come before its first text. */
const head: Readonly<Record<VendorName, number>> = {
  openai: 4,
  "openai-v3": 4,
  "openai-v2": 4,
  "openai-chat": 1,
  "openai-chat-v2": 1,
  anthropic: 3,
  google: 0,
  mistral: 1,
};

for (const vendor of vendorNames) {
  test(`${vendor}: a passing failure before the first piece is retried without an error`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = hello;
    const llm = stage.model();
    for (const status of [408, 429, 500, 503]) {
      stage.fault({ kind: "status", status, code: busy[vendor] });
      t.regex((await ask(llm, "Hi!")).text, /^Hello!/, String(status));
    }
    stage.fault({ kind: "reset" });
    t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
    t.is(stage.bodies().length, 10);
  });

  test(`${vendor}: attempts are bounded, and the last error is thrown with its kind`, async (t) => {
    const stage = await vendorStage(t, vendor);
    const fault = { kind: "status", status: 503, code: busy[vendor], message: "Too busy" } as const;
    stage.fault(fault, fault, fault);
    const error = await failure(t, ask(stage.model(), "Hi!"));
    t.like(error, { name: "AiSdkError", status: 503, code: busy[vendor] });
    t.regex(error.message, new RegExp(`^${vendor.split("-")[0]} answered 503 ${busy[vendor]}: Too busy$`));
    t.is(errorKind(error), busy[vendor]);
    t.is(stage.bodies().length, 3);
  });

  test(`${vendor}: a lasting failure is not retried`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.fault({ kind: "status", status: 400, code: "invalid_request_error" });
    t.like(await failure(t, ask(stage.model(), "Hi!")), { status: 400 });
    const wrong = await failure(t, ask(stage.model({}, "wrong-key-0123456789"), "Hi!"));
    t.true([400, 401, 403].includes(wrong.status!));
    t.false(wrong.message.includes("wrong-key"));
    t.is(stage.bodies().length, 2);
  });

  test(`${vendor}: a short wait that the vendor asks for is kept; a long one fails at once`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = hello;
    const llm = stage.model({ maxRetryDelayMs: 2_000 });
    const limited = { kind: "status", status: 429, code: "rate_limit_exceeded" } as const;
    stage.fault({ ...limited, headers: { "retry-after": "0.01" } });
    t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
    stage.fault({ ...limited, headers: { "retry-after": "30" } });
    t.like(await failure(t, ask(llm, "Hi!")), { status: 429, retryDelayMs: 30_000 } as object);
    t.is(stage.bodies().length, 3);
  });

  test(`${vendor}: an error inside a stream is retried only while nothing was spoken`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = hello;
    const llm = stage.model();
    stage.fault({ kind: "error_event", after: 0, code: busy[vendor] });
    t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
    t.is(stage.bodies().length, 2);
    stage.fault({ kind: "error_event", after: head[vendor] + 1, code: busy[vendor] });
    const error = await failure(t, ask(llm, "Hi!"));
    t.is(error.pieces, 1);
    // OpenAI's package of v2 passes over this form of an error, after which the answer has no end.
    const isPassedOver = vendor === "openai-v2";
    t.is(error.name, isPassedOver ? "BadAnswerError" : "AiSdkError");
    t.is(errorKind(error), isPassedOver ? "bad_answer" : busy[vendor]);
    t.is(stage.bodies().length, 3);
  });

  test(`${vendor}: a stream that breaks off after the first piece is an error, and not retried`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = hello;
    stage.fault({ kind: "cut", after: head[vendor] + 1 }, { kind: "garbage", after: head[vendor] + 1 });
    const cut = await failure(t, ask(stage.model(), "Hi!"));
    t.is(cut.pieces, 1);
    t.is(errorKind(cut), "network");
    const garbage = await failure(t, ask(stage.model(), "Hi!"));
    t.like(garbage, { name: "BadAnswerError", code: "UNREADABLE", pieces: 1 });
    t.is(stage.bodies().length, 2);
  });

  test(`${vendor}: an answer without an end is incomplete; it is retried while nothing of it was spoken`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [{ text: "The" }, { finish: null }];
    t.like(await failure(t, ask(stage.model(), "Hi!")), {
      name: "BadAnswerError",
      code: "UNFINISHED",
      pieces: 1,
    });
    t.is(stage.bodies().length, 1);
    for (const begun of [[], [{ reasoning: "Hm" }], [{ calls: [{ name: "a" }] }], [{ text: "\n" }]]) {
      let tries = 0;
      stage.script = () => (++tries === 1 ? [...begun, { finish: null }] : [{ calls: [{ name: "b" }] }]);
      const { calls, text } = await ask(stage.model(), "Hi!");
      t.deepEqual([calls.map(({ name }) => name), text, tries], [["b"], "", 2]);
    }
  });

  test(`${vendor}: an empty answer is retried, after the result of a tool too`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [];
    const llm = stage.model();
    const told: string[] = [];
    const watch = { onBadAnswer: (_: unknown, reason: string) => told.push(reason) };
    t.like(await failure(t, ask(llm, "Hi!", { watch })), { name: "BadAnswerError", code: "EMPTY" });
    t.deepEqual(told, ["empty", "empty", "empty"]);
    const calls = [{ id: "1", name: "hang_up", arguments: {} }];
    t.like(await failure(t, ask(llm, afterTools([said("Bye!")], calls, []))), { code: "EMPTY" });
    t.is(stage.bodies().length, 6);
    stage.script = () => [{ reasoning: "Hm, hm" }, { finish: "length" }];
    t.like(await failure(t, ask(llm, "Hi!")), { code: "MAX_TOKENS" });
    t.is(stage.bodies().length, 7);
    stage.script = () => [{ text: "\n" }, { text: "Hello." }];
    t.is((await ask(llm, "Hi!")).text, "\nHello.");
  });

  test(`${vendor}: an answer that ends for its length, or for an unknown reason, is complete`, async (t) => {
    const stage = await vendorStage(t, vendor);
    for (const finish of ["length", "odd"] as const) {
      stage.script = () => [{ text: "To begin with" }, { finish }];
      t.is((await ask(stage.model(), "Hi!")).text, "To begin with");
      stage.script = () => [{ calls: [{ name: "a" }] }, { finish }];
      t.is((await ask(stage.model(), "Hi!")).calls.length, 1);
    }
  });

  test(`${vendor}: a refusal is spoken, also after other text, and blocks nothing that follows`, async (t) => {
    const stage = await vendorStage(t, vendor);
    stage.script = () => [{ text: "Well, you take" }, { finish: "filter" }];
    t.is((await ask(stage.model(), "late")).text, "Well, you take I'm sorry, I can't help with that.");
    stage.script = (body) =>
      JSON.stringify(body).includes("forbidden") ? [{ finish: "filter" }] : [{ text: "Fine." }];
    const llm = stage.model();
    const refused = await ask(llm, [said("Say something forbidden")]);
    t.is(refused.text, "I'm sorry, I can't help with that.");
    const history = [
      said("Say something forbidden"),
      { role: "agent" as const, text: refused.text, toolCalls: [] },
    ];
    t.is((await ask(llm, [...history, said("Never mind")])).text, "Fine.");
    const error = await failure(t, ask(stage.model({ refusal: null }), "forbidden"));
    t.is(error.name, "RefusalError");
    t.is(errorKind(error), "refused");
    t.is(stage.bodies().length, 4);
  });

  test(`${vendor}: no error contains the key, or the words of the conversation`, async (t) => {
    const stage = await vendorStage(t, vendor);
    const apiKey = "sk-very-secret-0123456789";
    const llm: LLM = stage.model({ maxRetries: 0 }, apiKey);
    stage.script = () => [{ text: "private words, told at some length" }];
    stage.fault(
      { kind: "status", status: 403, code: "forbidden", message: `The key ${apiKey} has been suspended.` },
      { kind: "garbage", after: head[vendor] + 1 },
      { kind: "cut", after: head[vendor] + 1 },
      { kind: "reset" },
      { kind: "error_event", after: head[vendor] + 1, code: busy[vendor] },
    );
    for (let fault = 0; fault < 5; fault++) {
      const error = await failure(t, ask(llm, "a confession"));
      const shown = inspect(error, { depth: 8, showHidden: true }) + JSON.stringify(plainError(error));
      for (const secret of [apiKey, "private", "confession"]) t.false(shown.includes(secret), shown);
    }
  });
}

for (const vendor of vendorNames.filter((name) => name !== "google")) {
  test(`${vendor}: a call that cannot be read is told, unless others can`, async (t) => {
    const stage = await vendorStage(t, vendor);
    const broken = { name: "a", raw: '{"location": "Par' };
    stage.script = () => [{ text: "One moment." }, { calls: [broken] }];
    const { events } = await ask(stage.model(), "Hi!");
    t.deepEqual(events.at(-1), { type: "broken_call", reason: "MALFORMED_FUNCTION_CALL" });
    stage.script = () => [{ calls: [broken, { name: "b" }] }];
    const { calls } = await ask(stage.model(), "Hi!");
    t.deepEqual(
      calls.map(({ name }) => name),
      ["b"],
    );
    stage.script = () => [{ calls: [broken] }];
    t.like(await failure(t, ask(stage.model({ maxRetries: 0 }), "Hi!")), { code: "MALFORMED_FUNCTION_CALL" });
  });
}

test("credits that are used up are not asked for again", async (t) => {
  const stage = await vendorStage(t, "openai");
  stage.fault({ kind: "status", status: 429, code: "insufficient_quota" });
  t.like(await failure(t, ask(stage.model(), "Hi!")), {
    code: "insufficient_quota",
    retryable: false,
  } as object);
  t.is(stage.bodies().length, 1);
});

test("a server that cannot be reached is a network error", async (t) => {
  const stage = await vendorStage(t, "mistral");
  const llm = stage.model({ maxRetries: 0 });
  await (stage as unknown as { close(): Promise<void> }).close();
  const error = await failure(t, ask(llm, "Hi!"));
  t.like(error, { name: "AiSdkError", code: "ECONNREFUSED" });
  t.is(errorKind(error), "network");
});

test("a question that a filter refuses with an error is a refusal too", async (t) => {
  const stage = await vendorStage(t, "openai-chat");
  stage.fault({ kind: "status", status: 400, code: "content_filter" });
  t.is((await ask(stage.model(), "Hi!")).text, "I'm sorry, I can't help with that.");
});

for (const vendor of vendorNames) {
  test.serial(
    `${vendor}: a key that is missing is known before the first answer, and nothing is asked`,
    async (t) => {
      const stage = await vendorStage(t, vendor);
      const names = /^(OPENAI|ANTHROPIC|GOOGLE_GENERATIVE_AI|MISTRAL)_API_KEY$/;
      const keys = Object.entries(process.env).filter(([name]) => names.test(name));
      for (const [name] of keys) delete process.env[name];
      t.teardown(() => Object.assign(process.env, Object.fromEntries(keys)));
      const llm = new aiSdk.LLM(modelAt(vendor, stage.url, null));
      t.like(await failure(t, llm.warm(new AbortController().signal) as never), {
        name: "AiSdkError",
        code: "NO_KEY",
      });
      await new aiSdk.LLM(modelAt(vendor, stage.url)).warm(new AbortController().signal);
      t.is(stage.bodies().length, 0);
    },
  );
}

test.serial(
  "a voice and a recogniser tell of a missing key too, and a model of one's own has none",
  async (t) => {
    delete process.env.OPENAI_API_KEY;
    const { signal } = new AbortController();
    const openai = createOpenAI({});
    const voice = new aiSdk.TTS(openai.speech("gpt-4o-mini-tts"));
    const recogniser = new aiSdk.STT(openai.transcription("whisper-1"));
    for (const part of [voice, recogniser]) {
      t.like(await t.throwsAsync(async () => part.warm?.(signal)), { code: "NO_KEY" });
    }
    const own = {
      specificationVersion: "v3",
      provider: "own",
      modelId: "one",
      doStream: () => Promise.reject(),
    };
    await t.notThrowsAsync(new aiSdk.LLM(own as never).warm(signal));
  },
);
