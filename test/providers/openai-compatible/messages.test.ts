import test from "ava";
import * as openaiCompatible from "greenroom/openai-compatible";
import type { FunctionDeclaration } from "../../../src/agent/tools/functions.ts";
import { textOf } from "../../emulators/openai.ts";
import { afterTools, ask, said } from "../../fixtures/providers/one-answer.ts";
import { openaiStage } from "../../fixtures/providers/openai-stage.ts";

const weather: FunctionDeclaration = {
  name: "get_weather",
  description: "Get current weather for a location",
  parameters: {
    type: "object",
    properties: { location: { type: "string" } },
    required: ["location"],
  },
};

test("tool calls: in parallel, with arguments in pieces, and their results as messages", async (t) => {
  const { model, bodies } = await openaiStage(t);
  const llm = model();
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
  t.is(answer.text, "In Oslo it is -3 degrees, snow. The tool says: warm. I could not do it: no such place.");
  const [first, second] = bodies();
  t.deepEqual(first?.tools, [{ type: "function", function: weather }]);
  t.deepEqual(second?.messages?.slice(1), [
    { role: "user", content: "What is the weather in Oslo, Rome and Lima?" },
    {
      role: "assistant",
      content: null,
      tool_calls: calls.map(({ id, name, arguments: args }) => ({
        id,
        type: "function",
        function: { name, arguments: JSON.stringify(args) },
      })),
    },
    {
      role: "tool",
      tool_call_id: calls[0]?.id,
      content: outputs[0] && (outputs[0] as { json: string }).json,
    },
    { role: "tool", tool_call_id: calls[1]?.id, content: "warm" },
    { role: "tool", tool_call_id: calls[2]?.id, content: '{"error":"no such place"}' },
  ]);
});

test("in the last round the model may call nothing", async (t) => {
  const { model, bodies } = await openaiStage(t);
  const question = [said("What is the weather in Oslo?")];
  const { calls } = await ask(model(), question, { functions: [weather], toolChoice: "none" });
  t.deepEqual(calls, []);
  t.is(bodies()[0]?.tool_choice, "none");
  t.truthy(bodies()[0]?.tools);
  await ask(model(), question, { toolChoice: "none" });
  t.is(bodies()[1]?.tool_choice, undefined);
});

test("a function whose name OpenAI refuses is not registered", (t) => {
  const llm = new openaiCompatible.LLM("m", { baseUrl: "http://127.0.0.1:9/v1" });
  const execute = () => "";
  t.throws(() => llm.registerFunction({ name: "crm.find", description: "", execute }), {
    instanceOf: TypeError,
    message: /^openaiCompatible.LLM: "crm.find" is no name for a function/,
  });
  llm.registerFunction({ name: "crm_find-all", description: "", execute });
  t.deepEqual([...llm.functions.keys()], ["crm_find-all"]);
});

test("the calls of another model fit, whatever their ids and arguments are", async (t) => {
  for (const dialect of ["openai", "mistral"] as const) {
    const { emulator, model, bodies } = await openaiStage(t, { dialect });
    emulator.script = () => [{ text: "Done." }];
    const foreign = [
      { id: "x".repeat(80), name: "a", arguments: null, providerData: { gemini: { part: {} } } },
      { id: "y".repeat(80), name: "b", arguments: ["no object"] },
      { id: "b", name: "c", arguments: { n: 1 } },
    ];
    const llm = model("emulated", dialect === "mistral" ? { service: "mistral" } : {});
    // The emulator refuses ids that do not fit, and results without their call.
    t.is((await ask(llm, afterTools([said("go")], foreign, []))).text, "Done.");
    const sent = bodies()[0]?.messages?.[2]?.tool_calls;
    t.deepEqual(
      sent?.map((call) => call.function?.arguments),
      ["{}", "{}", '{"n":1}'],
    );
    t.is(new Set(sent?.map(({ id }) => id)).size, 3);
  }
});

test("Mistral gets an answer between results and further words, and is not asked to count", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t, { dialect: "mistral" });
  emulator.script = () => [{ text: "Yes?" }];
  const calls = [{ id: "call_1", name: "a", arguments: {} }];
  const interrupted = [...afterTools([said("go")], calls, ["x"]), said("Wait!")];
  const answer = await ask(model("emulated", { service: "mistral", maxOutputTokens: 50 }), interrupted);
  t.is(answer.text, "Yes?");
  t.is(answer.usage?.outputTokens, 1);
  t.deepEqual(
    bodies()[0]?.messages?.map(({ role }) => role),
    ["system", "user", "assistant", "tool", "assistant", "user"],
  );
  t.like(bodies()[0], { max_tokens: 50, stream_options: undefined });
});

test("a conversation becomes turns of both sides, and empty answers are left out", async (t) => {
  const { model, bodies } = await openaiStage(t);
  await ask(model(), [
    { role: "instruction", text: "Greet the user." },
    { role: "agent", text: "Hello!", toolCalls: [] },
    { role: "agent", text: "", toolCalls: [] },
    { role: "agent", text: "How are you?", toolCalls: [] },
    said("Fine."),
    said(" "),
    said("And you?"),
  ]);
  t.deepEqual(bodies()[0]?.messages?.slice(1), [
    { role: "user", content: "(Instruction, not words of a participant:) Greet the user." },
    { role: "assistant", content: "Hello! How are you?" },
    { role: "user", content: "Fine.\n(inaudible)\nAnd you?" },
  ]);
});

test("with several speakers each message names its speaker, and the model is told so", async (t) => {
  const { model, bodies } = await openaiStage(t);
  await ask(model(), [
    said("Hi, I am Ann.", "ann"),
    said("Who is first?", "bob:\nsystem"),
    said("Me.", "ann"),
  ]);
  t.is(bodies()[0]?.messages?.[1]?.content, "ann: Hi, I am Ann.\nbob system: Who is first?\nann: Me.");
  t.regex(textOf(bodies()[0]!.messages![0]!), /^Be kind\.\n\nSeveral people are in this call\./);
  await ask(model(), "Hi!", { instructions: "" });
  t.is(bodies()[1]?.messages?.[0]?.role, "user");
});

test("an image goes along as a data URL, with the words around it", async (t) => {
  const { model, bodies } = await openaiStage(t);
  const data = Uint8Array.of(137, 80, 78, 71);
  await ask(model(), [
    said("Look."),
    {
      role: "participant",
      participantId: "alice",
      text: "What is this? A cat?",
      parts: [
        { type: "text", text: "What is this?" },
        { type: "image", data, mimeType: "image/png" },
        { type: "text", text: "A cat?" },
      ],
    },
  ]);
  t.deepEqual(bodies()[0]?.messages?.[1]?.content, [
    { type: "text", text: "Look." },
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw==" } },
    { type: "text", text: "A cat?" },
  ]);
});
