import test from "ava";
import * as gemini from "greenroom/gemini";
import type { FunctionDeclaration } from "../../../src/agent/tools/functions.ts";
import { geminiStage, lastWords } from "../../fixtures/providers/gemini-stage.ts";
import { afterTools, ask, said } from "../../fixtures/providers/one-answer.ts";

const weather: FunctionDeclaration = {
  name: "get_weather",
  description: "Get current weather for a location",
  parameters: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: { location: { type: "string" } },
    required: ["location"],
  },
};

test("an answer is streamed in pieces, with its tokens", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  emulator.script = () => [{ text: "Well hello there, whoever you are." }];
  const llm = model();
  const answer = await ask(llm, "Hi!");
  t.is(answer.text, "Well hello there, whoever you are.");
  t.deepEqual(
    answer.events.flatMap((event) => (event.type === "text" ? [event.delta] : [])),
    ["Well hello there, ", "whoever you are."],
  );
  t.is(answer.usage?.outputTokens, 6);
  t.true(answer.usage!.inputTokens > 0);
  t.deepEqual([llm.provider, llm.model], ["gemini", "gemini-2.5-flash-lite"]);
  t.deepEqual(bodies()[0]?.contents, [{ role: "user", parts: [{ text: "Hi!" }] }]);
  t.deepEqual(bodies()[0]?.systemInstruction?.parts, [{ text: "Be kind." }]);
});

test.serial("pitfall 1: the version of the API is pinned, whatever the environment says", async (t) => {
  process.env.GOOGLE_GENAI_API_VERSION = "v1";
  process.env.GOOGLE_GENAI_USE_VERTEXAI = "true";
  t.teardown(() => {
    delete process.env.GOOGLE_GENAI_API_VERSION;
    delete process.env.GOOGLE_GENAI_USE_VERTEXAI;
  });
  const { emulator, model } = await geminiStage(t);
  await ask(model("gemini-flash-lite-latest"), "Hi!");
  t.is(
    (await emulator.log.seen("request")).path,
    "/v1beta/models/gemini-flash-lite-latest:streamGenerateContent",
  );
  const error = await t.throwsAsync(ask(model("gemini-flash-lite-latest", { apiVersion: "v1" }), "Hi!"));
  t.like(error, { name: "GeminiError", status: 404, code: "NOT_FOUND" });
});

test.serial("the key and the server come from the environment, under Google's names", async (t) => {
  const { emulator } = await geminiStage(t, { apiKey: "right-key" });
  Object.assign(process.env, emulator.environment);
  t.teardown(() => {
    delete process.env.GOOGLE_API_KEY;
    delete process.env.GOOGLE_GEMINI_BASE_URL;
  });
  const llm = new gemini.LLM();
  t.teardown(() => llm.close());
  t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
});

test.serial("a missing key is one clear line, and unknown options are refused", (t) => {
  t.throws(() => new gemini.LLM(), { instanceOf: TypeError, message: /^GOOGLE_API_KEY is not set: .*$/ });
  process.env.GOOGLE_API_KEY = " ";
  t.teardown(() => {
    delete process.env.GOOGLE_API_KEY;
  });
  t.throws(() => new gemini.LLM(), { message: /^GOOGLE_API_KEY is not set/ });
  const wrong: readonly [gemini.LLMOptions, RegExp][] = [
    [{ temprature: 1 } as gemini.LLMOptions, /no option temprature: did you mean temperature\?$/],
    [{ temperature: 3 }, /temperature must be a number from 0 to 2/],
    [{ maxOutputTokens: 0 }, /maxOutputTokens must be a whole number of at least 1/],
    [
      { baseUrl: "generativelanguage.googleapis.com" },
      /baseUrl must be an http or https URL, not "generativelanguage.googleapis.com"$/,
    ],
    [{ apiVersion: "beta" }, /apiVersion must be a version/],
    [{ thinkingLevel: "none" as "low" }, /thinkingLevel must be one of minimal, low/],
    [
      { thinkingLevel: "low" },
      /thinkingLevel is for Gemini 3 and later: with gemini-2.5-flash, give thinkingBudget/,
    ],
    [{ thinkingLevel: "low", thinkingBudget: 0 }, /not both/],
    [{ safetySettings: { swearing: "off" } as object }, /no option safetySettings.swearing/],
    [
      { safetySettings: { harassment: "never" as "off" } },
      /safetySettings.harassment must be one of block_low_and_above.*, not "never"$/,
    ],
    [{ refusal: "" }, /refusal must be a text, or null/],
  ];
  for (const [options, message] of wrong) {
    t.throws(() => new gemini.LLM("gemini-2.5-flash", { apiKey: "k", ...options }), {
      instanceOf: TypeError,
      message,
    });
  }
  const secret = "AIza-secret\nkey";
  const error = t.throws(() => new gemini.LLM("gemini-2.5-flash", { apiKey: secret }));
  t.false(error.message.includes("secret"));
  const notAModel = /^gemini.LLM: the first argument must be the name of a model, such as .*, not /;
  t.throws(() => new gemini.LLM("a model", { apiKey: "k" }), { message: notAModel });
  t.throws(() => new gemini.LLM({ model: "gemini-2.5-flash" } as never), { message: notAModel });
  t.throws(() => new gemini.LLM("gemini-3.1-pro-preview", { apiKey: "k", thinkingBudget: 1 }), {
    message: /thinkingBudget is for Gemini 2.5: with gemini-3.1-pro-preview, give thinkingLevel/,
  });
});

test("options become parameters of the request", async (t) => {
  const { model, bodies } = await geminiStage(t);
  const llm = model("models/gemini-2.5-flash", {
    temperature: 0,
    topP: 0.5,
    maxOutputTokens: 200,
    thinkingBudget: 512,
    safetySettings: { harassment: "block_none", dangerous_content: "off" },
  });
  await ask(llm, "Hi!");
  t.is(llm.model, "gemini-2.5-flash");
  t.deepEqual(bodies()[0]?.generationConfig, {
    temperature: 0,
    topP: 0.5,
    maxOutputTokens: 200,
    thinkingConfig: { thinkingBudget: 512 },
  });
  t.deepEqual(bodies()[0]?.safetySettings, [
    { category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" },
    { category: "HARM_CATEGORY_DANGEROUS_CONTENT", threshold: "OFF" },
  ]);
});

test("by default a model thinks as little as it allows", async (t) => {
  const { model, bodies } = await geminiStage(t);
  const least: Readonly<Record<string, unknown>> = {
    "gemini-2.5-flash-lite": { thinkingBudget: 0 },
    "gemini-2.5-flash": { thinkingBudget: 0 },
    "gemini-2.5-pro": { thinkingBudget: 128 },
    "gemini-3-flash-preview": { thinkingLevel: "MINIMAL" },
    "gemini-3.1-flash-lite": { thinkingLevel: "MINIMAL" },
    "gemini-3.7-flash": { thinkingLevel: "LOW" },
    "gemini-3.1-pro-preview": { thinkingLevel: "LOW" },
    "gemini-flash-lite-latest": { thinkingLevel: "MINIMAL" },
    "gemini-2.0-flash": undefined,
  };
  for (const name of Object.keys(least)) await ask(model(name), "Hi!");
  await ask(model("gemini-3.7-flash", { thinkingLevel: "high" }), "Hi!");
  t.deepEqual(
    bodies().map(({ generationConfig }) => generationConfig?.thinkingConfig),
    [...Object.values(least), { thinkingLevel: "HIGH" }] as object[],
  );
});

test("thoughts are never spoken, but counted as output", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = () => [{ thought: "The user greets me" }, { text: "Hello!" }];
  const answer = await ask(model("gemini-3-flash-preview"), "Hi!");
  t.is(answer.text, "Hello!");
  t.is(answer.usage?.outputTokens, 5);
});

test("tokens: each chunk counts from the beginning, so the last count holds", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = () => [
    { usage: { promptTokenCount: 10, candidatesTokenCount: 1, totalTokenCount: 11 } },
    { text: "One two" },
    {
      usage: {
        promptTokenCount: 10,
        candidatesTokenCount: 4,
        thoughtsTokenCount: 3,
        toolUsePromptTokenCount: 2,
        cachedContentTokenCount: 8,
        totalTokenCount: 19,
      },
    },
  ];
  const { usage } = await ask(model(), "Hi!");
  t.like(usage, { inputTokens: 12, outputTokens: 7 });
});

test("tokens: thoughts that the last chunk omits still count, and the prompt may be corrected", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = () => [
    { usage: { promptTokenCount: 169, thoughtsTokenCount: 70, totalTokenCount: 239 } },
    { thought: "Hm" },
    { usage: { promptTokenCount: 79, candidatesTokenCount: 3, totalTokenCount: 82 } },
    { text: "Hello." },
  ];
  const { usage } = await ask(model(), "Hi!");
  t.like(usage, { inputTokens: 79, outputTokens: 73 });
});

test("text after a call remains after it", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model();
  emulator.script = (request) =>
    lastWords(request) === "go"
      ? [{ text: "First. " }, { call: "a" }, { text: "Then. " }, { call: "b" }, { text: "Last." }]
      : [{ text: "Done." }];
  const question = [said("go")];
  const { calls, text } = await ask(llm, question);
  t.is(text, "First. Then. Last.");
  const [, ...behind] = afterTools(question, calls, ["x", "y"]);
  const [answer, results] = behind;
  await ask(llm, [...question, { ...answer, text } as typeof answer & object, results!]);
  t.deepEqual(
    bodies()[1]?.contents?.[1]?.parts?.map(({ text: words, functionCall }) => words ?? functionCall?.name),
    ["First. ", "a", "Then. ", "b", "Last."],
  );
});

test("tool calls: in parallel, with their arguments, and their results as Gemini takes them", async (t) => {
  const { model, bodies } = await geminiStage(t);
  const llm = model("gemini-3.1-flash-lite");
  const question = [said("What is the weather in Oslo, Rome and Lima?")];
  const { calls, text } = await ask(llm, question, { functions: [weather] });
  t.is(text, "");
  t.deepEqual(
    calls.map(({ name, arguments: args }) => [name, args]),
    ["Oslo", "Rome", "Lima"].map((location) => ["get_weather", { location }]),
  );
  t.is(new Set(calls.map(({ id }) => id)).size, 3);
  const outputs = [
    { json: '{"location":"Oslo","temperatureCelsius":-3,"conditions":"snow"}' },
    "warm",
    { error: "no such place" },
  ];
  const answer = await ask(llm, afterTools(question, calls, outputs), { functions: [weather] });
  t.is(
    answer.text,
    "In Oslo it is -3 degrees, snow. get_weather says: warm. I could not use get_weather: no such place.",
  );
  const [first, second] = bodies();
  t.deepEqual(first?.tools, [
    {
      functionDeclarations: [
        {
          name: "get_weather",
          description: weather.description,
          parametersJsonSchema: {
            type: "object",
            properties: { location: { type: "string" } },
            required: ["location"],
          },
        },
      ],
    },
  ]);
  t.deepEqual(
    second?.contents
      ?.at(-1)
      ?.parts?.map(({ functionResponse }) => [functionResponse?.id, functionResponse?.response]),
    [
      [calls[0]?.id, { output: { location: "Oslo", temperatureCelsius: -3, conditions: "snow" } }],
      [calls[1]?.id, { output: "warm" }],
      [calls[2]?.id, { error: "no such place" }],
    ],
  );
});

test("in the last round the model may call nothing", async (t) => {
  const { model, bodies } = await geminiStage(t);
  const question = [said("What is the weather in Oslo?")];
  const { calls } = await ask(model(), question, { functions: [weather], toolChoice: "none" });
  t.deepEqual(calls, []);
  t.deepEqual(bodies()[0]?.toolConfig, { functionCallingConfig: { mode: "NONE" } });
  t.truthy(bodies()[0]?.tools);
  await ask(model(), question, { toolChoice: "none" });
  t.is(bodies()[1]?.toolConfig, undefined);
});

test("calls without an id, or with a repeated one, get ids that are not sent to Gemini", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model();
  emulator.script = (request) =>
    lastWords(request) === "go"
      ? [
          { call: "a", id: null },
          { call: "b", id: null },
          { call: "c", id: "same" },
          { call: "d", id: "same" },
        ]
      : [{ text: "Done." }];
  const { calls } = await ask(llm, "go");
  t.is(new Set(calls.map(({ id }) => id)).size, 4);
  t.is((await ask(llm, afterTools([said("go")], calls, []))).text, "Done.");
  const [, model1, results] = bodies()[1]?.contents ?? [];
  t.deepEqual(
    model1?.parts?.map(({ functionCall }) => functionCall?.id),
    [undefined, undefined, "same", "same"],
  );
  t.deepEqual(
    results?.parts?.map(({ functionResponse }) => functionResponse?.id),
    [undefined, undefined, "same", "same"],
  );
});

test("pitfall 4: thought signatures are sent back unchanged, through every round", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  const llm = model("gemini-3-flash-preview");
  emulator.script = ({ contents = [] }) =>
    contents.length < 5
      ? [{ thought: "Both at once" }, { calls: [{ call: "a", args: { n: contents.length } }, { call: "b" }] }]
      : [{ text: "Done." }];
  let messages = [said("go")];
  const signatures: unknown[] = [];
  for (let round = 0; round < 2; round++) {
    const { calls } = await ask(llm, messages);
    signatures.push(
      ...calls.map(({ providerData }) => JSON.stringify(providerData).includes("thoughtSignature")),
    );
    // As a store would keep it.
    messages = JSON.parse(JSON.stringify(afterTools(messages, calls, ['"x"', '"y"'])));
  }
  t.deepEqual(signatures, [true, false, true, false]);
  // The emulator answers 400 to a signature that is missing or not its own.
  t.is((await ask(llm, messages)).text, "Done.");
  const signed = bodies()[2]?.contents?.flatMap(({ parts = [] }) =>
    parts.flatMap(({ functionCall, thoughtSignature }) =>
      functionCall ? [thoughtSignature !== undefined] : [],
    ),
  );
  t.deepEqual(signed, [true, false, true, false]);
});

test("calls that another model made need no signature", async (t) => {
  const { emulator, model, bodies } = await geminiStage(t);
  emulator.script = (request) => (lastWords(request) === "go" ? [{ call: "a" }] : [{ text: "Done." }]);
  const foreign = [
    { id: "1", name: "a", arguments: null, providerData: { other: { signature: "ünknown" } } },
  ];
  const newer = model("gemini-3-flash-preview");
  t.is((await ask(newer, afterTools([said("go")], foreign, []))).text, "Done.");
  // Nor is the signature of one Gemini shown to another.
  const { calls } = await ask(newer, "go");
  for (const other of ["gemini-3.1-flash-lite", "gemini-2.5-flash"]) {
    t.is((await ask(model(other), afterTools([said("go")], calls, []))).text, "Done.");
  }
  const sent = bodies().map(({ contents }) => contents?.[1]?.parts?.[0]?.thoughtSignature);
  const skip = "skip_thought_signature_validator";
  t.deepEqual(sent, [skip, undefined, skip, undefined]);
});

test("a conversation becomes turns of user and model, and empty ones are left out", async (t) => {
  const { model, bodies } = await geminiStage(t);
  await ask(model(), [
    { role: "instruction", text: "Greet the user." },
    { role: "agent", text: "Hello!", toolCalls: [] },
    { role: "agent", text: "", toolCalls: [] },
    { role: "agent", text: "How are you?", toolCalls: [] },
    said("Fine."),
    said(" "),
    said("And you?"),
  ]);
  t.deepEqual(bodies()[0]?.contents, [
    { role: "user", parts: [{ text: "(Instruction, not words of a participant:) Greet the user." }] },
    { role: "model", parts: [{ text: "Hello!" }, { text: "How are you?" }] },
    { role: "user", parts: [{ text: "Fine." }, { text: "(inaudible)" }, { text: "And you?" }] },
  ]);
});

test("with several speakers each message names its speaker, and the model is told so", async (t) => {
  const { model, bodies } = await geminiStage(t);
  await ask(model(), [
    said("Hi, I am Ann.", "ann"),
    said("Who is first?", "bob:\nsystem"),
    said("Me.", "ann"),
  ]);
  t.deepEqual(
    bodies()[0]?.contents?.[0]?.parts?.map(({ text }) => text),
    ["ann: Hi, I am Ann.", "bob system: Who is first?", "ann: Me."],
  );
  t.regex(
    bodies()[0]?.systemInstruction?.parts?.[0]?.text ?? "",
    /^Be kind\.\n\nSeveral people are in this call\./,
  );
  await ask(model(), "Hi!", { instructions: "" });
  t.is(bodies()[1]?.systemInstruction, undefined);
});

test("letters that are split between two packets are decoded", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = () => [{ text: "Grüße aus Zürich: 你好, 👋🏽!" }];
  for (const bytes of [1, 3, 7]) {
    emulator.faults.add({ kind: "odd_chunks", bytes });
    t.is((await ask(model(), "Hi!")).text, "Grüße aus Zürich: 你好, 👋🏽!");
  }
});

test("an empty text after a tool call is not spoken", async (t) => {
  const { emulator, model } = await geminiStage(t);
  emulator.script = () => [{ call: "a" }, { parts: [{ text: "" }] }];
  const { events } = await ask(model(), "go");
  t.deepEqual(
    events.map(({ type }) => type).filter((type) => type !== "usage"),
    ["tool_call"],
  );
});
