import test, { type ExecutionContext } from "ava";
import type * as openaiCompatible from "greenroom/openai-compatible";
import { errorKind } from "../../../src/agent/error-kind.ts";
import { textOf } from "../../emulators/openai.ts";
import { afterTools, ask, said } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

type Failure = openaiCompatible.OpenAICompatibleError & { readonly pieces: number };

const failure = (t: ExecutionContext, asking: Promise<unknown>): Promise<Failure> =>
  t.throwsAsync(asking) as unknown as Promise<Failure>;

const quick = { maxRetryDelayMs: 1 };

test("a refusal of a filter is spoken, also after other text, or is an error", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  emulator.script = ({ messages = [] }) =>
    textOf(messages.at(-1)!) === "late"
      ? [{ text: "Well, you take" }, { finish: "content_filter" }]
      : [{ finish: "content_filter" }];
  t.is((await ask(model(), "early")).text, "I'm sorry, I can't help with that.");
  t.is((await ask(model(), "late")).text, "Well, you take I'm sorry, I can't help with that.");
  t.is((await ask(model("emulated", { refusal: "Nein." }), "early")).text, "Nein.");
  const error = await failure(t, ask(model("emulated", { refusal: null }), "early"));
  t.like(error, {
    name: "RefusalError",
    code: "REFUSED",
    reason: "content_filter",
    refused: "answer",
  } as object);
  t.is(errorKind(error), "refused");
  t.is(bodies().length, 4);
  // The model's own words of a refusal are spoken.
  emulator.script = () => [{ delta: { refusal: "I cannot " } }, { delta: { refusal: "do that." } }];
  t.is((await ask(model(), "Hi!")).text, "I cannot do that.");
});

test("words that a filter refused do not block the rest of the call", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  emulator.script = () => [{ text: "Fine." }];
  const refused = {
    error: {
      message: "The response was filtered",
      code: "content_filter",
      innererror: { code: "ResponsibleAIPolicyViolation" },
    },
  };
  emulator.faults.add({ kind: "status", status: 400, body: refused });
  const llm = model();
  const first = await ask(llm, [said("Say something forbidden")]);
  t.is(first.text, "I'm sorry, I can't help with that.");
  const history = [
    said("Say something forbidden"),
    { role: "agent" as const, text: first.text, toolCalls: [] },
  ];
  t.is((await ask(llm, [...history, said("Never mind")])).text, "Fine.");
  t.is(bodies()[1]?.messages?.[1]?.content, "(These words were withheld by a safety filter.)");
});

test("an unreadable tool call is retried, then an error; behind words the model is told", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  const broken = {
    delta: { tool_calls: [{ index: 0, id: "1", function: { name: "a", arguments: '{"n":' } }] },
  };
  const nameless = { delta: { tool_calls: [{ index: 0, id: "1", function: { arguments: "{}" } }] } };
  const usage = { prompt_tokens: 10, completion_tokens: 2 };
  let tries = 0;
  emulator.script = () => [{ usage }, ++tries < 3 ? broken : { call: "a" }];
  const llm = model("emulated", quick);
  const { calls, usage: counted } = await ask(llm, "go");
  t.is(calls.length, 1);
  t.like(counted, { inputTokens: 30, outputTokens: 6 });
  for (const bad of [broken, nameless]) {
    emulator.script = () => [bad];
    const error = await failure(t, ask(llm, "go"));
    t.like(error, { name: "BadAnswerError", code: "MALFORMED_FUNCTION_CALL" });
    t.is(errorKind(error), "bad_answer");
  }
  const before = bodies().length;
  emulator.script = () => [{ text: "One moment." }, broken];
  t.deepEqual((await ask(llm, "go")).events.at(-1), {
    type: "broken_call",
    reason: "MALFORMED_FUNCTION_CALL",
  });
  // A good call beside it is made.
  emulator.script = () => [
    broken,
    { delta: { tool_calls: [{ index: 1, id: "2", function: { name: "b", arguments: "{}" } }] } },
  ];
  t.deepEqual(
    (await ask(llm, "go")).calls.map(({ name }) => name),
    ["b"],
  );
  t.is(bodies().length - before, 2);
});

test("an empty answer is retried, after the result of a tool too", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  emulator.script = () => [];
  const llm = model("emulated", quick);
  t.like(await failure(t, ask(llm, "Hi!")), { name: "BadAnswerError", code: "EMPTY" });
  t.is(bodies().length, 3);
  const calls = [{ id: "1", name: "hang_up", arguments: {} }];
  t.like(await failure(t, ask(llm, afterTools([said("Bye!")], calls, []))), { code: "EMPTY" });
  t.is(bodies().length, 6);
  // What was used up once is used up again.
  emulator.script = () => [{ reasoning: "Hm, hm" }, { finish: "length" }];
  t.like(await failure(t, ask(llm, "Hi!")), { code: "MAX_TOKENS" });
  t.is(bodies().length, 7);
});

test("an answer with nothing but blanks is empty, and a blank beginning is kept", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  const llm = model("emulated", quick);
  const blanks = ["\n", " ", "\u200b", "\r\n\u00a0", "\ufeff", "\u0000"];
  for (const blank of blanks) {
    emulator.script = () => [{ delta: { content: blank } }];
    t.like(await failure(t, ask(llm, "Hi!")), { code: "EMPTY", pieces: 0 }, JSON.stringify(blank));
  }
  t.is(bodies().length, 3 * blanks.length);
  emulator.script = () => [{ delta: { content: "\n" } }, { delta: { content: "Hello." } }];
  t.is((await ask(llm, "Hi!")).text, "\nHello.");
});

test("an answer that ends for its length, or for an unknown reason, is complete; without an answer it is an error", async (t) => {
  const { emulator, model } = await openaiStage(t);
  for (const finish of [
    "length",
    "model_length",
    "eos",
    "insufficient_system_resource",
    "a reason of tomorrow",
  ]) {
    emulator.script = () => [{ text: "To begin with" }, { finish }];
    t.is((await ask(model(), "Hi!")).text, "To begin with");
    emulator.script = () => [{ call: "a" }, { finish }];
    t.is((await ask(model(), "Hi!")).calls.length, 1);
  }
  for (const [finish, code] of [
    ["error", "ERROR"],
    ["insufficient_system_resource", "INSUFFICIENT_SYSTEM_RESOURCE"],
    ["eos", "EMPTY"],
  ] as const) {
    emulator.script = () => [{ finish }];
    t.like(await failure(t, ask(model("emulated", { maxRetries: 0 }), "Hi!")), {
      name: "BadAnswerError",
      code,
    });
  }
});

test("an answer without an end is incomplete; it is retried while nothing of it was spoken", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  const llm = model("emulated", quick);
  // An end mark is an end, where a server gives no reason.
  emulator.script = () => [{ text: "The end" }, { finish: null }];
  t.is((await ask(llm, "Hi!")).text, "The end");
  emulator.style = { ...emulator.style, done: false };
  t.like(await failure(t, ask(llm, "Hi!")), { name: "BadAnswerError", code: "UNFINISHED", pieces: 1 });
  t.is(bodies().length, 2);
  for (const begun of [[], [{ reasoning: "Hm" }], [{ call: "a" }], [{ text: "\n" }]]) {
    let tries = 0;
    emulator.script = () => (++tries === 1 ? [...begun, { finish: null }] : [{ call: "b" }]);
    const { calls, text } = await ask(llm, "Hi!");
    t.deepEqual([calls.map(({ name }) => name), text, tries], [["b"], "", 2]);
  }
});
