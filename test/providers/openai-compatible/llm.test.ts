import test from "ava";
import * as openaiCompatible from "greenroom/openai-compatible";
import type { FunctionDeclaration } from "../../../src/agent/tools/functions.ts";
import { compatibleServices } from "../../../src/shared/compatible-services.ts";
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

test("an answer is streamed in pieces, with its tokens", async (t) => {
  const { emulator, model, bodies } = await openaiStage(t);
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
  t.deepEqual([llm.provider, llm.model], ["openai-compatible", "emulated"]);
  t.deepEqual(bodies()[0], {
    model: "emulated",
    messages: [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hi!" },
    ],
    stream: true,
    stream_options: { include_usage: true },
  });
});

test("options become fields of the request, and others are sent as they are", async (t) => {
  const { model, bodies } = await openaiStage(t);
  const llm = model("emulated", {
    temperature: 0,
    topP: 0.5,
    maxOutputTokens: 200,
    instructionsRole: "developer",
    usage: false,
    body: { reasoning_effort: "low", seed: 7, temperature: 1 },
  });
  await ask(llm, "Hi!");
  t.deepEqual(bodies()[0], {
    model: "emulated",
    temperature: 1,
    top_p: 0.5,
    max_tokens: 200,
    reasoning_effort: "low",
    seed: 7,
    messages: [
      { role: "developer", content: "Be kind." },
      { role: "user", content: "Hi!" },
    ],
    stream: true,
  });
  await ask(model("gpt-5-mini", { maxOutputTokens: 200, maxTokensField: "max_completion_tokens" }), "Hi!");
  t.like(bodies()[1], { max_completion_tokens: 200, max_tokens: undefined });
  await ask(model("gpt-5-mini", { maxOutputTokens: 200, service: "openai" }), "Hi!");
  t.like(bodies()[2], { max_completion_tokens: 200 });
});

test("the address may end with a slash, and each request has the headers and the query", async (t) => {
  const { emulator, model } = await openaiStage(t, { apiKey: "right-key" });
  const llm = model("emulated", {
    baseUrl: `${emulator.url}/`,
    headers: { "X-Team": "voice" },
    query: { a: "1", "b c": "d&e" },
  });
  await llm.warm(new AbortController().signal);
  await ask(llm, "Hi!");
  const [lookup, request] = [await emulator.log.seen("lookup"), await emulator.log.seen("request")];
  t.like(lookup, { path: "/v1/models", query: { a: "1", "b c": "d&e" } });
  t.like(request, { path: "/v1/chat/completions", query: { a: "1", "b c": "d&e" } });
  t.is((request.headers as Record<string, string>)["x-team"], "voice");
});

test("Azure is reached by its own header and a dated version, and by a token in place of a key", async (t) => {
  const { emulator, model } = await openaiStage(t, { dialect: "azure", apiKey: "right-key" });
  const azure = { service: "azure", query: { "api-version": "2024-10-21" } } as const;
  const llm = model("emulated", azure);
  t.regex((await ask(llm, "Hi!")).text, /^Hello!/);
  t.is(llm.provider, "azure");
  const wrong = await t.throwsAsync(ask(model("emulated", { ...azure, apiKey: "wrong-key" }), "Hi!"));
  t.like(wrong, { kind: "unauthorized", status: 401 });
  const { Authorization } = { Authorization: "Bearer of-entra" };
  const { apiKey: _, ...withToken } = {
    apiKey: undefined,
    baseUrl: emulator.url,
    headers: { Authorization },
  };
  const byToken = new openaiCompatible.LLM("emulated", { ...azure, ...withToken });
  t.teardown(() => byToken.close());
  await t.throwsAsync(ask(byToken, "Hi!"), { message: /answered 401/ });
  const last = () => emulator.log.of("request").at(-1)!;
  t.is((last().headers as Record<string, string>).authorization, "Bearer of-entra");
  // The address of a resource alone means its newest API.
  const own = new openaiCompatible.LLM("emulated", {
    service: "azure",
    baseUrl: emulator.origin,
    apiKey: "k",
  });
  t.teardown(() => own.close());
  await t.throwsAsync(ask(own, "Hi!"));
  t.is(last().path, "/openai/v1/chat/completions");
});

test("a server without keys is asked without one", async (t) => {
  const { emulator } = await openaiStage(t, { apiKey: null });
  const llm = new openaiCompatible.LLM("deepseek-r1", { service: "ollama", baseUrl: emulator.origin });
  t.teardown(() => llm.close());
  await llm.warm(new AbortController().signal);
  await t.throwsAsync(ask(llm, "Hi!"), { message: /^Ollama answered 404 model_not_found/ });
  t.is((await emulator.log.seen("request")).path, "/v1/chat/completions");
  t.false("authorization" in ((await emulator.log.seen("request")).headers as object));
});

test.serial("the key of each service comes from its own variable", async (t) => {
  const { emulator } = await openaiStage(t, { apiKey: "from-environment" });
  for (const [name, { apiKey, needsKey }] of Object.entries(compatibleServices)) {
    const service = name as openaiCompatible.CompatibleServiceName;
    const create = () => new openaiCompatible.LLM("emulated", { service, baseUrl: emulator.url });
    delete process.env[apiKey.name];
    if (needsKey)
      t.throws(create, {
        message: `${apiKey.name} is not set: set it, or give openaiCompatible.LLM an apiKey`,
      });
    else await create().close();
    process.env[apiKey.name] = "from-environment";
    const llm = create();
    // Azure's header is another one.
    if (name !== "azure") t.regex((await ask(llm, "Hi!")).text, /^Hello!/, name);
    t.is(llm.provider, name);
    await llm.close();
    delete process.env[apiKey.name];
  }
});

test("a wrong option is one clear line, and no key is quoted", (t) => {
  const wrong: readonly [openaiCompatible.LLMOptions, RegExp][] = [
    [{ temprature: 1 } as openaiCompatible.LLMOptions, /no option temprature: did you mean temperature\?$/],
    [{ temperature: 3 }, /temperature must be a number from 0 to 2/],
    [{ maxOutputTokens: 0 }, /maxOutputTokens must be a whole number of at least 1/],
    [{ baseUrl: "127.0.0.1:8080/v1" }, /baseUrl must be an http or https URL, not "127.0.0.1:8080\/v1"$/],
    [{ service: "grok" as "groq" }, /service must be one of openai, azure, groq, .*, not "grok"$/],
    [{ body: { messages: [] } }, /body must be an object of fields other than model, messages/],
    [{ headers: { "a b": "c" } }, /headers must be an object of headers$/],
    [{ refusal: "" }, /refusal must be a text, or null/],
    [{ maxTokensField: "tokens" as "max_tokens" }, /maxTokensField must be one of/],
  ];
  for (const [options, message] of wrong) {
    t.throws(
      () => new openaiCompatible.LLM("m", { baseUrl: "http://127.0.0.1:9/v1", apiKey: "k", ...options }),
      {
        instanceOf: TypeError,
        message,
      },
    );
  }
  t.throws(() => new openaiCompatible.LLM("m"), {
    message: "openaiCompatible.LLM: give a service or a baseUrl",
  });
  t.throws(() => new openaiCompatible.LLM("m", { service: "azure", apiKey: "k" }), {
    message: "openaiCompatible.LLM: give a baseUrl for Azure OpenAI",
  });
  t.throws(() => new openaiCompatible.LLM("a model", { service: "groq", apiKey: "k" }), {
    message: /the first argument must be the name of a model, not "a model"$/,
  });
  const error = t.throws(() => new openaiCompatible.LLM("m", { service: "groq", apiKey: "a-secret\nkey" }));
  t.false(error.message.includes("secret"));
});

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
    { role: "user", content: "Greet the user." },
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

test("letters that are split between two packets are decoded, and so are halves of a character in two chunks", async (t) => {
  const { emulator, model } = await openaiStage(t);
  emulator.script = () => [{ text: "Grüße aus Zürich: 你好, 👋🏽!" }];
  for (const bytes of [1, 3, 7]) {
    emulator.faults.add({ kind: "odd_chunks", bytes });
    t.is((await ask(model(), "Hi!")).text, "Grüße aus Zürich: 你好, 👋🏽!");
  }
  emulator.script = () => [{ delta: { content: "Wave \ud83d" } }, { delta: { content: "\udc4b now" } }];
  const { events, text } = await ask(model(), "Hi!");
  t.is(text, "Wave 👋 now");
  for (const event of events) if (event.type === "text") t.true(event.delta.isWellFormed(), event.delta);
});
