import test from "ava";
import type { ChatStep } from "../../emulators/openai.ts";
import { afterTools, ask, said } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

const piece = (tool: object): ChatStep => ({ delta: { tool_calls: [tool] } });
const called = (name: string, args: string) => ({ function: { name, arguments: args } });

/** The ways in which services give the calls `a({"n":1})` and `b({"n":2})`. */
const ways: Readonly<Record<string, readonly ChatStep[]>> = {
  "whole, each in a delta, all of index 0": [
    piece({ index: 0, id: "1", type: "function", ...called("a", '{"n":1}') }),
    piece({ index: 0, id: "2", type: "function", ...called("b", '{"n":2}') }),
  ],
  "whole, in one delta, without an index": [
    {
      delta: {
        tool_calls: [
          { id: "1", ...called("a", '{"n":1}') },
          { id: "2", ...called("b", '{"n":2}') },
        ],
      },
    },
  ],
  "whole, without an index or an id": [piece(called("a", '{"n":1}')), piece(called("b", '{"n":2}'))],
  "with empty ids": [
    piece({ index: 0, id: "", ...called("a", '{"n":1}') }),
    piece({ index: 1, id: "", ...called("b", '{"n":2}') }),
  ],
  "with ids that are null behind the first piece": [
    piece({ index: 0, id: "1", ...called("a", "") }),
    piece({ index: 0, id: null, function: { name: null, arguments: '{"n":' } }),
    piece({ index: 0, id: null, function: { name: null, arguments: "1}" } }),
    piece({ index: 1, id: "2", ...called("b", '{"n":2}') }),
  ],
  "with the name again in each piece": [
    piece({ index: 0, id: "1", ...called("a", '{"n"') }),
    piece({ index: 0, id: "1", ...called("a", ":1}") }),
    piece({ index: 0, id: "1", ...called("a", "") }),
    piece({ index: 1, id: "2", ...called("b", '{"n":') }),
    piece({ index: 1, id: "2", ...called("b", "2}") }),
  ],
  "with a new id in each piece": [
    piece({ index: 0, id: "1", ...called("a", "") }),
    piece({ index: 0, id: "2", function: { arguments: '{"n":' } }),
    piece({ index: 0, id: "3", function: { arguments: "1}" } }),
    piece({ index: 1, id: "4", ...called("b", '{"n":2}') }),
  ],
  "in turn": [
    piece({ index: 0, id: "1", ...called("a", "") }),
    piece({ index: 1, id: "2", ...called("b", "") }),
    piece({ index: 0, function: { arguments: '{"n":1' } }),
    piece({ index: 1, function: { arguments: '{"n":2}' } }),
    piece({ index: 0, function: { arguments: "}" } }),
  ],
  "without an index, by id in turn": [
    piece({ id: "1", ...called("a", "") }),
    piece({ id: "2", ...called("b", '{"n":') }),
    piece({ id: "1", function: { arguments: '{"n":1}' } }),
    piece({ id: "2", function: { arguments: "2}" } }),
  ],
  "with arguments that are an object": [
    piece({ index: 0, id: "1", function: { name: "a", arguments: { n: 1 } } }),
    piece({ index: 1, id: "2", function: { name: "b", arguments: { n: 2 } } }),
  ],
  "with arguments that are JSON in JSON": [
    piece({ index: 0, id: "1", ...called("a", JSON.stringify('{"n":1}')) }),
    piece({ index: 1, id: "2", ...called("b", JSON.stringify('{"n":2}')) }),
  ],
  "in pieces, and as a whole once more": [
    piece({ index: 0, id: "1", ...called("a", '{"n":') }),
    piece({ index: 0, function: { arguments: "1}" } }),
    piece({ index: 1, id: "2", ...called("b", '{"n":2}') }),
    piece({ index: 0, id: "1", ...called("a", '{"n":1}') }),
    piece({ index: 1, id: "2", ...called("b", '{"n":2}') }),
  ],
  "with one id for both": [
    piece({ index: 0, id: "same", ...called("a", '{"n":1}') }),
    piece({ index: 1, id: "same", ...called("b", '{"n":2}') }),
  ],
};

for (const [way, steps] of Object.entries(ways)) {
  test(`calls that a service gives ${way}`, async (t) => {
    const { emulator, model } = await openaiStage(t);
    emulator.script = () => steps;
    const { calls } = await ask(model(), "go");
    t.deepEqual(
      calls.map(({ name, arguments: args }) => [name, args]),
      [
        ["a", { n: 1 }],
        ["b", { n: 2 }],
      ],
    );
    t.is(new Set(calls.map(({ id }) => id)).size, 2);
    emulator.script = () => [{ text: "Done." }];
    t.is((await ask(model(), afterTools([said("go")], calls, ["x", "y"]))).text, "Done.");
  });
}

test("the same function is called twice, with arguments, without any, and at the same place", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const names = async (steps: readonly ChatStep[]) => {
    emulator.script = () => steps;
    return (await ask(model(), "go")).calls.map(({ name, arguments: args }) => [name, args]);
  };
  t.deepEqual(
    await names([
      piece({ index: 0, id: "1", ...called("a", '{"n":1}') }),
      piece({ index: 0, id: "2", ...called("a", '{"n":2}') }),
    ]),
    [
      ["a", { n: 1 }],
      ["a", { n: 2 }],
    ],
  );
  t.deepEqual(
    await names([
      piece({ index: 0, id: "1", ...called("a", "") }),
      piece({ index: 0, id: "2", ...called("a", "") }),
    ]),
    [
      ["a", {}],
      ["a", {}],
    ],
  );
  t.deepEqual(
    await names([
      piece({ index: 0, id: "1", ...called("a", "{}") }),
      piece({ index: 0, id: "1", ...called("a", "") }),
    ]),
    [["a", {}]],
  );
  t.deepEqual(await names([piece({ index: 0, id: "1", ...called("a", "null") })]), [["a", {}]]);
});

test("reasoning and data that a service wants back go along with its calls, and with no other model's", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
  const extra = { google: { thought_signature: "c2ln" } };
  emulator.script = ({ messages = [] }) =>
    messages.at(-1)?.role === "user"
      ? [
          { reasoning: "I need " },
          { reasoning: "the tool." },
          piece({ index: 0, id: "1", extra_content: extra, ...called("a", "{}") }),
          piece({ index: 1, id: "2", ...called("b", "{}") }),
        ]
      : [{ text: "Done." }];
  const { calls } = await ask(model(), "go");
  // As a store would keep them.
  const messages = JSON.parse(JSON.stringify(afterTools([said("go")], calls, ["x", "y"])));
  await ask(model(), messages);
  const [, , assistant] = bodies()[1]?.messages ?? [];
  t.is(assistant?.reasoning_content, "I need the tool.");
  t.deepEqual(
    assistant?.tool_calls?.map((call) => call.extra_content),
    [extra, undefined],
  );
  await ask(model("gpt-5-mini"), messages);
  t.is(bodies()[2]?.messages?.[2]?.reasoning_content, undefined);
  t.is(bodies()[2]?.messages?.[2]?.tool_calls?.[0]?.extra_content, undefined);
});

test("a call whose arguments had not begun as the answer was cut is not made without them", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const begun = [
    piece({ index: 0, id: "1", ...called("a", '{"n":1}') }),
    piece({ index: 1, id: "2", ...called("b", "") }),
  ];
  emulator.script = () => [...begun, { finish: "length" }];
  const { calls } = await ask(model(), "go");
  t.deepEqual(
    calls.map(({ name }) => name),
    ["a"],
  );
  emulator.script = () => [begun[1]!, { finish: "length" }];
  t.like(await t.throwsAsync(ask(model(), "go")), { code: "MAX_TOKENS" });
  emulator.script = () => begun;
  t.is((await ask(model(), "go")).calls.length, 2);
});

test("calls and arguments without end are read up to a bound", async (t) => {
  const { emulator, model } = await openaiStage(t);
  emulator.script = () =>
    Array.from({ length: 2_000 }, (_, index) => piece({ id: `call_${index}`, ...called("a", "{}") }));
  t.is((await ask(model(), "go")).calls.length, 256);
  const long = `"${"x".repeat(20_000)}`;
  emulator.script = () =>
    Array.from({ length: 100 }, () => piece({ index: 0, id: "1", ...called("a", long) }));
  t.like(await t.throwsAsync(ask(model("emulated", { maxRetries: 0 }), "go")), {
    code: "MALFORMED_FUNCTION_CALL",
  });
});
