import test from "ava";
import * as aiSdk from "greenroom/ai-sdk";
import { ask } from "../../fixtures/providers/one-answer.ts";

/** A model of the AI SDK's interface that streams these parts. @param isOpen True where its stream never ends. */
function modelOf(parts: readonly unknown[], isOpen = false): aiSdk.LanguageModel {
  const stream = () =>
    new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part);
        if (!isOpen) controller.close();
      },
    });
  const model = {
    specificationVersion: "v3",
    provider: "odd.chat",
    modelId: "odd",
    supportedUrls: {},
    doStream: async () => ({ stream: stream() }),
  };
  return model as unknown as aiSdk.LanguageModel;
}

const finish = (reason = "stop") => ({
  type: "finish",
  finishReason: { unified: reason, raw: reason },
  usage: { inputTokens: { total: 1 }, outputTokens: { total: 1 } },
});
const text = (delta: unknown) => ({ type: "text-delta", id: "1", delta });
const call = (toolName: string, input: unknown, more: object = {}) => ({
  type: "tool-call",
  toolCallId: "1",
  toolName,
  input,
  ...more,
});
const answerOf = (parts: readonly unknown[], isOpen = false) =>
  ask(new aiSdk.LLM(modelOf(parts, isOpen), { maxRetries: 0 }), "Hi!");

test("a piece that is no text is not spoken, and no thought", async (t) => {
  const answer = await answerOf([text(undefined), text(null), text({}), text("Hello."), finish()]);
  t.is(answer.text, "Hello.");
  const thought = { type: "reasoning-delta", id: "2" };
  const { calls } = await answerOf([thought, call("look", "{}"), finish("tool-calls")]);
  t.notRegex(JSON.stringify(calls), /undefined/);
});

test("an answer that is over is not waited for, though its stream stays open", async (t) => {
  const answer = await answerOf([text("Hello."), finish()], true);
  t.is(answer.text, "Hello.");
  t.is(answer.usage?.outputTokens, 1);
});

test("the same call again is not made twice; another one under its id is", async (t) => {
  const parts = [call("pay", '{"sum":1}'), call("pay", '{ "sum": 1 }'), call("pay", '{"sum":2}')];
  const { calls } = await answerOf([...parts, finish("tool-calls")]);
  t.deepEqual(
    calls.map(({ arguments: args }) => args),
    [{ sum: 1 }, { sum: 2 }],
  );
  t.is(new Set(calls.map(({ id }) => id)).size, 2);
});

test("a call whose arguments had not begun as the answer was cut is not made without them", async (t) => {
  t.like(await t.throwsAsync(answerOf([call("pay", ""), finish("length")])), { code: "MAX_TOKENS" });
  t.is((await answerOf([call("pay", ""), finish("tool-calls")])).calls.length, 1);
  t.is((await answerOf([call("pay", "{}"), finish("length")])).calls.length, 1);
});

test("arguments that are no JSON cannot be read, and data that are none are not kept", async (t) => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const input of [circle, { sum: 5n }, '{"sum":'])
    t.like(await t.throwsAsync(answerOf([call("pay", input), finish("tool-calls")])), {
      code: "MALFORMED_FUNCTION_CALL",
    });
  const { calls } = await answerOf([
    call("pay", { sum: 1 }, { providerMetadata: { odd: circle } }),
    finish("tool-calls"),
  ]);
  t.deepEqual(calls, [{ id: "1", name: "pay", arguments: { sum: 1 } }]);
});
