import test from "ava";
import fc from "fast-check";
import { EventReader } from "../../../src/providers/http/event-stream.ts";
import { Thoughts } from "../../../src/providers/openai-compatible/chat/thoughts.ts";
import type { ChatStep } from "../../emulators/openai.ts";
import { ask } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

test("events are read with any line ends, with comments, without blank lines, and without an end mark", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const usual = emulator.style;
  for (const style of [
    { lineEnd: "\r\n" },
    { lineEnd: "\r" },
    { comments: true },
    { blankLines: false },
    { done: false },
    { lineEnd: "\r\n", blankLines: false, done: false, comments: true },
  ] as const) {
    emulator.style = { ...usual, ...style };
    for (const bytes of [1, 5, 1_000]) {
      emulator.faults.add({ kind: "odd_chunks", bytes });
      const { text, usage } = await ask(model(), "Hi!");
      t.regex(text, /^Hello! I stand in .* weather\.$/, JSON.stringify(style));
      t.true(usage!.outputTokens > 0);
    }
  }
});

test("a service that answers as a whole is understood, with calls too", async (t) => {
  const { emulator, model } = await openaiStage(t);
  emulator.style = { ...emulator.style, whole: true };
  const answer = await ask(model(), "Hi!");
  t.regex(answer.text, /^Hello!/);
  t.true(answer.usage!.outputTokens > 0);
  emulator.script = () => [{ call: "a", args: { n: 1 } }, { call: "b" }];
  t.deepEqual(
    (await ask(model(), "go")).calls.map(({ name, arguments: args }) => [name, args]),
    [
      ["a", { n: 1 }],
      ["b", {}],
    ],
  );
});

test("of several answers the first one is given", async (t) => {
  const { emulator, model } = await openaiStage(t);
  const choice = (index: number, content: string) => ({ index, delta: { content }, finish_reason: null });
  const line = `data: ${JSON.stringify({ choices: [choice(1, "No."), choice(0, "Yes."), null] })}\n\n`;
  emulator.script = () => [{ line }];
  t.is((await ask(model(), "Hi!")).text, "Yes.");
});

test("a response that stays open behind its answer is not waited for", async (t) => {
  const { emulator, model } = await openaiStage(t);
  emulator.style = { ...emulator.style, staysOpen: true };
  t.regex((await ask(model(), "Hi!")).text, /^Hello!/);
  await emulator.log.seen("aborted");
  emulator.style = { ...emulator.style, done: false };
  emulator.script = () => [{ call: "a" }];
  t.is((await ask(model(), "Hi!")).calls.length, 1);
  await emulator.log.seen("aborted", 2);
});

test("tokens are found wherever a service tells them, and counted as they are where nobody is asked", async (t) => {
  for (const dialect of ["openai", "groq", "mistral", "old"] as const) {
    const { emulator, model } = await openaiStage(t, { dialect });
    const service = dialect === "groq" || dialect === "mistral" ? { service: dialect } : {};
    const llm = model("emulated", service);
    const { usage } = await ask(llm, "Hi!");
    t.true(usage !== undefined && usage.inputTokens > 0 && usage.outputTokens > 0, dialect);
    emulator.script = () => [{ usage: null }, { text: "Hi." }];
    t.is((await ask(llm, "Hi!")).text, "Hi.");
  }
});

test("a service that refuses to be asked for tokens is asked again without that, once", async (t) => {
  const { model, bodies } = await openaiStage(t, { dialect: "old" });
  const llm = model("emulated", { maxRetries: 0 });
  for (let turn = 0; turn < 3; turn++) t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  t.deepEqual(
    bodies().map((body) => "stream_options" in body),
    [true, false, false, false],
  );
  // That request is none of the attempts.
  const { emulator, model: other } = await openaiStage(t, { dialect: "old" });
  emulator.script = () => {
    if (emulator.log.of("request").length === 2) emulator.faults.add({ kind: "status", status: 503 });
    return [];
  };
  const failing = await t.throwsAsync(ask(other("emulated", { maxRetries: 1, maxRetryDelayMs: 1 }), "Hi!"));
  t.like(failing, { status: 503 });
  t.is(emulator.log.of("request").length, 3);
});

test("tokens: where several chunks count, the last count holds, and reasoning is output", async (t) => {
  const { emulator, model } = await openaiStage(t, { dialect: "groq" });
  emulator.script = () => [
    { line: 'data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":1}}\n\n' },
    { reasoning: "The user greets me" },
    { text: "Hello." },
  ];
  const { usage, text } = await ask(model(), "Hi!");
  t.is(text, "Hello.");
  t.is(usage?.outputTokens, 5);
  t.true(usage!.inputTokens > 0);
});

test("what is not of the form that it should be is passed over", async (t) => {
  const { emulator, model } = await openaiStage(t, { dialect: "groq" });
  const chunks = [
    { choices: {} },
    { choices: "none" },
    { choices: [5, null, {}] },
    { choices: [{ index: 0, delta: { tool_calls: {} } }] },
    { choices: [{ index: 0, delta: { tool_calls: [null, "x"], content: 5 } }] },
    { choices: [{ index: "0", delta: { content: "Well." } }] },
  ];
  emulator.script = () => [
    ...chunks.map((chunk) => ({ line: `data: ${JSON.stringify(chunk)}\n\n` })),
    { usage: null },
  ];
  const { text, calls } = await ask(model("emulated", { maxRetries: 0 }), "Hi!");
  t.is(text, "Well.");
  t.deepEqual(calls, []);
});

test("tokens: a text of digits is a number, and what is no number counts nothing", async (t) => {
  for (const [usage, expected] of [
    [
      { prompt_tokens: "12", completion_tokens: "3" },
      { inputTokens: 12, outputTokens: 3 },
    ],
    [
      { prompt_tokens: -1, completion_tokens: { total: 3 } },
      { inputTokens: 0, outputTokens: 0 },
    ],
    [
      { prompt_tokens: "many", completion_tokens: 1e300 },
      { inputTokens: 0, outputTokens: 0 },
    ],
  ]) {
    const { emulator, model } = await openaiStage(t);
    emulator.script = () => [
      { line: `data: ${JSON.stringify({ choices: [], usage })}\n\n` },
      { text: "Hello." },
      { usage: null },
    ];
    t.deepEqual((await ask(model(), "Hi!")).usage, { type: "usage", ...expected } as never);
  }
});

test("reasoning is not heard, in whatever field it comes", async (t) => {
  const { emulator, model } = await openaiStage(t);
  for (const steps of [
    [{ reasoning: "Hm, hm" }, { text: "Hello." }],
    [{ reasoning: "Hm, hm", field: "reasoning" }, { text: "Hello." }],
    [{ text: "<think>\nHm, hm\n</think>\n\nHello." }],
    [
      { delta: { content: "<th" } },
      { delta: { content: "ink>Hm</thi" } },
      { delta: { content: "nk>Hel" } },
      { delta: { content: "lo." } },
    ],
    [{ text: "<thinking>Hm</thinking>Hello." }],
    [
      {
        delta: {
          content: [
            { type: "thinking", thinking: [{ type: "text", text: "Hm" }] },
            { type: "text", text: "Hello." },
          ],
        },
      },
    ],
  ] as const satisfies readonly (readonly ChatStep[])[]) {
    emulator.script = () => steps;
    t.is((await ask(model(), "Hi!")).text.trim(), "Hello.", JSON.stringify(steps));
  }
  emulator.script = () => [{ text: "Hm, hm</think>Hello." }];
  t.is((await ask(model("emulated", { beginsWithThought: true }), "Hi!")).text, "Hello.");
  emulator.script = () => [{ text: "<think>Hm, and no end" }];
  t.like(await t.throwsAsync(ask(model("emulated", { maxRetries: 0 }), "Hi!")), { code: "EMPTY" });
});

test("what looks like a tag and is none is said", async (t) => {
  const { emulator, model } = await openaiStage(t);
  for (const text of ["1 < 2, and <b>bold</b> <thin", "a <", "<thinker> is a word"]) {
    emulator.script = () => [...text].map((letter) => ({ delta: { content: letter } }));
    t.is((await ask(model(), "Hi!")).text, text);
  }
});

test("thoughts are found however the text is cut", (t) => {
  const text = "Well <think>no <b> </thin> no</think>, yes. <reasoning>no</reasoning>1 < 2 👋";
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
      const thoughts = new Thoughts();
      let heard = "";
      for (let at = 0, index = 0; at < text.length; index++) {
        const size = sizes[index % sizes.length]!;
        const part = thoughts.push(text.slice(at, at + size));
        if (!part.isWellFormed()) return false;
        heard += part;
        at += size;
      }
      return heard + thoughts.end() === "Well , yes. 1 < 2 👋";
    }),
  );
  t.pass();
});

test("events are found however the text is cut, and errors outside of them are given as data", (t) => {
  const text = [
    ": hello",
    'event: message\rdata: {"a":1}\r',
    '\rid: 7\r\ndata:{"b":\r\ndata: 2}\r\n\r\nretry: 5\ndata: {"c":3}',
    'data: {"d":4}\n\nerror: {"e":5}\n\ndata: {\n  "f": 6\n}\n\n{"error":\n{"g":7}}\ndata: [DONE]\n\n',
    "not an event",
  ].join("\n");
  const expected = [
    '{"a":1}',
    '{"b":\n2}',
    '{"c":3}',
    '{"d":4}',
    '{"e":5}',
    '{\n  "f": 6\n}',
    '{"error":\n{"g":7}}',
    "[DONE]",
    "not an event",
  ];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }), (sizes) => {
      const reader = new EventReader();
      const found: string[] = [];
      for (let at = 0, index = 0; at < text.length; index++) {
        const size = sizes[index % sizes.length]!;
        found.push(...reader.read(text.slice(at, at + size)));
        at += size;
      }
      found.push(...reader.end());
      return JSON.stringify(found) === JSON.stringify(expected);
    }),
  );
  t.pass();
});
